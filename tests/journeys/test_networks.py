"""The window through proxies and in a region: it goes live at the region's hosts, or shows what the proxy requires."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
import trustme
from pytestqt.qtbot import QtBot
from structlog.testing import LogCapture

from app.entry.desktop import DesktopOptions
from app.market.bar_rule import parse_bar_rule
from app.settings.settings import VenueHosts
from app.workspace import ChartChoice
from tests.counting_venue import CountingVenue, Okx
from tests.counting_venue.in_thread import in_thread
from tests.counting_venue.proxies import LocalProxy
from tests.journeys.desks import settings_in
from tests.journeys.stories import at_the_window, tell, until

PAIR = "COIN-USDT"
HOSTS = ["openapi.okx.com", "ws.okx.com", "eea.okx.com", "wseea.okx.com"]
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SOCKS_PROXY", "WSS_PROXY", "WS_PROXY", "SSL_CERT_DIR")


@contextmanager
def proxied(kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch, login: str = "") -> Iterator[LocalProxy]:
    """A proxy that leads OKX's hosts, which only it can resolve, to an emulated venue; the environment names the proxy."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*HOSTS).configure_cert(tls)
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "authority.pem"))
    with in_thread(CountingVenue(Okx(), [PAIR], rate=100.0, tls=tls)) as venue:
        to = {8443: venue.ws_url, 0: venue.rest_url}  # OKX's stream is on port 8443
        with in_thread(LocalProxy(kind, to, login=login)) as proxy:
            monkeypatch.setenv("ALL_PROXY", f"{'socks5h' if kind == 'socks' else 'http'}://{proxy.address}")
            yield proxy


def options(folder: Path, region: str = "") -> DesktopOptions:
    settings = msgspec.structs.replace(settings_in(folder), venues={"okx": VenueHosts(region=region)})
    return DesktopOptions(f"okx:{PAIR}", settings, ChartChoice(parse_bar_rule("1s")))


@pytest.mark.parametrize(
    ("kind", "region", "hosts"),
    [
        ("http", "", {"openapi.okx.com:443", "ws.okx.com:8443"}),
        ("socks", "", {"openapi.okx.com:443", "ws.okx.com:8443"}),
        ("http", "eea", {"eea.okx.com:443", "wseea.okx.com:8443"}),
    ],
)
def test_the_window_goes_live_at_the_hosts_of_the_region_through_a_proxy(
    kind: str, region: str, hosts: set[str], qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3: nothing reaches a host but through the proxy."""

    async def story() -> None:
        with proxied(kind, tmp_path, monkeypatch) as proxy:
            async with at_the_window(options(tmp_path, region)) as window:
                await until(lambda: window.view is not None and window.status_bar.state.text() == "● LIVE", 15.0)
                assert set(proxy.asked) == hosts
                # a SOCKS connection that is cancelled while it is opened stays open (httpcore): let the history be loaded first
                await until(lambda: window._workspace.ingest is not None and window._workspace.ingest.progress is None)

    tell(story())


def test_the_window_shows_that_the_proxy_requires_a_login(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: LogCapture
) -> None:
    """S3: with the setting to change, and the venue is not blamed."""

    async def story() -> None:
        with proxied("http", tmp_path, monkeypatch, login="trader:secret"):
            async with at_the_window(options(tmp_path)) as window:
                await until(lambda: "requires a login" in window.waiting.reason.text(), 15.0)
                says = "the proxy for openapi.okx.com requires a login: HTTPS_PROXY=http://user:password@proxy:port"
                assert says in window.waiting.reason.text()

    tell(story())


def test_the_window_shows_the_regions_that_a_venue_has(qtbot: QtBot, tmp_path: Path, logged: LogCapture) -> None:
    """S3: for a region that it does not have."""

    async def story() -> None:
        async with at_the_window(options(tmp_path, "mars")) as window:
            known = "venues.okx.region: found 'mars', expected one of eea, us, au"
            await until(lambda: known in window.waiting.reason.text())

    tell(story())
