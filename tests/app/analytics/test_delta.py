import numpy as np
import pytest
from hypothesis import given, settings

from app.analytics.delta import bar_delta, cvd, delta_percent
from app.market.trade import BUY, SELL, UNKNOWN, TradeBatch
from tests.builders import series_of, trade_batches, trades_of

TRADES = trades_of([(0, 100, 9, BUY), (10, 101, 4, SELL), (20, 101, 7, UNKNOWN), (60, 100, 6, SELL), (300, 99, 2, BUY), (301, 99, 3, SELL)])


def test_delta_ignores_trades_without_an_aggressor() -> None:
    assert bar_delta(series_of(TRADES)).tolist() == [5, -6, -1]
    assert bar_delta(series_of(TRADES), 1, 2).tolist() == [-6]


def test_delta_percent_is_relative_to_all_volume() -> None:
    assert delta_percent(series_of(TRADES)).tolist() == [25.0, -100.0, -20.0]


def test_cvd_starts_at_the_requested_bar() -> None:
    series = series_of(TRADES)
    assert cvd(series).tolist() == [5, -1, -2]
    assert cvd(series, 1).tolist() == [-6, -7]
    assert cvd(series, 0, 2).tolist() == [5, -1]
    assert cvd(series, 3).tolist() == []
    assert cvd(series).dtype == np.int64


def test_cvd_with_reset_restarts_each_utc_day() -> None:
    # the builders start on 2023-11-14 at 22:14 UTC: the day ends 6,360 s later
    trades = trades_of([(0, 100, 1, BUY), (6359, 100, 2, BUY), (6360, 100, 4, BUY), (6500, 100, 8, BUY), (92_760, 100, 16, SELL)])
    series = series_of(trades)
    assert cvd(series, reset="day").tolist() == [1, 3, 4, 12, -16]
    assert cvd(series, 1, reset="day").tolist() == [2, 4, 12, -16]
    assert cvd(series, 5, reset="day").tolist() == []
    assert cvd(series).tolist() == [1, 3, 7, 15, -1]


@pytest.mark.parametrize("reset", ["never", "day"])
def test_cvd_of_many_days_equals_a_plain_loop(reset: str) -> None:
    rng = np.random.default_rng(3)
    seconds = np.sort(rng.integers(0, 5 * 86_400, 400)).tolist()
    series = series_of(trades_of([(s, 100, int(rng.integers(1, 50)), int(rng.choice([BUY, SELL]))) for s in seconds]), bar_s=3600)
    expected, running, day = [], 0, None
    for bar in range(series.n_bars):
        today = series.start_ns(bar) // 86_400_000_000_000
        running = int(bar_delta(series)[bar]) + (0 if reset == "day" and today != day else running)
        day = today
        expected.append(running)
    assert cvd(series, reset="day" if reset == "day" else "never").tolist() == expected


@settings(max_examples=60)
@given(trade_batches())
def test_the_last_cvd_is_the_sum_of_all_signed_trades(trades: TradeBatch) -> None:
    assert cvd(series_of(trades))[-1] == int((trades.quantity_lots * trades.side).sum())
