"""The frames of the trades that have just happened, with the current faults."""

from __future__ import annotations

import numpy as np

from tests.venue_emulator.faults import Faults
from tests.venue_emulator.garbage import HARMLESS, garbage
from tests.venue_emulator.messages import fragments, frame, frames
from tests.venue_emulator.playback import Playback
from tests.venue_emulator.subscriptions import Subscriptions


class Telling:
    """The frames of one playback, encoded once for each format that the sockets use."""

    def __init__(self, playback: Playback, faults: Faults, random: np.random.Generator) -> None:
        self._playback = playback
        self._faults = faults
        self._random = random
        self._trades: list[tuple[int, int, int, int, int]] = []
        self._before: dict[int, str] = {}
        self._broken: set[int] = set()
        self._ready: dict[tuple[bool, bool], bytes] = {}

    def take(self, count: int) -> None:
        """Let `count` more trades happen; `data` returns their frames until the next call."""
        self._trades = self._playback.told(self._playback.take(count))
        self._ready.clear()
        n, faults = len(self._trades), self._faults
        spoilt = np.flatnonzero(self._random.random(n) < faults.garbage).tolist() if faults.garbage else []
        self._before = {i: HARMLESS[int(self._random.integers(len(HARMLESS)))] for i in spoilt}
        self._broken = set(np.flatnonzero(self._random.random(n) < faults.fragment).tolist()) if faults.fragment else set()
        faults.counted("garbage", len(self._before))
        faults.counted("fragment", len(self._broken))

    def data(self, form: Subscriptions) -> tuple[bytes, int]:
        """The frames in the format of a socket, and the number of trades in them."""
        key = (form.micro, form.wrapped)
        data = self._ready.get(key)
        if data is None:
            data = self._ready[key] = self._encoded(*key)
        return data, len(self._trades)

    def _encoded(self, micro: bool, wrapped: bool) -> bytes:
        events = self._playback.writer.events(self._trades, micro=micro, wrapped=wrapped, constant_side=self._faults.constant_side)
        if not self._before and not self._broken:
            return frames(events)
        parts = []
        for i, event in enumerate(events):
            if i in self._before:
                parts.append(garbage(self._before[i], self._playback.symbol, *self._playback.next_trade(), wrapped=wrapped))
            parts.append(fragments(event) if i in self._broken else frame(event))
        return b"".join(parts)
