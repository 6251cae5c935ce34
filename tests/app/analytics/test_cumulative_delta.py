"""Updated CVD equals a plain loop, and a trade costs one bar."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from app.analytics.cumulative_delta import CumulativeDelta
from app.analytics.delta import bar_delta
from app.market.session import Period, PeriodRule, SessionRule, parse_session
from app.market.trade import BUY, SELL, TradeBatch
from tests.builders import random_trades, series_of, split, trade_batches, trades_of
from tests.oracles import order_flow

DAY = PeriodRule()


def test_cvd_restarts_with_the_first_bar_of_a_session() -> None:
    # the builders start on 2023-11-14 at 22:14 UTC: the day ends 6,360 s later
    series = series_of(
        trades_of([(0, 100, 1, BUY), (6359, 100, 2, BUY), (6360, 100, 4, BUY), (6500, 100, 8, BUY), (92_760, 100, 16, SELL)])
    )
    cvd = CumulativeDelta(series)
    assert cvd.values(0, 5).tolist() == [1, 3, 7, 15, -1]
    assert cvd.values(0, 5, DAY).tolist() == [1, 3, 4, 12, -16]
    assert cvd.values(1, 4, DAY).tolist() == [3, 4, 12], "a session that began before the bars requested counts from its start"
    assert cvd.values(3, 3, DAY).tolist() == []
    assert cvd.values(0, 5, PeriodRule(Period.WEEK)).tolist() == [1, 3, 7, 15, -1]


def test_cvd_restarts_with_a_session_of_given_hours() -> None:
    series = series_of(trades_of([(0, 100, 1, BUY), (3600, 100, 2, BUY), (7200, 100, 4, BUY)]))
    night = parse_session("23:00-05:00")
    assert isinstance(night, SessionRule)
    assert CumulativeDelta(series).values(0, 3, night).tolist() == [1, 2, 6]


@settings(max_examples=60, deadline=None)
@given(trade_batches(), st.lists(st.integers(0, 60), max_size=4), st.data())
def test_any_batching_gives_the_cvd_of_a_plain_loop(trades: TradeBatch, cuts: list[int], data: st.DataObject) -> None:
    pieces = split(trades, cuts)
    series = series_of(pieces[0], bar_s=3600)
    cvd = CumulativeDelta(series)
    for piece in pieces[1:]:
        cvd.values(0, series.n_bars)
        series.append(piece)
        if data.draw(st.integers(0, 9)) == 0:
            series.truncate(series.n_bars // 2)
    starts = [series.start_ns(bar) for bar in range(series.n_bars)]
    first = data.draw(st.integers(0, series.n_bars))
    end = data.draw(st.integers(first, series.n_bars))
    for reset in (None, DAY):
        expected = order_flow.cvd(bar_delta(series).tolist(), starts, by_day=reset is not None)
        assert cvd.values(first, end, reset).tolist() == expected[first:end]


def test_one_trade_computes_one_bar() -> None:
    trades = random_trades(3, 4000, seconds=36_000)
    series = series_of(trades[:3900])
    cvd = CumulativeDelta(series)
    cvd.values(0, series.n_bars, DAY)
    for at in range(3900, 4000):
        before, bars = cvd.bars_figured, series.n_bars
        series.append(trades[at : at + 1])
        cvd.values(series.n_bars - 20, series.n_bars, DAY)
        assert cvd.bars_figured - before <= 1 + series.n_bars - bars
