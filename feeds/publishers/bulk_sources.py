"""Choice of the publisher whose files have an instrument's history."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial

from app.errors import BadInputError
from app.market.instrument import Instrument
from feeds.publishers import binance, bybit, kaiko, okx, tardis
from feeds.publishers.bulk import BulkSource
from feeds.publishers.keys import api_key

_DUMPS: Mapping[str, tuple[str, Callable[..., BulkSource]]] = {
    "binance": (binance.BASE_URL, partial(binance.BinanceDumps, binance.SPOT)),
    "binance-usdm": (binance.BASE_URL, partial(binance.BinanceDumps, binance.USDM)),
    "bybit": (bybit.BASE_URL, partial(bybit.bybit_dumps, bybit.SPOT)),
    "bybit-linear": (bybit.BASE_URL, partial(bybit.bybit_dumps, bybit.DERIVATIVES)),
    "bybit-inverse": (bybit.BASE_URL, partial(bybit.bybit_dumps, bybit.DERIVATIVES)),
    "okx": (okx.BASE_URL, okx.OkxDumps),
    "okx-swap": (okx.BASE_URL, okx.OkxDumps),
}
_FORMS = {"tardis": "tardis:EXCHANGE/SYMBOL", "kaiko": "kaiko:EXCHANGE/CLASS/SYMBOL"}


def bulk_source(instrument: Instrument, place: str = "dumps", environ: Mapping[str, str] | None = None) -> BulkSource:
    """The source of files with an instrument's history that `place` names; close the source after use.

    Parameters
    ----------
    instrument : Instrument
    place : str
        `dumps` for the venue's own files; else `tardis:bitmex/XBTUSD` or `kaiko:cbse/spot/btc-usd`, with the vendor's names.
    environ : mapping, optional
        API keys (`TAPEPRINT_TARDIS_KEY`) and addresses of mirrors (`TAPEPRINT_BINANCE_DUMPS_URL`, and likewise BYBIT,
        OKX, TARDIS and KAIKO); the environment of the process by default.

    Raises
    ------
    BadInputError
        If the venue publishes no files that we support, or the place is invalid.
    VenueRefusedError
        If an address or the configured proxy cannot be used.
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
