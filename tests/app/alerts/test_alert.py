"""Stored words never change, shown words may; alerts and their records read back from JSON."""

from __future__ import annotations

import enum

import msgspec
import pytest

from app.alerts.alert import (
    Alert,
    AlertSpec,
    Condition,
    FiredAlert,
    MissedRange,
    ScanProgress,
    Scope,
    Subject,
    SubjectKind,
    Trigger,
    UnmonitoredSpan,
)


@pytest.mark.parametrize(
    ("kinds", "stored"),
    [
        (
            SubjectKind,
            "price|POC|VAH|VAL|VWAP|naked POC|naked VAH|naked VAL|delta|delta %|volume|stacked buying|stacked selling|unfinished high"
            "|unfinished low|CVD divergence at lows|CVD divergence at highs",
        ),
        (Scope, "|day|week|month|day before|week before|month before|profile"),
        (Condition, "touch|cross|cross upwards|cross downwards|close above|close below|reach|new"),
        (Trigger, "once|once a bar|every time"),
    ],
)
def test_the_stored_words_of_alerts_never_change(kinds: type[enum.Enum], stored: str) -> None:
    assert [kind.value for kind in kinds] == stored.split("|")


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (SubjectKind.POC, "POC"),
        (SubjectKind.STACKED_BUY, "stacked buy imbalance"),
        (SubjectKind.STACKED_SELL, "stacked sell imbalance"),
        (SubjectKind.DIVERGENCE_UP, "bullish CVD divergence"),
        (SubjectKind.DIVERGENCE_DOWN, "bearish CVD divergence"),
        (Scope.NOTHING, ""),
        (Scope.WEEK, "week"),
        (Scope.DAY_BEFORE, "previous day"),
        (Scope.WEEK_BEFORE, "previous week"),
        (Scope.MONTH_BEFORE, "previous month"),
        (Condition.TOUCH, "touch"),
        (Condition.CROSS_UP, "cross above"),
        (Condition.CROSS_DOWN, "cross below"),
        (Condition.REACH, "reaches"),
        (Trigger.ONCE, "once"),
        (Trigger.ONCE_A_BAR, "once per bar"),
    ],
)
def test_a_word_is_shown_as_traders_write_it(kind: SubjectKind | Scope | Condition | Trigger, shown: str) -> None:
    assert kind.text == shown


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        (Subject(), "price"),
        (Subject(kind=SubjectKind.POC, of=Scope.DAY), "POC of the day"),
        (Subject(kind=SubjectKind.VAH, of=Scope.MONTH_BEFORE), "VAH of the previous month"),
        (Subject(kind=SubjectKind.POC, of=Scope.PROFILE, key=3), "POC of profile 3"),
        (Subject(kind=SubjectKind.VWAP, of=Scope.WEEK, band=2), "VWAP of the week +2 σ"),
        (Subject(kind=SubjectKind.VWAP, of=Scope.WEEK, band=-2), "VWAP of the week −2 σ"),
        (Subject(kind=SubjectKind.VOLUME), "volume"),
    ],
)
def test_a_subject_names_its_period_profile_and_band(subject: Subject, text: str) -> None:
    assert subject.text == text


def test_an_alert_is_one_line_of_subject_value_and_condition() -> None:
    assert AlertSpec(value="64000.4").text == "price 64000.4: touch"
    assert AlertSpec(subject=Subject(kind=SubjectKind.POC, of=Scope.DAY), when=Condition.CROSS_UP).text == "POC of the day: cross above"


def test_an_alert_touches_once_with_a_chime_by_default() -> None:
    spec = AlertSpec()
    assert (spec.subject, spec.when, spec.value, spec.often) == (Subject(), Condition.TOUCH, "", Trigger.ONCE)
    assert (spec.note, spec.sound) == ("", "chime")
    alert = Alert(number=1, instrument="test:XYZ")
    assert (alert.armed, alert.armed_ns) == (True, 0)


def test_the_spec_of_an_alert_is_everything_but_number_and_state() -> None:
    spec = AlertSpec(
        subject=Subject(kind=SubjectKind.DELTA), when=Condition.REACH, value="5", often=Trigger.EVERY_TIME, note="mine", sound="bell"
    )
    alert = Alert(number=7, instrument="test:XYZ", armed=False, armed_ns=9, **msgspec.structs.asdict(spec))
    assert alert.spec == spec and type(alert.spec) is AlertSpec


def test_records_of_the_log_are_told_apart_by_their_tag() -> None:
    fired = FiredAlert(n=3, alert=1, instrument="test:XYZ", time_ns=5, trade_id=6, price_ticks=7, text="x", late=True, sound="chime")
    unmonitored = UnmonitoredSpan(instrument="test:XYZ", start_ns=1, end_ns=2, why="w", outcome="o")
    encoded = [msgspec.json.encode(record) for record in (fired, unmonitored)]
    assert [msgspec.json.decode(text)["what"] for text in encoded] == ["fired", "unwatched"]
    assert [msgspec.json.decode(text, type=FiredAlert | UnmonitoredSpan) for text in encoded] == [fired, unmonitored]


def test_a_missed_range_reads_back_and_ends_with_the_trade_after_it() -> None:
    before = ScanProgress(key=1, time_ns=10, price_ticks=100, sides={4: -1})
    missed = MissedRange(before=before, after=(50, 101, 1, 1, 9), end_key=9, end=(50, 101, 1, 1, 9), start_ns=10, why="w")
    assert missed.until_ns == 50
    assert (missed.open, missed.looked, missed.fired, missed.told) == (False, 0, 0, False)
    assert msgspec.json.decode(msgspec.json.encode(missed), type=MissedRange) == missed
