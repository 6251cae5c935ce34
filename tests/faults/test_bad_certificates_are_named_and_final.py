"""A certificate that is not good ends the attempt with its reason: no second try, no way around it."""

from __future__ import annotations

import asyncio
import datetime
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from structlog.testing import LogCapture
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from app.errors import VenueRefusedError
from app.market.bar_rule import parse_bar_rule
from app.market.feed import FeedState
from app.settings.settings import Settings
from app.workspace import ChartChoice, Workspace
from feeds.network.connection import Connection
from feeds.venues.all_venues import open_venue
from tests.fault_proxy import FaultProxy
from tests.faults.desk import desk, live_venue, run
from tests.feeds.lines import QUICK, Line, read
from tests.feeds.lines import venue as small_venue

_LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


def expired(authority: trustme.CA, context: ssl.SSLContext) -> None:
    authority.issue_cert("127.0.0.1", not_before=_LONG_AGO, not_after=_LONG_AGO + datetime.timedelta(days=1)).configure_cert(context)


def of_another_host(authority: trustme.CA, context: ssl.SSLContext) -> None:
    authority.issue_cert("elsewhere.example").configure_cert(context)


def self_signed(authority: trustme.CA, context: ssl.SSLContext) -> None:
    stranger = trustme.CA()
    with stranger.cert_pem.tempfile() as certificate, stranger.private_key_pem.tempfile() as key:
        context.load_cert_chain(certificate, key)


BAD = [(expired, "certificate has expired"), (of_another_host, "mismatch"), (self_signed, "self-signed certificate")]
Spoil = Callable[[trustme.CA, ssl.SSLContext], None]


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> trustme.CA:
    """An authority that the whole program trusts."""
    found = trustme.CA()
    found.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return found


def context_of(authority: trustme.CA, spoil: Spoil) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    spoil(authority, context)
    return context


def good(authority: trustme.CA, context: ssl.SSLContext) -> None:
    authority.issue_cert("127.0.0.1").configure_cert(context)


@pytest.mark.parametrize(("spoil", "why"), BAD, ids=lambda each: getattr(each, "__name__", ""))
def test_a_market_behind_a_bad_certificate_is_not_opened_and_says_why(spoil: Spoil, why: str, authority, record_property) -> None:
    """A13: expired, of another host, self-signed; the whole program, REST first."""

    async def story() -> None:
        async with live_venue(10) as venue, FaultProxy(venue.port, context=context_of(authority, spoil)) as proxy:
            settings = Settings().with_hosts("binance", proxy.ws_url, proxy.rest_url)
            workspace = Workspace(lambda name: open_venue(name, settings), ChartChoice(parse_bar_rule("1m")))
            begun_s = time.monotonic()
            workspace.open("binance:BTCUSDT")
            while workspace.status.state is not FeedState.STOPPED:
                await asyncio.sleep(0.005)
            named_s = time.monotonic() - begun_s
            await asyncio.sleep(0.3)
            assert why in workspace.status.reason and "untrusted certificate" in workspace.status.reason
            assert proxy.opened <= 1 and named_s <= 2.0
            await workspace.aclose()
            record_property("s until the reason is named", round(named_s, 2))

    run(story())


@pytest.mark.parametrize(("spoil", "why"), BAD, ids=lambda each: getattr(each, "__name__", ""))
def test_a_stream_behind_a_bad_certificate_stops_at_the_first_attempt(spoil: Spoil, why: str, authority, logged: LogCapture) -> None:
    """A13: the stream alone; what was put together goes on without a retry loop."""

    async def story() -> None:
        async with (
            live_venue(10) as venue,
            FaultProxy(venue.port, context=context_of(authority, spoil)) as proxy,
            desk(venue, ws_url=proxy.ws_url, ends=True) as there,
        ):
            await there.until(lambda: there.status.state is FeedState.STOPPED, 2.0)
            await asyncio.sleep(0.3)
            assert why in there.status.reason and there.status.connects == 1

    run(story())


def test_with_a_good_certificate_of_a_trusted_authority_all_is_well(authority) -> None:
    """A13: the proof that the refusals above are about the certificates."""

    async def story() -> None:
        async with (
            live_venue() as venue,
            FaultProxy(venue.port, context=context_of(authority, good)) as proxy,
            desk(venue, ws_url=proxy.ws_url, rest_url=proxy.rest_url) as there,
        ):
            venue.faults.skip = 0.01
            await there.until(lambda: there.store.n_trades > 300)
            venue.faults.clear()
            await there.caught_up(venue)
            there.hold_against(venue)

    run(story())


def test_nobody_leads_us_from_encryption_to_none(authority) -> None:
    """A13: a redirect from wss:// to ws://."""

    async def never(line: Line) -> None:
        raise AssertionError("nobody may get this far")

    def away(connection: ServerConnection, request: Request) -> Response:
        return Response(302, "Found", Headers({"Location": "ws://127.0.0.1:1/ws/x", "Content-Length": "0"}))

    async def story() -> None:
        async with small_venue(never, answer=away, ssl=context_of(authority, good)) as there:
            connection = Connection(there.url, patience=QUICK)
            with pytest.raises(VenueRefusedError, match="unencrypted address"):
                await read(connection, bool)
            assert connection.status.connects == 1

    run(story())
