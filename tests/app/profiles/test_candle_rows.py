"""Candles become rows, less the volume of loaded trades, and edge candles are left out."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from app.analytics.footprint import FootprintSeries
from app.analytics.profile import VolumeProfile
from app.market.bar_rule import BarKind, BarRule
from app.market.candle import CandleBatch
from app.market.price_grid import PriceGrid
from app.market.span import Span
from app.market.trade import BUY, SELL, TradeBatch
from app.profiles import candle_rows
from app.profiles.candle_rows import CandleRows
from app.storage.late_trades import LateTrades
from app.storage.trade_store import TradeStore
from tests.builders import SECOND_NS, START_NS, trades_of

MINUTE_NS = 60 * SECOND_NS


class Coverage:
    """The parts of a chart that candle fill reads."""

    def __init__(self, trades: TradeBatch, rule: BarRule, ticks_per_row: int = 1) -> None:
        store = TradeStore(by_time=True)
        store.insert(trades)
        self.covered, self.holes, self.late = (), (), LateTrades()
        self.trades, self.trades_from_ns = store.trades, 0
        self.series = FootprintSeries(rule, PriceGrid(Decimal("0.1"), ticks_per_row))
        if len(trades):
            self.series.append(trades)


def minute(number: float) -> int:
    return START_NS + round(number * MINUTE_NS)


def span(start: float, end: float) -> Span:
    return Span(minute(start), minute(end))


def candles(*rows: tuple[int, int, int, int, int], length: int = 1) -> CandleBatch:
    """Closed candles of (minute, low, high, volume, buy) that open at the low and close at the high."""
    starts, low, high, volume, buy = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    return CandleBatch(length * MINUTE_NS, START_NS + starts * MINUTE_NS, low, high, low, high, volume, buy, np.ones(len(rows), bool))


def rows_with(held: CandleBatch, trades: TradeBatch, rule: BarRule | None = None, ticks_per_row: int = 1) -> tuple[CandleRows, Coverage]:
    chart = Coverage(trades, rule or BarRule(MINUTE_NS), ticks_per_row)
    rows = CandleRows(chart)  # type: ignore[arg-type]
    rows.held.take(held.length_ns, Span(0, 1 << 62), [held])
    return rows, chart


def shown(profile: VolumeProfile) -> dict[int, tuple[int, int]]:
    sides = zip(profile.buy.tolist(), profile.sell.tolist(), strict=True)
    return {profile.first_row + row: pair for row, pair in enumerate(sides) if any(pair)}


TWO = candles((0, 100, 101, 10, 6), (1, 103, 103, 5, 0), (2, 110, 110, 7, 7))
NO_TRADES = TradeBatch.empty()
SECONDS_40 = BarRule(40 * SECOND_NS)


def test_candles_of_a_span_become_rows() -> None:
    found = rows_with(TWO, NO_TRADES)[0].of(MINUTE_NS, span(0, 2))
    assert (shown(found.profile), found.aggressors) == ({100: (3, 2), 101: (3, 2), 103: (0, 5)}, True)


@pytest.mark.parametrize(
    ("start", "end", "prices"), [(0, 1, {100, 101}), (0.5, 2, {103}), (1, 2.5, {103, 110}), (3, 9, set()), (2, 2, set())]
)
def test_only_candles_that_start_in_the_span_count(start: float, end: float, prices: set[int]) -> None:
    assert shown(rows_with(TWO, NO_TRADES)[0].of(MINUTE_NS, span(start, end)).profile).keys() == prices


def test_candles_that_are_not_loaded_are_empty_rows() -> None:
    found = rows_with(TWO, NO_TRADES)[0].of(3 * MINUTE_NS, span(0, 9))
    assert found.profile.n_rows == 0


def test_rows_are_those_of_the_chart() -> None:
    assert shown(rows_with(TWO, NO_TRADES, ticks_per_row=5)[0].of(MINUTE_NS, span(0, 2)).profile) == {20: (6, 9)}


TRADES = trades_of([(0, 100, 4, BUY), (30, 101, 1, SELL), (60, 103, 2, SELL), (119, 103, 1, SELL)])


@pytest.mark.parametrize("rule", [BarRule(MINUTE_NS), BarRule(20 * SECOND_NS), SECONDS_40, BarRule.counted(BarKind.TRADES, 3)])
def test_loaded_trades_are_subtracted_whatever_the_bars(rule: BarRule) -> None:
    found = rows_with(TWO, TRADES, rule)[0].of(MINUTE_NS, span(0, 3))
    # first candle: 10 - 5 lots, of them 6 - 4 bought; second: 5 - 3 lots sold
    assert shown(found.profile) == {100: (1, 1), 101: (1, 2), 103: (0, 2), 110: (7, 0)}


def test_bars_count_even_if_their_trades_are_no_longer_in_memory() -> None:
    rows, chart = rows_with(TWO, TRADES)
    chart.trades = None  # type: ignore[assignment]
    assert shown(rows.of(MINUTE_NS, span(1, 2)).profile) == {103: (0, 2)}


def test_without_trades_in_memory_coarser_bars_subtract_nothing() -> None:
    rows, chart = rows_with(TWO, TRADES, SECONDS_40)
    chart.trades = None  # type: ignore[assignment]
    assert shown(rows.of(MINUTE_NS, span(1, 2)).profile) == {103: (0, 5)}


def test_a_single_bar_counts_a_flat_candle_as_falling() -> None:
    flat = candles((0, 100, 100, 10, -1))
    single = rows_with(flat, TRADES)[0].of(MINUTE_NS, span(0, 1), single_bar=True)
    several = rows_with(flat, TRADES)[0].of(MINUTE_NS, span(0, 1))
    assert (shown(single.profile), single.aggressors) == ({100: (0, 5)}, False)
    assert (shown(several.profile), several.aggressors) == ({100: (5, 0)}, False)


def test_sums_are_built_again_only_for_other_candles_or_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[int] = []
    monkeypatch.setattr(candle_rows, "CandleSums", lambda *args, kind=candle_rows.CandleSums: (built.append(len(args[0])), kind(*args))[1])
    rows, chart = rows_with(TWO, NO_TRADES)
    for _ in range(2):
        rows.of(MINUTE_NS, span(0, 3))
    assert built == [3]
    rows.held.take(MINUTE_NS, span(0, 9), [candles((5, 120, 120, 1, 1))])
    assert shown(rows.of(MINUTE_NS, span(5, 6)).profile) == {120: (1, 0)}
    chart.series = FootprintSeries(BarRule(MINUTE_NS), PriceGrid(Decimal("0.1"), 10))
    assert shown(rows.of(MINUTE_NS, span(5, 6)).profile) == {12: (1, 0)}
    assert built == [3, 4, 4]


GAPS = [span(0.5, 3.25), span(4, 5), span(6.5, 7.5)]


@pytest.mark.parametrize(
    ("rule", "from_minute", "fillable"),
    [
        (SECONDS_40, 0, GAPS),
        (SECONDS_40, 0.5, GAPS),
        (SECONDS_40, 0.75, [span(1, 3), *GAPS[1:]]),
        (SECONDS_40, 9, [span(1, 3), span(4, 5), Span(minute(7), minute(7))]),
        (SECONDS_40, 6.5, [span(1, 3), *GAPS[1:]]),
        (BarRule(20 * SECOND_NS), 9, GAPS),  # each bar lies within one candle
        (BarRule.counted(BarKind.TRADES, 3), 9, [span(1, 3), span(4, 5), Span(minute(7), minute(7))]),
    ],
)
def test_gaps_lose_edge_candles_whose_trades_were_dropped(rule: BarRule, from_minute: float, fillable: list[Span]) -> None:
    rows, chart = rows_with(TWO, NO_TRADES, rule)
    chart.trades_from_ns = minute(from_minute)
    assert rows.fillable(GAPS, MINUTE_NS) == fillable
    assert rows.fillable([], MINUTE_NS) == []


def test_gaps_are_given_back_as_they_are_while_no_trade_was_dropped() -> None:
    rows, chart = rows_with(TWO, NO_TRADES, SECONDS_40)
    chart.trades_from_ns = minute(0.5)
    assert rows.fillable(GAPS, MINUTE_NS) is GAPS
