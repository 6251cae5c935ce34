"""Files with the bars of single UTC days, which are computed once from the day's trades.

    <store>/<venue>/<symbol>/bars/1m-50/2026-07-10.parquet      bars and cells of a day, for a bar rule and a row size in ticks
    <store>/<venue>/<symbol>/bars/1m-50/index.parquet           the summary of each of these days

With the index, a chart of years knows all of its days without reading them. Each file has the stamp of the day files from which it was
computed; it is computed again if these have changed, or if it is missing or damaged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
import structlog

from app.analytics.older.day_summaries import summary_of
from app.analytics.older.older_bars import DayColumns, DayRows, DaySummary
from app.chart.chart import ChartSpec, build_series
from app.errors import StoreError
from app.market.arrays import Int64Array
from app.market.bar_rule import DAY_NS
from app.market.span import Span
from app.market.wide_sums import wide_integers, wide_words
from app.storage.checked_parquet import META_KEY, add_checksum, broken, damage_error, verify_checksum, write_parquet
from app.storage.tape import Tape, day_name

_log = structlog.get_logger(__name__)

_WIDE = {"turnover": 2, "squares": 3}  # sums of 63-bit words; 126 bits are enough for the first, see `wide_sums`
_FORMAT = 1


class _Meta(msgspec.Struct, frozen=True, kw_only=True):
    """Metadata of a file: what it was computed for, and the lengths of its columns by name, in their order in the file."""

    tick_size: str
    lot_size: str
    stamps: dict[int, int]
    """By day."""
    lengths: dict[str, int]
    format: int = _FORMAT


class DayBars:
    """Reads the bars of single UTC days of a market, for one bar rule and row size, and computes those that are not stored.

    If the store is open for reading only, or cannot be written, they are computed for each reading.

    Parameters
    ----------
    tape : Tape
        In the tick and lot size of `spec`.
    spec : ChartSpec
        With time bars of at most a day, whose length divides a day.

    Attributes
    ----------
    days_read, days_computed : int
        Number of days read from files of bars, and computed from trades: counts of work for the tests.
    """

    def __init__(self, tape: Tape, spec: ChartSpec) -> None:
        self.days_read = self.days_computed = 0
        self._tape, self._spec, self._write = tape, spec, tape.catalogue.writes
        self._folder = tape.folder / "bars" / f"{spec.bar_rule.text}-{spec.ticks_per_row}"
        self._stamps: Mapping[int, int] = {}

    def summaries(self, days: Iterable[int], stamps: Mapping[int, int]) -> list[DaySummary]:
        """The summaries of those of some UTC days that have bars, by ascending day; days missing in the index are computed.

        Parameters
        ----------
        days : iterable of int
            Days since 1970-01-01.
        stamps : mapping of int to int
            See `Tape.stamps`; has each of the days.

        Raises
        ------
        GridTooFineError
            If the rows are too fine for a bar.
        StoreError
            If trades cannot be read.
        """
        self._stamps = dict(stamps)
        known = self._read_index()
        found: list[DaySummary] = []
        new = 0
        for day in sorted(days):
            summary = known.get(day)
            if summary is None:
                summary, new = self._compute(day)[0], new + 1
                known[day] = summary
            if summary.n_bars:
                found.append(summary)
        if new:
            self._store(self._folder / "index.parquet", _index_columns([known[day] for day in sorted(known)]), sorted(known))
        return found

    def read(self, day: int) -> DayColumns:
        """The columns of a day's bars and cells, from its file or computed from its trades.

        Raises
        ------
        StoreError
            If the trades must be read but cannot be, or have changed since `summaries` was called.
        """
        path = self._path(day)
        try:
            found = self._read(path, [day])
            self.days_read += 1
        except StoreError as error:
            if path.exists():
                _log.warning("bars of a day are computed again", reason=error.detail)
            if self._tape.stamps([day]).get(day) != self._stamps[day]:
                raise StoreError(f"the stored trades of {day_name(day)} have changed") from None
            return self._compute(day)[1]
        return found

    def _compute(self, day: int) -> tuple[DaySummary, DayColumns]:
        self.days_computed += 1
        trades = self._tape.trades(Span(day * DAY_NS, (day + 1) * DAY_NS))
        series = build_series([trades], self._spec)
        columns = {name: column for name, column in series.columns().items() if name != "changed_at"}
        if not series.n_bars:
            return _NO_BARS._replace(day=day), columns
        self._store(self._path(day), columns, [day])
        return summary_of(series, day), columns

    def _path(self, day: int) -> Path:
        return self._folder / f"{day_name(day)}.parquet"

    # -- files -----------------------------------------------------------------------------------

    def _store(self, path: Path, columns: Mapping[str, Int64Array], days: Sequence[int]) -> None:
        """Write columns to a file; if the disk cannot be written, they are computed again when they are needed."""
        if not self._write:
            return
        import pyarrow as pa  # in the functions that need it: it takes long to load

        instrument = self._spec.instrument
        meta = _Meta(
            tick_size=str(instrument.tick_size),
            lot_size=str(instrument.lot_size),
            stamps={day: self._stamps[day] for day in days},
            lengths={name: len(column) for name, column in columns.items()},
        )
        schema = pa.schema([("value", pa.int64())], {META_KEY: add_checksum(msgspec.json.encode(meta))})
        try:
            write_parquet(path, pa.table([pa.array(np.concatenate(list(columns.values())))], schema=schema))
        except StoreError as error:
            self._write = False
            _log.warning("bars of days are not stored", reason=error.detail)

    def _read(self, path: Path, days: Sequence[int]) -> dict[str, Int64Array]:
        """The columns of a file that was computed from the trades of these days as they are; raises `StoreError` otherwise."""
        meta, columns = self._read_any(path)
        if any(meta.stamps.get(day) != self._stamps[day] for day in days):
            raise StoreError(f"{path}: the trades have changed since")
        return columns

    def _read_any(self, path: Path) -> tuple[_Meta, dict[str, Int64Array]]:
        import pyarrow.parquet as pq

        instrument = self._spec.instrument
        try:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                meta = msgspec.json.decode(verify_checksum((file.schema_arrow.metadata or {})[META_KEY]), type=_Meta)
                if (meta.format, meta.tick_size, meta.lot_size) != (_FORMAT, str(instrument.tick_size), str(instrument.lot_size)):
                    raise ValueError("written for another tick or lot size, or by another version")
                values = file.read(columns=["value"]).column("value").to_numpy()
            if len(values) != sum(meta.lengths.values()):
                raise ValueError(f"{len(values)} values, metadata lists {sum(meta.lengths.values())}")
        except broken() as error:
            raise damage_error(path, error) from None
        ends = np.cumsum(list(meta.lengths.values()))
        return meta, dict(zip(meta.lengths, np.split(values, ends[:-1]), strict=True))

    def _read_index(self) -> dict[int, DaySummary]:
        """The summaries of the days whose trades have not changed since, by day; empty if there is no sound index."""
        path = self._folder / "index.parquet"
        if not path.exists():
            return {}
        try:
            meta, columns = self._read_any(path)
            found = list(_summaries_in(columns))
        except (StoreError, KeyError, ValueError, IndexError) as error:
            _log.warning("index of bars is made again", reason=str(error))
            return {}
        return {summary.day: summary for summary in found if meta.stamps.get(summary.day) == self._stamps.get(summary.day, -1)}


_NO_BARS = DaySummary(*([0] * 12), rows=None)
_PLAIN = tuple(name for name in DaySummary._fields if name not in (*_WIDE, "rows"))


def _index_columns(summaries: Sequence[DaySummary]) -> dict[str, Int64Array]:
    """The columns of the index; the profiles of all days follow one another in `lots`, and a day without one has -1 rows."""
    columns: dict[str, list[int]] = {name: [getattr(one, name) for one in summaries] for name in _PLAIN}
    for name, count in _WIDE.items():
        words = [wide_words(getattr(one, name), count) for one in summaries]
        columns |= {f"{name}_{place}": [word[place] for word in words] for place in range(count)}
    columns["first_row"] = [0 if one.rows is None else one.rows.first_row for one in summaries]
    columns["n_rows"] = [-1 if one.rows is None else one.rows.lots.shape[1] for one in summaries]
    lots = [one.rows.lots.ravel() for one in summaries if one.rows is not None]
    return {name: np.array(values, np.int64) for name, values in columns.items()} | {"lots": np.concatenate([np.zeros(0, np.int64), *lots])}


def _summaries_in(columns: Mapping[str, Int64Array]) -> Iterator[DaySummary]:
    wide = [wide_integers([columns[f"{name}_{place}"] for place in range(count)]) for name, count in _WIDE.items()]
    plain = [columns[name].tolist() for name in _PLAIN]
    lots, at = columns["lots"], 0
    for *values, turnover, squares, first_row, n_rows in zip(
        *plain, *wide, columns["first_row"].tolist(), columns["n_rows"].tolist(), strict=True
    ):
        rows = None
        if n_rows >= 0:
            rows = DayRows(first_row, lots[at : at + 3 * n_rows].reshape(3, n_rows))
            at += 3 * n_rows
        yield DaySummary(*values, turnover=turnover, squares=squares, rows=rows)
