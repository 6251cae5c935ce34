"""REST against a server that answers whatever the test says."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import msgspec
import pytest
import trustme

from app.errors import DecodeError, FeedError, VenueBusyError, VenuePausedError, VenueRefusedError, VenueUnreachableError, WeightSpentError
from feeds.network.rest_client import RestClient
from tests.feeds.lines import Clock, run


class Answer(msgspec.Struct):
    a: int


Answers = Callable[[str], tuple[int, dict[str, str], bytes]]
GOOD = (200, {}, b'{"a":1}')


@asynccontextmanager
async def server(answers: Answers, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """HTTP on loopback; `Content-Length` may be given to lie."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        status, headers, body = answers(request.split()[1])
        if status:
            lines = [
                f"HTTP/1.1 {status} X",
                *(f"{name}: {value}" for name, value in ({"Content-Length": str(len(body))} | headers).items()),
            ]
            writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode() + body)
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context) as listening:
        yield f"{'https' if context else 'http'}://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def rest_of(answers: Answers, clock: Clock | None = None, limit: int = 100) -> AsyncIterator[RestClient]:
    clock = clock or Clock()
    async with server(answers) as url:
        rest = RestClient(url, weight_limit=limit, wall=clock, sleep=clock.sleep)
        try:
            yield rest
        finally:
            await rest.aclose()


async def failure(rest: RestClient) -> FeedError:
    with pytest.raises(FeedError) as caught:
        await rest.get("/x", {}, Answer, weight=1)
    assert "\n" not in caught.value.user_message
    return caught.value


def test_request_is_sent_as_given_and_answer_decoded() -> None:
    asked = []

    def answers(target: str) -> tuple[int, dict[str, str], bytes]:
        asked.append(target)
        return GOOD

    async def story() -> None:
        async with rest_of(answers) as rest:
            assert await rest.get("/api/v3/aggTrades", {"symbol": "BTCUSDT", "limit": 5}, Answer, weight=4) == Answer(1)
        assert asked == ["/api/v3/aggTrades?symbol=BTCUSDT&limit=5"]

    run(story())


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        ((200, {}, b"<html>We will be back soon</html>"), DecodeError, "undocumented response"),
        ((200, {}, b'{"a":'), DecodeError, "undocumented response"),
        ((200, {}, b'{"a":"1"}'), DecodeError, "undocumented response"),
        ((200, {}, b""), DecodeError, "undocumented response"),
        ((200, {}, b'{"b":' + b"[" * 50_000), DecodeError, "undocumented response"),
        ((200, {"Content-Length": "100"}, b'{"a":1}'), VenueUnreachableError, "closed the connection mid-response"),
        ((200, {"Content-Encoding": "gzip"}, b"no gzip"), VenueUnreachableError, "sent a damaged response"),
        ((0, {}, b""), VenueUnreachableError, "closed the connection mid-response"),
        ((500, {}, b""), VenueUnreachableError, "HTTP 500"),
        ((302, {"Location": "http://elsewhere.example/"}, b""), VenueUnreachableError, "HTTP 302"),
        ((403, {}, b"<html>"), VenuePausedError, "forbids"),
        ((451, {}, b'{"code":0,"msg":"restricted"}'), VenueRefusedError, "country"),
        ((400, {}, b'{"code":-1121,"msg":"Invalid symbol."}'), VenueRefusedError, "Invalid symbol."),
        ((404, {}, b'{"message":"NotFound"}'), VenueRefusedError, ": NotFound"),
        ((400, {}, b"<html>"), VenuePausedError, "bad request"),
        ((400, {}, b"[1]"), VenuePausedError, "bad request"),
        ((400, {}, b'{"code":-1016,"msg":"Service shutting down."}'), VenuePausedError, "Service shutting down."),
        ((401, {}, b""), VenuePausedError, "requires an API key"),
        ((404, {}, b"<html>"), VenuePausedError, "has no such address"),
    ],
)
def test_each_failure_has_its_kind_and_one_plain_line(answer: tuple[int, dict[str, str], bytes], kind: type[FeedError], says: str) -> None:
    async def story() -> None:
        async with rest_of(lambda target: answer) as rest:
            error = await failure(rest)
            assert type(error) is kind and says in error.user_message and "127.0.0.1" in error.user_message

    run(story())


def test_unreachable_host_is_named() -> None:
    async def story() -> None:
        async with server(lambda target: GOOD) as url:
            pass
        rest = RestClient(url)
        assert "cannot reach" in (await failure(rest)).user_message
        await rest.aclose()

    run(story())


def test_host_without_answer_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feeds.network.rest_client._TIMEOUT_S", 0.05)

    async def story() -> None:
        async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        async with await asyncio.start_server(mute, "127.0.0.1", 0) as listening:
            rest = RestClient(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}")
            assert "no answer from" in (await failure(rest)).user_message
            await rest.aclose()
            await asyncio.sleep(0.01)

    run(story())


@pytest.mark.parametrize("url", ["http://127.0.0.1:port", "ftp://127.0.0.1"])
def test_invalid_address_is_refused(url: str) -> None:
    async def story() -> None:
        with pytest.raises(VenueRefusedError):
            rest = RestClient(url)
            try:
                await rest.get("/x", {}, Answer, weight=1)
            finally:
                await rest.aclose()

    run(story())


def test_invalid_proxy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "gopher://proxy.example")
    with pytest.raises(VenueRefusedError, match="proxy"):
        RestClient("http://venue.example")


def test_bad_certificate_is_refused() -> None:
    """A13: an unknown authority."""

    async def story() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
        async with server(lambda target: GOOD, context) as url:
            rest = RestClient(url)
            error = await failure(rest)
            assert isinstance(error, VenueRefusedError) and "certificate" in error.user_message
            await rest.aclose()

    run(story())


@pytest.mark.parametrize("status", [429, 418])
def test_no_request_is_sent_during_a_ban(status: int) -> None:
    """A6: Retry-After: 30, on a clock made up."""
    asked = []

    def answers(target: str) -> tuple[int, dict[str, str], bytes]:
        asked.append(target)
        return (status, {"Retry-After": "30"}, b"") if len(asked) == 1 else GOOD

    async def story() -> None:
        clock = Clock(1_000.0)
        async with rest_of(answers, clock) as rest:
            for now_s, left_s in ((1_000.0, 30), (1_000.0, 30), (1_029.5, 1)):
                clock.now_s = now_s
                error = await failure(rest)
                assert isinstance(error, VenueBusyError) and error.retry_after_s == left_s
                assert "rate limited until" in error.user_message
            assert len(asked) == 1
            clock.now_s = 1_030.0
            assert await rest.get("/x", {}, Answer, weight=1) == Answer(1)

    run(story())


def test_half_the_weight_is_used_with_a_tenth_reserved_for_urgent() -> None:
    """A6: by our own count."""

    async def story() -> None:
        clock = Clock(6_000.0)  # a minute begins
        async with rest_of(lambda target: GOOD, clock, limit=200) as rest:
            for _ in range(9):
                await rest.get("/x", {}, Answer, weight=10)
            assert clock.waits == []
            await rest.get("/x", {}, Answer, weight=10, urgent=True)
            assert clock.waits == []
            with pytest.raises(WeightSpentError, match="this minute's requests are used up") as caught:
                await rest.get("/x", {}, Answer, weight=10, urgent=True)
            assert clock.waits == [] and caught.value.retry_after_s == pytest.approx(60.05), "a silent connection cannot wait so long"
            clock.now_s += 58.5
            await rest.get("/x", {}, Answer, weight=10, urgent=True)
            assert clock.waits == [pytest.approx(1.55)], "until the next minute"
            for _ in range(9):
                await rest.get("/x", {}, Answer, weight=10)
            assert clock.waits[1:] == [pytest.approx(59.95 + 0.05)]

    run(story())


def test_weight_reported_by_the_venue_counts() -> None:
    """A6: by the count of the venue."""

    async def story() -> None:
        clock = Clock(6_030.0)
        async with rest_of(lambda target: (200, {"X-MBX-USED-WEIGHT-1M": "88"}, b'{"a":1}'), clock, limit=200) as rest:
            await rest.get("/x", {}, Answer, weight=10)
            await rest.get("/x", {}, Answer, weight=10)
            assert clock.waits == [pytest.approx(30.05)], "others behind our address use it as well"

    run(story())


def test_post_sends_json() -> None:
    asked = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.splitlines() if line.lower().startswith(b"content-length"))
        asked.append((head.split(b" HTTP")[0], b"application/json" in head, msgspec.json.decode(await reader.readexactly(length))))
        writer.write(b'HTTP/1.1 200 X\r\nContent-Length: 7\r\nConnection: close\r\n\r\n{"a":1}')
        writer.close()

    async def story() -> None:
        async with await asyncio.start_server(talk, "127.0.0.1", 0) as listening:
            rest = RestClient(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}")
            assert await rest.post("/info", {"type": "meta"}, Answer, weight=20) == Answer(1)
            await rest.aclose()
        assert asked == [(b"POST /info", True, {"type": "meta"})]

    run(story())


def test_requests_respect_the_limit_per_second() -> None:
    async def story() -> None:
        clock = Clock()
        async with server(lambda _: GOOD) as url:
            rest = RestClient(url, apart_s=1.0, wall=clock, monotonic=clock, sleep=clock.sleep)
            for _ in range(3):
                await rest.get("/x", {}, Answer, weight=1)
            clock.now_s += 0.75
            await rest.get("/x", {}, Answer, weight=1)
            clock.now_s += 9
            await rest.get("/x", {}, Answer, weight=1)
            await rest.aclose()
        assert clock.waits == [1.0, 1.0, 0.25]

    run(story())


@pytest.mark.parametrize("turns", range(1, 16))
def test_closing_ends_open_requests_and_closes_their_sockets(turns: int) -> None:
    """With each turn of the event loop the request gets further: it starts, opens its socket, is sent, and waits for an answer."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()  # until the client closes its side; `run` fails if this never ends
        writer.close()

    async def story() -> None:
        async with await asyncio.start_server(silent, "127.0.0.1", 0) as listening:
            rest = RestClient(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}")
            request = asyncio.create_task(rest.get("/x", {}, Answer, weight=1))
            for _ in range(turns):
                await asyncio.sleep(0)
            await rest.aclose()
            with pytest.raises(VenueUnreachableError, match="closed"):
                await request
            with pytest.raises(VenueUnreachableError, match="closed"):
                await rest.get("/x", {}, Answer, weight=1)

    run(story())
