"""The wheel: installed, all lies under one name, and a neighbour's `app` is in nobody's way."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from build_package import FOLDERS, UnclearModuleNameError, installed_source

ROOT = Path(__file__).parents[1]
_BREAKS = "raise RuntimeError('a neighbour was imported')\n"
_IMPORT_ALL = """
import importlib, importlib.util, pkgutil, sys, tapeprint
count = 0
for module in pkgutil.walk_packages(tapeprint.__path__, "tapeprint."):
    if module.name.rpartition(".")[2] != "__main__":
        importlib.import_module(module.name)
        count += 1
print(tapeprint.__version__, tapeprint.__file__, count)
assert not {name.partition(".")[0] for name in sys.modules} & {"app", "feeds", "rendering", "resources", "widgets"}
"""

_READ_HELP = """
from tapeprint.widgets.window.help_texts import help_pages, picture
print(len(help_pages()), len(picture("pictures/tpo.png")))
"""


@dataclass(frozen=True, slots=True)
class Installed:
    """An environment that holds the wheel and what it needs, and a folder to work in whose files break what imports them."""

    bin: Path
    site_packages: Path
    neighbour: Path

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV_"))}
        home = {"HOME": str(self.neighbour), "QT_QPA_PLATFORM": "offscreen"}
        return subprocess.run(
            [str(self.bin / program), *arguments],
            cwd=self.neighbour,
            env=environ | home,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("wheel")
    _call(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist"))
    venv.create(folder / "venv", with_pip=False)
    paths = sysconfig.get_paths("venv", {"base": str(folder / "venv"), "platbase": str(folder / "venv")})
    site_packages, scripts = Path(paths["purelib"]), Path(paths["scripts"])
    (wheel,) = (folder / "dist").glob("*.whl")
    pip = (sys.executable, "-m", "pip", "--python", str(scripts / "python"))
    _call(*pip, "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index", str(wheel))
    names = {path.name for path in site_packages.iterdir()}
    assert names == {"tapeprint", next(name for name in names if name.endswith(".dist-info"))}
    # what the program needs; .pth files in there, such as that of the checkout, are not followed
    needed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site_packages / "needed.pth").write_text("\n".join(sorted(needed)), encoding="utf-8")
    neighbour = folder / "neighbour"
    neighbour.mkdir()
    for name in FOLDERS:
        (neighbour / f"{name}.py").write_text(_BREAKS, encoding="utf-8")
    return Installed(scripts, site_packages, neighbour)


def _call(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_installed_file_imports_a_folder_of_the_checkout(installed: Installed) -> None:
    sources = list((installed.site_packages / "tapeprint").rglob("*.py"))
    checkout = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    assert len(sources) == len(checkout) + 2  # and the front's two
    imported = {
        name.partition(".")[0]
        for path in sources
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in _imported(node)
    }
    assert "tapeprint" in imported and not imported & set(FOLDERS)
    assert (installed.site_packages / "tapeprint" / "py.typed").read_bytes() == b""


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) and node.level == 0 else []


def test_every_installed_module_can_be_imported(installed: Installed) -> None:
    done = installed.run("python", "-c", _IMPORT_ALL)
    assert done.returncode == 0, done.stderr
    version, file, count = done.stdout.split()
    assert version == "0.1.0" and Path(file) == installed.site_packages / "tapeprint" / "__init__.py"
    mains = 2  # tapeprint and tapeprint.app
    assert int(count) == len(list((installed.site_packages / "tapeprint").rglob("*.py"))) - mains - 1  # and tapeprint itself


def test_the_help_pages_and_pictures_are_in_the_wheel(installed: Installed) -> None:
    checkout, there = ROOT / "resources" / "help", installed.site_packages / "tapeprint" / "resources" / "help"
    shown = [path.relative_to(checkout) for path in checkout.rglob("*") if path.suffix in (".md", ".png") and path.name != "README.md"]
    assert shown and [path for path in shown if (there / path).read_bytes() != (checkout / path).read_bytes()] == []
    done = installed.run("python", "-c", _READ_HELP)
    assert done.returncode == 0, done.stderr
    pages, picture = done.stdout.split()
    assert int(pages) == len(list(checkout.glob("*.md"))) and int(picture) == (checkout / "pictures" / "tpo.png").stat().st_size


@pytest.mark.parametrize("arguments", [("-m", "tapeprint"), ("-m", "tapeprint.app")])
def test_it_runs_as_a_module(installed: Installed, arguments: tuple[str, ...]) -> None:
    done = installed.run("python", *arguments, "--version")
    assert (done.returncode, done.stdout.strip()) == (0, "0.1.0"), done.stderr


def test_the_command_tells_its_version(installed: Installed) -> None:
    done = installed.run("tapeprint", "--version")
    assert (done.returncode, done.stdout.strip()) == (0, "0.1.0"), done.stderr


def test_the_command_draws_a_picture(installed: Installed) -> None:
    done = installed.run("tapeprint", "snapshot", "demo", "-o", "x.png", "--quiet")
    assert done.returncode == 0, done.stderr
    assert (installed.neighbour / "x.png").read_bytes().startswith(b"\x89PNG")


def test_the_doctor_asks_the_graphics_driver_and_no_file_that_lies_around(installed: Installed) -> None:
    (installed.neighbour / "msgspec.py").write_text(_BREAKS, encoding="utf-8")
    done = installed.run("tapeprint", "doctor")
    (installed.neighbour / "msgspec.py").unlink()
    assert "offscreen" in done.stdout and "neighbour was imported" not in done.stdout + done.stderr, done.stdout + done.stderr


MODULES = {"app", "app.market", "app.market.trade", "resources"}


@pytest.mark.parametrize(
    ("checkout", "expected"),
    [
        ("from app.market import trade", "from tapeprint.app.market import trade"),
        ("from app import market; import os, app.market as m", "from tapeprint.app import market; import os, tapeprint.app.market as m"),
        ("import app", "import tapeprint.app as app"),
        ("import app.market", "import tapeprint.app as app, tapeprint.app.market"),
        ("from .app import x\nfrom apple import app", "from .app import x\nfrom apple import app"),
        ("é = 'ü'; from app import market", "é = 'ü'; from tapeprint.app import market"),
        ("name = 'app.market.trade'", "name = 'tapeprint.app.market.trade'"),
        ("files('resources')", "files('tapeprint.resources')"),
        ('"""See app.market."""', '"""See app.market."""'),
        ("'app'", "'app'"),  # a docstring
    ],
)
def test_names_of_modules_are_rewritten(checkout: str, expected: str) -> None:
    assert installed_source(checkout, MODULES, "x.py") == expected


@pytest.mark.parametrize(
    "unclear", ["x = 'app'", "x = f'app.{name}'", "x = 'app.nowhere'", "from \\\n app import x", "x = 'app' '.market'"]
)
def test_what_may_be_a_module_stops_the_build(unclear: str) -> None:
    with pytest.raises(UnclearModuleNameError, match=r"^x\.py:1: "):
        installed_source(unclear, MODULES, "x.py")
