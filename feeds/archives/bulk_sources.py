"""Where a market's history is to be had in bulk."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial

from app.errors import BadInputError
from app.market.instrument import Instrument
from feeds.archives import binance, bybit, kaiko, okx, tardis
from feeds.archives.bulk import BulkSource
from feeds.archives.keys import api_key

_DUMPS: Mapping[str, tuple[str, Callable[..., BulkSource]]] = {
    "binance": (binance.BASE_URL, partial(binance.BinanceDumps, binance.SPOT)),
    "binance-usdm": (binance.BASE_URL, partial(binance.BinanceDumps, binance.USDM)),
    "bybit": (bybit.BASE_URL, partial(bybit.bybit_dumps, bybit.SPOT)),
    "bybit-linear": (bybit.BASE_URL, partial(bybit.bybit_dumps, bybit.DERIVATIVES)),
    "bybit-inverse": (bybit.BASE_URL, partial(bybit.bybit_dumps, bybit.DERIVATIVES)),
    "okx": (okx.BASE_URL, okx.okx_dumps),
    "okx-swap": (okx.BASE_URL, okx.okx_dumps),
}
_FORMS = {"tardis": "tardis:EXCHANGE/SYMBOL", "kaiko": "kaiko:EXCHANGE/CLASS/SYMBOL"}


def bulk_source(instrument: Instrument, place: str = "dumps", environ: Mapping[str, str] | None = None) -> BulkSource:
    """A source of an instrument's history; to be closed after use.

    Parameters
    ----------
    instrument : Instrument
    place : str
        `dumps` are the venue's own; else `tardis:bitmex/XBTUSD` or `kaiko:cbse/spot/btc-usd`, by the publisher's names.
    environ : mapping, optional
        Holds keys (`TAPEPRINT_TARDIS_KEY`) and, for those who keep a mirror, addresses (`TAPEPRINT_BINANCE_DUMPS_URL`,
        and so for BYBIT, OKX, TARDIS and KAIKO); the process's own unless given.

    Raises
    ------
    BadInputError
        If the venue publishes none that we know, or the place is none.
    VenueRefusedError
        If an address, or the proxy that is set, cannot be used.
    """
    environ = os.environ if environ is None else environ
    publisher, _, names = place.partition(":")
    parts = [part for part in names.split("/") if part]
    if place == "dumps":
        if instrument.venue not in _DUMPS:
            raise BadInputError(f"{instrument.id}: no dumps of {instrument.venue} are known, expected one of {', '.join(_DUMPS)}")
        base_url, dumps = _DUMPS[instrument.venue]
        return dumps(instrument.symbol, base_url=_address(instrument.venue.split("-")[0], base_url, environ))
    if publisher == "tardis" and len(parts) >= 2:
        address = _address("tardis", tardis.BASE_URL, environ)
        return tardis.tardis_datasets(parts[0], "/".join(parts[1:]), api_key("tardis", environ), base_url=address)
    if publisher == "kaiko" and len(parts) == 3:
        address = _address("kaiko", kaiko.BASE_URL, environ)
        return kaiko.KaikoTrades(parts[0], parts[1], parts[2], api_key("kaiko", environ), base_url=address)
    raise BadInputError(f"source: found {place!r}, expected dumps or {_FORMS.get(publisher) or ' or '.join(_FORMS.values())}")


def _address(name: str, base_url: str, environ: Mapping[str, str]) -> str:
    return environ.get(f"TAPEPRINT_{name.upper()}_DUMPS_URL") or base_url
