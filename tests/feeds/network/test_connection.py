"""The supervised connection against a venue of sockets that misbehaves."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import aclosing
from dataclasses import replace
from itertools import pairwise

import pytest
import trustme
from structlog.testing import LogCapture
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.exceptions import InvalidProxy, SecurityError
from websockets.http11 import Request, Response

from app.errors import DecodeError, FeedError, VenueBusyError, VenueRefusedError, VenueUnreachableError, WeightSpentError
from app.market.feed import FeedState
from feeds.network.backoff import Timeouts
from feeds.network.connection import Connection, ConnectionStatus
from feeds.network.failures import connect_error, http_status_error
from tests.feeds.lines import QUICK, Clock, Line, read, run, until, venue


async def silent(line: Line) -> None:
    await line.stay()


def refusing(status: int, **headers: str):
    def answer(connection: ServerConnection, request: Request) -> Response:
        return Response(
            status, "", Headers({name.replace("_", "-"): value for name, value in headers.items()} | {"Content-Length": "0"}), b""
        )

    return answer


# -- reading ---------------------------------------------------------------------------------------


def test_waiting_messages_come_at_once_and_in_order() -> None:
    async def talk(line: Line) -> None:
        await line.tell(*range(1000))
        await line.stay()

    async def story() -> None:
        async with venue(talk) as there:
            connection, batches = Connection(there.url, patience=QUICK), []
            async with aclosing(connection.messages()) as frames:
                async for batch in frames:
                    batches.append(batch)
                    await asyncio.sleep(0.03)
                    if sum(map(len, batches)) == 1000:
                        break
            assert [int(frame) for batch in batches for frame in batch] == list(range(1000))
            assert len(batches) < 10
            assert connection.status.connects == 1

    run(story())


def test_under_load_there_is_at_most_one_batch_per_frame() -> None:
    async def talk(line: Line) -> None:
        for number in range(100):
            await line.tell(number)
            await asyncio.sleep(0.002)
        await line.stay()

    async def story() -> None:
        async with venue(talk) as there:
            connection, times = Connection(there.url, patience=replace(QUICK, silent_after=5.0)), []
            loop, seen = asyncio.get_running_loop(), 0
            async with aclosing(connection.messages()) as frames:
                async for batch in frames:
                    times.append(loop.time())
                    seen += len(batch)
                    if seen == 100:
                        break
            assert min(b - a for a, b in pairwise(times)) > 0.0155

    run(story())


def test_close_ends_messages_and_releases_the_socket() -> None:
    async def talk(line: Line) -> None:
        await line.tell("a")
        await line.stay()

    async def story() -> None:
        async with venue(talk) as there:
            connection, got = Connection(there.url, patience=QUICK), []
            async for batch in connection.messages():
                got += batch
                connection.close()
            await until(lambda: there.now_open == 0)
            assert got == [b"a"]

    run(story())


def test_reader_that_stops_leaves_nothing_open() -> None:
    async def story() -> None:
        async with venue(silent) as there:
            reading = asyncio.create_task(read(Connection(there.url, patience=replace(QUICK, silent_after=9)), lambda got: False))
            await until(lambda: there.now_open == 1)
            reading.cancel()
            await asyncio.wait([reading])
            await until(lambda: there.now_open == 0)

    run(story())


# -- coming back -----------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["reset", "close", "vanish", "oversize", "no text", "going away"])
def test_broken_connection_is_opened_again(end: str) -> None:
    """A1, A8: every way in which a socket ends."""

    async def talk(line: Line) -> None:
        await line.tell(f"{line.number}a", f"{line.number}b")
        if line.number > 2:
            await line.stay()
        await asyncio.sleep(0.01)
        match end:
            case "reset":
                line.reset()
            case "vanish":
                line.socket.transport.abort()
            case "close":
                await line.socket.close()
            case "going away":
                await line.socket.close(1001)
            case "no text":
                await line.socket.send(b"\xff\xfe", text=True)
                await line.tell("2b" if line.number == 2 else "x")
                line.reset()
            case "oversize":
                await line.socket.send("x" * (1 << 21))
                await line.stay()

    async def story() -> None:
        async with venue(talk) as there:
            connection = Connection(there.url, patience=QUICK)
            got = await read(connection, lambda got: b"3b" in got)
            assert [frame for frame in got if frame[:1] in b"123" and len(frame) == 2][:6].count(b"2a") == 1
            assert b"1b" in got and b"2b" in got and b"3a" in got
            assert there.opened == connection.status.connects == 3

    run(story())


def test_flapping_venue_gets_twenty_connects_in_five_minutes() -> None:
    """A5: accept and close for five minutes of a clock made up, with the patience of real use."""
    clock, times = Clock(), []

    async def talk(line: Line) -> None:
        times.append(clock.now_s)
        await line.socket.close(1001)

    async def story() -> None:
        async with venue(talk) as there:
            connection = Connection(there.url, monotonic=clock, wall=clock, sleep=clock.sleep)
            reading = asyncio.create_task(read(connection, lambda got: False))
            await until(lambda: clock.now_s > 1_300 and "code 1001" in connection.status.reason)
            reading.cancel()
            await asyncio.wait([reading])
            assert 10 < sum(1 for time in times if time < 1_300) <= 20

    run(story())


def test_connection_with_one_trade_counts_as_flapping() -> None:
    """A5: a trade alone does not begin the pauses anew."""

    async def talk(line: Line) -> None:
        await line.tell("a")
        await line.socket.close()

    async def story() -> None:
        clock = Clock()
        async with venue(talk) as there:
            connection = Connection(there.url, monotonic=clock, wall=clock, sleep=clock.sleep, jitter=lambda: 1.0)
            await read(connection, lambda got: len(got) >= 5)
            assert [round(wait, 3) for wait in clock.waits[:4]] == [0.5, 1, 2, 4]

    run(story())


@pytest.mark.parametrize("status", [429, 418])
def test_wait_requested_by_the_venue_is_exact(status: int) -> None:
    """A6: Retry-After: 37, twice, on a clock made up."""
    states = []

    async def story() -> None:
        clock = Clock()
        refusals = iter([refusing(status, Retry_After="37")] * 2)

        async def talk(line: Line) -> None:
            await line.tell("a")
            await line.stay()

        async def sleep(seconds: float) -> None:
            states.append(connection.status)
            await clock.sleep(seconds)

        def answer(socket: ServerConnection, request: Request) -> Response | None:
            refusal = next(refusals, None)
            return refusal(socket, request) if refusal else None

        async with venue(talk, answer=answer) as there:
            connection = Connection(there.url, monotonic=clock, wall=clock, sleep=sleep)
            await read(connection, bool)
            assert clock.waits == [37.0, 37.0]
            assert connection.status.state is FeedState.LIVE

    run(story())
    assert [(each.state, each.retry_at_s) for each in states] == [(FeedState.DISCONNECTED, 1037.0), (FeedState.DISCONNECTED, 1074.0)]
    assert "rate limited until" in states[0].reason


def test_a_country_that_is_not_served_is_final_and_has_a_reason() -> None:
    """A6, S1: 451 on the handshake."""

    async def story() -> None:
        async with venue(silent, answer=refusing(451)) as there:
            connection = Connection(there.url, patience=QUICK)
            with pytest.raises(VenueRefusedError, match="country"):
                await read(connection, lambda got: False)
            assert connection.status.state is FeedState.STOPPED and "country" in connection.status.reason
            assert connection.status.connects == 1

    run(story())


@pytest.mark.parametrize("status", [*range(400, 418), *range(419, 429), 431, *range(500, 512), 520, 530])
def test_every_other_refusal_of_a_handshake_passes(status: int) -> None:
    """A6, S1: twice each HTTP status, then a connection."""

    async def story() -> None:
        refusals = iter([refusing(status), refusing(status)])

        def answer(socket: ServerConnection, request: Request) -> Response | None:
            refusal = next(refusals, None)
            return refusal(socket, request) if refusal else None

        async with venue(counting, answer=answer) as there:
            connection = Connection(there.url, patience=QUICK)
            await read(connection, bool)
            assert (connection.status.state, connection.status.connects) == (FeedState.LIVE, 3)

    run(story())


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_venue_that_turns_us_away_is_left_alone_for_longer_each_time(share: float) -> None:
    """S1: HTTP 403 six times; the pauses are a random share of 30 s to 5 min."""
    clock = Clock()
    states: list[ConnectionStatus] = []

    async def story() -> None:
        refusals = iter([refusing(403)] * 6)

        async def sleep(seconds: float) -> None:
            states.append(connection.status)
            await clock.sleep(seconds)

        def answer(socket: ServerConnection, request: Request) -> Response | None:
            refusal = next(refusals, None)
            return refusal(socket, request) if refusal else None

        async with venue(counting, answer=answer) as there:
            connection = Connection(there.url, monotonic=clock, wall=clock, sleep=sleep, jitter=lambda: share)
            await read(connection, bool)

    run(story())
    assert clock.waits == [share * longest for longest in (30, 60, 120, 240, 300, 300) if share]
    assert all("forbids access from here (HTTP 403)" in each.reason and each.state is FeedState.DISCONNECTED for each in states)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_venue_with_server_errors_is_retried(status: int) -> None:
    """A6: 500, 502, 503 on every handshake."""

    async def story() -> None:
        async with venue(silent, answer=refusing(status)) as there:
            connection = Connection(there.url, patience=QUICK)
            reading = asyncio.create_task(read(connection, lambda got: False))
            await until(lambda: connection.status.connects > 3)
            assert f"HTTP {status}" in connection.status.reason
            reading.cancel()
            await asyncio.wait([reading])

    run(story())


def test_refused_port_is_named_and_retried() -> None:
    async def story() -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            url = f"ws://127.0.0.1:{probe.getsockname()[1]}/ws/x"
        connection = Connection(url, patience=replace(QUICK, first_pause=0.05, longest_pause=0.05), jitter=lambda: 1.0)
        reading = asyncio.create_task(read(connection, lambda got: False))
        await until(lambda: connection.status.connects == 3 and connection.status.state is FeedState.DISCONNECTED)
        assert "refuses connections" in connection.status.reason and connection.status.retry_at_s is not None
        reading.cancel()
        await asyncio.wait([reading])

    run(story())


@pytest.mark.parametrize("url", ["ws://127.0.0.1:port/x", "ws:///x", "http://127.0.0.1/x"])
def test_invalid_address_stops_with_a_reason(url: str) -> None:
    async def story() -> None:
        with pytest.raises(VenueRefusedError, match="not a WebSocket address"):
            await read(Connection(url, patience=QUICK), bool)

    run(story())


# -- encryption ------------------------------------------------------------------------------------


def secured(name: str) -> tuple[ssl.SSLContext, trustme.CA]:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context, authority


@pytest.mark.parametrize("trusted", [False, True], ids=["unknown authority", "wrong name"])
def test_bad_certificate_is_refused_without_retry(trusted: bool) -> None:
    """A13: an unknown authority, a wrong name."""

    async def story() -> None:
        context, authority = secured("elsewhere.example")
        client = ssl.create_default_context()
        if trusted:
            authority.configure_trust(client)
        async with venue(silent, ssl=context) as there:
            connection = Connection(there.url, patience=QUICK, ssl_context=client)
            with pytest.raises(VenueRefusedError, match="untrusted certificate"):
                await read(connection, bool)
            assert connection.status.state is FeedState.STOPPED and connection.status.connects == 1
            assert there.opened == 0

    run(story())


def test_good_certificate_is_accepted() -> None:
    async def talk(line: Line) -> None:
        await line.tell("a")
        await line.stay()

    async def story() -> None:
        context, authority = secured("127.0.0.1")
        client = ssl.create_default_context()
        authority.configure_trust(client)
        async with venue(talk, ssl=context) as there:
            assert await read(Connection(there.url, patience=QUICK, ssl_context=client), bool) == [b"a"]

    run(story())


# -- silence ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("talked", [False, True])
def test_silent_connection_is_replaced_when_the_venue_has_trades(talked: bool) -> None:
    """A4: open and silent, while the venue says that it has more."""

    async def talk(line: Line) -> None:
        if talked or line.number == 3:
            await line.tell(line.number)
        await line.stay()

    async def missed() -> bool:
        return True

    async def story() -> None:
        async with venue(talk) as there:
            connection = Connection(there.url, probe=missed, patience=QUICK)
            got = await read(connection, lambda got: b"3" in got)
            assert got == ([b"1", b"2", b"3"] if talked else [b"3"])
            assert connection.status.connects == 3

    run(story())


def test_quiet_market_keeps_its_connection() -> None:
    """A4: open and silent, and the venue says that nothing happened."""
    asked = []

    async def missed() -> bool:
        asked.append(True)
        return False

    async def story() -> None:
        async with venue(silent) as there:
            connection = Connection(there.url, probe=missed, patience=QUICK)
            reading = asyncio.create_task(read(connection, lambda got: False))
            await until(lambda: len(asked) == 3)
            await asyncio.sleep(0)
            assert connection.status.connects == 1
            assert connection.status.state is FeedState.LIVE and connection.silent_s < QUICK.silent_after
            reading.cancel()
            await asyncio.wait([reading])

    run(story())


def test_pings_do_not_keep_a_silent_connection() -> None:
    """A4: pings every 10 ms."""

    async def talk(line: Line) -> None:
        for _ in range(100):
            await asyncio.wait_for(await line.socket.ping(), 1)
            await asyncio.sleep(0.01)

    async def missed() -> bool:
        return True

    async def story() -> None:
        async with venue(talk) as there:
            connection = Connection(there.url, probe=missed, patience=QUICK)
            reading = asyncio.create_task(read(connection, lambda got: False))
            await until(lambda: connection.status.connects == 2)
            reading.cancel()
            await asyncio.wait([reading])

    run(story())


def test_messages_without_data_do_not_keep_a_silent_connection() -> None:
    """A4: acknowledgements every 10 ms."""

    async def talk(line: Line) -> None:
        while True:
            await line.tell('{"result":null,"id":1}')
            await asyncio.sleep(0.01)

    async def missed() -> bool:
        return True

    async def story() -> None:
        async with venue(talk) as there:
            connection = Connection(there.url, probe=missed, patience=QUICK)
            reading = asyncio.create_task(read(connection, lambda got: False, data=False))
            await until(lambda: connection.status.connects == 2)
            reading.cancel()
            await asyncio.wait([reading])

    run(story())


@pytest.mark.parametrize("answer", ["never", "unreachable"])
def test_connection_is_lost_when_the_venue_answers_nowhere(answer: str) -> None:
    reasons = []

    async def missed() -> bool:
        if answer == "never":
            await asyncio.sleep(60)
        raise VenueUnreachableError("no answer from rest.example")

    async def story() -> None:
        clock = Clock()

        async def sleep(seconds: float) -> None:
            reasons.append(connection.status.reason)
            await asyncio.sleep(0.001)

        async with venue(silent) as there:
            connection = Connection(there.url, probe=missed, patience=QUICK, sleep=sleep)
            reading = asyncio.create_task(read(connection, lambda got: False))
            await until(lambda: connection.status.connects == 2)
            reading.cancel()
            await asyncio.wait([reading])
        assert clock.waits == []

    run(story())
    assert reasons[0].startswith("no data for 0 s, and") and "no answer from" in reasons[0]


REFUSED_QUESTIONS = [VenueBusyError("rate-limited", retry_after_s=60), VenueRefusedError("forbidden"), DecodeError("a web page")]


@pytest.mark.parametrize("error", REFUSED_QUESTIONS, ids=lambda error: type(error).__name__)
def test_connection_survives_a_refused_probe_for_now(error: FeedError) -> None:
    asked = []

    async def missed() -> bool:
        asked.append(True)
        raise error

    async def story() -> None:
        async with venue(silent) as there:
            connection = Connection(there.url, probe=missed, patience=replace(QUICK, silent_after=0.05))
            reading = asyncio.create_task(read(connection, lambda got: False))
            await until(lambda: len(asked) == 1)
            await asyncio.sleep(0.03)
            assert connection.status.connects == 1 and len(asked) == 1
            await until(lambda: connection.status.connects == 2)
            assert error.user_message in connection.status.reason or connection.status.state is FeedState.SYNCING
            reading.cancel()
            await asyncio.wait([reading])

    run(story())


def test_connection_survives_a_probe_for_which_no_weight_is_left() -> None:
    """A6: with many quiet markets; once it was lost after 4 s, since the probe waited for the next minute."""
    asked = []

    async def missed() -> bool:
        asked.append(True)
        if len(asked) == 1:
            raise WeightSpentError("this minute's requests are used up", retry_after_s=0.6)
        return False

    async def story() -> None:
        async with venue(silent) as there:
            connection = Connection(there.url, probe=missed, patience=replace(QUICK, silent_after=0.05))
            reading = asyncio.create_task(read(connection, lambda got: False))
            await until(lambda: len(asked) == 1)
            await asyncio.sleep(0.5)
            assert len(asked) == 1 and connection.silent_s > 0.3, "six times the silence after which the venue is asked"
            await until(lambda: len(asked) == 2)
            await until(lambda: connection.silent_s < 0.05)
            assert connection.status.connects == 1
            reading.cancel()
            await asyncio.wait([reading])

    run(story())


def test_trade_during_the_probe_ends_the_silence() -> None:
    answers = []

    async def talk(line: Line) -> None:
        await asyncio.sleep(0.13)
        await line.tell("a")
        await line.stay()

    async def missed() -> bool:
        await asyncio.sleep(0.02)
        answers.append(True)
        return True

    async def story() -> None:
        async with venue(talk) as there:
            connection = Connection(there.url, probe=missed, patience=replace(QUICK, grace=1.0))
            reading = asyncio.create_task(read(connection, lambda got: len(got) == 2))
            await until(lambda: connection.status.state is FeedState.LIVE)
            assert connection.status.connects == 1
            reading.cancel()
            await asyncio.wait([reading])

    run(story())


def test_silence_is_noticed_sooner_where_data_is_frequent() -> None:
    """A3: how long a busy market may be silent."""
    clock = Clock()
    connection = Connection("ws://x/", patience=Timeouts(silent_after=10.0), monotonic=clock)
    assert connection.silent_after_s == 10.0

    async def talk(line: Line) -> None:
        for number in range(200):
            await line.tell(number)
            await asyncio.sleep(0)
        await line.stay()

    async def story() -> None:
        async with venue(talk) as there:
            connection.url = there.url

            async with aclosing(connection.messages()) as frames:
                async for batch in frames:
                    for _ in batch:
                        clock.now_s += 0.02
                        connection.heard_data()
                    if batch[-1] == b"199":
                        break

    run(story())
    assert connection.silent_after_s == 2.5


def test_last_messages_of_a_broken_connection_do_not_make_it_live() -> None:
    async def talk(line: Line) -> None:
        await line.tell("a")
        line.reset()

    async def story() -> None:
        async with venue(talk) as there:
            connection = Connection(there.url, patience=replace(QUICK, first_pause=9, longest_pause=9), jitter=lambda: 1.0)
            async with aclosing(connection.messages()) as frames:
                async for _ in frames:
                    await until(lambda: connection.status.state is FeedState.DISCONNECTED)
                    connection.heard_data()
                    assert connection.status.state is FeedState.DISCONNECTED
                    break

    run(story())


def test_last_messages_do_not_count_for_the_next_connection() -> None:
    async def talk(line: Line) -> None:
        if line.number == 1:
            await line.tell("a")
            await asyncio.sleep(0.03)
            await line.tell("b")
            line.reset()
        await line.stay()

    async def story() -> None:
        async with venue(talk) as there:
            connection = Connection(there.url, patience=replace(QUICK, silent_after=9.0))
            async with aclosing(connection.messages()) as frames:
                async for batch in frames:
                    await until(lambda: connection.status.connects == 2 and there.now_open == 1)
                    await until(lambda: connection.status.state is FeedState.SYNCING)
                    connection.heard_data()
                    assert connection.status.state is FeedState.SYNCING
                    if batch[-1] == b"b":
                        break

    run(story())


def test_machine_that_slept_reconnects_at_once() -> None:
    """A3, A14: the wall clock an hour ahead of the one that runs evenly."""

    async def talk(line: Line) -> None:
        await line.tell(line.number)
        await line.stay()

    async def story() -> None:
        offset = [0.0]
        loop = asyncio.get_running_loop()
        async with venue(talk) as there:
            patience = replace(QUICK, silent_after=60.0)
            connection, got = Connection(there.url, patience=patience, wall=lambda: loop.time() + offset[0], monotonic=loop.time), []
            async with aclosing(connection.messages()) as frames:
                async for batch in frames:
                    connection.heard_data()
                    got += batch
                    offset[0] = 3600.0
                    if len(got) == 2:
                        break
            assert got == [b"1", b"2"]

    run(story())


# -- renewal ---------------------------------------------------------------------------------------


async def counting(line: Line) -> None:
    number = 0
    while True:
        await line.tell(f"{line.number}:{number}")
        number += 1
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("cause", ["age", "announced"])
def test_next_connection_delivers_before_the_old_one_closes(cause: str) -> None:
    """A2: by age and by announcement."""

    async def story() -> None:
        async with venue(counting) as there:
            patience = replace(QUICK, silent_after=5.0, renew_after=0.1 if cause == "age" else 1e9, longest_pause=60.0)
            connection = Connection(there.url, patience=patience)
            states, got = set(), []
            async with aclosing(connection.messages()) as frames:
                async for batch in frames:
                    got += batch
                    connection.heard_data()
                    states.add(connection.status.state)
                    if cause == "announced" and len(got) > 10 and there.opened == 1:
                        connection.renew()
                    if there.now_open == 1 and there.opened == 2 and sum(frame.startswith(b"2:") for frame in got) > 30:
                        break
            assert states == {FeedState.LIVE}
            assert there.history[:3] == ["open 1", "open 2", "close 1"]
            first = [int(frame[2:]) for frame in got if frame.startswith(b"1:")]
            assert first == list(range(len(first))), "nothing of the old line is lost before it is closed"
            assert got.index(b"2:0") < got.index(f"1:{first[-1]}".encode()), "they overlap"

    run(story())


@pytest.mark.parametrize("second", ["deaf", "closing", "refused"])
def test_working_connection_stays_when_renewal_fails(second: str, logged: LogCapture) -> None:
    """A2: a second line that is deaf, closed, refused."""

    async def talk(line: Line) -> None:
        if line.number == 1:
            await counting(line)
        elif second == "closing":
            await line.socket.close()
        else:
            await line.stay()

    refusals = []

    def answer(connection: ServerConnection, request: Request) -> Response | None:
        refusals.append(True)
        return refusing(403)(connection, request) if second == "refused" and len(refusals) > 1 else None

    async def story() -> None:
        async with venue(talk, answer=answer) as there:
            connection = Connection(there.url, patience=replace(QUICK, silent_after=0.15, longest_pause=60.0), jitter=lambda: 1.0)
            reading = asyncio.create_task(read(connection, lambda got: False))
            await until(lambda: connection.status.state is FeedState.LIVE)
            connection.renew()
            await until(lambda: bool(logged.entries))
            await asyncio.sleep(0.1)
            assert connection.status.state is FeedState.LIVE
            assert connection.status.connects == 2, "and it is not tried again at once"
            assert there.now_open == 1
            reading.cancel()
            await asyncio.wait([reading])

    run(story())
    assert [entry["event"] for entry in logged.entries if entry["log_level"] == "warning"] == ["connection not renewed"]


def test_close_during_a_renewal_leaves_nothing_open() -> None:
    async def talk(line: Line) -> None:
        await (counting(line) if line.number == 1 else line.stay())

    async def story() -> None:
        async with venue(talk) as there:
            connection = Connection(there.url, patience=replace(QUICK, silent_after=5.0))
            reading = asyncio.create_task(read(connection, lambda got: False))
            await until(lambda: connection.status.state is FeedState.LIVE)
            connection.renew()
            await until(lambda: there.now_open == 2)
            reading.cancel()
            await asyncio.wait([reading])
            await until(lambda: there.now_open == 0)

    run(story())


# -- words -----------------------------------------------------------------------------------------


def test_failures_are_sorted_by_whether_a_retry_can_help() -> None:
    url = "wss://stream.example:9443/ws/x"
    assert isinstance(connect_error(SecurityError("no"), url), VenueRefusedError)
    assert isinstance(connect_error(InvalidProxy("ftp://p", "scheme"), url), VenueRefusedError)
    assert isinstance(connect_error(socket.gaierror(-2, "Name or service not known"), url), VenueUnreachableError)
    assert isinstance(connect_error(TimeoutError(), url), VenueUnreachableError)
    assert connect_error(TimeoutError(), url).user_message == "no answer from stream.example:9443"


@pytest.mark.parametrize(
    ("text", "seconds"), [("12", 12), ("Thu, 01 Jan 1970 00:20:00 GMT", 200), (None, 60), ("soon", 60), ("-5", 60), ("", 60)]
)
def test_retry_after_may_be_seconds_or_a_date(text: str | None, seconds: float) -> None:
    error = http_status_error(429, text, "x", wall_s=1000.0)
    assert isinstance(error, VenueBusyError) and error.retry_after_s == seconds
