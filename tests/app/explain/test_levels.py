"""A level is explained by its origin, and by the bar that ended it or came closest."""

from __future__ import annotations

import numpy as np
import pytest

from app.analytics.level_detection import LevelKind
from app.explain.answer import find_trades
from app.explain.levels import LevelQuery, explain_level
from app.settings.calculation import CalculationSettings, LevelSettings
from tests.app.explain.charts import chart_of
from tests.builders import START_NS, random_trades

DAY_NS = 86_400 * 10**9


def chart_of_days(n_days: int = 3, levels: LevelSettings | None = None):
    start_ns = START_NS // DAY_NS * DAY_NS
    trades = random_trades(5, 6000, start_ns=start_ns, seconds=n_days * 86_400.0 - 3600, price=1000, spread=60)
    chart = chart_of(trades, "30m", 2)
    chart.set_rules(CalculationSettings(levels=levels or LevelSettings()))
    chart.levels.settle()
    return chart


def levels_of(chart, *kinds: LevelKind) -> list[LevelQuery]:
    found = chart.levels.columns(kinds, 0, chart.series.n_bars)
    return [
        LevelQuery(LevelKind(row[0]), *row[1:]) for row in zip(*(found[name].tolist() for name in LevelQuery._fields[:-1]), strict=True)
    ]


@pytest.mark.parametrize("kind", list(LevelKind), ids=lambda kind: kind.name)
def test_every_kind_of_level_is_explained_with_its_trades(kind: LevelKind):
    chart = chart_of_days()
    levels = levels_of(chart, kind)
    assert levels, kind
    for level in levels:
        told = explain_level(chart, level)
        found = find_trades(chart, told)
        assert len(found.behind.trades) or kind is LevelKind.LVN
        assert found.behind.lots == found.behind.wanted_lots
        assert not found.behind.note
        assert told.title
        assert told.rule
        born_of = [line for line in told.lines if line.met is not None and not line.text.startswith(("ended by", "still active"))]
        assert all(line.met for line in born_of)
        assert told.low_ticks <= level.bottom <= told.high_ticks


def test_a_naked_level_names_its_period_and_start():
    chart = chart_of_days()
    level = next(
        level for level in levels_of(chart, LevelKind.VAH, LevelKind.POC, LevelKind.VAL) if level.end < 0 or level.end > level.start
    )
    told = explain_level(chart, level)
    assert f"{LevelKind(level.kind).name} " in told.title
    assert "day" in told.title or "week" in told.title
    assert any(line.text.startswith("active since") for line in told.lines)


def test_a_level_names_the_bar_that_ended_it():
    chart = chart_of_days()
    series = chart.series
    for level in levels_of(chart, LevelKind.VAH, LevelKind.UNFINISHED_HIGH, LevelKind.POOR_LOW):
        last = explain_level(chart, level).lines[-1]
        if level.end >= 0:
            assert last.met and last.text.startswith("ended by the ") and " bar: " in last.text
            assert int(series.low[level.end]) <= level.low_at_most
            assert int(series.high[level.end]) >= level.high_at_least
        elif level.start < series.n_bars:
            assert last.met is False
            assert last.text.startswith("still active")
            bars = slice(level.start, series.n_bars)
            met = (series.low[bars] <= level.low_at_most) & (series.high[bars] >= level.high_at_least)
            assert not met.any()


def test_a_percentile_node_shows_its_percentile():
    chart = chart_of_days(levels=LevelSettings(nodes="percentile"))
    level = levels_of(chart, LevelKind.HVN)[0]
    told = explain_level(chart, level)
    assert "percentile: at or above the 70th" in told.rule
    assert told.lines[1].text.startswith("the 70th percentile of the rows is ≈ ")


def test_a_zone_ended_by_a_close_is_explained_by_the_close():
    chart = chart_of_days(levels=LevelSettings(zones_end="close"))
    series = chart.series
    ended = [level for level in levels_of(chart, LevelKind.STACKED_BUY, LevelKind.STACKED_SELL) if level.end >= 0]
    assert ended
    for level in ended:
        close = int(series.close[level.end])
        assert close <= level.low_at_most
        assert close >= level.high_at_least
        assert explain_level(chart, level).lines[-1].met


def test_a_level_that_ended_later_is_active_in_the_as_of_view():
    chart = chart_of_days()
    level = next(level for level in levels_of(chart, LevelKind.VAH, LevelKind.VAL) if level.end > level.start + 1)
    told = explain_level(chart, level._replace(end=-1, known_end=level.end))
    assert told.lines[-1].text.startswith("still active")
    assert np.all(told.lines[-1].met is False)


def test_levels_ended_by_trades_are_explained_by_traded_prices():
    chart = chart_of_days()
    for level in levels_of(chart, LevelKind.UNFINISHED_HIGH, LevelKind.UNFINISHED_LOW, LevelKind.POOR_HIGH):
        text = explain_level(chart, level).lines[-1].text
        prices = [word for word in text.replace(",", "").split() if "." in word and word.replace(".", "").isdigit()]
        assert all(len(price.partition(".")[2]) == 1 for price in prices), text
