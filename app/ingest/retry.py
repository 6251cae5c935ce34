"""Retries with a growing pause: to open a market, to load history and candles, to fill store gaps."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.errors import BadInputError, TapeprintError, VenueBusyError, VenuePausedError, VenueRefusedError

_T = TypeVar("_T")

_PAUSED_FIRST_S, _PAUSED_LONGEST_S = 30.0, 300.0  # upper limits of the random pause while the venue turns us away


async def retry(
    attempt: Callable[[], Awaitable[_T]],
    on_wait: Callable[[TapeprintError, float], None],
    *,
    first_wait_s: float = 1.0,
    longest_wait_s: float = 30.0,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    jitter: Callable[[], float] = random.random,
) -> _T:
    """Retry until an attempt succeeds, and return its result; the pause doubles after each failure.

    After a `VenuePausedError` the pause is random, up to a limit that doubles from half a minute to five minutes.

    Parameters
    ----------
    attempt : callable
        Repeated after every `TapeprintError` except those below.
    on_wait : callable
        Called with the error and the seconds until the next attempt. May raise to give up.
    first_wait_s, longest_wait_s : float
        Bounds of the pause, unless the venue requests a longer one.
    sleep, jitter : callables
        The wait, and a random number from 0 to 1, for tests.

    Raises
    ------
    VenueRefusedError, BadInputError
        The request cannot succeed: another attempt would fail in the same way.
    """
    wait_s, paused_s = first_wait_s, _PAUSED_FIRST_S
    while True:
        try:
            return await attempt()
        except (VenueRefusedError, BadInputError):
            raise
        except TapeprintError as error:
            pause_s = max(wait_s, error.retry_after_s) if isinstance(error, VenueBusyError) else wait_s
            if isinstance(error, VenuePausedError):
                pause_s = max(wait_s, paused_s * jitter())
                paused_s = min(_PAUSED_LONGEST_S, 2 * paused_s)
            on_wait(error, pause_s)
            await sleep(pause_s)
            wait_s = min(longest_wait_s, 2 * wait_s)
