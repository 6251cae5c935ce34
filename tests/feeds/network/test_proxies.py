"""A proxy's own refusals are told from the venue's, over REST and WebSocket alike."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.errors import FeedError, VenueRefusedError, VenueUnreachableError
from feeds.network.failures import connect_error, http_status_error
from feeds.network.rest_client import RestClient
from feeds.network.websocket_session import open_socket
from tests.feeds.lines import QUICK, run

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SOCKS_PROXY", "WSS_PROXY", "WS_PROXY")


@pytest.fixture(autouse=True)
def no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@asynccontextmanager
async def proxy(status: int) -> AsyncIterator[tuple[str, list[str]]]:
    """A proxy that refuses each request with a status; the list has the first line of each request."""
    asked: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked.append(head.split("\r\n")[0])
        writer.write(f"HTTP/1.1 {status} Of the proxy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", asked


async def refusal(by: str) -> FeedError:
    """The error of an attempt to reach the venue through the proxy of the environment."""
    with pytest.raises(FeedError) as caught:
        if by == "websocket":
            await open_socket("wss://venue.example/ws", QUICK)
        else:
            rest = RestClient("https://venue.example")
            try:
                await rest.get("/x", {}, object, weight=1)
            finally:
                await rest.aclose()
    return caught.value


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("by", ["rest", "websocket"])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 407, 429, 451, 500, 502, 503, 504])
def test_a_proxys_refusal_is_the_proxys(status: int, by: str, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3: whatever it answers, the venue is not blamed, and it is tried again."""

    async def story() -> None:
        async with proxy(status) as (url, asked):
            monkeypatch.setenv(variable, url)
            error = await refusal(by)
            assert asked == ["CONNECT venue.example:443 HTTP/1.1"]
            assert type(error) is VenueUnreachableError
            assert error.user_message.startswith("the proxy ") and f"HTTP {status} of the proxy" in error.user_message
            assert "venue.example" in error.user_message
            assert ("requires a login" in error.user_message) == (status == 407)
            assert ("allow this host" in error.user_message) == (status == 403)

    run(story())


def test_a_plain_proxy_that_wants_a_login_is_told_by_its_status() -> None:
    """S3: of plain HTTP, the proxy itself answers the request."""
    error = http_status_error(407, None, "venue.example")
    assert type(error) is VenueUnreachableError and "the proxy for venue.example requires a login" in error.user_message


@pytest.mark.parametrize("by", ["rest", "websocket"])
@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_a_socks_proxy_without_its_packages_names_our_extra(by: str, scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3: and no package of others."""
    for package in ("socksio", "python_socks", "python_socks.async_", "python_socks.async_.asyncio"):
        monkeypatch.setitem(sys.modules, package, None)

    async def without(*_: object, **__: object) -> None:  # the library chooses it when it is imported
        raise ImportError("connecting through a SOCKS proxy requires python-socks")

    monkeypatch.setattr("websockets.asyncio.client.connect_socks_proxy", without)
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://127.0.0.1:9")

    async def story() -> None:
        error = await refusal(by)
        assert type(error) is VenueRefusedError
        assert "pip install 'tapeprint[socks]'" in error.user_message and "httpx" not in error.user_message

    run(story())


def test_a_country_that_is_not_served_is_told_what_to_do() -> None:
    """S3: 451."""
    error = http_status_error(451, None, "venue.example")
    assert type(error) is VenueRefusedError
    assert "try another venue, or set another region or host" in error.user_message


def test_an_import_error_of_anything_else_is_no_socks() -> None:
    assert "socks" not in connect_error(ImportError("no module named x"), "wss://venue.example/ws").user_message
