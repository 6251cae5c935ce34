"""Sounds are files of their own making, played by the system's player, or a beep where there is none."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import pytest

from widgets.parts.sounds import BEEP, SILENCE, SOUNDS, Sounds, tone

TONES = [name for name in SOUNDS if name not in (BEEP, SILENCE)]


@pytest.mark.parametrize("name", TONES)
def test_tone_is_a_short_wav_file_that_is_not_silent(name: str):
    with wave.open(io.BytesIO(tone(name))) as file:
        assert 0.1 < file.getnframes() / file.getframerate() < 0.6
        samples = memoryview(file.readframes(file.getnframes())).cast("h")
    assert 8_000 < max(samples) < 32_767
    assert abs(samples[0]) < 200  # begins without a click


def test_first_installed_player_plays_the_file(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    started: list[tuple[str, bytes]] = []
    sounds = Sounds(
        find=lambda name: f"/usr/bin/{name}" if name == "aplay" else None,
        start=lambda program, arguments: started.append((program, Path(arguments[0]).read_bytes())),
    )
    for name in TONES:
        sounds.play(name)
    assert started == [("/usr/bin/aplay", tone(name)) for name in TONES]
    sounds.close()


def test_missing_player_or_unknown_name_beeps(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    beeps: list[int] = []
    sounds = Sounds(find=lambda _: None, start=lambda *_: pytest.fail("nothing is there to start"), beep=lambda: beeps.append(1))
    for name in ("chime", BEEP, "of another version", SILENCE):
        sounds.play(name)
    assert len(beeps) == 3
