"""Alerts fire when they should, once or each time, and what nobody watched is made up for or said."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.alerts import AlertBook, AlertWatch, Level, Often, When, crossings, touches
from app.chart import Chart
from app.errors import BadInputError
from app.market.span import Span
from app.market.trade import TradeBatch
from app.storage.memory import TradeStore
from tests.app.test_chart import MARKET, spec
from tests.builders import SECOND_NS, START_NS, split, trades_of

PRICES = st.lists(st.integers(1, 9), min_size=1, max_size=40)


class Tape:
    """A chart that trades come to, watched by alerts."""

    def __init__(self, book: AlertBook) -> None:
        self.book, self.store, self.chart = book, TradeStore(), Chart(spec())
        self.watch = AlertWatch(book, MARKET)

    def say(self, trades: TradeBatch) -> None:
        fresh = self.store.insert(trades)
        self.chart.apply(fresh, self.store)
        self.watch.look(fresh, self.chart)

    @property
    def told(self) -> list[tuple[float, str]]:
        return [((fired.time_ns - START_NS) / SECOND_NS, fired.text.partition(" ")[2]) for fired in self.book.fired]


def price(ticks: int) -> Decimal:
    return ticks * MARKET.tick_size


@given(prices=PRICES, level=st.integers(1, 9), cuts=st.lists(st.integers(0, 40), max_size=5))
def test_a_touch_begins_where_the_path_of_prices_comes_to_the_level(prices, level, cuts):
    expected = []
    for place, now in enumerate(prices):
        before = prices[place - 1] if place else None
        if (now == level and before != level) or (before is not None and before != level and min(before, now) < level < max(before, now)):
            expected.append(place)
    found, begun, last = [], 0, None
    for piece in np.split(np.array(prices), sorted(min(cut, len(prices)) for cut in cuts)):
        if len(piece):
            found += [begun + int(hit) for hit in touches(piece, level, last)]
            begun, last = begun + len(piece), int(piece[-1])
    assert found == expected


@given(prices=PRICES, level=st.integers(1, 9), cuts=st.lists(st.integers(0, 40), max_size=5))
def test_a_cross_is_the_first_trade_on_the_other_side(prices, level, cuts):
    expected, side = [], 0
    for place, now in enumerate(prices):
        if now != level:
            if side and (now > level) != (side > 0):
                expected.append(place)
            side = 1 if now > level else -1
    found, begun, state = [], 0, Level()
    for piece in np.split(np.array(prices), sorted(min(cut, len(prices)) for cut in cuts)):
        found += [begun + int(hit) for hit in crossings(piece, level, state)] if len(piece) else []
        begun += len(piece)
    assert found == expected


ROWS = [(0, 100, 1, 1), (1, 103, 1, 1), (2, 101, 1, -1), (61, 102, 5, -1), (62, 99, 1, -1), (121, 104, 1, 1)]


@pytest.mark.parametrize(
    ("when", "value", "often", "expected"),
    [
        (When.TOUCH, 102, Often.ONCE, [(1, "touched 10.2")]),
        (When.TOUCH, 102, Often.ONCE_A_BAR, [(1, "touched 10.2"), (61, "touched 10.2"), (121, "touched 10.2")]),
        (When.TOUCH, 102, Often.EVERY_TIME, [(1, "touched 10.2"), (2, "touched 10.2"), (61, "touched 10.2"), (121, "touched 10.2")]),
        (When.CROSS, 102, Often.EVERY_TIME, [(1, "crossed 10.2"), (2, "crossed 10.2"), (121, "crossed 10.2")]),
        (When.CLOSE_ABOVE, 100, Often.EVERY_TIME, [(60, "closed at 10.1, above 10.0")]),
        (When.CLOSE_BELOW, 100, Often.EVERY_TIME, [(120, "closed at 9.9, below 10.0")]),
    ],
)
@pytest.mark.parametrize("cuts", [[], [1], [1, 2, 3, 4, 5]])
def test_prices_and_closes_fire_the_same_however_trades_come(when, value, often, expected, cuts):
    tape = Tape(AlertBook())
    tape.book.add(MARKET, when, price(value), often)
    for piece in split(trades_of(ROWS), cuts):
        tape.say(piece)
    if when in (When.TOUCH, When.CROSS) or cuts:  # what was there at the first look is no news
        assert tape.told == expected
    assert [alert.armed for alert in tape.book.alerts] == [often is not Often.ONCE]


def test_delta_and_volume_fire_once_for_each_bar_that_reaches_them():
    tape = Tape(AlertBook())
    tape.book.add(MARKET, When.DELTA, -5 * MARKET.lot_size, Often.EVERY_TIME)
    tape.book.add(MARKET, When.VOLUME, 6 * MARKET.lot_size, Often.EVERY_TIME)
    for piece in split(trades_of(ROWS), [1, 2, 3, 4, 5]):
        tape.say(piece)
    assert [text for _, text in tape.told] == [
        f"delta of a bar reached {-5 * MARKET.lot_size}",
        f"volume of a bar reached {6 * MARKET.lot_size}",
    ]


def test_alerts_survive_a_restart_and_say_what_nobody_watched(tmp_path: Path):
    path = tmp_path / "alerts.json"
    tape = Tape(AlertBook(path))
    tape.book.add(MARKET, When.TOUCH, price(102), note="yesterday's high")
    trades = trades_of([(0, 100, 1, 1), (1, 101, 1, 1), (30, 103, 1, 1), (60, 100, 1, 1), (90, 100, 1, 1)])
    tape.say(trades[:2])
    tape.book.save()
    again = Tape(AlertBook(path))
    assert again.book.alerts == tape.book.alerts
    again.say(trades[4:])
    assert again.watch.unwatched == Span(int(trades.time_ns[1]) + 1, int(trades.time_ns[4]))
    assert again.book.fired == []
    again.watch.make_up(trades[2:4], again.chart)
    assert again.watch.unwatched is None
    (fired,) = again.book.fired
    assert (fired.late, fired.text.partition(" ")[2]) == (True, "touched 10.2 (yesterday's high)")
    assert not AlertBook(path).alerts[0].armed
    again.book.rearm(1)
    assert AlertBook(path).of(MARKET.id)
    again.book.delete(1)
    assert AlertBook(path).alerts == ()


@pytest.mark.parametrize(
    ("when", "value", "complaint"),
    [(When.TOUCH, "0.005", "expected a multiple of 0.1"), (When.TOUCH, "-1", "a price above 0"), (When.VOLUME, "0", "a quantity above 0")],
)
def test_a_value_that_cannot_be_reached_is_refused(when, value, complaint):
    with pytest.raises(BadInputError, match=complaint):
        AlertBook().add(MARKET, when, Decimal(value))


def test_a_file_that_is_no_list_of_alerts_is_left_alone(tmp_path: Path):
    path = tmp_path / "alerts.json"
    path.write_text('{"alerts": 5}')
    with pytest.raises(BadInputError, match=r"alerts\.json: found no list of alerts"):
        AlertBook(path)
    assert path.read_text() == '{"alerts": 5}'


def test_alerts_that_cannot_be_saved_go_on_and_say_so(tmp_path: Path):
    (tmp_path / "folder").write_text("in the way")
    book = AlertBook(tmp_path / "folder" / "alerts.json")
    book.add(MARKET, When.TOUCH, price(102))
    assert book.trouble.startswith("alerts are not saved: ")
    assert len(book.of(MARKET.id)) == 1
