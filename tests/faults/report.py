"""Write a report of the promises that hold: `python -m tests.faults.report [-o FILE] [pytest's own arguments]`.

Runs every test of the repository whose docstring begins with a number of the catalogue and writes a table in Markdown,
by default to build/RELIABILITY.md. Exits with 1 if a promise does not hold.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.faults.catalogue import CATALOGUE, numbers_of

ROOT = Path(__file__).parents[2]
_LONG_FORMS = ROOT / "build" / "soak.md"
Figures = tuple[tuple[str, object], ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one test, with the values that it recorded."""

    name: str
    outcome: str
    figures: Figures = ()
    why: str = ""


@dataclass
class Collector:
    """A pytest plugin that selects the numbered tests and records their outcomes."""

    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)
    _numbers: dict[str, list[str]] = field(default_factory=dict)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Select the tests that have a catalogue number."""
        for item in items:
            if isinstance(item, pytest.Function) and (numbers := numbers_of(item.function.__doc__)):
                self._numbers[item.nodeid] = numbers
        items[:] = [item for item in items if item.nodeid in self._numbers]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record the outcome of a test's call, or a failure of its setup or teardown."""
        if report.when != "call" and report.outcome == "passed":
            return
        promised_not = hasattr(report, "wasxfail")
        outcome = "does not hold" if report.failed or promised_not else "not run" if report.skipped else "holds"
        why = str(getattr(report, "wasxfail", "")).removeprefix("reason: ")
        name = report.nodeid.rpartition("::")[2].removeprefix("test_").replace("_", " ")
        for number in self._numbers[report.nodeid]:
            self.outcomes.setdefault(number, []).append(Outcome(name, outcome, tuple(report.user_properties), why))


def table(outcomes: dict[str, list[Outcome]], long_forms: str = "") -> str:
    """The report as Markdown: a row for each fault, then each test with its values, then the results of `soak`."""
    lines = ["# What holds when things go wrong", "", f"Python {platform.python_version()} on {platform.system()} {platform.machine()}, "]
    lines[-1] += f"{os.cpu_count()} cores. Made by `python -m tests.faults.report`."
    lines += ["", "| # | fault | promise | holds | tests |", "|---|---|---|---|---|"]
    for number, entry in CATALOGUE.items():
        found = outcomes.get(number, [])
        held = sum(each.outcome == "holds" for each in found)
        lines.append(f"| {number} | {entry.fault} | {entry.promise} | {_verdict(found)} | {held} of {len(found)} |")
    for number in CATALOGUE:
        if number in outcomes:
            lines += ["", f"## {number}", "", *_lines(outcomes[number])]
    if long_forms:
        lines += ["", "## Long forms", "", "Of the last `python -m tests.faults.soak`.", "", long_forms.rstrip()]
    return "\n".join(lines) + "\n"


def _verdict(found: list[Outcome]) -> str:
    if any(each.outcome == "does not hold" for each in found):
        return "**not always**"
    return "yes" if any(each.outcome == "holds" for each in found) else "not tested"


def _lines(found: list[Outcome]) -> Iterator[str]:
    """A line for each test; passed cases of one test without recorded values share a line."""
    plain = Counter(each.name.partition("[")[0] for each in found if each.outcome == "holds" and not each.figures)
    for each in found:
        name = each.name.partition("[")[0]
        if each.figures or each.outcome != "holds" or plain[name] == 1:
            yield _line(each)
        elif forms := plain.pop(name, 0):
            yield f"- {name} ({forms} forms)"


def _line(outcome: Outcome) -> str:
    mark = {"holds": "", "does not hold": "**does not hold:** ", "not run": "not run: "}[outcome.outcome]
    figures = "; ".join(f"{name}: {value}" for name, value in outcome.figures)
    return f"- {mark}{outcome.name}{f' ({outcome.why})' if outcome.why else ''}{f' — {figures}' if figures else ''}"


def main(arguments: Iterable[str] | None = None) -> int:
    """Run the numbered tests and write the report; return 1 if a promise does not hold, or pytest's code if it could not run."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.report", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "build" / "RELIABILITY.md")
    options, rest = parser.parse_known_args(None if arguments is None else list(arguments))
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    collector = Collector()
    code = pytest.main(["-q", "-m", "not gl", "--rootdir", str(ROOT), *(rest or [str(ROOT / "tests")])], plugins=[collector])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        return int(code)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    long_forms = _LONG_FORMS.read_text(encoding="utf-8") if _LONG_FORMS.exists() else ""
    options.output.write_text(table(collector.outcomes, long_forms), encoding="utf-8")
    print(options.output)
    return int(any(_verdict(found) == "**not always**" for found in collector.outcomes.values()))


if __name__ == "__main__":
    sys.exit(main())
