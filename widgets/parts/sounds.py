"""Alert sounds: generated tones, played by the operating system or a player program, or the system beep."""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QProcess
from PySide6.QtWidgets import QApplication

from app.market.arrays import Float64Array

_RATE = 22_050
_TONES: dict[str, tuple[tuple[float, float], ...]] = {
    "chime": ((1046.5, 0.12), (1568.0, 0.30)),
    "ping": ((1760.0, 0.16),),
    "low": ((392.0, 0.16), (294.0, 0.32)),
}
"""Frequency in Hz and duration in seconds of each note."""
BEEP, SILENCE = "beep", ""
SOUNDS = (*_TONES, BEEP, SILENCE)
"""The sounds to select from; the last is silence."""
_PLAYERS = ("pw-play", "paplay", "aplay", "afplay")  # PipeWire, PulseAudio, ALSA, macOS


def tone(name: str) -> bytes:
    """The notes of a named sound, one after the other, as the bytes of a mono 16-bit WAV file."""
    notes: list[Float64Array] = []
    for hertz, seconds in _TONES[name]:
        at = np.arange(round(_RATE * seconds)) / _RATE
        notes.append(np.sin(2 * np.pi * hertz * at) * np.exp(-5 * at / seconds) * np.minimum(1, at / 0.004))  # without a click at the start
    samples = (np.concatenate(notes) * 0.4 * 32_767).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(_RATE)
        out.writeframes(samples.tobytes())
    return file.getvalue()


class Sounds:
    """Plays sounds by name, without waiting for their end.

    Parameters
    ----------
    find, start, beep : callables
        Find a player's path by name, or None; start a program with its arguments; beep. For tests.
    """

    def __init__(
        self,
        find: Callable[[str], str | None] = shutil.which,
        start: Callable[[str, list[str]], object] = QProcess.startDetached,
        beep: Callable[[], object] = QApplication.beep,
    ) -> None:
        self._find, self._start, self._beep = find, start, beep
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def play(self, name: str) -> None:
        """Play a sound by its name; beep if no tone has that name, or the system has no player. `SILENCE` plays nothing."""
        if name == SILENCE:
            return
        if name not in _TONES:
            self._beep()
        elif sys.platform == "win32":
            import winsound

            winsound.PlaySound(str(self._file(name)), winsound.SND_FILENAME | winsound.SND_ASYNC)
        elif player := next((path for each in _PLAYERS if (path := self._find(each))), None):
            self._start(player, [str(self._file(name))])
        else:
            self._beep()

    def close(self) -> None:
        """Delete the temporary sound files, if there are any."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _file(self, name: str) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="tapeprint-")
        path = Path(self._folder.name) / f"{name}.wav"
        if not path.exists():
            path.write_bytes(tone(name))
        return path
