"""Markets by instrument id: those of the venues, the simulated one, and that of an open replay."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from importlib import resources

import msgspec

from app.entry.player import VENUE, Player
from app.errors import BadInputError
from app.market.instrument import parse_instrument_id
from app.market.market import Market
from app.settings.settings import Settings
from feeds.simulated.candles import SimulatedCandles
from feeds.simulated.market import TAPE, SimulatedFeed, SimulatedMarket
from feeds.venues.all_venues import VENUES, open_venue

DEMO_HOURS = 3


def market_opener(settings: Settings, seed: int = 1, *, player: Player | None = None) -> Callable[[str], Awaitable[Market]]:
    """Return the function that opens a market by its id; with a player, it also opens the player's replay."""

    async def open_market(instrument_id: str) -> Market:
        if player is not None and instrument_id == player.instrument_id:
            return player.market()
        require_venue(instrument_id)
        if instrument_id != TAPE.id:
            return await open_venue(instrument_id, settings)
        origin_ns = time.time_ns() - DEMO_HOURS * 3_600_000_000_000
        feed, candles = SimulatedFeed(SimulatedMarket(seed, origin_ns)), SimulatedCandles(seed, origin_ns)
        return Market(TAPE, feed, None, 0, usual_price_ticks=640_000, candles=candles, is_real=False)

    return open_market


def require_venue(instrument_id: str) -> None:
    """Raise `BadInputError` for an instrument id whose venue or simulated market is unknown, before anything is opened.

    Only the venue itself can reject an unknown symbol.

    Raises
    ------
    BadInputError
        If the id is malformed, or names an unknown venue, an unknown simulated market or a replay.
    """
    venue, _ = parse_instrument_id(instrument_id)
    if venue == VENUE:
        raise BadInputError(f"instrument: {instrument_id} is not the open replay; see tapeprint replay --help")
    if venue == TAPE.venue and instrument_id != TAPE.id:
        raise BadInputError(f"instrument: found {instrument_id}, the only simulated market is {TAPE.id}")
    if venue not in VENUES and venue != TAPE.venue:
        raise BadInputError(f"venue: found {venue!r}, expected one of {', '.join(sorted({*VENUES, TAPE.venue}))}")


def offered_instruments() -> Sequence[str]:
    """The instrument ids offered in the toolbar; any other market of a known venue can be typed."""
    text = (resources.files("resources") / "instruments" / "offered.json").read_bytes()
    return [*msgspec.json.decode(text, type=list[str]), TAPE.id]
