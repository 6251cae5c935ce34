"""`tapeprint doctor`: checks of versions, display, OpenGL, settings and folders."""

from __future__ import annotations

import asyncio
import errno
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from app.analytics.kernels.choice import fastest
from app.entry.display import require_display
from app.entry.graphics_probe import ask_graphics
from app.errors import NoDisplayError, TapeprintError
from app.printable import printable
from app.settings.settings import Settings, load_settings, settings_path

_PACKAGES = ("tapeprint", "PySide6-Essentials", "pyqtgraph", "numpy", "pyarrow", "websockets", "qasync", "msgspec", "httpx2")
_CLOCK_S = 1.0
_PROBE_BYTES = 1 << 20
_REMEDIES = {
    errno.ENOSPC: "free space on this disk",
    errno.EDQUOT: "free space within your quota",
    errno.EROFS: "mount this disk for writing",
    errno.ENOTDIR: "remove the file in the way",
}


@dataclass(frozen=True, slots=True)
class DoctorFinding:
    """The result of one check.

    Attributes
    ----------
    what, found : str
    sound : bool
        False only if the program cannot work this way.
    advice : str
        Text on how to fix or improve it; empty if nothing has to be done.
    """

    what: str
    found: str
    sound: bool = True
    advice: str = ""


def examine(settings_file: Path | None = None, online: bool = False) -> Iterator[DoctorFinding]:
    """Run all checks, the fast ones first, and yield their results; the venue is contacted only if `online`."""
    yield DoctorFinding("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    found = {name: _version(name) for name in _PACKAGES}
    for name, number in found.items():
        yield DoctorFinding(name, number or "not installed", bool(number), "" if number else f"pip install {name}")
    yield DoctorFinding("cells", fastest().reason, advice="" if _version("numba") else "pip install 'tapeprint[fast]' for long histories")
    yield qt_pair(found["PySide6-Essentials"], sys.version_info[:2])
    settings = Settings()
    place = settings_file or settings_path()
    try:
        settings = load_settings(settings_file)
        yield DoctorFinding("settings", f"{place}{'' if place.exists() else ' (not found, using defaults)'}")
    except TapeprintError as error:
        yield DoctorFinding("settings", error.user_message, False, f"fix or delete {place}")
    yield writable("journal folder", settings.journal_folder(), "journal.folder")
    yield writable("store", settings.store_folder(), "store.folder")
    yield from graphics(settings.display.painter)
    if online:
        yield clock(settings)


def qt_pair(qt_version: str, python: tuple[int, ...]) -> DoctorFinding:
    """Check that this Qt version works with this Python version.

    PySide6 6.12.0 under Python 3.11 loses a reference to None on each void call, until the process aborts.
    """
    if qt_version == "6.12.0" and python < (3, 12):
        advice = "pip install 'PySide6-Essentials<6.12', or use Python 3.12 or later"
        return DoctorFinding("Qt and Python", "PySide6 6.12.0 aborts under Python 3.11", False, advice)
    return DoctorFinding("Qt and Python", "compatible")


def writable(what: str, folder: Path, setting: str) -> DoctorFinding:
    """Check that 1 MiB can be written to a folder, or to its nearest existing parent; `setting` is the setting that names the folder."""
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        with tempfile.TemporaryFile(dir=place) as file:  # an empty one fits on a full disk
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
        return DoctorFinding(what, f"{folder}")
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, f"make {place} writable")
        return DoctorFinding(
            what, f"{folder}: {error.strerror}", False, f"{remedy}, or choose another folder with {setting} in the settings"
        )


def graphics(painter: str, environ: Mapping[str, str] | None = None) -> Iterator[DoctorFinding]:
    """Check the display and Qt, and find the OpenGL driver and the painter that the window would use.

    Without a display, Qt draws offscreen and has no OpenGL.
    """
    environ = dict(os.environ if environ is None else environ)
    try:
        require_display(environ)
        display = environ.get("QT_QPA_PLATFORM") or environ.get("WAYLAND_DISPLAY") or environ.get("DISPLAY") or "there"
    except NoDisplayError as error:
        display = error.user_message
        environ["QT_QPA_PLATFORM"] = "offscreen"
    found = ask_graphics(painter, environ)
    if found.fault:
        advice = "if there is no display, unset DISPLAY; on Debian and Ubuntu, `make demo` installs the libraries Qt needs"
        yield DoctorFinding("display", f"{display}: Qt failed to start: {found.fault}", False, advice)
        return
    yield DoctorFinding("display", display)
    yield DoctorFinding("Qt", f"{found.qt} on {found.platform}")
    yield DoctorFinding("OpenGL", found.opengl)
    yield DoctorFinding("painter", found.painter)


def clock(settings: Settings) -> DoctorFinding:
    """Check this machine's clock against Binance's.

    Bars use the venue's time, and displayed lags are corrected, so a wrong clock falsifies nothing.
    """
    from app.entry.venue_clock import clock_offset_s

    try:
        offset_s = asyncio.run(clock_offset_s(settings))
    except TapeprintError as error:
        advice = "check the network, or set other venue URLs in the settings"
        return DoctorFinding("clock", error.user_message, False, advice)
    text = f"{abs(offset_s):.3f} s {'ahead of' if offset_s > 0 else 'behind'} the venue"
    return DoctorFinding("clock", text, advice="sync the clock with NTP" if abs(offset_s) > _CLOCK_S else "")


def report(as_json: bool = False, online: bool = False, settings_file: Path | None = None) -> int:
    """Print the results of all checks; return 0 if all passed, else 1."""
    findings = list(examine(settings_file, online))
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode([asdict(finding) for finding in findings]) + b"\n")
        sys.stdout.buffer.flush()
    else:
        width = max(len(finding.what) for finding in findings)
        for finding in findings:
            mark = "ok  " if finding.sound else "FAIL"
            advice = f"  → {finding.advice}" if finding.advice else ""
            print(f"{mark}  {finding.what:<{width}}  {printable(finding.found + advice)}")  # noqa: T201
    return 0 if all(finding.sound for finding in findings) else 1


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
