"""Whatever a file, a line or an answer holds: each reader takes it or refuses it in one line, and ends in no other exception."""

from __future__ import annotations

import random
from itertools import islice
from pathlib import Path

import pytest

from tests.faults import mutations
from tests.faults.fuzz_targets import TARGETS, Target, content_of, fuzz

CASES = 500


@pytest.mark.parametrize("target", TARGETS, ids=[target.name for target in TARGETS])
def test_changed_content_is_read_or_refused_in_one_line(target: Target, tmp_path: Path, logged, record_property) -> None:
    """X4: 500 contents, changed by bytes and in their structure; `soak` has 20,000."""
    counts = fuzz(target, 1, range(CASES), tmp_path)
    assert min(counts.values()) > CASES // 50, counts
    for name, value in counts.items():
        record_property(name, value)


def test_there_is_a_target_for_each_reader() -> None:
    names = [target.name for target in TARGETS]
    assert names == [
        *("trades CSV", "trades Parquet", "trades zip", "klines", "settings", "theme", "profiles file"),
        *("alerts file", "fired log", "catalogue", "day file", "venue frames", "REST answers"),
    ]


@pytest.mark.parametrize("target", TARGETS, ids=[target.name for target in TARGETS])
def test_a_seed_and_a_case_give_the_same_content_again(target: Target) -> None:
    once, again = ([content_of(target, 7, case) for case in range(20)] for _ in range(2))
    assert once == again
    assert once != [content_of(target, 8, case) for case in range(20)] and len({*once}) > 10


def test_an_exception_names_the_seed_and_the_case(tmp_path: Path) -> None:
    def read(_: Path, content: bytes) -> str:
        if content != b"{}":
            raise KeyError("let through")
        return ""

    target = Target("weak", lambda: [b"{}"], mutations.JSON, read, ())
    with pytest.raises(KeyError) as caught:
        fuzz(target, 3, range(100), tmp_path)
    (note,) = caught.value.__notes__
    case = int(note.partition("case ")[2].partition(";")[0])
    assert note.startswith(f"weak, seed 3, case {case}; to have it again: python -m tests.faults.soak --parts readers --reader 'weak'")
    assert content_of(target, 3, case) != b"{}"
    with pytest.raises(KeyError):
        fuzz(target, 3, [case], tmp_path / "again")


def test_more_than_one_line_is_a_fault(tmp_path: Path) -> None:
    target = Target("chatty", lambda: [b"{}"], mutations.JSON, lambda *_: "two\nlines", ())
    with pytest.raises(AssertionError, match="more than one line"):
        fuzz(target, 1, range(1), tmp_path)


def test_mutators_reach_every_hostile_value() -> None:
    """Deep nests, absurd numbers, invalid UTF-8, control characters, wrong types: each occurs in a thousand contents."""
    chance = random.Random(1)
    sample = b'{"name": "text", "number": 12.5, "list": [1, 2, {"a": null}], "true": true}'
    made = b"\x00\x00".join(islice((mutations.JSON(chance, sample) for _ in iter(int, 1)), 1000))
    for wanted in (b"[" * 50_000, b'{"a":' * 500, b"1e999999999", b"9" * 400, b"\xff\xfe", b"\x1b[31m", b"\\u0000", b"\\u001b"):
        assert wanted in made, wanted[:20]
    assert b'"number": true' in made or b'"number": {' in made
