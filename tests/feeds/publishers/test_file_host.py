"""Files from a host on loopback: taken up where they broke off, checked, and never half there."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.errors import ChecksumError, TradeFileError, VenueBusyError, VenueRefusedError, VenueUnreachableError
from feeds.publishers.file_host import FileHost
from tests.feeds.lines import Clock, run
from tests.feeds.publishers.dump_server import DumpServer, Fault, publisher

CONTENT = bytes(range(256)) * 2000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@asynccontextmanager
async def host_of(content: bytes = CONTENT, clock: Clock | None = None) -> AsyncIterator[tuple[DumpServer, FileHost]]:
    clock = clock or Clock()
    async with publisher(dump=content) as server:
        host = FileHost(server.url, wall=clock, sleep=clock.sleep, jitter=lambda: 1.0)
        try:
            yield server, host
        finally:
            await host.aclose()


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_download_is_renamed_when_complete_and_reports_progress(tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []

    async def story() -> None:
        async with host_of() as (_, host):
            path = await host.download("/dump", tmp_path / "d.zip", lambda done, total: told.append((done, total)), SHA256)
            assert path == tmp_path / "d.zip" and path.read_bytes() == CONTENT

    run(story())
    assert told[-1] == (len(CONTENT), len(CONTENT)) and left(tmp_path) == ["d.zip"]


def test_unpublished_file_is_none_and_no_error(tmp_path: Path) -> None:
    async def story() -> None:
        async with host_of() as (_, host):
            assert await host.download("/other", tmp_path / "d.zip") is None
            assert await host.text("/other") is None

    run(story())
    assert left(tmp_path) == []


def test_broken_download_is_resumed(tmp_path: Path) -> None:
    clock = Clock()

    async def story() -> None:
        async with host_of(clock=clock) as (server, host):
            server.faults = [Fault(cut_after=100_000), Fault(cut_after=0), Fault(cut_after=300_000)]
            path = await host.download("/dump", tmp_path / "d.zip", sha256=SHA256)
            assert path is not None and path.read_bytes() == CONTENT
            assert server.ranges_asked() == ["bytes=100000-", "bytes=100000-", "bytes=400000-"]

    run(story())
    assert clock.waits == [1.0, 2.0, 1.0]


def test_broken_download_is_resumed_by_the_next_run(tmp_path: Path) -> None:
    async def story() -> None:
        async with host_of() as (server, host):
            server.faults = [Fault(cut_after=100_000), *[Fault(status=503)] * 9]
            with pytest.raises(VenueUnreachableError):
                await host.download("/dump", tmp_path / "d.zip")
            assert left(tmp_path) == ["d.zip.part", "d.zip.part-of"]
            server.faults = []
            again = FileHost(server.url)
            assert await again.download("/dump", tmp_path / "d.zip") == tmp_path / "d.zip"
            await again.aclose()
            assert server.ranges_asked()[-1] == "bytes=100000-"

    run(story())
    assert (tmp_path / "d.zip").read_bytes() == CONTENT and left(tmp_path) == ["d.zip"]


@pytest.mark.parametrize("change", ["ranges", "etag"])
def test_download_restarts_where_the_server_cannot_resume(tmp_path: Path, change: str) -> None:
    async def story() -> None:
        async with host_of() as (server, host):
            setattr(server, change, False)
            server.faults = [Fault(cut_after=100_000)]
            path = await host.download("/dump", tmp_path / "d.zip", sha256=SHA256)
            assert path is not None and path.read_bytes() == CONTENT

    run(story())


def test_parts_of_two_versions_are_never_combined(tmp_path: Path) -> None:
    other = bytes(reversed(CONTENT))

    async def story() -> None:
        async with host_of() as (server, host):
            server.faults = [Fault(cut_after=100_000), *[Fault(status=500)] * 9]
            with pytest.raises(VenueUnreachableError):
                await host.download("/dump", tmp_path / "d.gz")
            server.faults, server.files["/dump"] = [], other
            await host.download("/dump", tmp_path / "d.gz")

    run(story())
    assert (tmp_path / "d.gz").read_bytes() == other


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=416),
        Fault(status=206, headers={"Content-Range": "bytes 5-9/10"}, body=b"12345"),
        Fault(status=206, body=b"12345"),
    ],
)
def test_wrong_byte_range_is_rejected(tmp_path: Path, fault: Fault) -> None:
    async def story() -> None:
        async with host_of() as (server, host):
            server.faults = [Fault(cut_after=100_000), fault]
            await host.download("/dump", tmp_path / "d.gz")

    run(story())
    assert (tmp_path / "d.gz").read_bytes() == CONTENT


def test_wrong_checksum_is_retried_once_then_reported(tmp_path: Path) -> None:
    async def story() -> None:
        async with host_of() as (server, host):
            server.faults = [Fault(status=200, body=b"something else")]
            assert await host.download("/dump", tmp_path / "d.zip", sha256=SHA256) is not None
            (tmp_path / "d.zip").unlink()
            server.faults = [Fault(status=200, body=b"something else")] * 2
            asked = len(server.asked)
            with pytest.raises(ChecksumError, match=r"127\.0\.0\.1:\d+: d\.zip: checksum mismatch"):
                await host.download("/dump", tmp_path / "d.zip", sha256=SHA256)
            assert len(server.asked) == asked + 2

    run(story())
    assert left(tmp_path) == []


def test_requested_wait_of_a_server_is_respected(tmp_path: Path) -> None:
    clock = Clock()

    async def story() -> None:
        async with host_of(clock=clock) as (server, host):
            server.faults = [Fault(status=429, headers={"Retry-After": "17"}), Fault(status=503)]
            assert await host.download("/dump", tmp_path / "d.zip") is not None
            server.faults = [Fault(status=429, headers={"Retry-After": "9000"})]
            with pytest.raises(VenueBusyError, match="rate limited until"):
                await host.download("/dump", tmp_path / "e.zip")

    run(story())
    assert clock.waits == [17.0, 2.0]


def test_unavailable_server_is_given_up_after_six_tries(tmp_path: Path) -> None:
    clock = Clock()

    async def story() -> None:
        async with host_of(clock=clock) as (server, host):
            server.faults = [Fault(status=503)] * 20
            with pytest.raises(VenueUnreachableError, match="HTTP 503"):
                await host.download("/dump", tmp_path / "d.zip")
            assert len(server.asked) == 6

    run(story())
    assert clock.waits == [1.0, 2.0, 4.0, 8.0, 16.0]


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault(status=401), "requires an API key"),
        (Fault(status=403), "forbids"),
        (Fault(status=451), "country"),
        (Fault(status=400, body=b'{"code":6,"message":"there is no data for that symbol"}'), "there is no data for that symbol"),
        (Fault(status=400, body=b"<html>"), "bad request"),
    ],
)
def test_refusal_is_reported_at_once(tmp_path: Path, fault: Fault, says: str) -> None:
    async def story() -> None:
        async with host_of() as (server, host):
            server.faults = [fault]
            with pytest.raises(VenueRefusedError, match=says):
                await host.download("/dump", tmp_path / "d.zip")
            assert len(server.asked) == 1

    run(story())


def test_too_long_text_is_retried_then_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feeds.publishers.file_host.LARGEST_ANSWER", 1000)

    async def story() -> None:
        async with host_of() as (server, host):
            with pytest.raises(VenueUnreachableError, match="response larger than 1,000 bytes"):
                await host.text("/dump")
            assert len(server.asked) == 6
            server.files["/small"] = b"abc"
            assert await host.text("/small") == b"abc"

    run(story())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("method", ["download", "text"])
def test_one_redirect_is_followed_and_keys_stay_at_their_origin(status: int, elsewhere: bool, method: str, tmp_path: Path) -> None:
    """The key reaches no other host, and there is no second hop."""

    async def story() -> None:
        async with publisher(dump=CONTENT) as first, publisher(dump=CONTENT) as second:
            to = f"{second.url}/dump" if elsewhere else "/dump?moved=1"
            first.files["/dump?moved=1"] = CONTENT
            host = FileHost(first.url, headers=lambda: {"Authorization": "Bearer secret", "X-Api-Key": "secret"}, jitter=lambda: 0.0)
            first.faults = [Fault(status=status, headers={"Location": to})]
            if method == "download":
                path = await host.download("/dump", tmp_path / "d.zip", sha256=SHA256)
                assert path is not None and path.read_bytes() == CONTENT
            else:
                assert await host.text("/dump") == CONTENT
            *_, last = (second if elsewhere else first).heads
            assert len(first.asked) + len(second.asked) == 2
            assert ("secret" in str(last)) == (not elsewhere)
            assert "secret" in str(first.heads[0])
            await host.aclose()

    run(story())


def test_a_second_redirect_is_an_error() -> None:
    clock = Clock()

    async def story() -> None:
        async with host_of(clock=clock) as (server, host):
            server.faults = [Fault(status=302, headers={"Location": "/dump"}) for _ in range(12)]
            with pytest.raises(VenueRefusedError, match="redirects more than once"):
                await host.text("/dump")
            assert len(server.asked) == 2

    run(story())


def test_unwritable_folder_is_named_in_the_error(tmp_path: Path) -> None:
    async def story() -> None:
        async with host_of() as (_, host):
            with pytest.raises(TradeFileError, match="expected a writable file"):
                await host.download("/dump", tmp_path / "nowhere" / "d.zip")

    run(story())


def test_unreachable_host_is_named_in_the_error(tmp_path: Path) -> None:
    clock = Clock()

    async def story() -> None:
        async with publisher() as server:
            pass
        host = FileHost(server.url, wall=clock, sleep=clock.sleep)
        with pytest.raises(VenueUnreachableError, match="cannot reach"):
            await host.download("/dump", tmp_path / "d.zip")
        await host.aclose()
        with pytest.raises(VenueRefusedError, match="cannot use"):
            FileHost("http://127.0.0.1:notaport")

    run(story())
