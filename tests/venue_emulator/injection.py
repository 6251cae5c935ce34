"""Faults by name, for tests, the control endpoint and the random mode."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.venue_emulator.faults import PageFault, Refusal
from tests.venue_emulator.garbage import HARMLESS, garbage
from tests.venue_emulator.messages import frame

if TYPE_CHECKING:
    from tests.venue_emulator.venue import VenueEmulator

_SWITCHES = ("stall", "freeze", "silent_subscribe", "ignore_subscribe", "flap", "constant_side")
_SHARES = ("duplicate", "reorder", "skip", "lose", "garbage", "fragment", "rest_delay_s", "rest_lag_s")
_MENU: list[tuple[float, str, dict[str, Any]]] = [
    (5, "drop", {}),
    (2, "vanish", {}),
    (3, "close", {"code": 1001}),
    (1, "close", {"code": 1000}),
    (1, "shutdown", {}),
    (1, "stall", {"for_s": 2.0}),
    (1, "freeze", {"for_s": 2.0}),
    (1, "silent_subscribe", {"for_s": 3.0}),
    (1, "ignore_subscribe", {"for_s": 3.0}),
    (1, "flap", {"for_s": 2.0}),
    (2, "duplicate", {"value": 0.05, "for_s": 2.0}),
    (2, "reorder", {"value": 0.05, "for_s": 2.0}),
    (2, "skip", {"value": 0.02, "for_s": 2.0}),
    (1, "garbage", {"value": 0.02, "for_s": 2.0}),
    (1, "fragment", {"value": 0.05, "for_s": 2.0}),
    (1, "frame", {"kind": "utf8"}),
    (1, "oversize", {}),
    (1, "handshake", {"status": 429, "retry_after_s": 1, "times": 1}),
    (1, "rest", {"status": 429, "retry_after_s": 1, "times": 1}),
    (1, "rest", {"status": 503, "times": 2}),
    (1, "rest_delay_s", {"value": 1.0, "for_s": 3.0}),
    (1, "rest_lag_s", {"value": 0.5, "for_s": 3.0}),
    *((1, "page", {"kind": kind}) for kind in ("empty", "blank", "truncated", "cut", "html", "stuck", "overlap")),
]


def inject(venue: VenueEmulator, fault: str, arguments: dict[str, Any]) -> None:
    """Cause a fault; arguments may be text, e.g. from a query.

    ``drop``, ``vanish``: cut every socket, with RST or without a close frame. ``close`` (`code`=1001):
    with a close frame. ``shutdown`` (`after_s`=2): announce, then close. ``frame`` (`kind`): one frame of garbage, all
    harmless kinds if none is given. ``oversize`` (`size`=5 MiB): one huge frame. ``burst`` (`count`=50,000): this many
    trades at once. ``rest``, ``handshake`` (`status`, `retry_after_s`, `times`): refuse. ``page`` (`kind`, `times`). ``none``:
    remove all faults. Any attribute of `Faults` by its name: switches (`on`=true), shares and seconds (`value`). With
    `for_s`, a lasting fault or refusal ends by itself.

    Raises
    ------
    ValueError, TypeError
        If there is no such fault or argument.
    """
    arguments = dict(arguments)
    for_s = arguments.pop("for_s", None)
    fault = fault.replace("-", "_")
    once: dict[str, Callable[..., None]] = {
        "drop": _drop,
        "vanish": _vanish,
        "close": _close,
        "shutdown": _shutdown,
        "frame": _frame,
        "oversize": _oversize,
        "burst": _burst,
        "none": _none,
    }
    if fault in once:
        if fault != "none":
            venue.faults.counted(fault)
        once[fault](venue, **arguments)
        return
    value = _lasting(fault, **arguments)
    before = None if fault in ("handshake", "rest", "page") else type(value)()
    setattr(venue.faults, fault, value)
    if fault in ("stall", "freeze", "constant_side") and value:  # the others are counted where they happen
        venue.faults.counted(fault)
    if for_s is not None:
        venue.spawn(_end(venue, fault, value, before, float(for_s)))


async def random_faults(venue: VenueEmulator, per_minute: float, seed: int) -> None:
    """Inject recoverable faults at random times until cancelled, the same ones for the same seed."""
    random, faults = np.random.default_rng([seed, 1]), recoverable_faults(seed)
    while True:
        await asyncio.sleep(random.exponential(60.0 / per_minute))
        fault, arguments = next(faults)
        venue.inject(fault, **arguments)


def recoverable_faults(seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield endless faults (name, arguments) from which a good client recovers without a loss, the same ones for the same seed."""
    random = np.random.default_rng(seed)
    weights = np.array([weight for weight, _, _ in _MENU], float)
    while True:
        _, fault, arguments = _MENU[int(random.choice(len(_MENU), p=weights / weights.sum()))]
        yield fault, arguments


def _lasting(fault: str, **arguments: Any) -> Any:
    if fault in _SWITCHES:
        return _switch(**arguments)
    if fault in _SHARES:
        return _share(**arguments)
    if fault in ("handshake", "rest"):
        return _refusal(**arguments)
    if fault == "page":
        return _page(**arguments)
    raise ValueError(f"fault: found {fault!r}, expected one of {', '.join(_SWITCHES + _SHARES)}, handshake, rest, page or a single event")


def _switch(on: Any = True) -> bool:
    return str(on).lower() in ("true", "1", "yes", "on")


def _share(value: Any) -> float:
    return float(value)


def _refusal(status: Any = 429, retry_after_s: Any = None, times: Any = None) -> Refusal:
    return Refusal(int(status), None if retry_after_s is None else float(retry_after_s), None if times is None else int(times))


def _page(kind: Any = "empty", times: Any = 1) -> PageFault:
    return PageFault(kind, None if times in (None, "always") else int(times))


async def _end(venue: VenueEmulator, fault: str, value: Any, before: Any, for_s: float) -> None:
    await asyncio.sleep(for_s)
    if getattr(venue.faults, fault) is value or fault not in ("handshake", "rest", "page"):
        setattr(venue.faults, fault, before)


def _none(venue: VenueEmulator) -> None:
    venue.faults.clear()


def _drop(venue: VenueEmulator) -> None:
    for connection in venue.listeners():
        connection.reset()


def _vanish(venue: VenueEmulator) -> None:
    for connection in venue.listeners():
        connection.vanish()


def _close(venue: VenueEmulator, code: Any = 1001, reason: str = "") -> None:
    for connection in venue.listeners():
        venue.spawn(connection.close(int(code), reason))


def _shutdown(venue: VenueEmulator, after_s: Any = 2.0) -> None:
    told = list(venue.listeners())
    event = {"e": "serverShutdown", "E": venue.now_us() // 1000}
    for connection in told:
        message = {"stream": "!serverShutdown", "data": event} if connection.subscriptions.wrapped else event
        connection.write(frame(json.dumps(message, separators=(",", ":")).encode()))

    async def leave() -> None:
        await asyncio.sleep(float(after_s))
        await asyncio.gather(*(connection.close(1001) for connection in told))

    venue.spawn(leave())


def _frame(venue: VenueEmulator, kind: str = "") -> None:
    for playback in venue.playbacks.values():
        for connection in venue.listeners():
            if playback.stream in connection.subscriptions.streams:
                for each in [kind] if kind else HARMLESS:
                    connection.write(garbage(each, playback.symbol, *playback.next_trade(), wrapped=connection.subscriptions.wrapped))


def _oversize(venue: VenueEmulator, size: Any = 5 << 20) -> None:
    data = frame(b'{"e":"aggTrade","pad":"' + b"x" * int(size) + b'"}')
    for connection in venue.listeners():
        connection.write(data)


def _burst(venue: VenueEmulator, count: Any = 50_000) -> None:
    venue.spawn(venue.emit(int(count)))
