"""`tapeprint doctor`: its checks, and the faults it reports."""

from __future__ import annotations

import asyncio
import errno
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from app.analytics.kernels.choice import NUMPY, Choice
from app.entry.cli import run
from app.entry.commands import doctor
from app.entry.commands.doctor import DoctorFinding, clock, graphics, qt_pair, writable
from app.entry.graphics_probe import Graphics, ask_graphics
from app.entry.venue_clock import clock_offset_s
from app.errors import DecodeError
from app.settings.settings import Settings

OFFSCREEN = {"QT_QPA_PLATFORM": "offscreen"}


@pytest.fixture
def sound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose graphics are in order, without asking it."""
    monkeypatch.setattr(doctor, "ask_graphics", lambda *_: Graphics("6.11.3", "xcb", "a card, 4.6", "gl (a card)"))


def test_qt_pair_fails_for_the_versions_that_abort() -> None:
    bad = qt_pair("6.12.0", (3, 11))
    assert not bad.sound and "PySide6-Essentials<6.12" in bad.advice
    assert qt_pair("6.12.0", (3, 12)).sound and qt_pair("6.11.3", (3, 11)).sound and qt_pair("6.12.1", (3, 11)).sound


def test_the_implementation_that_builds_the_bars_is_shown(sound: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for numba, advice in (("0.68.1", ""), ("", "pip install 'tapeprint[fast]' for long histories")):
        monkeypatch.setattr(doctor, "fastest", lambda: Choice(NUMPY, "numba 1.2, 3.0 times as fast as numpy"))
        monkeypatch.setattr(doctor, "_version", lambda package, numba=numba: numba if package == "numba" else "6.11.3")
        (finding,) = [finding for finding in doctor.examine() if finding.what == "cells"]
        assert finding == DoctorFinding("cells", "numba 1.2, 3.0 times as fast as numpy", True, advice)


def test_a_folder_is_writable_if_it_can_be_created(tmp_path: Path) -> None:
    assert writable("journal", tmp_path / "not" / "there" / "yet", "journal.folder").sound
    assert not (tmp_path / "not").exists()
    assert not writable("journal", Path("/proc/nowhere"), "journal.folder").sound


@pytest.mark.parametrize("setting", ["journal.folder", "store.folder"])
@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO, errno.ENOTDIR, errno.ESTALE])
def test_a_folder_that_takes_no_file_is_not_sound_and_its_advice_mends_it(
    fault: int, setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S4: full, over quota, read-only, forbidden, broken, in the way, stale."""

    def refuse(**_: object) -> None:
        raise OSError(fault, "it fails")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    finding = writable("store", tmp_path, setting)
    assert not finding.sound and finding.found == f"{tmp_path}: it fails"
    assert finding.advice.endswith(f", or choose another folder with {setting} in the settings")
    assert ("free space" in finding.advice) == (fault in (errno.ENOSPC, errno.EDQUOT))


@pytest.mark.parametrize("room", [0, 1, 4_096, 500_000])
def test_a_full_disk_that_still_takes_an_empty_file_is_not_sound(room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S4: as on a real disk, the file can be created, and there is room for a few bytes."""
    free = [room]

    class File(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def fileno(self) -> int:
            return 0

        def write(self, data: Any) -> int:
            free[0] -= len(data)
            if free[0] < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return len(data)

    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: File())
    monkeypatch.setattr("os.fsync", lambda _: None)
    finding = writable("store", tmp_path, "store.folder")
    assert not finding.sound and "No space left" in finding.found and finding.advice.startswith("free space on this disk, or")


def test_each_folder_is_advised_by_its_own_setting(sound: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """S4: store and journal in the place of a file."""
    (tmp_path / "file").write_text("")
    settings = tmp_path / "settings.toml"
    settings.write_text(f"[store]\nfolder = '{tmp_path / 'file'}'\n[journal]\nfolder = '{tmp_path / 'file' / 'pictures'}'\n")
    assert run(["doctor", "--settings", str(settings), "--json"]) == 1
    advice = {finding["what"]: finding["advice"] for finding in json.loads(capfd.readouterr().out)}
    assert "with store.folder in" in advice["store"] and "with journal.folder in" in advice["journal folder"]


def test_doctor_prints_a_table_or_json(sound: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text('[journal]\nfolder = "pictures"\n')
    assert run(["doctor", "--settings", str(settings)]) == 0
    table = capfd.readouterr().out
    assert run(["doctor", "--settings", str(settings), "--json"]) == 0
    findings = json.loads(capfd.readouterr().out)
    assert [line.split()[0] for line in table.splitlines()] == ["ok"] * len(findings)
    found = {finding["what"]: finding["found"] for finding in findings}
    assert found["settings"] == str(settings) and found["journal folder"] == "pictures"
    assert (found["OpenGL"], found["painter"], found["Qt"]) == ("a card, 4.6", "gl (a card)", "6.11.3 on xcb")
    assert {"python", "tapeprint", "PySide6-Essentials", "pyqtgraph", "numpy", "websockets", "Qt and Python", "display"} <= set(found)


def test_invalid_settings_fail_with_exit_code_1(sound: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text("[display]\ntheme = 3\n")
    assert run(["doctor", "--settings", str(settings)]) == 1
    (line,) = (line for line in capfd.readouterr().out.splitlines() if line.startswith("FAIL"))
    assert "settings.toml" in line and "fix or delete" in line


def test_a_missing_display_passes_and_names_snapshot() -> None:
    display, qt, opengl, painter = graphics("auto", {})
    assert display.sound and "tapeprint snapshot" in display.found
    assert qt.found.endswith("on offscreen") and opengl.found.startswith("none") and painter.found.startswith("raster")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a display")
def test_an_unreachable_display_fails_without_a_crash() -> None:
    (finding,) = graphics("auto", {"DISPLAY": ":4711"})
    assert not finding.sound and finding.found.startswith(":4711: Qt failed to start: ")


def test_a_probe_that_dies_or_hangs_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    assert ask_graphics("auto", OFFSCREEN).fault == "exited with code 1"
    monkeypatch.setattr(subprocess, "run", _too_slow)
    assert ask_graphics("auto", OFFSCREEN).fault == "no answer within 30 s"


def _too_slow(*_: object, **__: object) -> None:
    raise subprocess.TimeoutExpired("graphics", 30)


def test_the_probe_checks_the_requested_painter() -> None:
    assert ask_graphics("raster", OFFSCREEN).painter == "raster (requested)"


def test_the_probe_imports_nothing_from_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """X6: modules with names that the program imports, in the folder in which it was started."""
    for name in ("msgspec", "os", "app", "PySide6", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("import pathlib\npathlib.Path('imported').touch()\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    assert ask_graphics("raster", OFFSCREEN).painter == "raster (requested)"
    assert not (tmp_path / "imported").exists()


@asynccontextmanager
async def venue_that_answers(body: bytes) -> AsyncIterator[Settings]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        assert request.startswith(b"GET /api/v3/time ")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield Settings().with_hosts("binance", rest_url=f"http://127.0.0.1:{port}")


def test_the_clock_offset_is_measured_at_mid_request() -> None:
    times = iter([1000.0, 1000.5])

    async def ask() -> float:
        async with venue_that_answers(b'{"serverTime":1000000}') as settings:
            return await clock_offset_s(settings, lambda: next(times))

    assert asyncio.run(ask()) == 0.25


def test_an_invalid_server_time_raises_an_error() -> None:
    async def ask() -> float:
        async with venue_that_answers(b'{"serverTime":"noon"}') as settings:
            return await clock_offset_s(settings)

    with pytest.raises(DecodeError):
        asyncio.run(ask())


def test_the_clock_check_fails_if_the_venue_is_unreachable() -> None:
    finding = clock(Settings().with_hosts("binance", rest_url="http://127.0.0.1:9"))
    assert not finding.sound and "cannot reach" in finding.found


@pytest.mark.parametrize(
    ("offset_s", "text", "advised"),
    [(0.0125, "0.013 s ahead of the venue", False), (-0.5, "0.500 s behind the venue", False), (90.0, "90.000 s ahead of", True)],
)
def test_a_wrong_clock_gets_advice_but_passes(monkeypatch: pytest.MonkeyPatch, offset_s: float, text: str, advised: bool) -> None:
    async def offset(_: Settings) -> float:
        return offset_s

    monkeypatch.setattr("app.entry.venue_clock.clock_offset_s", offset)
    finding: DoctorFinding = clock(Settings())
    assert finding.sound and text in finding.found and bool(finding.advice) is advised
