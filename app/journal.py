"""Names, captions and metadata of saved images, and the index of the journal.

<journal>/2026/11/2026-11-21/20261121T153012Z_BTCUSDT_1m.png
<journal>/index.csv                                             one line per image, oldest first
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import BadInputError
from app.market.instrument import Instrument
from app.market.price_grid import PriceGrid
from app.market.times import file_time_text, iso_date_text, iso_text, span_text

INDEX_NAME = "index.csv"
INDEX_COLUMNS = ("taken", "file", "instrument", "bar", "ticks_per_row", "first", "end", "source", "caption")
STATE_KEY = "chart:json"
"""Keyword of the PNG text that has the chart's state, from which the same chart can be opened again."""
MAX_NAME_CHARS = 120

_FORBIDDEN = re.compile(r"[^A-Za-z0-9._-]+")
_SOURCES = {"simulated": "simulated", "replay": "replayed", "stale": "stale", "offline": "offline"}


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """The market, bars and time span that an image shows.

    Attributes
    ----------
    instrument : Instrument
    bar : str
        The bar rule as text, e.g. `1m`.
    grid : PriceGrid
        Tick size and ticks per row.
    first_ns, end_ns : int
        The time span in view, half-open, UTC; equal if there are no bars.
    mode : str
        `live`, `simulated`, `replay`, `stale` or `offline`: the source of the trades.
    taken_ns : int
        Time at which the image was saved, by the local clock.
    as_of : str
        Time of the as-of view, as shown on the chart; empty for the current view.
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
        """The caption of the image in one line: instrument, time span, bars, rows, as-of time if any, and the source unless live.

        E.g. `BTCUSDT · binance · 21 Nov 2026 15:00–15:31 UTC · 1m bars · rows 10 (0.10) · SIMULATED`.
        """
        rows = f"rows {self.grid.ticks_per_row} ({self.grid.text(self.grid.ticks_per_row)})"
        parts = [self.instrument.symbol, self.instrument.venue, span_text(self.first_ns, self.end_ns), f"{self.bar} bars", rows]
        if self.as_of:
            parts.append(self.as_of)
        if self.mode in _SOURCES:
            parts.append(_SOURCES[self.mode].upper())
        return " · ".join(parts)


def picture_path(folder: Path, facts: PictureFacts, note: str = "") -> Path:
    """A path for a new image, in the journal's folder for the day, at which no file exists yet; if needed, its name ends in a number.

    The name has only letters, digits, `.`, `_` and `-` and at most 120 characters, whatever the symbols
    of the venue.
    """
    date = iso_date_text(facts.taken_ns)
    day = folder / date[:4] / date[5:7] / date
    words = [f"{file_time_text(facts.taken_ns)}Z", *(_clean(word) for word in (facts.instrument.symbol, facts.bar, note) if _clean(word))]
    stem = "_".join(words)[: MAX_NAME_CHARS - len("_9999.png")]
    path = day / f"{stem}.png"
    number = 2
    while path.exists():
        path = day / f"{stem}_{number}.png"
        number += 1
    return path


def picture_texts(facts: PictureFacts, state: Mapping[str, Any], software: str) -> dict[str, str]:
    """The texts to store in an image file, by PNG keyword: title, caption, time, software, and the chart's state as JSON."""
    return {
        "Title": f"{facts.instrument.symbol} {facts.bar}",
        "Description": facts.caption,
        "Creation Time": iso_text(facts.taken_ns),
        "Software": software,
        STATE_KEY: json.dumps(state, ensure_ascii=True, sort_keys=True, separators=(",", ":")),
    }


def add_to_index(folder: Path, picture: Path, facts: PictureFacts) -> Path:
    """Append an image's line to the index of the journal, which is created if missing; return the path of the index.

    The line is one write to a file opened for appending, so lines of two programs do not mix, and a
    line cut short by a crash does not damage the next line.

    Raises
    ------
    BadInputError
        If the index cannot be written.
    """
    index = folder / INDEX_NAME
    line = (
        iso_text(facts.taken_ns),
        picture.relative_to(folder).as_posix() if picture.is_relative_to(folder) else str(picture),
        facts.instrument.id,
        facts.bar,
        str(facts.grid.ticks_per_row),
        iso_text(facts.first_ns),
        iso_text(facts.end_ns),
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
