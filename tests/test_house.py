"""The rooms of the house: who may import whom."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

_CORE = """
import sys, importlib, pkgutil

class Nowhere:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"PySide6", "shiboken6", "pyqtgraph", "qasync", "websockets", "httpx2", "feeds", "rendering", "widgets"}:
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


def test_the_house_has_these_rooms_and_no_others() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    rooms = {name.split("/")[0] for name in listed if "/" in name and not name.startswith(".")}
    assert rooms == {"app", "feeds", "rendering", "widgets", "resources", "tests"}
