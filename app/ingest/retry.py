"""Retries with a growing pause: to open a market, to load history and candles, to fill gaps of the store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.errors import BadInputError, TapeprintError, VenueBusyError, VenueRefusedError

_T = TypeVar("_T")


async def retry(
    attempt: Callable[[], Awaitable[_T]],
    on_wait: Callable[[TapeprintError, float], None],
    *,
    first_wait_s: float = 1.0,
    longest_wait_s: float = 30.0,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> _T:
    """Retry until an attempt succeeds; the pause doubles after each failure.

    Parameters
    ----------
    attempt : callable
        Repeated after every `TapeprintError` except those below.
    on_wait : callable
        Called with the error and the seconds until the next attempt. May raise to give up.
    first_wait_s, longest_wait_s : float
        Bounds of the pause, unless the venue requests a longer one.
    sleep : callable
        The wait, for tests.

    Raises
    ------
    VenueRefusedError, BadInputError
        The request cannot succeed: another attempt would fail in the same way.
    """
    wait_s = first_wait_s
    while True:
        try:
            return await attempt()
        except (VenueRefusedError, BadInputError):
            raise
        except TapeprintError as error:
            pause_s = max(wait_s, error.retry_after_s) if isinstance(error, VenueBusyError) else wait_s
            on_wait(error, pause_s)
            await sleep(pause_s)
            wait_s = min(longest_wait_s, 2 * wait_s)
