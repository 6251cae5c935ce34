"""The price of a row, and the edges of a value area, are the same wherever they are shown."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from app.alerts.alert import AlertSpec, Condition, Scope, Subject, SubjectKind, Trigger
from app.alerts.alert_store import AlertStore
from app.alerts.subjects import SubjectValues
from app.alerts.suggest import subjects_near
from app.alerts.watch import AlertWatch
from app.analytics.bar_statistics import BarStatistics, Statistic
from app.analytics.developing import DevelopingProfile
from app.analytics.level_detection import LevelKind
from app.analytics.row_layout import RowLayout, RowMode
from app.analytics.value_area import ValueAreaMethod
from app.chart.chart import Chart, ChartSpec
from app.chart.levels import Level
from app.entry.cli import run
from app.explain.at_point import explanations_at
from app.explain.levels import LevelQuery, explain_level
from app.market.bar_rule import parse_bar_rule
from app.market.instrument import Instrument
from app.market.price_grid import row_price, row_top
from app.market.session import Period
from app.market.trade import BUY, TradeBatch
from app.profiles.placed_profile import TimeRange
from app.storage.trade_store import TradeStore
from tests.oracles import value_areas

MARKET = Instrument("test", "XYZ", Decimal("0.25"), Decimal(1))
MINUTE_NS = 60 * 10**9
DAY_NS = 1440 * MINUTE_NS
START_NS = 1_767_571_200 * 10**9  # a Monday, 0:00
HEIGHTS = [1, 2, 3, 4, 5, 7, 10, 16, 25]
DAY = [(0, 401, 6), (60, 404, 30), (120, 407, 90), (180, 411, 22), (240, 414, 31), (300, 420, 4), (360, 407, 4), (420, 433, 3)]
"""Minutes, ticks and lots of a day."""


def batch(rows: list[tuple[float, int, int]]) -> TradeBatch:
    minutes, ticks, lots = zip(*rows, strict=True)
    times = [START_NS + round(minute * MINUTE_NS) for minute in minutes]
    return TradeBatch.of(times, ticks, lots, np.full(len(rows), BUY), np.arange(1, len(rows) + 1))


def chart_of(rows: list[tuple[float, int, int]], height: int, bar: str = "30m") -> tuple[Chart, TradeStore]:
    chart, store = Chart(ChartSpec(MARKET, parse_bar_rule(bar), height)), TradeStore()
    chart.apply(store.insert(batch(rows)), store)
    return chart, store


def expected(rows: list[tuple[float, int, int]], height: int) -> tuple[int, int, int]:
    """POC, VAH and VAL of trades, ticks, by the oracle."""
    volumes: Counter[int] = Counter()
    for _, ticks, lots in rows:
        volumes[ticks // height] += lots
    first = min(volumes)
    dense = [volumes[row] for row in range(first, max(volumes) + 1)]
    low, high = value_areas.value_area(dense, 70, "dalton")
    poc = value_areas.point_of_control(dense)
    return value_areas.prices_of_area(*((first + row) * height for row in (low, high, poc)), height)


@pytest.mark.parametrize("height", range(1, 40))
@pytest.mark.parametrize("low", [1, 400, 10**13])
def test_the_price_of_a_row_can_trade_and_lies_in_its_middle(low: int, height: int) -> None:
    held = range(low, low + height)
    price = row_price(low, height)
    assert price in held
    assert held.index(price) - (len(held) - 1 - held.index(price)) == (0 if height % 2 else 1)  # as many below as above; else one more
    assert row_top(low, height) == (held[-1] if height == 1 else held[-1] + 1)
    ticks = np.array([low, low + height])
    assert row_price(ticks, height).tolist() == [row_price(low, height), row_price(low + height, height)]
    assert row_top(ticks, height).tolist() == [row_top(low, height), row_top(low + height, height)]


@pytest.mark.parametrize("height", HEIGHTS)
def test_profiles_alerts_levels_and_explanations_show_one_price(height: int) -> None:
    """T2: POC, VAH and VAL of a day, everywhere in the window."""
    rows = [*DAY, (1440 + 700, 460, 1)]  # the next day trades elsewhere
    chart, _ = chart_of(rows, height)
    prices = dict(zip(("POC", "VAH", "VAL"), expected(DAY, height), strict=True))
    figures = chart.profiles.of([TimeRange(START_NS, START_NS + DAY_NS)], RowLayout(), 70, ValueAreaMethod.DALTON)
    assert figures is not None
    assert (figures.poc_ticks, figures.vah_ticks, figures.val_ticks) == tuple(prices.values())
    last = chart.series.n_bars - 1
    readings = SubjectValues(chart)
    for name, ticks in prices.items():
        assert readings.line(Subject(kind=SubjectKind[name], of=Scope.DAY_BEFORE), 0, last + 1, last).ticks == ticks
    chart.levels.settle()
    naked = {level.kind.name: level.bottom_ticks for level in chart.levels.active() if level.period is Period.DAY and level.kind < 3}
    assert naked == prices
    found = chart.levels.columns((LevelKind.POC, LevelKind.VAH, LevelKind.VAL), last, last + 1)
    for row in zip(*(found[name].tolist() for name in LevelQuery._fields[:-1]), strict=True):
        level = LevelQuery(LevelKind(row[0]), *row[1:])
        title = explain_level(chart, level).title
        assert title.startswith(f"{level.kind.name} {chart.series.grid.text(prices[level.kind.name])} "), title
    near = {(one.subject.kind, one.subject.of): one.ticks for one in subjects_near(readings, prices["POC"], 1e6)}
    for name, ticks in prices.items():
        assert near[SubjectKind[name], Scope.DAY_BEFORE] == near[SubjectKind[f"NAKED_{name}"], Scope.DAY] == ticks


@pytest.mark.parametrize("height", HEIGHTS)
def test_developing_values_and_bar_statistics_show_the_same_price(height: int) -> None:
    """T2: in one bar that is also a day so far."""
    chart, _ = chart_of(DAY, height, "1d")
    poc, vah, val = expected(DAY, height)
    developing = DevelopingProfile(chart.series, chart.rules.hours.divisions)
    developing.work(0, 1, 1.0)
    rows = [int(column[0]) for column in developing.columns(0, 1)[:3]]
    grid = chart.series.grid
    assert (grid.row_price_ticks(rows[0]), grid.row_top_ticks(rows[2]), grid.row_low_ticks(rows[1])) == (poc, vah, val)
    assert BarStatistics(chart.figures).row(Statistic.POC, 0, 1).tolist() == [poc]
    told = explanations_at(chart, START_NS, 407, "value-area")[0]
    assert told.title.startswith(f"POC {grid.text(poc)}, value area {grid.text(val)} to {grid.text(vah)} ")


@pytest.mark.parametrize("height", [2, 3, 4, 5])
def test_rows_of_a_profile_layout_have_their_own_price(height: int) -> None:
    """T2: rows that a profile counts from a price of its own."""
    chart, _ = chart_of(DAY, 1, "1d")
    for size in (4, 7, 9):
        for layout in (RowLayout(RowMode.TICKS, height), RowLayout(RowMode.ROWS, size)):
            figures = chart.profiles.of([TimeRange(START_NS, None)], layout, 70, ValueAreaMethod.DALTON)
            assert figures is not None
            rows, area = figures.rows, figures.area
            edges = (rows.edge_ticks(row) for row in (area.low_row, area.high_row, area.poc_row))
            assert (figures.poc_ticks, figures.vah_ticks, figures.val_ticks) == value_areas.prices_of_area(*edges, rows.ticks_per_row)


@pytest.mark.parametrize("height", HEIGHTS)
def test_commands_write_the_price_and_the_row(height: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """T2: footprint, profile, tpo and why."""
    path = tmp_path / "day.csv"
    lines = [f"{(START_NS + minute * MINUTE_NS) // 10**6},{ticks * MARKET.tick_size},{lots},buy" for minute, ticks, lots in DAY]
    path.write_text("\n".join(["time,price,quantity,side", *lines]))
    flags = [str(path), "--tick-size", "0.25", "--ticks-per-row", str(height)]

    def printed(command: str, *more: str) -> dict[str, str]:
        assert run([command, *flags, *more]) == 0
        found = json.loads(capfd.readouterr().out)
        return found[0] if isinstance(found, list) else found

    def texts(prices: tuple[int, int, int]) -> list[Decimal]:
        return [ticks * MARKET.tick_size for ticks in prices]

    wanted = texts(expected(DAY, height))
    for found in (printed("footprint", "--bar", "1d"), printed("profile", "--json")):
        assert [Decimal(found[name]) for name in ("poc", "vah", "val")] == wanted
        assert Decimal(found["poc_row"]) == wanted[0] // (height * MARKET.tick_size) * height * MARKET.tick_size
    letters = Counter((minute, ticks // height) for minute, ticks, _ in DAY)
    by_letters = [(float(minute), row * height, 1) for minute, row in letters]
    found = printed("tpo", "--json")
    assert [Decimal(found[name]) for name in ("poc", "vah", "val")] == texts(expected(by_letters, height))
    assert Decimal(found["poc_row"]) == Decimal(found["poc"]) // (height * MARKET.tick_size) * height * MARKET.tick_size
    told = printed("why", "--at", "2026-01-05T00:00Z", "--price", "101.75", "--bar", "1d", "--what", "poc", "--json")
    assert Decimal(told["title"].split()[1]) == wanted[0]


# -- naked levels ----------------------------------------------------------------------------------


def naked(rows: list[tuple[float, int, int]], height: int, kind: LevelKind) -> list[Level]:
    chart, _ = chart_of(rows, height, "1m")
    chart.levels.settle()
    return [level for level in chart.levels.active() if level.kind is kind and level.period is Period.DAY]


@pytest.mark.parametrize("height", HEIGHTS)
@pytest.mark.parametrize("kind", [LevelKind.POC, LevelKind.VAH, LevelKind.VAL])
def test_a_naked_level_ends_with_a_trade_exactly_at_its_price_and_not_a_tick_beside_it(kind: LevelKind, height: int) -> None:
    """T2: whatever the height of a row."""
    ticks = expected(DAY, height)[kind]
    for away in (-3, -1, 1, 3):
        assert [level.bottom_ticks for level in naked([*DAY, (1440, ticks + away, 1)], height, kind)] == [ticks]
        jump = [(1440, ticks + away, 1), (1440.1, ticks - away, 1)]  # one bar across it, without a trade at it
        assert naked([*DAY, *jump], height, kind) == []
        assert len(naked([*DAY, (1440, ticks + away, 1), (1441, ticks - away, 1)], height, kind)) == 1  # two bars, neither has it
    assert naked([*DAY, (1440, ticks, 1)], height, kind) == []


NAKED_POC = [
    *((1320, 730, 7), (1322, 731, 62), (1330, 732, 9)),
    *((1440, 728, 2), (1440 + 1 / 60, 730, 3), (1440 + 2 / 60, 731, 1), (1440 + 3 / 60, 729, 4), (1443, 728, 2)),
]


def test_a_naked_poc_in_rows_of_one_tick_ends_with_a_trade_at_it() -> None:
    """T2: the third trade of the next day is at the POC, tick 731."""
    assert naked(NAKED_POC[:3], 1, LevelKind.POC) == []  # the day has not ended
    assert [level.bottom_ticks for level in naked([*NAKED_POC[:5]], 1, LevelKind.POC)] == [731]
    assert naked(NAKED_POC, 1, LevelKind.POC) == []


@pytest.mark.parametrize("height", HEIGHTS)
@pytest.mark.parametrize("kind", [SubjectKind.NAKED_POC, SubjectKind.NAKED_VAH, SubjectKind.NAKED_VAL])
def test_an_alert_on_a_naked_level_fires_with_the_trade_at_its_price(kind: SubjectKind, height: int) -> None:
    """T2: and not with one a tick before it."""
    ticks = expected(DAY, height)[LevelKind[kind.name.removeprefix("NAKED_")]]
    chart, store = chart_of([*DAY, (1440, ticks + 5, 1)], height, "1m")
    book = AlertStore()
    book.add(MARKET, AlertSpec(subject=Subject(kind=kind, of=Scope.DAY), when=Condition.TOUCH, often=Trigger.EVERY_TIME))
    watch = AlertWatch(book, MARKET)
    fired: list[int] = []
    for at, price in enumerate((ticks + 2, ticks + 1, ticks, ticks, ticks - 1)):
        column = batch([(1441, price, 1)])
        trade = TradeBatch.of(column.time_ns + at, column.price_ticks, column.quantity_lots, column.side, [100 + at])
        fresh = store.insert(trade)
        chart.apply(fresh, store)
        watch.scan(fresh, chart, store, 0)
        fired.append(len(book.log))
    assert fired == [0, 0, 1, 1, 1]
