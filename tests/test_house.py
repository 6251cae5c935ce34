"""The rooms of the house: who may import whom."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]

_CORE = """
import sys, importlib, pkgutil

class Nowhere:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {
            "PySide6", "shiboken6", "pyqtgraph", "qasync", "websockets", "httpx2", "feeds", "rendering", "widgets", "resources"
        }:
            raise ImportError(f"{name} is not to be had in this room")

sys.meta_path.insert(0, Nowhere())
import app
for module in pkgutil.walk_packages(app.__path__, "app."):
    if not module.name.startswith(("app.entry", "app.__main__")):
        importlib.import_module(module.name)
print("imported")
"""


_COMMANDS = "tests/app/entry/commands"
TESTED_ELSEWHERE = {
    "app.entry.commands.backfill": f"{_COMMANDS}/test_store_cli.py",
    "app.entry.commands.collect": f"{_COMMANDS}/test_store_cli.py",
    "app.entry.commands.common": "tests/app/entry/test_cli.py",
    "app.entry.commands.export": f"{_COMMANDS}/test_store_cli.py",
    "app.entry.commands.import_": f"{_COMMANDS}/test_store_cli.py",
    "app.entry.commands.options": "tests/app/entry/test_cli.py",
    "app.entry.commands.period_cli": f"{_COMMANDS}/test_tpo.py",
    "app.entry.commands.profile": "tests/app/entry/test_cli.py",
    "app.entry.commands.snapshot_cli": "tests/app/entry/test_cli.py",
    "app.entry.commands.snapshot_request": f"{_COMMANDS}/test_snapshot_image.py",
    "app.entry.commands.why_cli": f"{_COMMANDS}/test_why.py",
    "app.entry.commands.why_panel_image": f"{_COMMANDS}/test_why.py",
    "app.entry.desktop": "tests/journeys/test_replay.py",
    "app.entry.display": "tests/app/entry/test_cli.py",
    "app.entry.graphics_probe": f"{_COMMANDS}/test_doctor.py",
    "app.entry.markets": "tests/app/entry/test_player.py",
    "app.entry.venue_clock": f"{_COMMANDS}/test_doctor.py",
}
"""Modules of the roof without a test of their name, and the file that runs them: mostly a command line from its words to its output."""


def test_the_core_can_be_imported_where_there_is_no_qt_and_no_network() -> None:
    done = subprocess.run([sys.executable, "-c", _CORE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "imported\n", done.stderr


def test_the_import_contracts_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = grimp.build_graph("app", "feeds", "rendering", "widgets", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) & graph.modules for module in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(f"these import each other: {' > '.join(error.args[1])}")


def test_the_independence_contract_names_every_venue() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    venues = next(contract for contract in contracts if contract["id"] == "venues")
    assert set(venues["modules"]) == {f"feeds.venues.{path.name}" for path in _modules(ROOT / "feeds" / "venues") if path.is_dir()}


def test_a_decoder_loads_the_market_vocabulary_alone() -> None:
    names = [f"feeds.venues.{path.name}.wire" for path in _modules(ROOT / "feeds" / "venues") if path.is_dir()]
    code = f"import sys, importlib; [importlib.import_module(name) for name in {names}]; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = [name for name in done.stdout.split() if name.startswith("app.") and not name.startswith("app.market")]
    assert loaded == ["app.errors", "app.printable"]


def test_a_folder_holds_few_files_and_lies_at_most_three_deep() -> None:
    folders = [path.parent for top in ("app", "feeds", "rendering", "widgets") for path in (ROOT / top).rglob("__init__.py")]
    sizes = {folder.relative_to(ROOT): sum(path.name != "__init__.py" for path in folder.glob("*.py")) for folder in folders}
    assert [folder for folder in sizes if len(folder.parts) > 3] == []
    assert [folder for folder, n_files in sizes.items() if n_files > 30] == []


def test_every_module_of_the_core_has_a_test_of_its_name() -> None:
    assert _untested("app") == [*TESTED_ELSEWHERE]
    assert [module for module in TESTED_ELSEWHERE if not module.startswith("app.entry.")] == []
    assert [path for path in TESTED_ELSEWHERE.values() if not (ROOT / path).is_file()] == []


def test_the_house_has_these_rooms_and_no_others() -> None:
    rooms = {path.name for path in _modules(ROOT) if path.is_dir()}
    assert rooms == {"app", "feeds", "rendering", "widgets", "resources", "tests"}


def _modules(folder: Path) -> list[Path]:
    """Files and folders of Python's in a folder; tool folders such as build and .venv hold no `__init__.py`."""
    return [path for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()]


def _untested(top: str) -> list[str]:
    """Modules without a test of their name in the same folder of the tests."""
    paths = [path.relative_to(ROOT) for path in sorted((ROOT / top).rglob("*.py")) if not path.name.startswith("__")]
    return [".".join(path.with_suffix("").parts) for path in paths if not (ROOT / "tests" / path.parent / f"test_{path.name}").is_file()]
