"""A scan finds the trades that meet the conditions of alerts, and says what happened."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.alerts.alert import Alert, AlertSpec, Condition, ScanProgress, Scope, SubjectKind, Trigger
from app.alerts.armed_alerts import ArmedAlert, ArmedAlerts
from app.alerts.crossings import bars_of
from app.alerts.scan import AlertScan, line_label, price_text
from app.alerts.subjects import SubjectValues
from app.chart.chart import Chart
from app.market.instrument import Instrument
from app.market.trade import BUY, SELL
from app.storage.trade_store import TradeStore
from tests.app.alerts.tapes import lots, price, wish
from tests.app.chart.test_chart import MARKET, spec
from tests.builders import trades_of

Rows = list[tuple[float, int, int, int]]


def alert(number: int, one: AlertSpec) -> Alert:
    return Alert(number=number, instrument=MARKET.id, subject=one.subject, when=one.when, value=one.value, often=one.often)


def scan_of(rows: Rows, *specs: AlertSpec, first: int = 0, sides: dict[int, int] | None = None, fired_bar: dict | None = None) -> AlertScan:
    """A scan of the trades from `first` on; those before have been scanned."""
    chart, store, trades = Chart(spec()), TradeStore(), trades_of(rows)
    chart.apply(store.insert(trades), store)
    before = None
    if first:
        last = {name: int(getattr(trades, name)[first - 1]) for name in ("time_ns", "price_ticks")}
        before = ScanProgress(key=first, sides=sides or {}, **last)
    bars, begins = bars_of(chart, trades[first:], before, at_end=True)
    armed = ArmedAlerts([alert(number, one) for number, one in enumerate(specs, 1)], MARKET)
    return AlertScan(trades[first:], bars, begins, before, SubjectValues(chart), store, armed, first, fired_bar)


def hits(*args, **how) -> list[tuple[int, int, str]]:
    return [(hit.trade, hit.alert.number, hit.text) for hit in scan_of(*args, **how).hits()[0]]


def path(*prices: int, start: float = 0.0) -> Rows:
    """A trade of one lot each second."""
    return [(start + second, at, 1, BUY) for second, at in enumerate(prices)]


# -- lines ---------------------------------------------------------------------------------------


def test_a_touch_names_the_price() -> None:
    assert hits(path(99, 101, 100, 102), wish(value=price(100))) == [(1, 1, "touched 10.0"), (2, 1, "touched 10.0")]


@pytest.mark.parametrize(
    ("when", "found"),
    [
        (Condition.CROSS, [(1, 1, "crossed 10.0 from below"), (2, 1, "crossed 10.0 from above")]),
        (Condition.CROSS_UP, [(1, 1, "crossed 10.0 from below")]),
        (Condition.CROSS_DOWN, [(2, 1, "crossed 10.0 from above")]),
    ],
)
def test_a_crossing_names_price_and_direction(when: Condition, found: list) -> None:
    assert hits(path(99, 101, 98), wish(when=when, value=price(100))) == found


def test_the_price_before_the_scan_counts() -> None:
    assert hits(path(99, 101), wish(value=price(100)), wish(when=Condition.CROSS, value=price(100)), first=1) == [
        (0, 1, "touched 10.0"),
        (0, 2, "crossed 10.0 from below"),
    ]


def test_the_side_from_which_a_price_came_to_a_line_is_remembered() -> None:
    up = wish(when=Condition.CROSS, value=price(100))
    assert scan_of(path(99, 100), up, up, wish(value=price(100))).hits()[1] == {1: -1, 2: -1}
    assert scan_of(path(99, 101), up).hits()[1] == {}
    assert scan_of(path(100, 100), up).hits()[1] == {}
    assert hits(path(100, 101), up, first=1, sides={1: -1}) == [(0, 1, "crossed 10.0 from below")]
    assert hits(path(100, 101), up, first=1, sides={1: 1}) == hits(path(100, 101), up, first=1) == []
    assert scan_of(path(100, 100), up, first=1, sides={1: -1}).hits()[1] == {1: -1}


def test_matches_are_ordered_by_trade_and_then_by_alert() -> None:
    found = hits(path(99, 103, 99), wish(value=price(102)), wish(when=Condition.CROSS_UP, value=price(100)), wish(value=price(101)))
    assert [(trade, number) for trade, number, _ in found] == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 3)]


def test_a_moving_line_is_that_of_the_bars_before() -> None:
    rows = [(0, 100, 1, BUY), (1, 103, 2, BUY), *path(101, 102, start=60)]  # VWAP of the first bar: 102
    assert hits(rows, wish(SubjectKind.VWAP, of=Scope.DAY)) == [
        (2, 1, "touched VWAP of the day 10.2"),
        (3, 1, "touched VWAP of the day 10.2"),
    ]


def test_live_alerts_need_only_their_first_match_in_a_bar() -> None:
    rows = path(99, 100, 99, 100)
    specs = [wish(value=price(100), often=often) for often in Trigger]
    assert [(trade, number) for trade, number, _ in hits(rows, *specs, fired_bar={})] == [(1, 1), (1, 2), (1, 3), (3, 3)]
    assert [(trade, number) for trade, number, _ in hits(rows, *specs)] == [(1, 1), (1, 2), (1, 3), (3, 1), (3, 2), (3, 3)]


def test_an_alert_that_fired_in_this_bar_is_not_searched_again() -> None:
    rows = [*path(99, 100, 99), *path(100, 99, start=60)]
    once_a_bar = wish(value=price(100), often=Trigger.ONCE_A_BAR)
    scan = scan_of(rows, once_a_bar)
    fired = {1: scan.bar_key(0)}
    assert hits(rows, once_a_bar, fired_bar=fired) == [(3, 1, "touched 10.0")]
    assert scan_of(rows, once_a_bar, fired_bar=fired).has_fired(alert(1, once_a_bar), 0) is True
    assert scan_of(rows, once_a_bar, fired_bar=fired).has_fired(alert(1, once_a_bar), 1) is False
    assert scan_of(rows, once_a_bar, fired_bar=fired).has_fired(alert(2, once_a_bar), 0) is False
    assert scan_of(rows, once_a_bar, fired_bar=fired).has_fired(alert(1, wish(value=price(100))), 0) is False
    assert scan.has_fired(alert(1, once_a_bar), 0) is False


def test_a_bar_key_is_generation_and_number() -> None:
    scan = scan_of([*path(99), *path(100, start=60)], wish(value=price(100)))
    first = int(scan.chart.series.number[0])
    assert [scan.bar_key(bar) for bar in (0, 1, -1)] == [(0, first), (0, first + 1), (0, -1)]
    scan.chart.generation = 4
    assert scan.bar_key(0) == (4, first)


def test_a_chart_without_bars_still_finds_fixed_prices() -> None:
    scan = scan_of(
        path(99, 101), wish(value=price(100)), wish(SubjectKind.VWAP, of=Scope.DAY), wish(SubjectKind.VOLUME, Condition.REACH, lots(1))
    )
    scan.bars = scan.bars * 0 - 1
    assert [hit.text for hit in scan.hits()[0]] == ["touched 10.0"]


# -- bars ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "value", "text"),
    [
        (Condition.CLOSE_ABOVE, 101, "closed above 10.1 at 10.2"),
        (Condition.CLOSE_ABOVE, 102, None),  # at the line is not beyond it
        (Condition.CLOSE_BELOW, 103, "closed below 10.3 at 10.2"),
        (Condition.CLOSE_BELOW, 102, None),
    ],
)
def test_a_close_beyond_a_price_fires_with_the_next_bar(when: Condition, value: int, text: str | None) -> None:
    rows = [*path(100, 102), *path(105, 106, start=60)]
    assert hits(rows, wish(when=when, value=price(value))) == ([(2, 1, text)] if text else [])


def test_a_close_beyond_a_moving_line_uses_the_closed_bar() -> None:
    rows = [(0, 100, 1, BUY), (1, 103, 2, BUY), *path(200, start=60)]
    close = wish(SubjectKind.VWAP, Condition.CLOSE_ABOVE, of=Scope.DAY)
    assert hits(rows, close) == [(2, 1, "closed above VWAP of the day 10.2 at 10.3")]


def test_an_event_of_a_closed_bar_fires_with_the_next_bar() -> None:
    rows: Rows = [(0, 100, 1, BUY), (1, 100, 1, SELL), (2, 103, 1, BUY), *path(105, start=60)]
    both = [wish(SubjectKind.UNFINISHED_LOW, Condition.NEW), wish(SubjectKind.UNFINISHED_HIGH, Condition.NEW)]
    text = "unfinished auction at the low, 10.0"
    assert hits(rows, *both, both[0]) == [(3, 1, text), (3, 3, text)]


def test_a_bar_without_a_bar_before_it_fires_nothing() -> None:
    rows = [(0, 100, 1, BUY), (1, 100, 1, SELL)]
    assert hits(rows, wish(SubjectKind.UNFINISHED_LOW, Condition.NEW), first=1) == []


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        (SubjectKind.VOLUME, 1, (0, "bar volume reached 0.01")),
        (SubjectKind.VOLUME, 7, (2, "bar volume reached 0.07")),
        (SubjectKind.VOLUME, 16, None),
        (SubjectKind.DELTA, 3, (1, "bar delta reached 0.03")),
        (SubjectKind.DELTA, 4, None),
        (SubjectKind.DELTA, -1, (2, "bar delta reached -0.01")),
        (SubjectKind.DELTA, -9, (3, "bar delta reached -0.09")),
        (SubjectKind.DELTA, -10, None),
    ],
)
def test_a_running_value_fires_with_the_trade_that_reaches_it(kind: SubjectKind, value: int, found: tuple | None) -> None:
    rows: Rows = [(0, 100, 1, BUY), (1, 101, 2, BUY), (2, 100, 4, SELL), (3, 100, 8, SELL)]
    expected = [(found[0], 1, found[1])] if found else []
    assert hits(rows, wish(kind, Condition.REACH, lots(value))) == expected
    later = [(trade + 4, number, text) for trade, number, text in expected]  # each bar counts from 0
    again = [(60 + second, *row) for second, *row in rows]
    assert hits([*rows, *again], wish(kind, Condition.REACH, lots(value))) == expected + later  # type: ignore[arg-type]


def test_a_value_that_was_reached_before_the_scan_does_not_fire() -> None:
    rows: Rows = [(0, 100, 5, BUY), (1, 101, 2, BUY), (2, 101, 9, BUY)]
    volumes = [wish(SubjectKind.VOLUME, Condition.REACH, lots(value)) for value in (5, 6, 16)]
    assert [(trade, number) for trade, number, _ in hits(rows, *volumes, first=1)] == [(0, 2), (1, 3)]


DAY: Rows = [(second, at, size, BUY) for second, (at, size) in enumerate([(100, 1), (101, 9), (102, 1)])]
"""POC of the day: 101."""
NEXT_DAY = 86_400.0


def test_a_naked_level_fires_with_the_trade_that_completes_its_range() -> None:
    naked = wish(SubjectKind.NAKED_POC, of=Scope.DAY)
    rows = [*DAY, *path(110, start=NEXT_DAY), *path(103, 100, 102, start=NEXT_DAY + 60)]
    assert hits(rows, naked) == [(5, 1, "touched naked POC of the day 10.1")]
    assert hits(rows, naked, first=5) == [(0, 1, "touched naked POC of the day 10.1")]
    assert hits(rows, naked, first=6) == []


def test_a_naked_level_fires_with_a_trade_exactly_at_its_price() -> None:
    rows = [*DAY, *path(110, 101, start=NEXT_DAY)]
    assert hits(rows, wish(SubjectKind.NAKED_POC, of=Scope.DAY)) == [(4, 1, "touched naked POC of the day 10.1")]


def test_a_naked_level_outside_the_bars_range_does_not_fire() -> None:
    rows = [*DAY, *path(110, start=NEXT_DAY), *path(103, 102, start=NEXT_DAY + 60)]
    assert hits(rows, wish(SubjectKind.NAKED_POC, of=Scope.DAY)) == []


# -- texts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tick", "ticks", "text"), [("0.1", 437_004, "43700.4"), ("0.1", 437_004.5, "43700.45"), ("0.01", 5.5, "0.055"), ("1", 7.5, "7.5")]
)
def test_a_price_between_two_ticks_has_one_digit_more(tick: str, ticks: float, text: str) -> None:
    assert price_text(Instrument("test", "XYZ", Decimal(tick), Decimal(1)), ticks) == text


def test_a_line_is_labelled_with_its_price_or_its_subject() -> None:
    assert line_label(ArmedAlert(alert(1, wish(value=price(100))), 100), MARKET, 100.0) == "10.0"
    assert line_label(ArmedAlert(alert(1, wish(SubjectKind.POC, of=Scope.WEEK)), 0), MARKET, 100.0) == "POC of the week"
