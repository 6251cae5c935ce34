"""The alert store saves alerts, scan progress and log; a damaged file is renamed."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from app.alerts.alert import AlertSpec, Condition, FiredAlert, Scope, SubjectKind, Trigger
from app.alerts.alert_store import AlertStore
from app.errors import BadInputError
from tests.app.alerts.tapes import Tape, price, wish
from tests.app.chart.test_chart import MARKET
from tests.builders import trades_of


def test_saved_alerts_keep_their_numbers_which_are_never_reused(tmp_path: Path):
    path = tmp_path / "alerts.json"
    book = AlertStore(path)
    first = book.add(MARKET, AlertSpec(value=price(102), note="yesterday's high"))
    second = book.add(MARKET, wish(SubjectKind.VWAP, Condition.CROSS_UP, of=Scope.WEEK, band=-2))
    book.delete(second.number)
    again = AlertStore(path)
    assert again.alerts == (first,)
    assert again.add(MARKET, wish(value=price(9))).number == 3
    changed = again.change(MARKET, 1, wish(value=price(50), when=Condition.CROSS))
    assert AlertStore(path).get(1) == changed


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        (wish(value="0.005"), r"expected a multiple of 0\.1"),
        (wish(value="-1"), "found -1, expected a price above 0"),
        (wish(value="one"), "found one, expected a price above 0"),
        (wish(value=""), "found no value, expected a price above 0"),
        (wish(SubjectKind.VOLUME, Condition.REACH, "0"), "a quantity above 0"),
        (wish(SubjectKind.DELTA, Condition.REACH, "0"), "a non-zero quantity"),
        (wish(SubjectKind.DELTA_PERCENT, Condition.REACH, "101"), "1 to 100 %"),
        (wish(SubjectKind.STACKED_BUY, Condition.TOUCH), "expected one of new"),
        (wish(SubjectKind.VWAP, Condition.TOUCH, of=Scope.NOTHING), "expected"),
    ],
)
def test_add_refuses_an_invalid_condition_or_value(wanted: AlertSpec, complaint: str):
    with pytest.raises(BadInputError, match=complaint):
        AlertStore().add(MARKET, wanted)


def test_an_unreadable_alert_file_is_renamed_and_reported(tmp_path: Path, logged):
    path = tmp_path / "alerts.json"
    path.write_text('{"alerts": 5}')
    book = AlertStore(path)
    assert "unreadable alert list" in book.trouble and "renamed to alerts.json.damaged" in book.trouble
    assert (tmp_path / "alerts.json.damaged").read_text() == '{"alerts": 5}'
    book.add(MARKET, wish(value=price(102)))
    assert "renamed to" in book.trouble  # until the program is closed
    assert len(AlertStore(path).alerts) == 1
    assert [record["event"] for record in logged.entries] == ["alerts not loaded"]


def test_log_lines_cut_short_are_skipped(tmp_path: Path):
    tape = Tape(AlertStore(tmp_path / "alerts.json"))
    tape.book.add(MARKET, wish(value=price(100)))
    tape.say(trades_of([(0, 100, 1, 1)]))
    log = tmp_path / "fired.jsonl"
    log.write_bytes(log.read_bytes() + b'\n{"what":"fired","n":2,"ale')
    tape.say(trades_of([(0, 100, 1, 1), (1, 101, 1, 1), (2, 100, 1, 1)]))
    assert [fired.n for fired in AlertStore(tape.book.path).unannounced()] == [1, 2]


FIRED = b'{"what":"fired","n":7,"alert":3,"instrument":"x:Y","time_ns":5,"trade_id":1,"price_ticks":2,"text":"price 2"}'


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"what":"fired","extra":' + b"[" * 50_000, "maximum recursion depth"),
        (b'{"what":"fired","extra":' + b'{"a":' * 50_000, "maximum recursion depth"),
        (b'{"what":"fired","text":"\xff"}', "Invalid UTF-8"),
        (FIRED.replace(b"5,", b"1e999999999,"), "Number out of range"),
        (FIRED.replace(b"5,", b"9223372036854775808,"), "Expected `int` <= 9223372036854775807"),
        (FIRED.replace(b'"n":7', b'"n":9223372036854775807'), "Expected `int` <= 9007199254740992"),
        (b"[1]", "Expected `object`, got `array`"),
    ],
)
def test_a_damaged_log_line_costs_itself_alone_and_is_reported(tmp_path: Path, line: bytes, why: str):
    """X4: `fired.jsonl` with a line that nobody should have written, between two sound ones."""
    (tmp_path / "fired.jsonl").write_bytes(b"\n".join((FIRED, line, FIRED.replace(b'"n":7', b'"n":8'))))
    book = AlertStore(tmp_path / "alerts.json")
    assert [fired.n for fired in book.log] == [7, 8] and book.fired_count == 8
    assert book.trouble.startswith(f"{tmp_path}/fired.jsonl: 1 line of the alert log skipped: {why}")
    assert "\n" not in book.trouble and len(book.trouble) < 300 + len(str(tmp_path))
    book.add(MARKET, wish(value=price(102)))
    assert "alert log skipped" in book.trouble  # until the program is closed
    assert len(AlertStore(tmp_path / "alerts.json").alerts) == 1


def test_the_beginning_of_a_long_log_is_not_read_and_not_missed(tmp_path: Path):
    (tmp_path / "fired.jsonl").write_bytes(b"\n".join([FIRED] * 4_000))
    book = AlertStore(tmp_path / "alerts.json")
    assert len(book.log) == 1_000 and book.trouble == ""


@pytest.mark.parametrize("place", [0, 1_000, 3_500])
def test_a_firing_anywhere_in_a_long_log_is_found(tmp_path: Path, place: int):
    """An alert fires once per bar also if thousands of other firings have followed in a long bar."""
    others, path = [FIRED] * 4_000, tmp_path / "fired.jsonl"
    decoder = msgspec.json.Decoder(FiredAlert)
    once = msgspec.structs.replace(decoder.decode(FIRED), alert=77, time_ns=5_000)
    path.write_bytes(b"\n".join([*others[:place], msgspec.json.encode(once), *others[place:]]))
    book = AlertStore(tmp_path / "alerts.json")
    assert book.fired_in(77, 5_000, 5_001) and not book.fired_in(77, 5_001, 9_000) and not book.fired_in(77, 0, 5_000)
    book = AlertStore(tmp_path / "alerts.json")
    assert book.knows(once) and not book.knows(msgspec.structs.replace(once, trade_id=once.trade_id + 1))
    assert not book.fired_in(78, 0, 1 << 62)


def test_firings_that_have_left_memory_are_found():
    """The same without a file."""
    book = AlertStore(None)
    once = msgspec.structs.replace(msgspec.json.decode(FIRED, type=FiredAlert), alert=77, time_ns=5_000)
    book.note_reached("x:Y", None, (), [once])
    for n in range(3):
        book.note_reached("x:Y", None, (), [msgspec.structs.replace(once, alert=5, time_ns=9_000 + n)] * 500)
    assert all(not isinstance(past, FiredAlert) or past.alert == 5 for past in book.log)
    assert book.fired_in(77, 4_000, 6_000) and book.knows(once)


@pytest.mark.parametrize(
    "change",
    [
        ('"band": 0', '"band": 1e400'),
        ('"band": 0', '"band": 1000000'),
        ('"number": 1', '"number": 99999999999999999999'),
        ('"armed_ns": 0', '"armed_ns": 9223372036854775808'),
        ('"next_number": 2', '"next_number": 9223372036854775807'),
    ],
)
def test_absurd_numbers_make_an_alert_file_unreadable(tmp_path: Path, logged, change: tuple[str, str]):
    """X4: numbers that would overflow when trades are scanned."""
    path = tmp_path / "alerts.json"
    AlertStore(path).add(MARKET, wish(value=price(102)))
    text = path.read_text()
    assert change[0] in text
    path.write_text(text.replace(*change))
    assert "unreadable alert list" in AlertStore(path).trouble


def test_alerts_not_announced_before_a_kill_are_announced_later(tmp_path: Path):
    tape = Tape(AlertStore(tmp_path / "alerts.json"))
    tape.book.add(MARKET, wish(value=price(100)))
    tape.say(trades_of([(0, 100, 1, 1)]))
    assert len(AlertStore(tape.book.path).unannounced()) == 1
    tape.book.note_announced()
    assert tape.book.unannounced() == []
    assert len(AlertStore(tape.book.path).unannounced()) == 1  # killed before it was saved: announced twice rather than never
    tape.book.save()
    assert AlertStore(tape.book.path).unannounced() == []


def test_alerts_that_cannot_be_saved_stay_armed_and_report_it(tmp_path: Path):
    (tmp_path / "folder").write_text("in the way")
    book = AlertStore(tmp_path / "folder" / "alerts.json")
    book.add(MARKET, wish(value=price(102)))
    assert book.trouble.startswith("alerts not saved: ")
    assert len(book.of(MARKET.id)) == 1


def test_a_rearmed_alert_fires_only_on_later_trades(tmp_path: Path):
    trades = trades_of([(0, 100, 1, 1), (1, 101, 1, 1), (2, 100, 1, 1), (3, 102, 1, 1), (4, 100, 1, 1)])
    tape = Tape(AlertStore(tmp_path / "alerts.json"))
    tape.book.add(MARKET, wish(value=price(101), often=Trigger.ONCE))
    tape.say(trades[:3])
    assert tape.told == [(1, "touched 10.1")] and tape.book.of(MARKET.id) == []
    tape.book.arm(1)
    tape.say(trades[3:])
    assert tape.told == [(1, "touched 10.1"), (3, "touched 10.1")]
    assert AlertStore(tape.book.path).of(MARKET.id) == []


def test_a_file_of_an_earlier_version_is_read(tmp_path: Path):
    path = tmp_path / "alerts.json"
    old = '{"alerts":[{"number":4,"instrument":"test:XYZ","when":"touch","value":"10.2","often":"once","note":"","armed":true}],'
    path.write_text(old + '"watched_ns":{"test:XYZ":5},"next_number":5}')
    (alert,) = AlertStore(path).alerts
    assert (alert.number, alert.value, alert.subject.kind) == (4, "10.2", SubjectKind.PRICE)
