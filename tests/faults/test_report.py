"""The table of promises says what the tests found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.faults.catalogue import CATALOGUE, numbers_of
from tests.faults.report import Collector, Outcome, table

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("docstring", "numbers"), [("A1: a reset", ["A1"]), ("\n  A1, B12: two", ["A1", "B12"]), ("About A1: no", []), (None, []), ("A1", [])]
)
def test_numbers_stand_at_the_beginning_of_the_docstring(docstring: str | None, numbers: list[str]) -> None:
    assert numbers_of(docstring) == numbers


def test_every_number_that_a_test_names_is_in_the_catalogue() -> None:
    named = {
        number
        for path in (ROOT / "tests").rglob("test_*.py")
        for line in re.findall(r'^    """([ABCDSTX]\d.*)', path.read_text(encoding="utf-8"), re.MULTILINE)
        for number in numbers_of(line)
    }
    assert named <= set(CATALOGUE) and {f"A{n}" for n in range(1, 15)} <= named


def test_a_promise_holds_when_all_its_tests_do() -> None:
    good, bad = Outcome("all is well", "holds", (("missing", 0),)), Outcome("one thing is not", "does not hold", (), "we know why")
    text = table({"A1": [good], "A2": [good, bad], "A3": [Outcome("elsewhere", "not run")]})
    assert re.search(r"^\| A1 \|.*\| yes \| 1 of 1 \|$", text, re.MULTILINE)
    assert re.search(r"^\| A2 \|.*\| \*\*not always\*\* \| 1 of 2 \|$", text, re.MULTILINE)
    assert re.search(r"^\| A3 \|.*\| not tested \| 0 of 1 \|$", text, re.MULTILINE)
    assert re.search(r"^\| A15 \|.*\| not tested \| 0 of 0 \|$", text, re.MULTILINE)
    assert "- all is well — missing: 0\n" in text and "- **does not hold:** one thing is not (we know why)\n" in text


def test_forms_of_one_test_without_figures_share_a_line() -> None:
    forms = [Outcome(f"of many[{n}]", "holds") for n in range(3)]
    text = table(
        {"A1": [*forms, Outcome("of many[3]", "does not hold"), Outcome("alone[x]", "holds"), Outcome("told[y]", "holds", (("n", 1),))]}
    )
    lines = text.partition("## A1\n\n")[2].splitlines()
    assert lines == ["- of many (3 forms)", "- **does not hold:** of many[3]", "- alone[x]", "- told[y] — n: 1"]


def test_numbered_tests_alone_are_run_and_their_figures_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)  # what whoever runs us asks for is not for the run inside
    (tmp_path / "test_sample.py").write_text(
        "import pytest\n"
        "def test_a_good_one(record_property):\n    '''A1, A7: fine'''\n    record_property('missing', 0)\n"
        "def test_a_bad_one():\n    '''A7: not fine'''\n    assert False\n"
        "@pytest.mark.xfail(reason='known')\ndef test_a_known_one():\n    '''A8: known'''\n    assert False\n"
        "def test_without_a_number():\n    raise SystemError\n"
    )
    collector = Collector()
    pytest.main(["-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)], plugins=[collector])
    assert collector.outcomes == {
        "A1": [Outcome("a good one", "holds", (("missing", 0),))],
        "A7": [Outcome("a good one", "holds", (("missing", 0),)), Outcome("a bad one", "does not hold")],
        "A8": [Outcome("a known one", "does not hold", (), "known")],
    }
