"""Facts about Qt and the graphics driver, found in a separate process.

A broken driver or display crashes only that process. `python -m app.entry.graphics_probe auto` prints the facts as JSON.
"""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec

_PATIENCE_S = 30.0


class Graphics(msgspec.Struct, frozen=True):
    """Qt version, Qt platform, OpenGL driver and painter, as text; if Qt fails to start, only `fault` is set."""

    qt: str = ""
    platform: str = ""
    opengl: str = ""
    painter: str = ""
    fault: str = ""


def ask_graphics(painter: str, environ: dict[str, str]) -> Graphics:
    """Probe the graphics in a new process; `fault` has the reason if that process crashes or does not answer."""
    command = [sys.executable, "-P", "-m", __name__, painter]  # import from the paths of this process, never from the working folder
    same_paths = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(command, env=environ | same_paths, capture_output=True, timeout=_PATIENCE_S, check=False)
    except subprocess.TimeoutExpired:
        return Graphics(fault=f"no answer within {_PATIENCE_S:g} s")
    try:
        return msgspec.json.decode(done.stdout, type=Graphics)
    except msgspec.DecodeError:  # Qt aborts the process when it finds no display, and prints why
        printed = [line for line in done.stderr.decode(errors="replace").splitlines() if line.strip()]
        return Graphics(fault=printed[0].strip() if printed else f"exited with code {done.returncode}")


def main(painter: str) -> None:
    """Probe the graphics in this process and print the facts as JSON."""
    try:
        from PySide6.QtCore import qVersion
        from PySide6.QtGui import QGuiApplication

        from rendering.paint.gl_probe import probe_gl
        from rendering.paint.painter_choice import choose_painter
    except ImportError as error:  # a library that Qt needs is missing
        sys.stdout.buffer.write(msgspec.json.encode(Graphics(fault=str(error))))
        return
    application = QGuiApplication(["tapeprint"])
    probe = probe_gl()
    opengl = f"{probe.renderer}, {probe.version}, empty frame {probe.empty_frame_ms:.1f} ms" if probe.works else f"none: {probe.reason}"
    choice = choose_painter(painter, probe)
    found = Graphics(qVersion(), application.platformName(), opengl, f"{choice.painter} ({choice.reason})")
    sys.stdout.buffer.write(msgspec.json.encode(found))


if __name__ == "__main__":
    main(sys.argv[1])
