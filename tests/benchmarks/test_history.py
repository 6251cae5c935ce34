"""What is kept of the benchmarks, and how it is compared."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.benchmarks import history
from tests.benchmarks.history import commit_of, last_measured, main, medians_in, ratios, record, recorded


def results_of(path: Path, **seconds: float) -> Path:
    """A result as pytest-benchmark writes it."""
    found = [{"fullname": f"tests/benchmarks/bench_x.py::{name}", "stats": {"median": median}} for name, median in seconds.items()]
    path.write_text(json.dumps({"benchmarks": found}))
    return path


def test_medians_are_read_by_file_and_name(tmp_path: Path) -> None:
    assert medians_in(results_of(tmp_path / "a.json", one=0.5, two=2.0)) == {"bench_x.py::one": 0.5, "bench_x.py::two": 2.0}


def test_a_commit_keeps_what_was_measured_last(tmp_path: Path) -> None:
    record(tmp_path / "new", "abc", {"one": 1.0, "two": 2.0})
    record(tmp_path / "new", "abc", {"two": 3.0})
    assert recorded(tmp_path / "new", "abc") == {"one": 1.0, "two": 3.0}
    assert recorded(tmp_path / "new", "abd") == {}
    assert last_measured(tmp_path / "new", ["abd", "abc", "abe"]) == "abc"
    assert last_measured(tmp_path / "new", ["abd"]) is None


def test_ratios_name_what_only_one_of_both_has() -> None:
    assert ratios({"a": 0.001, "new": 0.5}, {"a": 0.002, "old": 1.0}) == [
        "a         1.000 ms    0.50 of the base",
        "new     500.000 ms  not in the base",
        "old  only in the base",
    ]


def test_results_are_recorded_and_compared_with_the_newest_measured_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TAPEPRINT_BENCHMARKS", str(tmp_path / "kept"))
    monkeypatch.setattr(history, "ROOT", tmp_path)
    for command in ("init -q", "commit -q --allow-empty -m one", "commit -q --allow-empty -m two"):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *command.split()], cwd=tmp_path, check=True)
    main([str(results_of(tmp_path / "a.json", one=0.5))])
    assert "no results of an earlier commit to compare with" in capsys.readouterr().out
    record(tmp_path / "kept", commit_of("HEAD~1"), {"bench_x.py::one": 1.0})
    for arguments in ((), ("--base", "HEAD~1")):
        main([str(tmp_path / "a.json"), *arguments])
        assert capsys.readouterr().out.endswith("0.50 of the base\n")
    assert recorded(tmp_path / "kept", commit_of("HEAD")) == {"bench_x.py::one": 0.5}
