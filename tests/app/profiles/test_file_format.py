"""The profile file reads back what was written, and refuses anything else."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analytics.row_layout import RowLayout, RowMode
from app.errors import BadInputError
from app.profiles.chart_profiles import ChartProfiles
from app.profiles.file_format import decode_profiles, encode_profiles
from app.profiles.period_profiles import PeriodKind, PeriodProfiles
from app.profiles.placed_profile import PlacedProfile, TimeRange
from app.profiles.profile_settings import ProfileColours, ProfileSettings, VolumeDisplay

NOW_NS = 1_763_640_000 * 10**9


def busy() -> ChartProfiles:
    """Anchors with one of everything, and steps to take back and again."""
    anchors = ChartProfiles()
    first = anchors.add(NOW_NS)
    anchors.add(NOW_NS - 10**12, NOW_NS)
    inputs = ProfileSettings(RowLayout(RowMode.ROWS, 24), VolumeDisplay.DELTA, colours=ProfileColours("#0072b2"))
    anchors.set_inputs(first, inputs)
    anchors.rename(first, "Überhang 'ü' \\ \"")
    for placed in anchors.profiles:
        anchors.choose(placed)
    anchors.choose(PlacedProfile(0, "20 Nov", (TimeRange(5, 9),), inputs))
    anchors.compose()
    anchors.show_periods(PeriodProfiles(PeriodKind.WEEK, inputs=inputs))
    anchors.split_period(NOW_NS + 1)
    anchors.merge_periods(NOW_NS + 2)
    anchors.show_periods(PeriodProfiles(PeriodKind.BARS, 12))
    anchors.set_side(inputs)
    anchors.delete(first)
    anchors.undo()
    anchors.undo()
    return anchors


CONTENT = encode_profiles(busy().history(), "test:BTC")


def test_a_profile_file_reads_back_every_undo_step() -> None:
    before, after = busy(), ChartProfiles()
    after.restore(decode_profiles(CONTENT, "test:BTC"))
    assert after.history() == before.history()
    assert after.add(5) == before.add(5)
    after.undo(), before.undo()
    while before.undo():
        assert after.undo()
        assert (after.profiles, after.periods, after.side) == (before.profiles, before.periods, before.side)
    assert not after.undo()


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(["add", "move", "delete", "undo", "redo", "periods", "split"]), st.integers(0, 9)), max_size=25))
def test_a_profile_file_reads_back_any_history(steps: list[tuple[str, int]]) -> None:
    anchors = ChartProfiles()
    for step, number in steps:
        key = anchors.profiles[number % len(anchors.profiles)].key if anchors.profiles else 0
        if step == "add":
            anchors.add(number, None if number % 2 else number + 5)
        elif step == "move":
            anchors.move(key, -number, None)
        elif step == "delete":
            anchors.delete(key)
        elif step == "periods":
            anchors.show_periods(PeriodProfiles(list(PeriodKind)[number % 4], number + 1) if number % 3 else None)
        elif step == "split":
            anchors.split_period(number)
        else:
            anchors.undo() if step == "undo" else anchors.redo()
    history = anchors.history()
    assert decode_profiles(encode_profiles(history, "a:B"), "a:B") == history


def test_a_drag_of_many_steps_writes_each_profile_once() -> None:
    anchors = ChartProfiles()
    keys = [anchors.add(NOW_NS + n) for n in range(20)]
    for n in range(180):
        anchors.move(keys[0], NOW_NS + 100 + n, None)
    content = encode_profiles(anchors.history(), "test:BTC")
    assert len(msgspec.json.decode(content)["placed"]) == 200
    assert len(content) < 400_000


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"version": 2}, "found version 2, expected 1"),
        ({"instrument": "a:B"}, "found profiles of 'a:B'"),
        ({"place": 99}, "found step 99"),
        ({"place": -1}, "found step -1"),
        ({"steps": []}, "found step"),
        ({"next_key": 1}, "expected unique keys"),
        ({"placed": []}, "in a list of 0"),
        ({"surprise": 1}, "not a profile file"),
        ({"sides": "none"}, "not a profile file"),
    ],
)
def test_an_inconsistent_file_raises_a_one_line_error(change: dict[str, object], told: str) -> None:
    content = msgspec.json.encode({**msgspec.json.decode(CONTENT), **change})
    with pytest.raises(BadInputError, match=told) as refused:
        decode_profiles(content, "test:BTC")
    assert "\n" not in refused.value.user_message


def test_a_time_outside_1700_to_2260_raises_an_error() -> None:
    anchors = ChartProfiles()
    anchors.add(2**63 - 10)
    with pytest.raises(BadInputError, match="expected a year from 1700 to 2260"):
        decode_profiles(encode_profiles(anchors.history(), "a:B"), "a:B")


def test_invalid_settings_in_a_file_raise_an_error() -> None:
    for before, after in ((b'"percent": 70', b'"percent": 700'), (b'"#0072b2"', b'"#00"'), (b'"size": 24', b'"size": 0')):
        assert before in CONTENT
        with pytest.raises(BadInputError):
            decode_profiles(CONTENT.replace(before, after), "test:BTC")


def test_a_damaged_file_is_read_or_refused() -> None:
    chance = random.Random(7)
    refused = 0
    for _ in range(1500):
        content = bytearray(CONTENT)
        for _ in range(chance.randint(1, 3)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        hurt = bytes(content[: chance.randrange(len(content))]) if chance.random() < 0.3 else bytes(content)
        try:
            anchors = ChartProfiles()
            anchors.restore(decode_profiles(hurt, "test:BTC"))
            while anchors.undo():
                pass
        except BadInputError:
            refused += 1
    assert refused > 800
