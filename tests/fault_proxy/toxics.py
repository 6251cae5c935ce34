"""What can be wrong with one direction of a TCP line."""

from __future__ import annotations

import random
from dataclasses import dataclass


class Toxic:
    """Nothing wrong; each kind of toxic changes one of these answers."""

    blocks = False
    """Nothing passes for now."""

    def delay_s(self, chance: random.Random) -> float:
        """How much later a piece arrives; the order is kept whatever the answers."""
        return 0.0

    def pieces(self, data: bytes) -> list[bytes]:
        """The bytes in the portions in which they are written."""
        return [data]

    def pause_s(self, size: int) -> float:
        """How long to wait after a portion of `size` bytes."""
        return 0.0

    def changed(self, data: bytes, chance: random.Random) -> bytes:
        """The bytes as they arrive."""
        return data

    def most_bytes(self) -> int | None:
        """After so many bytes the line is cut; None for never."""
        return None

    def close_after_s(self) -> float:
        """How much later the end of the line arrives."""
        return 0.0


@dataclass(frozen=True, slots=True)
class Latency(Toxic):
    """All arrives `seconds` later, plus or minus `jitter`."""

    seconds: float
    jitter: float = 0.0

    def delay_s(self, chance: random.Random) -> float:
        return max(0.0, self.seconds + chance.uniform(-self.jitter, self.jitter))


@dataclass(frozen=True, slots=True)
class Bandwidth(Toxic):
    """So many bytes a second."""

    bytes_per_s: float

    def pieces(self, data: bytes) -> list[bytes]:
        most = max(1, int(self.bytes_per_s / 50))  # portions of 20 ms
        return [data[start : start + most] for start in range(0, len(data), most)]

    def pause_s(self, size: int) -> float:
        return size / self.bytes_per_s


@dataclass(frozen=True, slots=True)
class BlackHole(Toxic):
    """The network is gone and nobody says so.

    What was sent waits and arrives when the hole is taken away, as TCP would send it again: a stream with bytes
    left out of it is no fault that a network makes.
    """

    blocks = True


@dataclass(frozen=True, slots=True)
class Slicer(Toxic):
    """Portions of `size` bytes with a pause after each."""

    size: int = 1
    pause: float = 0.0

    def pieces(self, data: bytes) -> list[bytes]:
        return [data[start : start + self.size] for start in range(0, len(data), self.size)]

    def pause_s(self, size: int) -> float:
        return self.pause


@dataclass(frozen=True, slots=True)
class LimitData(Toxic):
    """The line is cut after `size` bytes, wherever in a message that is."""

    size: int

    def most_bytes(self) -> int | None:
        return self.size


@dataclass(frozen=True, slots=True)
class Corrupt(Toxic):
    """One byte in `1 / share` is replaced by another."""

    share: float

    def changed(self, data: bytes, chance: random.Random) -> bytes:
        spoilt = bytearray(data)
        at = -1
        while (at := at + 1 + int(chance.expovariate(self.share))) < len(spoilt):
            spoilt[at] ^= chance.randrange(1, 256)
        return bytes(spoilt)


@dataclass(frozen=True, slots=True)
class SlowClose(Toxic):
    """The end of the line arrives `seconds` late."""

    seconds: float

    def close_after_s(self) -> float:
        return self.seconds
