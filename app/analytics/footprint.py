"""Bars and their footprint cells, built from trades in batches of any size.

Cells are ordered by bar, then by row: each bar has a dense run of rows from its low to its high,
and the runs are back to back in flat arrays. A live trade changes the last run only.

However the trades are split into batches, the arrays are bit for bit the same: all sums are
integers, and a batch is added to the last bar exactly as its trades would be one by one.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NoReturn

import numpy as np

from app.analytics.bar_boundaries import OpenBar, bar_starts
from app.analytics.bar_times import BarTimes
from app.analytics.columns import GrowingColumns
from app.analytics.kernels.choice import kernels_for
from app.analytics.kernels.numpy_kernels import OFFSET_WORDS, SQUARE_WORDS
from app.errors import GridTooFineError
from app.market.arrays import Int8Array, Int64Array
from app.market.bar_rule import BarRule
from app.market.price_grid import PriceGrid
from app.market.trade import TradeBatch
from app.market.wide_sums import RUN, wide_integer, wide_integers, wide_words

_BAR_COLUMNS = (
    *("number", "open", "high", "low", "close", "trades", "volume", "buy", "sell", "delta_min", "delta_max"),
    *("price_volume_low", "price_volume_high", "price_square_low", "price_square_middle", "price_square_high"),
    *("first_row", "n_rows", "cell_start", "changed_at"),
)
_COUNTED_COLUMNS = ("first_ns", "last_ns")
_CELL_COLUMNS = ("cell_buy", "cell_sell", "cell_unknown")

_CHUNK = RUN  # trades added at once: fewer cost more calls a trade, more do not fit into the cache
_MAX_ROWS_PER_BAR = 1 << 21  # 50 MB of cells in one bar: beyond that the row size is a mistake


class _BarColumn:
    """Descriptor that makes a bar column a read-only attribute of the series.

    Columns are read hundreds of times per screen frame, so the lookup is short.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, series: FootprintSeries, owner: type) -> Int64Array:
        return series._bars[self._name]  # pyright: ignore[reportPrivateUsage] (an attribute of the series reads its table)

    def __set__(self, series: FootprintSeries, value: object) -> NoReturn:
        raise AttributeError(f"{self._name} is read-only: trades change it through apply")


class _CellColumn(_BarColumn):
    """Descriptor that makes a cell column a read-only attribute of the series."""

    def __get__(self, series: FootprintSeries, owner: type) -> Int64Array:
        return series._cells[self._name]  # pyright: ignore[reportPrivateUsage] (as above)


class FootprintSeries:
    """All bars of one market under one bar rule and one row size, with their cells.

    Per bar, int64 [shape=(n_bars,)], read-only views:

    number : the horizontal coordinate; for time bars the rule's number, so times without trades are skipped, for others 0, 1, 2 …
    open, high, low, close : ticks
    trades : count;  volume, buy, sell : lots (volume includes trades without an aggressor)
    delta_min, delta_max : extremes of the running delta inside the bar, which starts at 0
    price_volume_low, price_volume_high : words of the sum of (price - open) * quantity, for the exact VWAP; see `volume_offsets`
    price_square_low, price_square_middle, price_square_high : words of the sum of (price - open)**2 * quantity, for its deviation;
        see `volume_squares`
    first_row, n_rows, cell_start : the bar's run of rows, and the index of its first cell in the flat arrays
    changed_at : revision of the last change; never decreases from one bar to the next
    first_ns, last_ns : not for time bars; latest trade time up to the bar's first and last trade, never falling

    Per cell, int64, lots: cell_buy, cell_sell, cell_unknown.
    """

    number = _BarColumn()
    open = _BarColumn()
    high = _BarColumn()
    low = _BarColumn()
    close = _BarColumn()
    trades = _BarColumn()
    volume = _BarColumn()
    buy = _BarColumn()
    sell = _BarColumn()
    delta_min = _BarColumn()
    delta_max = _BarColumn()
    price_volume_low = _BarColumn()
    price_volume_high = _BarColumn()
    price_square_low = _BarColumn()
    price_square_middle = _BarColumn()
    price_square_high = _BarColumn()
    first_row = _BarColumn()
    n_rows = _BarColumn()
    cell_start = _BarColumn()
    changed_at = _BarColumn()
    first_ns = _BarColumn()
    last_ns = _BarColumn()
    cell_buy = _CellColumn()
    cell_sell = _CellColumn()
    cell_unknown = _CellColumn()

    def __init__(self, rule: BarRule, grid: PriceGrid, lot_size: Decimal = Decimal(1)) -> None:
        self.rule = rule
        self.grid = grid
        self._size = 0 if rule.is_time else rule.threshold(lot_size)
        self.revision = 0
        self._added = 0
        self.bars_folded = 0
        """Number of times a bar has been written: a count of work for the tests."""
        names = _BAR_COLUMNS if rule.is_time else (*_BAR_COLUMNS, *_COUNTED_COLUMNS)
        self._bars = GrowingColumns(dict.fromkeys(names, np.int64))
        self._cells = GrowingColumns(dict.fromkeys(_CELL_COLUMNS, np.int64))
        self.times = BarTimes(rule, self._bars)
        """Start and end times of the bars."""

    # -- reading ---------------------------------------------------------------------------------

    @property
    def n_bars(self) -> int:
        """Number of bars; each has at least one trade."""
        return len(self._bars)

    @property
    def n_trades(self) -> int:
        """Number of trades in all bars."""
        return int(self.trades.sum())

    def cells_of(self, first_bar: int, end_bar: int) -> slice:
        """Slice of the cells of the bars `[first_bar, end_bar)` in the flat cell arrays; empty without bars."""
        if first_bar >= end_bar:
            return slice(0, 0)
        last = end_bar - 1
        return slice(int(self.cell_start[first_bar]), int(self.cell_start[last] + self.n_rows[last]))

    def bar_cells(self, bar: int) -> tuple[int, Int64Array, Int64Array, Int64Array]:
        """First row of the bar with the index `bar`, and the buy, sell and unknown volume of each of its rows, lowest first."""
        run = self.cells_of(bar, bar + 1)
        return int(self.first_row[bar]), self.cell_buy[run], self.cell_sell[run], self.cell_unknown[run]

    def volume_offsets(self, bars: slice) -> list[int]:
        """For each bar of a slice of indices, the exact sum of (price - open) * quantity over its trades, in ticks times lots."""
        return wide_integers([self._bars[name][bars] for name in OFFSET_WORDS])

    def volume_squares(self, bars: slice) -> list[int]:
        """For each bar of a slice of indices, the exact sum of (price - open)**2 * quantity over its trades, ticks squared times lots."""
        return wide_integers([self._bars[name][bars] for name in SQUARE_WORDS])

    def index_of(self, number: int) -> int:
        """Index of the first bar numbered `number` or later; `n_bars` if there is no such bar."""
        return int(np.searchsorted(self.number, number))

    def start_ns(self, bar: int) -> int:
        """Start time of the bar with the index `bar`."""
        return self.times.start_ns(int(self.number[bar]))

    def period_reached(self) -> int | None:
        """Number of the period (see `BarRule.periods`) that contains the last bar; None without bars."""
        if not self.n_bars:
            return None
        return int(self.number[-1]) if self.rule.is_time else int(self.first_ns[-1]) // self.rule.period_ns

    def changed_since(self, revision: int) -> int:
        """Index of the first bar that changed after `revision`; the number of bars if there is no such bar.

        All later bars may have changed as well.
        """
        return int(np.searchsorted(self.changed_at, revision, side="right"))

    def before(self, time_ns: int) -> FootprintSeries:
        """A separate series with the bars of all periods that ended at or before a time.

        The new series shares memory with this one until the new one grows: until then these bars must not change, nor may the new
        series be truncated.
        """
        end = int(np.searchsorted(self.times.of_bars(), self.rule.period_start_ns(time_ns)))
        other = FootprintSeries(self.rule, self.grid)
        other._size, other.revision = self._size, self.revision
        other._bars = self._bars.prefix(end)
        other.times = BarTimes(self.rule, other._bars)
        other._cells = self._cells.prefix(int(self.cell_start[end]) if end < self.n_bars else len(self._cells))
        return other

    # -- writing ---------------------------------------------------------------------------------

    def append(self, trades: TradeBatch) -> int:
        """Add trades to the last bar and to new bars after it.

        Parameters
        ----------
        trades : TradeBatch
            In the order of the tape inside each period (see `BarRule`); none from a period before that of the last bar.

        Returns
        -------
        int
            Index of the first bar that changed (`n_bars` for no trades).

        Raises
        ------
        ValueError
            If a trade belongs to a period before the last bar's: `truncate` first.
        GridTooFineError
            If a bar would span too many rows; the trades of earlier chunks (of 65,536 trades) stay added.
        """
        if not len(trades):
            return self.n_bars
        if (trades.time_ns[1:] < trades.time_ns[:-1]).any():  # a trade was reported late: each period stays in the order of the tape
            trades = trades[np.argsort(self.rule.periods(trades.time_ns), kind="stable")]
        self.revision += 1
        first_changed = self.n_bars
        try:
            for start in range(0, len(trades), _CHUNK):
                first_changed = min(first_changed, self._fold(trades, slice(start, start + _CHUNK)))
        finally:  # chunks before a refused one stay
            self._bars.writable("changed_at")[first_changed:] = self.revision
        return first_changed

    def truncate(self, bar: int) -> None:
        """Drop the bars from the index `bar` on, if there are any; bars appended later count as changed."""
        if bar >= self.n_bars:
            return
        self.revision += 1
        self._cells.resize(int(self.cell_start[bar]))
        self._bars.resize(bar)

    def truncate_from(self, time_ns: int) -> None:
        """Drop the bars of the period that contains a time, and all later bars."""
        self.truncate(int(np.searchsorted(self.times.of_bars(), self.rule.period_start_ns(time_ns))))

    # -- adding trades ---------------------------------------------------------------------------

    def _fold(self, trades: TradeBatch, which: slice) -> int:
        price, quantity, side = trades.price_ticks[which], trades.quantity_lots[which], trades.side[which]
        time_ns = trades.time_ns[which]
        kernels = kernels_for(len(price), self._added)
        period, starts = kernels.period_starts(time_ns, self.rule.period_ns)
        reached = self.period_reached()
        if reached is not None and period[0] < reached:
            raise ValueError(f"a trade of period {period[0]} cannot join bars that already reach {reached}")
        same_period = reached is not None and period[0] == reached
        if self.rule.is_time:
            joins = same_period
        else:
            starts, joins = self._cut(price, quantity, side, period, same_period)
        counts = np.diff(np.append(starts, len(price)))
        bars = kernels.fold_bars(price, quantity, side, starts)
        bars["trades"] = counts
        if self.rule.is_time:
            bars["number"] = period[starts]
        else:
            bars["number"] = np.arange(self.n_bars - joins, self.n_bars - joins + len(starts))
            latest_ns = np.maximum.accumulate(time_ns)
            if self.n_bars:
                latest_ns = np.maximum(latest_ns, self.last_ns[-1])
            bars["first_ns"], bars["last_ns"] = latest_ns[starts], latest_ns[starts + counts - 1]
        first_row, n_rows = self._row_runs(bars, joins)
        first = self.n_bars - joins
        cell_start = int(self.cell_start[-1]) if joins else len(self._cells)
        self._make_room(first, len(starts), cell_start, first_row, n_rows)
        self._write_bars(first, bars, joins)
        run = slice(cell_start, cell_start + int(n_rows.sum()))
        sell, unknown, buy = (self._cells.writable(name)[run] for name in ("cell_sell", "cell_unknown", "cell_buy"))
        offset = np.cumsum(n_rows) - n_rows - first_row
        kernels.add_cells((sell, unknown, buy), offset, counts, price, quantity, side, self.grid.ticks_per_row)
        self.bars_folded += len(starts)
        self._added += len(price)
        return first

    def _cut(
        self, price: Int64Array, quantity: Int64Array, side: Int8Array, period: Int64Array, same_period: bool
    ) -> tuple[Int64Array, bool]:
        """Index of each bar's first trade in a batch, and True if the first of these bars continues the last bar of the series.

        For bars other than time bars.
        """
        open_bar = None
        if same_period:
            last = {name: int(self._bars[name][-1]) for name in ("trades", "volume", "buy", "sell", "low", "high")}
            open_bar = OpenBar(last["trades"], last["volume"], last["buy"] - last["sell"], last["low"], last["high"])
        starts = bar_starts(self.rule.kind, self._size, price, quantity, side, period, open_bar)
        joins = not len(starts) or int(starts[0]) > 0
        return np.concatenate(([0], starts)) if joins else starts, joins

    def _row_runs(self, bars: dict[str, Int64Array], joins: bool) -> tuple[Int64Array, Int64Array]:
        """First row and number of rows of each bar in the batch; raises `GridTooFineError` if one has too many rows.

        With `joins`, the first of these bars is the last bar of the series, and its old rows are included.
        """
        first_row, last_row = self.grid.rows(bars["low"]), self.grid.rows(bars["high"])
        if joins:
            first_row[0] = min(first_row[0], self.first_row[-1])
            last_row[0] = max(last_row[0], self.first_row[-1] + self.n_rows[-1] - 1)
        n_rows = last_row - first_row + 1
        if n_rows.max() > _MAX_ROWS_PER_BAR:
            worst = int(n_rows.max())
            raise GridTooFineError(
                f"rows: a bar would have {worst:,} rows, the limit is {_MAX_ROWS_PER_BAR:,}; "
                f"use {self.grid.ticks_per_row * -(-worst // _MAX_ROWS_PER_BAR)} or more ticks per row"
            )
        return first_row, n_rows

    def _make_room(self, first: int, n_bars: int, cell_start: int, first_row: Int64Array, n_rows: Int64Array) -> None:
        """Resize the tables for new bars, and store where the bars' cells are; move the cells of the last bar if its low has fallen."""
        joins = first < self.n_bars
        old_rows = int(self.n_rows[-1]) if joins else 0
        shift = int(self.first_row[-1] - first_row[0]) if joins else 0
        self._cells.resize(cell_start + int(n_rows.sum()))
        if shift:
            for name in _CELL_COLUMNS:
                cells = self._cells.writable(name)
                cells[cell_start + shift : cell_start + shift + old_rows] = cells[cell_start : cell_start + old_rows].copy()
                cells[cell_start : cell_start + shift] = 0
        self._bars.resize(first + n_bars)
        run = slice(first, first + n_bars)
        self._bars.writable("first_row")[run] = first_row
        self._bars.writable("n_rows")[run] = n_rows
        self._bars.writable("cell_start")[run] = cell_start + np.cumsum(n_rows) - n_rows

    def _write_bars(self, first: int, bars: dict[str, Int64Array], joins: bool) -> None:
        old = {name: int(self._bars[name][first]) for name in bars} if joins else {}
        for name, values in bars.items():
            self._bars.writable(name)[first:] = values
        if not joins:
            return
        delta = old["buy"] - old["sell"]
        joined = {
            "open": old["open"],
            "high": max(old["high"], int(bars["high"][0])),
            "low": min(old["low"], int(bars["low"][0])),
            "delta_min": min(old["delta_min"], delta + int(bars["delta_min"][0])),
            "delta_max": max(old["delta_max"], delta + int(bars["delta_max"][0])),
        }
        if "first_ns" in old:
            joined["first_ns"] = old["first_ns"]
        for name in ("trades", "volume", "buy", "sell"):
            joined[name] = old[name] + int(bars[name][0])
        # the new trades were measured from their own first price
        moved, volume = int(bars["open"][0]) - old["open"], int(bars["volume"][0])
        old_offset, old_square = (wide_integer([old[name] for name in names]) for names in (OFFSET_WORDS, SQUARE_WORDS))
        offset, square = (wide_integer([int(bars[name][0]) for name in names]) for names in (OFFSET_WORDS, SQUARE_WORDS))
        joined |= zip(OFFSET_WORDS, wide_words(old_offset + offset + moved * volume, 2), strict=True)
        square += old_square + moved * (2 * offset + moved * volume)
        joined |= zip(SQUARE_WORDS, wide_words(square, 3), strict=True)
        for name, value in joined.items():
            self._bars.writable(name)[first] = value
