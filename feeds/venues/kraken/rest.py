"""Kraken's REST interface: pair names, errors, rate limit, tick and lot sizes.

Our ids have `kraken:BTC-USD`, which can be in a file name; Kraken's stream has BTC/USD, its REST XBTUSD.
"""

from __future__ import annotations

import re
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from app.errors import BadInputError, DecodeError, VenueBusyError, VenuePausedError, VenueRefusedError, VenueUnreachableError
from app.market.decimals import parse_step
from app.market.instrument import Instrument
from feeds.network.rest_client import RestClient
from feeds.venues.entries import entries_of
from feeds.venues.kraken.wire import Answer

A = TypeVar("A", bound=Answer)

REST_URL = "https://api.kraken.com"

_PAIR = re.compile(r"([A-Z0-9.]+)[-/]([A-Z0-9.]+)")
_REST_NAMES = {"BTC": "XBT", "DOGE": "XDG"}
_OUR_NAMES = {theirs: ours for ours, theirs in _REST_NAMES.items()}
_TRADED = ("online", "limit_only", "post_only", "reduce_only")
_PER_MINUTE, _APART_S = 120, 1.0  # Kraken recommends at most one public request per second
_BUSY_S = 10.0


class _Pair(msgspec.Struct, frozen=True):
    wsname: str
    tick_size: str
    lot_decimals: Annotated[int, Meta(ge=0, le=18)]
    status: str


class _Pairs(Answer, frozen=True):
    result: dict[str, msgspec.Raw] = msgspec.field(default_factory=dict[str, msgspec.Raw])


def rest_of(url: str) -> RestClient:
    """A REST client that stays within Kraken's rate limit."""
    return RestClient(url, weight_limit=_PER_MINUTE, apart_s=_APART_S)


def rest_pair(symbol: str) -> str:
    """Kraken's name of a pair in REST requests: XBTUSD for our BTC-USD."""
    return "".join(_REST_NAMES.get(name, name) for name in symbol.split("-"))


async def ask(rest: RestClient, name: str, params: dict[str, str | int], kind: type[A], *, urgent: bool = False) -> A:
    """Send a public request to Kraken and decode the answer as `kind`; errors that come with HTTP 200 are raised like HTTP errors.

    Raises
    ------
    FeedError
        See `RestClient.get`.
    """
    answer = await rest.get(f"/0/public/{name}", params, kind, weight=1, urgent=urgent)
    if not answer.error:
        return answer
    words = ", ".join(answer.error)[:200]
    if "limit exceeded" in words or "Too many requests" in words:
        raise VenueBusyError(f"kraken: {words}", retry_after_s=_BUSY_S)
    kind_of_error = VenueRefusedError if "EQuery" in words else VenueUnreachableError  # others, e.g. EService:Busy, are temporary
    raise kind_of_error(f"kraken: {words}", detail=f"{name} {params}: {words}")


async def fetch_instrument(rest: RestClient, symbol: str) -> Instrument:
    """The instrument of a pair such as `BTC-USD`, with tick and lot size from the venue.

    Raises
    ------
    VenueRefusedError
        If there is no such pair.
    VenuePausedError
        If it is not trading now.
    FeedError
        See `RestClient.get`.
    """
    match = _PAIR.fullmatch(symbol)
    if match is None:
        raise VenueRefusedError(f"kraken:{symbol}: expected a pair such as BTC-USD")
    base, quote = (_REST_NAMES.get(name, name) for name in match.groups())
    try:
        answer = await ask(rest, "AssetPairs", {"pair": base + quote}, _Pairs)
    except VenueRefusedError as error:
        raise VenueRefusedError(f"kraken:{symbol}: {error.user_message}", detail=error.detail) from None
    pairs = entries_of(list(answer.result.values()), _Pair, "kraken AssetPairs")
    found = next((pair for pair in pairs if pair.wsname == f"{base}/{quote}"), None)
    if found is None and pairs.names(f"{base}/{quote}"):
        raise DecodeError(f"kraken: cannot read the venue's entry of {symbol}")
    if found is None:
        raise VenueRefusedError(f"kraken has no pair {symbol}")
    if found.status not in _TRADED:
        raise VenuePausedError(f"kraken:{symbol} is not trading now (status {found.status[:40]})")
    try:
        tick, lot = parse_step(found.tick_size, "tick size"), parse_step(f"1e-{found.lot_decimals}", "lot size")
    except BadInputError as error:
        raise DecodeError(f"kraken:{symbol}: {error.user_message}") from None
    return Instrument("kraken", "-".join(_OUR_NAMES.get(name, name) for name in (base, quote)), tick, lot, status=found.status)
