"""Names, captions and metadata of exported pictures, and the journal's index.

<journal>/2026/11/2026-11-21/20261121T153012Z_BTCUSDT_1m.png
<journal>/index.csv                                             one line a picture, oldest first
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import platformdirs

from app.errors import BadInputError
from app.market.instrument import Instrument
from app.market.price_grid import PriceGrid

INDEX_NAME = "index.csv"
INDEX_COLUMNS = ("taken", "file", "instrument", "bar", "ticks_per_row", "first", "end", "source", "caption")
STATE_KEY = "chart:json"
"""The PNG text that holds what is needed to look at the same chart again."""
MAX_NAME_CHARS = 120

_FORBIDDEN = re.compile(r"[^A-Za-z0-9._-]+")
_SOURCES = {"simulated": "simulated", "replay": "replayed", "stale": "stale", "offline": "offline"}


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What a picture shows.

    Attributes
    ----------
    instrument : Instrument
    bar : str
        The bar rule as written, `1m`.
    grid : PriceGrid
        Tick size and ticks per row.
    first_ns, end_ns : int
        The time span in sight, half-open, UTC; equal where there is no bar.
    mode : str
        `live`, `simulated`, `replay`, `stale` or `offline`: where the trades came from.
    taken_ns : int
        When the picture was taken, our clock.
    as_of : str
        The moment from which it was looked at, as written on the chart; empty for now.
    """

    instrument: Instrument
    bar: str
    grid: PriceGrid
    first_ns: int
    end_ns: int
    mode: str
    taken_ns: int
    as_of: str = ""

    @property
    def caption(self) -> str:
        """One line: instrument, time span, bars, rows, and how real it is unless it is the live market.

        >>> BTCUSDT · binance · 21 Nov 2026 15:00–15:31 UTC · 1m bars · rows 10 (0.10) · SIMULATED
        """
        rows = f"rows {self.grid.ticks_per_row} ({self.grid.text(self.grid.ticks_per_row)})"
        parts = [self.instrument.symbol, self.instrument.venue, span_text(self.first_ns, self.end_ns), f"{self.bar} bars", rows]
        if self.as_of:
            parts.append(self.as_of)
        if self.mode in _SOURCES:
            parts.append(_SOURCES[self.mode].upper())
        return " · ".join(parts)


def default_folder() -> Path:
    """The journal's folder unless the user chose one: `Tapeprint` among the user's pictures."""
    return Path(platformdirs.user_pictures_path()) / "Tapeprint"


def picture_path(folder: Path, facts: PictureFacts, note: str = "") -> Path:
    """Where a new picture goes; no such file exists yet, two in the same second are numbered.

    The name holds letters, digits, `.`, `_` and `-` only and is no longer than 120 characters, whatever
    a venue calls its symbols.
    """
    taken = _utc(facts.taken_ns)
    day = folder / f"{taken:%Y}" / f"{taken:%m}" / f"{taken:%Y-%m-%d}"
    words = [f"{taken:%Y%m%dT%H%M%SZ}", *(_clean(word) for word in (facts.instrument.symbol, facts.bar, note) if _clean(word))]
    stem = "_".join(words)[: MAX_NAME_CHARS - len("_9999.png")]
    path = day / f"{stem}.png"
    number = 2
    while path.exists():
        path = day / f"{stem}_{number}.png"
        number += 1
    return path


def picture_texts(facts: PictureFacts, state: Mapping[str, Any], software: str) -> dict[str, str]:
    """The texts inside a picture, by the keywords of the PNG standard, and the chart's state as JSON."""
    return {
        "Title": f"{facts.instrument.symbol} {facts.bar}",
        "Description": facts.caption,
        "Creation Time": _utc(facts.taken_ns).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "Software": software,
        STATE_KEY: json.dumps(state, ensure_ascii=True, sort_keys=True, separators=(",", ":")),
    }


def add_to_index(folder: Path, picture: Path, facts: PictureFacts) -> Path:
    """Write the picture's line at the end of the journal's index; the index's path.

    The line goes out in one write to a file opened for appending, so lines of two programs do not
    mix, and a line that a crash cut short stays alone.

    Raises
    ------
    BadInputError
        If the index cannot be written.
    """
    index = folder / INDEX_NAME
    line = (
        _iso(facts.taken_ns),
        picture.relative_to(folder).as_posix() if picture.is_relative_to(folder) else str(picture),
        facts.instrument.id,
        facts.bar,
        str(facts.grid.ticks_per_row),
        _iso(facts.first_ns),
        _iso(facts.end_ns),
        facts.mode,
        facts.caption,
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with index.open("ab", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            text = _csv(line) if size else _csv(INDEX_COLUMNS) + _csv(line)
            if size and not _ends_with_newline(index):
                text = "\n" + text
            file.write(text.encode("utf-8"))
            os.fsync(file.fileno())
    except OSError as error:
        raise BadInputError(f"cannot write journal {index}: {error.strerror}") from error
    return index


def span_text(first_ns: int, end_ns: int) -> str:
    """A time span for people: the date once where it is one day; UTC.

    >>> span_text(0, 1_860_000_000_000)
    '1 Jan 1970 00:00–00:31 UTC'
    """
    first, end = _utc(first_ns), _utc(end_ns)
    same_day = first.date() == (end - timedelta(microseconds=1)).date() if end_ns > first_ns else True
    until = f"{end:%H:%M}" if same_day else f"{_date(end)} {end:%H:%M}"
    seconds = (first.second or end.second) and end - first < timedelta(hours=1)
    if seconds and same_day:
        return f"{_date(first)} {first:%H:%M:%S}–{end:%H:%M:%S} UTC"
    return f"{_date(first)} {first:%H:%M}–{until} UTC"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""Not by strftime: its month names follow the machine's language."""


def _date(when: datetime) -> str:
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"


def _utc(time_ns: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_ns // 1000)


def _iso(time_ns: int) -> str:
    return _utc(time_ns).strftime("%Y-%m-%dT%H:%M:%SZ")


def _clean(word: str) -> str:
    return _FORBIDDEN.sub("-", word).strip(".-_")


def _csv(fields: tuple[str, ...]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(fields)
    return buffer.getvalue()


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
