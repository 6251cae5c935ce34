"""The stored trades of one market, in day files and in the catalogue, and the names of these files."""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Container, Iterator
from contextlib import suppress
from pathlib import Path

from app.errors import StoreError
from app.market.bar_rule import DAY_NS
from app.market.coverage import CoveredSpan
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.steps import Steps, common_steps, in_steps
from app.market.times import iso_date_text
from app.market.trade import TradeBatch, concatenate
from app.storage.catalogue.catalogue import Catalogue
from app.storage.day_file import by_day, day_of, merge_trades, read_day
from app.storage.open_folder import OpenFolder, names_in
from app.storage.stored_steps import FileStamp, stored_steps
from app.storage.tape_ranges import TapeRanges

_VENUE = re.compile(r"[a-z][a-z0-9-]*")
_PLAIN = re.compile(r"[A-Za-z0-9.-]")
_RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{name}{digit}" for name in ("COM", "LPT") for digit in range(10))}
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_EPOCH = datetime.date(1970, 1, 1).toordinal()


class Tape:
    """Reads the stored trades of one market, in the instrument's ticks and lots.

    Each day file may have another tick and lot size; reading converts exactly, and the tape that `finest` returns can read every
    day. Any thread may read while a writer writes.

    Attributes
    ----------
    open_folder : OpenFolder or None
        The folder of the market, opened by its writer, which must not take the files of another folder for its own; readers have
        none, and go by the path.
    """

    def __init__(self, catalogue: Catalogue, store_folder: Path, instrument: Instrument) -> None:
        self.instrument, self.catalogue = instrument, catalogue
        self.folder = market_folder(store_folder, instrument)
        self.open_folder: OpenFolder | None = None
        self._store_folder = store_folder

    def intervals(self) -> TapeRanges:
        """The market's tape ranges, read from the catalogue with each call."""
        return self.catalogue.intervals(self.instrument.id)

    def covered(self) -> list[CoveredSpan]:
        """The time ranges of which all trades are stored, oldest first; not proven by ids if trades are not numbered."""
        return self.intervals().covered(proven=self.instrument.numbered)

    def days(self) -> list[int]:
        """The UTC days that have day files, as days since 1970-01-01, ascending."""
        return sorted({day for name in self._names() if (day := _day_in(name)) is not None})

    def batches(self, span: Span) -> Iterator[TradeBatch]:
        """Yield the stored trades in a span, one batch per UTC day, each in the order of the tape.

        Raises
        ------
        StoreError
            If a file of these days is damaged, or has a price or quantity that is not a multiple of the instrument's tick or lot size.
        """
        steps = self.instrument.steps
        tail = self._tail(span, steps)  # before the files: a writer moves trades from the catalogue to files
        newest = dict(by_day(tail))
        for day in sorted(day for day in {*self.days(), *newest} if day_of(span.start_ns) <= day <= day_of(span.end_ns - 1)):
            found = self._day(day, span, newest.get(day, TradeBatch.empty()), steps)
            if len(found):
                yield found

    def trades(self, span: Span) -> TradeBatch:
        """The stored trades in a span as one batch, in the order of the tape; raises `StoreError` like `batches`."""
        return concatenate(self.batches(span))

    def files(self, day: int) -> list[Path]:
        """The existing day files of a UTC day: first the file without a part number, then the parts by ascending number."""
        start = f"{day_name(day)}."
        return sorted((self.folder / "trades" / name for name in self._names() if name.startswith(start)), key=_part_of)

    def stamps(self, days: Container[int] | None = None) -> dict[int, int]:
        """For each UTC day with day files, or each of `days`, a number that changes when its files change; found in one pass."""
        found: dict[int, list[FileStamp]] = {}
        for day, stamp in self._file_stamps(days):
            found.setdefault(day, []).append(stamp)
        return {day: _number_of(sorted(files)) for day, files in found.items()}

    def bar_files(self, day: int) -> list[Path]:
        """The existing files with the bars of a UTC day, which are computed from its trades."""
        return list(self.folder.glob(f"bars/*/{day_name(day)}.parquet"))

    def cells_file(self, day: int) -> Path:
        """The path of the file with a day's minute cells, which need not exist."""
        return self.folder / "cells" / f"{day_name(day)}.parquet"

    def finest(self) -> Tape:
        """The same tape with a tick and lot size that can express every stored trade, as both may have changed over time.

        They are the largest of which those of the instrument, the catalogue and all readable day files are whole multiples.
        """
        found = {self.instrument.steps}
        if (known := self.catalogue.instrument(self.instrument.id)) is not None:
            found.add(known.steps)
        found |= stored_steps(
            self.folder, [stamp for _, stamp in self._file_stamps()], write=self.catalogue.writes, within=self.open_folder
        )
        tape = Tape(self.catalogue, self._store_folder, self.instrument.on_steps(common_steps(found)))
        tape.open_folder = self.open_folder
        return tape

    def _names(self) -> list[str]:
        """The names of all day files, in no order; raises `StoreError` if their folder cannot be listed.

        A store of years has thousands of them, of which a listing for each day would be slow.
        """
        folder = self.folder / "trades"
        try:
            return [name for name in names_in(folder, self.open_folder) if name.endswith(".parquet")]
        except OSError as error:
            raise StoreError(f"cannot read {folder}: {error.strerror or error}") from None

    def _file_stamps(self, days: Container[int] | None = None) -> Iterator[tuple[int, FileStamp]]:
        """Yield the UTC day and the stamp of each day file, or of those of some days, in no order."""
        for name in self._names():
            day, path = _day_in(name), self.folder / "trades" / name
            if day is not None and (days is None or day in days):
                with suppress(OSError):  # a writer has just merged the parts of the day; an unreadable file raises an error of its own
                    found = path.stat() if self.open_folder is None else self.open_folder.stat(path)
                    yield day, (name, found.st_size, found.st_mtime_ns)

    def _tail(self, span: Span, steps: Steps) -> TradeBatch:
        """The trades of a span that are in the catalogue, converted to the given tick and lot size."""
        while True:
            before = self.catalogue.instrument(self.instrument.id)
            tail, _ = self.catalogue.tail(self.instrument.id, span)
            if before == self.catalogue.instrument(self.instrument.id):  # else a writer has just gone over to other steps
                return tail if before is None else in_steps(tail, before.steps, steps, str(self.catalogue.path))

    def _day(self, day: int, span: Span, tail: TradeBatch, steps: Steps) -> TradeBatch:
        whole = span.start_ns <= day * DAY_NS and (day + 1) * DAY_NS <= span.end_ns
        parts: list[TradeBatch] = []
        for path in self.files(day):
            try:
                parts.append(read_day(path, self.instrument.on_steps(steps), None if whole else span, self.open_folder))
            except StoreError:
                if path.exists() if self.open_folder is None else self.open_folder.exists(path):
                    raise
                return self._day(day, span, tail, steps)  # the writer has just merged the parts of the day
        return merge_trades([*parts, tail], numbered=self.instrument.numbered)


def market_folder(folder: Path, instrument: Instrument) -> Path:
    """The folder of a market's files, always inside the store; the name is valid on every file system.

    Raises
    ------
    StoreError
        If the venue is not a name, or the symbol is empty: such an instrument comes from a damaged or hostile file.
    """
    if not _VENUE.fullmatch(instrument.venue) or not instrument.symbol:
        raise StoreError(f"market: found {instrument.id!r}, expected venue:SYMBOL, e.g. binance:BTCUSDT")
    return folder / instrument.venue / file_name_of(instrument.symbol)


def file_name_of(symbol: str) -> str:
    """Convert a symbol to a file name that is valid on every file system.

    ASCII letters, digits, point and hyphen stay. Another character becomes `_` and its code in hex; from code 256 on `_u`, the code
    and `_`. So does the first character of a name that begins with a point or is reserved on Windows.
    """
    name = "".join(sign if _PLAIN.match(sign) else f"_{ord(sign):02x}" if ord(sign) < 256 else f"_u{ord(sign):x}_" for sign in symbol)
    return f"_{ord(name[0]):02x}{name[1:]}" if name.upper().partition(".")[0] in _RESERVED or name.startswith(".") else name


def day_name(day: int) -> str:
    """The date of a UTC day (days since 1970-01-01) for a file name, e.g. `2026-07-10`."""
    return iso_date_text(day * DAY_NS)


def day_named(path: Path) -> int | None:
    """The UTC day in the name of a day file, as days since 1970-01-01; None if the name does not begin with a date."""
    return _day_in(path.name)


def _day_in(name: str) -> int | None:
    date = name.partition(".")[0]
    if not _DATE.fullmatch(date):
        return None
    try:
        return datetime.date.fromisoformat(date).toordinal() - _EPOCH
    except ValueError:
        return None


def next_part(tape: Tape, day: int) -> Path:
    """The path for a new part of a day's files, with the number after the highest part's."""
    taken = [_part_of(path) for path in tape.files(day)]
    return tape.folder / "trades" / f"{day_name(day)}.{max(taken, default=0) + 1}.parquet"


def _number_of(files: list[FileStamp]) -> int:
    """A number of 63 bits for the names, sizes and change times of some files."""
    return int.from_bytes(hashlib.blake2b(repr(files).encode(), digest_size=8).digest()) >> 1


def _part_of(path: Path) -> int:
    part = path.name.split(".")[1]
    return int(part) if part.isdigit() else 0
