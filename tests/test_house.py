"""The rooms of the house: who may import whom."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

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


def test_the_core_can_be_imported_where_there_is_no_qt_and_no_network() -> None:
    done = subprocess.run([sys.executable, "-c", _CORE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "imported\n", done.stderr


def test_the_import_contracts_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_contract_of_the_core_names_every_module_of_it() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    core = next(contract for contract in contracts if contract["id"] == "core")
    modules = {f"app.{path.stem}" for path in _modules(ROOT / "app")}
    assert set(core["source_modules"]) == modules - {"app.__init__", "app.__main__", "app.entry"}


def test_the_house_has_these_rooms_and_no_others() -> None:
    rooms = {path.name for path in _modules(ROOT) if path.is_dir()}
    assert rooms == {"app", "feeds", "rendering", "widgets", "resources", "tests"}


def _modules(folder: Path) -> list[Path]:
    """Files and folders of Python's in a folder; tool folders such as build and .venv hold no `__init__.py`."""
    return [path for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()]
