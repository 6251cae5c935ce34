"""SSL_CERT_FILE and SSL_CERT_DIR decide whom REST and WebSocket trust."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from app.errors import VenueRefusedError
from feeds.network.rest_client import RestClient
from feeds.network.trust import trusted_authorities
from feeds.network.websocket_session import open_socket
from tests.feeds.lines import QUICK, Line, run, venue

NAMES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl, which names the files of a folder, is not installed")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def file_of(authority: trustme.CA, folder: Path) -> Path:
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    return folder / "authority.pem"


def folder_of(authority: trustme.CA, folder: Path) -> Path:
    found = file_of(authority, folder)
    named = subprocess.run(["openssl", "x509", "-hash", "-noout", "-in", found], capture_output=True, text=True, check=True).stdout.strip()
    (folder / "rehashed").mkdir()
    shutil.copy(found, folder / "rehashed" / f"{named}.0")
    return folder / "rehashed"


@asynccontextmanager
async def venue_of(authority: trustme.CA) -> AsyncIterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    async def talk(line: Line) -> None:
        await line.stay()

    def answer(connection: ServerConnection, request: Request) -> Response | None:
        return connection.respond(200, "1") if request.path == "/rest" else None

    async with venue(talk, answer=answer, ssl=context) as there:
        yield there.url


async def reached(url: str) -> tuple[bool, bool]:
    """True for WebSocket and REST if their connections succeed."""
    found: list[bool] = []
    try:
        await (await open_socket(url, QUICK)).close()
        found.append(True)
    except VenueRefusedError as error:
        assert "untrusted certificate" in error.user_message and "SSL_CERT_FILE" in error.user_message
        found.append(False)
    rest = RestClient(url.replace("wss:", "https:").removesuffix("/ws/x"))
    try:
        found.append(await rest.get("/rest", {}, int, weight=1) == 1)
    except VenueRefusedError as error:
        assert "untrusted certificate" in error.user_message
        found.append(False)
    finally:
        await rest.aclose()
    return found[0], found[1]


@needs_openssl
@pytest.mark.parametrize("variables", [(), ("SSL_CERT_FILE",), ("SSL_CERT_DIR",), NAMES])
@pytest.mark.parametrize("good", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_rest_and_stream_trust_the_same_authorities(
    variables: tuple[str, ...], good: str, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3: a file, a folder, both; the right authority in one of them, a stranger in the other."""
    for name in variables:
        (tmp_path / name).mkdir()
        who = authority if name == good else trustme.CA()
        place = file_of(who, tmp_path / name) if name == "SSL_CERT_FILE" else folder_of(who, tmp_path / name)
        monkeypatch.setenv(name, str(place))

    async def story() -> None:
        async with venue_of(authority) as url:
            trusted = good in variables
            assert await reached(url) == (trusted, trusted)

    run(story())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["missing", "text", "empty", "folder"])
def test_what_cannot_be_read_is_named(name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3: the variable is named and no traceback shown."""
    place = tmp_path / "there"
    if kind == "folder":
        place.mkdir()
    elif kind != "missing":
        place.write_text("no certificate" if kind == "text" else "")
    monkeypatch.setenv(name, str(place))
    if name == "SSL_CERT_DIR" and kind == "folder":
        assert trusted_authorities().cert_store_stats()["x509"] == 0
        return
    for attempt in (trusted_authorities, lambda: RestClient("https://venue.example")):
        with pytest.raises(VenueRefusedError, match=f"{name}: found .*there, expected a f"):
            attempt()
