"""The faults of one direction of a TCP connection."""

from __future__ import annotations

import random
from dataclasses import dataclass


class Toxic:
    """No fault; each kind of toxic overrides some of these members."""

    blocks = False
    """Whether no bytes pass for now."""

    def delay_s(self, chance: random.Random) -> float:
        """Seconds by which a chunk is delayed; the order never changes."""
        return 0.0

    def pieces(self, data: bytes) -> list[bytes]:
        """Split the bytes into the portions that are written one by one."""
        return [data]

    def pause_s(self, size: int) -> float:
        """Seconds to wait after a portion of `size` bytes."""
        return 0.0

    def changed(self, data: bytes, chance: random.Random) -> bytes:
        """The bytes that arrive when `data` is sent."""
        return data

    def most_bytes(self) -> int | None:
        """Number of bytes after which the connection is cut; None for never."""
        return None

    def close_after_s(self) -> float:
        """Seconds by which the end of the stream is delayed."""
        return 0.0


@dataclass(frozen=True, slots=True)
class Latency(Toxic):
    """Delays all bytes by `seconds`, plus or minus `jitter`."""

    seconds: float
    jitter: float = 0.0

    def delay_s(self, chance: random.Random) -> float:
        return max(0.0, self.seconds + chance.uniform(-self.jitter, self.jitter))


@dataclass(frozen=True, slots=True)
class Bandwidth(Toxic):
    """Limits the rate to `bytes_per_s`."""

    bytes_per_s: float

    def pieces(self, data: bytes) -> list[bytes]:
        most = max(1, int(self.bytes_per_s / 50))  # portions of 20 ms
        return [data[start : start + most] for start in range(0, len(data), most)]

    def pause_s(self, size: int) -> float:
        return size / self.bytes_per_s


@dataclass(frozen=True, slots=True)
class BlackHole(Toxic):
    """Stops all bytes without closing the connection, like a network that is gone.

    Sent bytes wait and arrive after it is removed, as TCP sends them again: a network never leaves bytes
    out of a stream.
    """

    blocks = True


@dataclass(frozen=True, slots=True)
class Slicer(Toxic):
    """Writes portions of `size` bytes with a pause after each."""

    size: int = 1
    pause: float = 0.0

    def pieces(self, data: bytes) -> list[bytes]:
        return [data[start : start + self.size] for start in range(0, len(data), self.size)]

    def pause_s(self, size: int) -> float:
        return self.pause


@dataclass(frozen=True, slots=True)
class LimitData(Toxic):
    """Cuts the connection after `size` bytes, even inside a message."""

    size: int

    def most_bytes(self) -> int | None:
        return self.size


@dataclass(frozen=True, slots=True)
class Corrupt(Toxic):
    """Replaces a random `share` of the bytes by others."""

    share: float

    def changed(self, data: bytes, chance: random.Random) -> bytes:
        spoilt = bytearray(data)
        at = -1
        while (at := at + 1 + int(chance.expovariate(self.share))) < len(spoilt):
            spoilt[at] ^= chance.randrange(1, 256)
        return bytes(spoilt)


@dataclass(frozen=True, slots=True)
class SlowClose(Toxic):
    """Delays the end of the stream by `seconds`."""

    seconds: float

    def close_after_s(self) -> float:
        return self.seconds
