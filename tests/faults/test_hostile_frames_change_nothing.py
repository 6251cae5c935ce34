"""Whatever a venue or the way to it sends: no exception, no trade that was not said, and the rest goes on."""

from __future__ import annotations

import asyncio
import gc
import ssl
import time
from itertools import islice

import httpx2
import psutil
import pytest
import trustme
from structlog.testing import LogCapture

from app.errors import FeedError
from feeds.network.rest_client import RestClient
from feeds.venues.binance.live import SPOT, BinanceHistory
from tests.fault_proxy import Corrupt, FaultProxy, Slicer, replayable
from tests.faults.bent_frames import bent, throw
from tests.faults.desk import desk, live_venue, run
from tests.faults.wires import BTC, WIRES

PAGE = (
    b'[{"a":26129,"p":"0.10","q":"4.705","f":27781,"l":27781,"T":1498793709153,"m":true,"M":true},'
    b'{"a":26130,"p":"0.11","q":"4.705","f":27782,"l":27783,"T":1498793709154,"m":false,"M":true}]'
)


@pytest.mark.parametrize("venue", WIRES)
def test_bent_frames_give_the_trades_that_they_say_or_none(venue: str, logged: LogCapture, record_property) -> None:
    """A8: 20,000 frames with bytes turned, left out, repeated, values replaced, cut and joined, for each venue."""
    decoder, frames = WIRES[venue].decoder(), bent(1, WIRES[venue].samples)
    began = time.monotonic()
    throw(decoder, frames, 5_000)  # what is made once is made
    gc.collect()
    before = psutil.Process().memory_info().rss
    with replayable(1, venue):
        found = throw(decoder, frames, 20_000)
    gc.collect()
    grown_mb = (psutil.Process().memory_info().rss - before) / 2**20
    assert found["trades"] > 500 and found["put aside"] > 5_000
    assert grown_mb < 5.0
    assert len(logged.entries) <= 2 + (time.monotonic() - began) / 10, "of thousands one is told each ten seconds"
    for name, value in ({"venue": venue} | found | {"MB grown": round(grown_mb, 1)}).items():
        record_property(name, value)


def test_bent_pages_of_the_past_give_the_trades_asked_for_or_an_error(record_property, logged: LogCapture) -> None:
    """A8, A12: 3,000 pages bent in the same ways."""
    pages = bent(3, [PAGE])
    outcomes = {"pages of trades": 0, "refused": 0}

    async def story() -> None:
        rest = RestClient("http://venue.example", weight_limit=10**9)
        await rest._client.aclose()
        rest._client = httpx2.AsyncClient(
            base_url="http://venue.example",
            transport=httpx2.MockTransport(lambda _: httpx2.Response(200, stream=httpx2.ByteStream(next(pages)))),
        )
        history = BinanceHistory(BTC, SPOT, rest)
        for _ in range(3_000):
            try:
                batches = [batch async for batch in history.between(26_129, 26_130)]
            except FeedError as error:
                assert "\n" not in error.user_message
                outcomes["refused"] += 1
                continue
            ids = [each for batch in batches for each in batch.trade_id.tolist()]
            assert set(ids) <= {26_129, 26_130} and len(ids) == len(set(ids))
            assert all((batch.price_ticks > 0).all() and (batch.quantity_lots > 0).all() for batch in batches)
            outcomes["pages of trades"] += 1
        await rest.aclose()

    run(story())
    assert min(outcomes.values()) > 0
    for name, value in outcomes.items():
        record_property(name, value)


def test_garbage_between_trades_and_trades_in_fragments_cost_no_trade_and_no_line(logged: LogCapture, record_property) -> None:
    """A8: every kind of garbage before one trade in ten, one trade in ten in WebSocket frames of one byte."""

    async def story() -> None:
        async with live_venue() as venue, desk(venue) as there:
            await there.until(lambda: there.well)
            venue.faults.garbage = venue.faults.fragment = 0.1
            await asyncio.sleep(1.5)
            venue.faults.clear()
            await there.caught_up(venue)
            found = there.hold_against(venue)
            assert there.status.connects == 1 and there.status.rejected > 50
            record_property("frames put aside", there.status.rejected)
            for name, value in found.items():
                record_property(name, value)

    run(story())


def test_frames_too_long_or_of_no_text_cost_a_line_at_most(logged: LogCapture) -> None:
    """A8: 5 MiB in one frame, and text that is not UTF-8."""

    async def story() -> None:
        async with live_venue() as venue, desk(venue) as there:
            await there.until(lambda: there.well)
            for fault, arguments in [("oversize", {}), ("frame", {"kind": "utf8"}), ("oversize", {})]:
                venue.inject(fault, **arguments)
                await asyncio.sleep(0.1)
                await there.caught_up(venue)
            assert there.status.connects <= 4
            there.hold_against(venue)

    run(story())


def test_a_stream_in_segments_of_one_byte_is_the_same_stream() -> None:
    """A8: each byte that the venue sends comes by itself."""

    async def story() -> None:
        async with live_venue(100) as venue, FaultProxy(venue.port) as ws, desk(venue, ws_url=ws.ws_url) as there:
            ws.down = [Slicer(1)]
            await there.until(lambda: there.store.n_trades > 100)
            assert there.status.connects == 1 and there.status.rejected == 0
            await there.caught_up(venue)
            there.hold_against(venue)

    run(story())


def test_bytes_changed_under_tls_break_the_line_and_change_no_trade(monkeypatch: pytest.MonkeyPatch, tmp_path, record_property) -> None:
    """A8, A13: one byte in 20,000 is turned between the program and the venue, below the encryption."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))

    async def story() -> None:
        async with (
            live_venue() as venue,
            FaultProxy(venue.port, context=context) as secured,
            FaultProxy(secured.port) as ws,
            desk(venue, ws_url=f"wss://127.0.0.1:{ws.port}") as there,
        ):
            await there.until(lambda: there.well)
            ws.down = [Corrupt(1 / 20_000)]
            await asyncio.sleep(2.0)
            ws.clear()
            await there.caught_up(venue)
            assert there.status.connects > 3 and there.status.rejected == 0
            found = there.hold_against(venue)
            record_property("lines broken", there.status.connects - 1)
            for name, value in found.items():
                record_property(name, value)

    run(story())


def test_the_same_seed_bends_the_same_frames() -> None:
    once, again, other = (list(islice(bent(seed, [PAGE]), 500)) for seed in (7, 7, 8))
    assert once == again != other
