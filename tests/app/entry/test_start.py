"""What a start loads: a version nothing, a picture only what it needs. Modules are counted, not seconds."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from app import __version__
from app.entry import cli

ROOT = Path(cli.__file__).parents[2]
_LIST = "import sys, atexit; atexit.register(lambda: print(*sorted(sys.modules))); sys.argv = ['tapeprint', *sys.argv[1:]]; "

NOT_FOR_A_PICTURE = {
    *("pyqtgraph", "pyarrow", "tomlkit", "numba", "httpx2", "websockets", "qasync", "rich", "pygments", "filelock", "sqlite3"),
    *("numpy.ma", "PySide6.QtOpenGL", "PySide6.QtOpenGLWidgets", "PySide6.QtNetwork"),
    *("app.ingest.history_loader", "app.storage.catalogue.catalogue", "app.storage.recorder", "app.workspace"),
    *("rendering.paint.gl_painter", "widgets.window.main_window"),
}
"""Modules that take long to load, and that no picture of the demo needs."""


def loaded_by(*arguments: str) -> tuple[str, set[str]]:
    """What a command prints, and the modules that have been loaded when it ends."""
    code = _LIST + "from app.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    *printed, modules = done.stdout.splitlines()
    return "\n".join(printed), set(modules.split())


def test_the_version_loads_nothing() -> None:
    printed, modules = loaded_by("--version")
    assert printed == __version__
    ours = {name for name in modules if name.partition(".")[0] in ("app", "feeds", "rendering", "widgets", "resources")}
    assert ours == {"app", "app.__main__"}
    assert not modules & {"numpy", "PySide6", "cyclopts", "structlog", "msgspec"}


def test_a_picture_loads_only_what_it_draws_with(tmp_path: Path) -> None:
    out = tmp_path / "demo.png"
    _, modules = loaded_by("snapshot", "demo", "-o", str(out), "--size", "400x300", "--quiet")
    assert out.stat().st_size > 1000 and "PySide6" in modules
    assert modules & NOT_FOR_A_PICTURE == set()


def test_the_log_prints_plain_tracebacks_and_rich_stays_available() -> None:
    """Those of `rich` show the values of all variables, and take as long to load as the settings, the chart and its values together."""
    code = "from app.__main__ import _start_fast; _start_fast(); import structlog.dev, rich; print(structlog.dev.rich, rich.__name__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["None", "rich"]


def test_a_start_looks_for_garbage_seldom(tmp_path: Path) -> None:
    """Each look through all objects takes up to 50 ms."""
    code = "import gc, atexit; atexit.register(lambda: print(gc.get_stats()[2]['collections'])); " + _LIST.partition("atexit.register")[0]
    code += f"sys.argv = ['tapeprint', 'snapshot', 'demo', '-o', {str(tmp_path / 'demo.png')!r}, '--size', '400x300', '--quiet']; "
    done = subprocess.run(
        [sys.executable, "-c", code + "from app.__main__ import main; main()"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) <= 1


def test_modules_that_python_3_15_loads_lazily_are_imported_where_they_are_listed() -> None:
    """Earlier versions ignore the lists, so nothing else would notice one that is out of date."""
    found = 0
    for path in (path for top in ("app", "feeds", "rendering", "widgets") for path in (ROOT / top).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
        for node in tree.body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__lazy_modules__":
                names = ast.literal_eval(node.value)
                found += 1
                assert isinstance(names, set) and names <= imported, path
                used = {id(name) for each in tree.body if not isinstance(each, ast.FunctionDef) for name in ast.walk(each)}
                lazy = {
                    name.asname or name.name
                    for each in tree.body
                    if isinstance(each, ast.ImportFrom) and each.module in names
                    for name in each.names
                }
                at_load = {name.id for name in ast.walk(tree) if isinstance(name, ast.Name) and id(name) in used}
                assert not lazy & at_load, f"{path}: used while the module loads, so it is not lazy"
    assert found == 5


@pytest.mark.parametrize("name", cli._COMMANDS)
def test_the_help_of_a_lazy_command_is_the_first_line_of_its_docstring(name: str) -> None:
    place, text = cli._COMMANDS[name]
    module, function = place.split(":")
    tree = ast.parse((ROOT / "app" / "entry" / "commands" / f"{module}.py").read_text(encoding="utf-8"))
    (found,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function]
    assert (ast.get_docstring(found) or "").splitlines()[0] == text
