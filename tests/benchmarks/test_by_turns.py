"""Two commits are measured by turns, and what is least counts."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.by_turns import by_turns, run_file

_BENCH = """
from app import VALUE


def test_one(benchmark):
    benchmark.pedantic(lambda: None, rounds=1)
    assert VALUE == {expected!r}


def test_fails(benchmark):
    benchmark.pedantic(lambda: None, rounds=1)
    raise RuntimeError
"""


def checkout(folder: Path, value: str, *files: str) -> Path:
    """A checkout with benchmarks that pass only where its own `app` is imported."""
    benchmarks = folder / "tests" / "benchmarks"
    benchmarks.mkdir(parents=True)
    (folder / "app").mkdir()
    (folder / "app" / "__init__.py").write_text(f"VALUE = {value!r}\n")
    for file in files:
        (benchmarks / file).write_text(_BENCH.format(expected=value))
    return folder


def test_both_run_by_turns_and_the_least_median_counts(tmp_path: Path) -> None:
    base, here = checkout(tmp_path / "base", "a", "bench_a.py"), checkout(tmp_path / "here", "b", "bench_a.py", "bench_b.py")
    ran: list[tuple[str, str]] = []

    def run(where: Path, file: str) -> dict[str, float]:
        ran.append((where.name, file))
        return {f"{file}::one": [0.0, 3.0, 2.0, 5.0, 1.0, 7.0, 4.0][len(ran)]}

    found = by_turns(base, here, ["bench_a.py", "bench_b.py"], 2, run)
    assert ran == [("base", "bench_a.py"), ("here", "bench_a.py")] * 2 + [("here", "bench_b.py")] * 2
    assert found == ({"bench_a.py::one": 3.0}, {"bench_a.py::one": 1.0, "bench_b.py::one": 4.0})


def test_a_file_runs_with_the_program_of_its_checkout(tmp_path: Path, capsys) -> None:
    found = run_file(checkout(tmp_path / "base", "a", "bench_a.py"), "bench_a.py")
    assert set(found) == {"bench_a.py::test_one", "bench_a.py::test_fails"}  # measured before it failed
    assert "RuntimeError" in capsys.readouterr().err
