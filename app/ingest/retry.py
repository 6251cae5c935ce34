"""Opening a market, however often it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.errors import BadInputError, TapeprintError, VenueBusyError, VenueRefusedError

_T = TypeVar("_T")
_FIRST_WAIT_S = 1.0


async def retry(
    attempt: Callable[[], Awaitable[_T]],
    on_wait: Callable[[TapeprintError, float], None],
    *,
    longest_wait_s: float = 30.0,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> _T:
    """What an attempt gives in the end; the pause after a failure doubles, or is what the venue asks for.

    Parameters
    ----------
    attempt : callable
        Tried again after every `TapeprintError` but those below.
    on_wait : callable
        Told why it failed, and the seconds until the next attempt.
    longest_wait_s : float
        Pauses do not grow longer, unless the venue asks for more.
    sleep : callable
        The wait, for tests.

    Raises
    ------
    VenueRefusedError, BadInputError
        What was asked for is not to be had: another attempt would be told the same.
    """
    wait_s = _FIRST_WAIT_S
    while True:
        try:
            return await attempt()
        except (VenueRefusedError, BadInputError):
            raise
        except TapeprintError as error:
            pause_s = error.retry_after_s if isinstance(error, VenueBusyError) else wait_s
            on_wait(error, pause_s)
            await sleep(pause_s)
            wait_s = min(longest_wait_s, 2 * wait_s)
