"""The largest and the finest markets there are, for a month: every sum against exact fractions."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import pairwise
from math import isqrt
from typing import NamedTuple

import numpy as np
import pytest

from app.analytics.anchored_vwap import SessionVwap, VwapSums
from app.analytics.bar_values import BarValues
from app.analytics.cumulative_delta import CumulativeDelta
from app.analytics.footprint import FootprintSeries
from app.analytics.profile import profile_of_bars, profile_of_trades
from app.analytics.value_area import ValueAreaMethod, value_area
from app.analytics.vwap import VwapAccumulator, vwap, vwap_of_trades
from app.market.bar_rule import BarKind, BarRule, parse_bar_rule
from app.market.price_grid import PriceGrid
from app.market.session import Period, PeriodRule
from app.market.trade import BUY, SELL, TradeBatch
from tests.oracles import value_areas
from tests.oracles.footprints import slow_bars

pytestmark = pytest.mark.usefixtures("kernels")

DAY_NS = 86_400 * 10**9
START_NS = 1_767_225_600 * 10**9  # 1 January 2026
DAYS = 31


class Size(NamedTuple):
    """The size of a market: a price in its middle, the share of it that it moves up and down, and what trades in a day."""

    tick: str
    lot: str
    price: str
    share: float
    daily: str
    ticks_per_row: int


MARKETS = {
    "a million BTC a day": Size("0.01", "0.00000001", "100000", 0.25, "1000000", 10_000),
    "a million BTC at the finest tick": Size("0.00000001", "0.00000001", "100000", 0.25, "1000000", 10**10),
    "1e12 PEPE a day": Size("0.0000000001", "0.00001", "0.00001", 0.25, "1000000000000", 1000),
    "notes in 1/32": Size("0.03125", "1", "110", 0.25, "5000000", 1),
    "a crash to a tick": Size("0.00000001", "0.00000001", "5", 0.9999999, "20000", 10**7),
}
SIZES = pytest.mark.parametrize("size", MARKETS.values(), ids=MARKETS.keys())
ONE_DAY, SEVEN_DAYS, A_MONTH = BarRule(DAY_NS), BarRule(7 * DAY_NS), BarRule(31 * DAY_NS)
RULES = pytest.mark.parametrize("rule", [BarRule(3600 * 10**9), ONE_DAY, SEVEN_DAYS, A_MONTH, BarRule.counted(BarKind.TRADES, 500)])


@cache
def month_of(size: Size, per_day: int = 60) -> TradeBatch:
    """A month that trades exactly the day's volume each day, all over its range."""
    rng = np.random.default_rng(17)
    n, daily = per_day * DAYS, int(Decimal(size.daily) / Decimal(size.lot))
    middle = int(Decimal(size.price) / Decimal(size.tick))
    far = int(middle * size.share)
    times = START_NS + np.sort(rng.integers(0, DAY_NS, (DAYS, per_day)), axis=1) + np.arange(DAYS)[:, None] * DAY_NS
    lots = np.maximum(1, (rng.dirichlet(np.full(per_day, 0.3), DAYS) * 0.99 * daily).astype(np.int64))
    lots[:, 0] += daily - lots.sum(axis=1)
    price = middle + rng.integers(-far, far + 1, n)
    price[0], price[n // 3], price[-1] = middle, middle - far, middle + far
    side = rng.choice([BUY, BUY, SELL, 0], n)
    return TradeBatch.of(times.ravel(), price, lots.ravel(), side, np.arange(1, n + 1))


def series_of(trades: TradeBatch, size: Size, rule: BarRule, cuts: tuple[int, ...] = ()) -> FootprintSeries:
    series = FootprintSeries(rule, PriceGrid(Decimal(size.tick), size.ticks_per_row), Decimal(size.lot))
    for start, end in pairwise((0, *cuts, len(trades))):
        series.append(trades[start:end])
    return series


def moments(trades: TradeBatch) -> tuple[Fraction, Fraction]:
    """Average and variance, exact."""
    pairs = list(zip(trades.price_ticks.tolist(), trades.quantity_lots.tolist(), strict=True))
    volume = sum(lots for _, lots in pairs)
    mean = Fraction(sum(price * lots for price, lots in pairs), volume)
    return mean, Fraction(sum(price * price * lots for price, lots in pairs), volume) - mean * mean


def is_root(found: float, square: Fraction) -> bool:
    """True if a float is the root of a fraction but for its last bit or two."""
    scale = 10**40
    root = Fraction(isqrt(int(square * scale * scale)), scale)
    return abs(Fraction(found) - root) <= root / 2**51


def after_each_bar(series: FootprintSeries) -> list[int]:
    return np.cumsum(series.trades).tolist()


@SIZES
def test_the_markets_are_as_large_as_they_say(size: Size) -> None:
    trades = month_of(size)
    assert sum(trades.quantity_lots.tolist()) * Decimal(size.lot) == DAYS * Decimal(size.daily)
    low, high = int(trades.price_ticks.min()), int(trades.price_ticks.max())
    assert low >= 1 and (high - low) * Decimal(size.tick) >= Decimal(size.price) * Decimal(str(size.share)) * 2 - Decimal(size.tick) * 2
    furthest, lots = max(high, 1), sum(trades.quantity_lots.tolist())
    assert lots < 2**63, "the sums of lots are columns of int64"
    if size.lot != "1":
        assert furthest**2 * lots > 2**64, "a market that fits into 64 bits proves nothing"


@SIZES
@RULES
def test_vwap_and_deviation_equal_fractions_after_each_bar(size: Size, rule: BarRule) -> None:
    """T1: from the first bar on, whichever the bars."""
    trades = month_of(size)
    series = series_of(trades, size, rule)
    sums = VwapSums(series)
    sums.follow()
    line = vwap(series).tolist()
    ends = after_each_bar(series)
    for bar in {0, 1, series.n_bars // 3, series.n_bars // 2, series.n_bars - 1} & set(range(series.n_bars)):
        mean, variance = moments(trades[: ends[bar]])
        price, deviation = sums.between(0, bar + 1)
        assert price == line[bar] == float(mean)
        assert sums.variance(0, bar + 1) == variance
        assert is_root(deviation, variance)
        begin = ends[bar - 1] if bar else 0
        assert sums.variance(bar, bar + 1) == moments(trades[begin : ends[bar]])[1]


@SIZES
def test_vwap_of_a_month_and_of_its_days_equals_fractions(size: Size) -> None:
    """T1: sessions of a month."""
    trades = month_of(size)
    series = series_of(trades, size, ONE_DAY)
    sums = VwapSums(series)
    for period, bars in ((Period.MONTH, (3, DAYS - 1)), (Period.DAY, (0, 17))):
        line = SessionVwap(sums, PeriodRule(period)).values(0, series.n_bars)
        for bar in bars:
            days = trades.time_ns // DAY_NS - START_NS // DAY_NS
            mean, variance = moments(trades[(days <= bar) if period is Period.MONTH else (days == bar)])
            assert line.price_ticks[bar] == float(mean) and is_root(float(line.deviation_ticks[bar]), variance)


@SIZES
def test_vwap_of_all_trades_at_once_equals_fractions(size: Size) -> None:
    """T1: as `profile` prints it."""
    trades = month_of(size)
    mean, variance = moments(trades)
    found = vwap_of_trades(trades)
    assert found.price_ticks == float(mean) and is_root(found.deviation_ticks, variance)
    accumulator = VwapAccumulator()
    for at in range(0, len(trades), 701):
        accumulator.add(trades[at : at + 701])
    assert accumulator.value == found and accumulator.exact_ticks == mean


@SIZES
@RULES
def test_bars_equal_those_of_the_oracle_with_any_batching(size: Size, rule: BarRule) -> None:
    """T1: each word, however the trades arrive."""
    trades = month_of(size)
    whole, pieced = series_of(trades, size, rule), series_of(trades, size, rule, (1, 2, 700, 701, 1500))
    live = series_of(trades, size, rule, tuple(range(len(trades) - 40, len(trades))))
    names = ("open", "high", "low", "close", "volume", "buy", "sell", "delta_min", "delta_max")
    words = ("price_volume_low", "price_volume_high", "price_square_low", "price_square_middle", "price_square_high")
    for series in (pieced, live):
        for name in (*names, *words, "cell_buy", "cell_sell", "cell_unknown"):
            assert getattr(series, name).tolist() == getattr(whole, name).tolist(), name
    if rule.is_time:
        slow = [bar.figures() for bar in slow_bars(trades, rule.length_ns, size.ticks_per_row)]
        assert {name: getattr(whole, name).tolist() for name in (*names, *words)} == {
            name: [bar[name] for bar in slow] for name in (*names, *words)
        }


@SIZES
@pytest.mark.parametrize("method", list(ValueAreaMethod))
def test_profiles_value_areas_and_cvd_of_a_month_are_exact(size: Size, method: ValueAreaMethod) -> None:
    """T1: sums of lots."""
    trades = month_of(size)
    series = series_of(trades, size, SEVEN_DAYS)
    profile = profile_of_bars(series, 0, series.n_bars)
    rows: dict[int, int] = {}
    for price, lots in zip(trades.price_ticks.tolist(), trades.quantity_lots.tolist(), strict=True):
        rows[price // size.ticks_per_row] = rows.get(price // size.ticks_per_row, 0) + lots
    first = min(rows)
    volumes = [rows.get(row, 0) for row in range(first, max(rows) + 1)]
    assert profile.first_row == first and profile.total.tolist() == volumes
    assert profile_of_trades(trades, series.grid).total.tolist() == volumes
    area = value_area(profile, 70, method)
    low, high = value_areas.value_area(volumes, 70, method.value)
    assert (area.low_row - first, area.high_row - first, area.poc_row - first) == (low, high, value_areas.point_of_control(volumes))
    assert area.volume == sum(volumes[low : high + 1])
    running = np.cumsum([lots * side for lots, side in zip(trades.quantity_lots.tolist(), trades.side.tolist(), strict=True)], dtype=object)
    assert CumulativeDelta(series).values(0, series.n_bars).tolist() == [running[end - 1] for end in after_each_bar(series)]
    assert len(BarValues(series).poc_rows(0, series.n_bars)) == series.n_bars


def test_a_live_trade_adds_to_one_bar_of_a_large_market() -> None:
    """T1: the cost of a trade does not grow with what has traded before it."""
    size = MARKETS["a million BTC a day"]
    trades = month_of(size)
    series = series_of(trades[:-200], size, ONE_DAY)
    sums = VwapSums(series)
    sums.follow()
    for at in range(len(trades) - 200, len(trades)):
        bars, folded, summed = series.n_bars, series.bars_folded, sums.bars_summed
        series.append(trades[at : at + 1])
        sums.follow()
        assert series.bars_folded - folded == 1
        assert sums.bars_summed - summed <= 1 + series.n_bars - bars
    mean, variance = moments(trades)
    assert sums.between(0, series.n_bars)[0] == float(mean) and sums.variance(0, series.n_bars) == variance


@pytest.mark.parametrize("text", ["999999999999v", "999999999999delta", "999999999999.5v"])
def test_a_bar_larger_than_all_that_traded_is_one_bar_a_day(text: str) -> None:
    """T1: such a bar has more lots than 64 bits."""
    size = MARKETS["a million BTC a day"]
    trades = month_of(size)
    for cuts in ((), (1, 2, 900)):
        series = series_of(trades, size, parse_bar_rule(text), cuts)
        assert series.volume.tolist() == [1_000_000 * 10**8] * DAYS


def test_volume_bars_of_a_large_market_end_with_the_trade_that_reaches_their_size() -> None:
    size = MARKETS["a million BTC a day"]
    trades = month_of(size)
    volumes: list[int] = []
    for day in trades.quantity_lots.reshape(DAYS, -1).tolist():
        running = 0
        for lots in day:
            running += lots
            if running >= 250_000 * 10**8:
                volumes.append(running)
                running = 0
        volumes += [running] if running else []
    assert series_of(trades, size, parse_bar_rule("250000v"), (5, 1000)).volume.tolist() == volumes
