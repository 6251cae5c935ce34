"""Build the wheel: the top folders of the checkout become subpackages of the package `tapeprint`.

In the checkout a module is called `app.market.trade`, installed it is `tapeprint.app.market.trade`, so that it cannot
clash with another program's `app`. `[tool.hatch.build.targets.wheel.sources]` moves the files; this hook rewrites the names
in them, line by line, so that line numbers are the same as in the checkout:

- each absolute import of a top folder, and
- each string that is the dotted name of one of our modules, or the name of a top folder passed to `files(...)`.

Any other string that looks like a module's name stops the build, because the hook cannot decide whether it is one.
An editable install gets only the files of `FRONT`, e.g. `tapeprint/__init__.py`, and uses the checkout for the rest.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "tapeprint"
FOLDERS = ("app", "feeds", "rendering", "resources", "widgets")
FRONT = {
    "__init__.py": '"""Tapeprint, a desktop order-flow workstation."""\n\nfrom app import __version__ as __version__\n',
    "__main__.py": (
        '"""`python -m tapeprint` is `tapeprint`."""\n\nfrom app.__main__ import main\n\nif __name__ == "__main__":\n    main()\n'
    ),
    "py.typed": "",
}
_TAKES_A_PACKAGE = {"files", "import_module", "find_spec", "resolve_name"}
_LIKE_A_MODULE = re.compile(rf"({'|'.join(FOLDERS)})(\.\w*)*")

Edit = tuple[int, int, int, bytes]
"""A replacement: line, counted from 0, first byte, end byte, and the new bytes."""


class UnclearModuleNameError(ValueError):
    """Raised for a string that may or may not be the name of a module, or an import in an unsupported form."""


class PackageHook(BuildHookInterface):
    """The build hook that Hatch calls for the wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the files that differ from the checkout into a temporary folder, and add them to the wheel in `build_data`."""
        self._written = TemporaryDirectory(prefix="tapeprint-build-")
        texts = dict(FRONT)
        if version == "editable":
            build_data["force_include_editable"] = self._write(texts)
            return
        selected = [Path(file.relative_path) for file in self.build_config.builder.recurse_selected_project_files()]
        sources = [path for path in selected if path.suffix == ".py"]
        texts |= {path.as_posix(): (Path(self.root) / path).read_text(encoding="utf-8") for path in sources}
        modules = {module_name(path) for path in sources}
        build_data["force_include"] |= self._write({name: installed_source(text, modules, name) for name, text in texts.items()})

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the temporary folder."""
        self._written.cleanup()

    def _write(self, texts: dict[str, str]) -> dict[str, str]:
        """Write each text; return its path in the wheel by its path on disk. Hatch's `sources` add the package's name."""
        written = {}
        for name, text in texts.items():
            path = Path(self._written.name) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
            written[str(path)] = name
        return written


def module_name(path: Path) -> str:
    """The dotted name that the module in a file has in the checkout."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def installed_source(text: str, modules: set[str], name: str) -> str:
    """A module's source as it is installed.

    Parameters
    ----------
    text : str
        The source in the checkout.
    modules : set of str
        Dotted names in the checkout of all our modules.
    name : str
        The name of the file, for error messages.

    Raises
    ------
    UnclearModuleNameError
        If a string looks like the name of a module but is not one of `modules`, or an import has an unsupported form.
    """
    lines = text.encode().splitlines(keepends=True)
    try:
        for line, start, end, new in sorted(_edits(ast.parse(text), lines, modules), reverse=True):
            lines[line] = lines[line][:start] + new + lines[line][end:]
    except UnclearModuleNameError as error:
        raise UnclearModuleNameError(f"{name}:{error}") from None
    return b"".join(lines).decode()


def _edits(tree: ast.Module, lines: list[bytes], modules: set[str]) -> Iterator[Edit]:
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    packages = {id(argument) for node in ast.walk(tree) if isinstance(node, ast.Call) and _takes_a_package(node) for argument in node.args}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and _is_ours(node.module or ""):
            yield _insertion(lines, node, rb"from\s+", node.module or "")
        elif isinstance(node, ast.Import):
            yield from (_import(alias) for alias in node.names if _is_ours(alias.name))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            if not _LIKE_A_MODULE.fullmatch(node.value):
                continue
            if node.value not in modules or ("." not in node.value and id(node) not in packages):
                raise UnclearModuleNameError(
                    f"{node.lineno}: {node.value!r} may be the name of a module; use __name__, or the module itself, or another word"
                )
            yield _insertion(lines, node, rb"[rR]?(\"\"\"|'''|\"|')", node.value)


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in FOLDERS


def _takes_a_package(call: ast.Call) -> bool:
    called = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id if isinstance(call.func, ast.Name) else ""
    return called in _TAKES_A_PACKAGE


def _insertion(lines: list[bytes], node: ast.stmt | ast.expr, before: bytes, name: str) -> Edit:
    """The edit that puts the package's name in front of `name`, which follows `before` in the node."""
    found = re.compile(before + rb"(?=" + re.escape(name.encode()) + rb"\b)").match(lines[node.lineno - 1], node.col_offset)
    if found is None:
        raise UnclearModuleNameError(f"{node.lineno}: {name!r} is written in a form that the build does not know")
    return node.lineno - 1, found.end(), found.end(), f"{PACKAGE}.".encode()


def _import(alias: ast.alias) -> Edit:
    """The edit of an `import app.x`, which binds the name `app`; its replacement does too."""
    new, folder = f"{PACKAGE}.{alias.name}", alias.name.partition(".")[0]
    if alias.asname:
        new += f" as {alias.asname}"
    else:
        new = f"{PACKAGE}.{folder} as {folder}" + (f", {new}" if alias.name != folder else "")
    return alias.lineno - 1, alias.col_offset, alias.end_col_offset or 0, new.encode()
