"""The emulator speaks the documented protocol, counts right, and misbehaves exactly when told to."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import gzip
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK, InvalidStatus

from app.market.trade import TradeBatch
from tests.venue_emulator import FileTape, GeneratedTape, Market, Refusal, VenueEmulator, digest_of, random_faults
from tests.venue_emulator.garbage import HARMLESS, KINDS

SPOT_FIELDS = ["e", "E", "s", "a", "p", "q", "f", "l", "T", "m", "M"]
USDM_FIELDS = ["e", "E", "s", "a", "p", "q", "nq", "f", "l", "T", "m", "st"]


def manual(market: Market = Market.SPOT, **options: Any) -> VenueEmulator:
    """A venue at which nothing happens by itself."""
    return VenueEmulator(GeneratedTape(1, 1000, market=market, history_s=3, history_rate=1000), speed=0, **options)


@contextlib.asynccontextmanager
async def listening(venue: VenueEmulator, path: str = "/ws/btcusdt@aggTrade", **options: Any) -> AsyncIterator[ClientConnection]:
    async with connect(venue.ws_url + path, compression=None, max_queue=None, close_timeout=1, **options) as socket:
        while not any(True for _ in venue.listeners()):
            await asyncio.sleep(0)
        yield socket


async def received(socket: ClientConnection, count: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(5):
        return [json.loads(await socket.recv()) for _ in range(count)]


async def quiet(socket: ClientConnection, seconds: float = 0.05) -> bool:
    try:
        await asyncio.wait_for(socket.recv(), seconds)
    except TimeoutError:
        return True
    return False


async def asked(socket: ClientConnection, text: str) -> dict[str, Any]:
    await socket.send(text)
    return (await received(socket, 1))[0]


async def get(venue: VenueEmulator, path: str, **query: Any) -> httpx2.Response:
    async with httpx2.AsyncClient(base_url=venue.rest_url, trust_env=False) as client:
        return await client.get(path, params=query)


async def page(venue: VenueEmulator, **query: Any) -> list[dict[str, Any]]:
    answer = await get(venue, f"{venue.market.facts.rest_prefix}/aggTrades", symbol="BTCUSDT", **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def run(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 20))


def lots_of(rows: list[dict[str, Any]], digits: int = 5) -> int:
    return sum(int(whole) * 10**digits + int(rest[:digits]) for whole, rest in (row["q"].split(".") for row in rows))


def assert_same(left: TradeBatch, right: TradeBatch) -> None:
    for one, other in zip(left.columns, right.columns, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_same_seed_gives_the_same_tape_however_it_is_read() -> None:
    one = GeneratedTape(7, 2000, history_s=5, history_rate=500)
    other = GeneratedTape(7, 2000, history_s=5, history_rate=500)
    whole = one.rows(0, 20_000)
    assert one.count_until(10**6) == other.count_until(10**6)
    for start in (0, 1, 499, 2_500, 9_999, 19_990):
        for left, right in zip(other.rows(start, start + 10), whole.cut(slice(start, start + 10)), strict=True):
            np.testing.assert_array_equal(left, right)
    assert not np.array_equal(GeneratedTape(8, 2000).rows(0, 9).price_ticks, GeneratedTape(7, 2000).rows(0, 9).price_ticks)


def test_a_generated_tape_is_in_order_and_has_the_asked_rate() -> None:
    tape = GeneratedTape(3, 1000, history_s=60, history_rate=100)
    rows = tape.rows(0, tape.count_until(10_000_000))
    assert (np.diff(rows.trade_id) == 1).all()
    assert (np.diff(rows.offset_us) >= 0).all()
    assert rows.price_ticks.min() > 0 and rows.quantity_lots.min() > 0
    assert set(np.unique(rows.side)) == {-1, 1}
    assert 5_000 < tape.count_until(-1) < 7_000
    assert 9_000 < tape.count_until(10_000_000) - tape.count_until(0) < 11_000


def test_a_tape_forgets_old_blocks_and_makes_them_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.venue_emulator.tape._TRADES_KEPT", 20_000)
    tape = GeneratedTape(3, 5000)
    first = tape.rows(0, 100)
    tape.rows(100_000, 100_001)
    assert tape._n_kept <= 20_000
    np.testing.assert_array_equal(tape.rows(0, 100).price_ticks, first.price_ticks)


@pytest.mark.parametrize(
    ("market", "path", "names", "price_digits"),
    [(Market.SPOT, "/ws/btcusdt@aggTrade", SPOT_FIELDS, 8), (Market.USDM, "/market/ws/btcusdt@aggTrade", USDM_FIELDS, 2)],
)
def test_an_event_has_the_documented_fields_and_tells_the_trade(market: Market, path: str, names: list[str], price_digits: int) -> None:
    async def story() -> None:
        async with manual(market) as venue, listening(venue, path) as socket:
            await venue.emit(300)
            events = await received(socket, 300)
            assert list(events[0]) == names
            assert {e["e"] for e in events} == {"aggTrade"} and {e["s"] for e in events} == {"BTCUSDT"}
            truth = venue.trades(first_id=events[0]["a"])
            assert [e["a"] for e in events] == truth.trade_id.tolist()
            assert [e["T"] * 10**6 for e in events] == truth.time_ns.tolist()
            assert [e["m"] for e in events] == (truth.side < 0).tolist()
            one = 10**price_digits
            ticks = int(venue.tape.tick_size * one)
            prices = [divmod(int(price) * ticks, one) for price in truth.price_ticks]
            assert [e["p"] for e in events] == [f"{whole}.{rest:0{price_digits}d}" for whole, rest in prices]
            assert lots_of(events, -int(venue.tape.lot_size.as_tuple().exponent)) == venue.stats()["lots"]

    run(story)


def test_times_come_in_microseconds_where_asked() -> None:
    async def story() -> None:
        async with manual() as venue, listening(venue, "/ws/btcusdt@aggTrade?timeUnit=MICROSECOND") as socket:
            await venue.emit(50)
            events = await received(socket, 50)
            truth = venue.trades(first_id=events[0]["a"], micro=True)
            assert [e["T"] * 1000 for e in events] == truth.time_ns.tolist()
            assert any(e["T"] % 1000 for e in events)
            async with httpx2.AsyncClient(trust_env=False, headers={"X-MBX-TIME-UNIT": "MICROSECOND"}) as client:
                answer = await client.get(venue.rest_url + "/api/v3/aggTrades?symbol=BTCUSDT&limit=50")
            assert [row["T"] for row in answer.json()] == [e["T"] for e in events]

    run(story)


def test_combined_streams_are_wrapped() -> None:
    async def story() -> None:
        async with (
            VenueEmulator(GeneratedTape(1), GeneratedTape(2, symbol="ETHUSDT"), speed=0) as venue,
            listening(venue, "/stream?streams=btcusdt@aggTrade/ethusdt@aggTrade") as socket,
        ):
            await venue.emit(1)
            await venue.emit(1, "ETHUSDT")
            events = await received(socket, 2)
            assert [e["stream"] for e in events] == ["btcusdt@aggTrade", "ethusdt@aggTrade"]
            assert [e["data"]["s"] for e in events] == ["BTCUSDT", "ETHUSDT"]

    run(story)


def test_subscriptions_are_acknowledged_and_obeyed() -> None:
    async def story() -> None:
        async with manual(message_limit=False) as venue, listening(venue, "/ws") as socket:
            await venue.emit(1)
            assert await quiet(socket)
            ack = await asked(socket, '{"method":"SUBSCRIBE","params":["btcusdt@aggTrade","nosuch@aggTrade"],"id":1}')
            assert ack == {"result": None, "id": 1}
            await venue.emit(1)
            assert (await received(socket, 1))[0]["e"] == "aggTrade"
            listed = await asked(socket, '{"method":"LIST_SUBSCRIPTIONS","id":"x"}')
            assert listed == {"result": ["btcusdt@aggTrade", "nosuch@aggTrade"], "id": "x"}
            assert await asked(socket, '{"method":"SET_PROPERTY","params":["combined",true],"id":5}') == {"result": None, "id": 5}
            assert await asked(socket, '{"method":"GET_PROPERTY","params":["combined"],"id":6}') == {"result": True, "id": 6}
            assert (await asked(socket, '{"method":"UNSUBSCRIBE","params":["btcusdt@aggTrade"],"id":7}'))["id"] == 7
            await venue.emit(1)
            assert await quiet(socket)

    run(story)


@pytest.mark.parametrize(
    ("text", "code", "start"),
    [
        ("{not json", 3, "Invalid JSON: expected value at line 1 column"),
        ('{"params":[],"id":1}', 2, "Invalid request: missing field `method`"),
        ('{"method":"SUBSCRIB","id":1}', 2, "Invalid request: unknown variant `SUBSCRIB`, expected one of `SUBSCRIBE`"),
        ('{"method":"SUBSCRIBE","params":["a"]}', 2, "Invalid request: request ID must be an unsigned integer"),
        ('{"method":"GET_PROPERTY","params":["colour"],"id":1}', 0, "Unknown property"),
        ('{"method":"SET_PROPERTY","params":["combined",1],"id":1}', 1, "Invalid value type: expected Boolean"),
    ],
)
def test_a_bad_request_gets_the_documented_error(text: str, code: int, start: str) -> None:
    async def story() -> None:
        async with manual() as venue, listening(venue, "/ws") as socket:
            error = await asked(socket, text)
            assert error["code"] == code and error["msg"].startswith(start)

    run(story)


@pytest.mark.parametrize("path", ["/ws", "/stream", "/public/ws"])
def test_other_futures_addresses_acknowledge_and_stay_silent(path: str) -> None:
    async def story() -> None:
        async with manual(Market.USDM) as venue, listening(venue, path) as socket:
            assert await asked(socket, '{"method":"SUBSCRIBE","params":["btcusdt@aggTrade"],"id":1}') == {"result": None, "id": 1}
            await venue.emit(10)
            assert await quiet(socket)

    run(story)


def test_a_client_that_sends_too_many_messages_is_cut() -> None:
    async def story() -> None:
        async with manual() as venue, listening(venue) as socket:
            with pytest.raises(ConnectionClosedError):
                for _ in range(6):
                    await socket.ping()
                await socket.recv()
            await asyncio.sleep(0.01)
            assert venue.stats()["flood_disconnects"] == 1

    run(story)


def test_too_many_connections_are_refused() -> None:
    async def story() -> None:
        async with manual(connection_limit=2) as venue:
            for _ in range(2):
                async with listening(venue):
                    pass
            with pytest.raises(InvalidStatus) as refusal:
                async with listening(venue):
                    pass
            assert refusal.value.response.status_code == 429
            assert int(refusal.value.response.headers["Retry-After"]) > 290
            assert venue.stats()["handshake_refusals"] == 1 and venue.stats()["connections_opened"] == 2

    run(story)


@pytest.mark.parametrize("market", Market)
def test_paging_by_id_gives_every_trade_once(market: Market) -> None:
    async def story() -> None:
        async with manual(market) as venue:
            await venue.emit(2500)
            truth = venue.trades()
            got: list[int] = []
            first = 0
            while rows := await page(venue, fromId=first, limit=1000):
                got += [row["a"] for row in rows]
                first = got[-1] + 1
            assert got == truth.trade_id.tolist() and len(got) > 5000
            assert venue.stats()["rest_requests"] == {f"{market.facts.rest_prefix}/aggTrades": len(got) // 1000 + 2}
            assert venue.stats()["weight_used"] >= market.facts.page_weight

    run(story)


def test_pages_follow_the_documented_parameters() -> None:
    async def story() -> None:
        async with manual() as venue:
            await venue.emit(2000)
            truth = venue.trades()
            ids, times = truth.trade_id, truth.time_ns // 10**6
            assert [row["a"] for row in await page(venue)] == ids[-500:].tolist()
            assert list((await page(venue, limit=1))[0]) == SPOT_FIELDS[3:]
            assert len(await page(venue, limit=5000)) == 1000
            start, end = int(times[700]), int(times[900])
            inside = ids[(times >= start) & (times <= end)].tolist()
            assert [row["a"] for row in await page(venue, startTime=start, endTime=end, limit=1000)] == inside
            assert [row["a"] for row in await page(venue, startTime=start, limit=10)] == ids[times >= start][:10].tolist()
            assert [row["a"] for row in await page(venue, endTime=end, limit=10)] == ids[times <= end][-10:].tolist()
            assert await page(venue, fromId=int(ids[-1]) + 1) == []
            assert await page(venue, startTime=int(times[-1]) + 60_000) == []

    run(story)


@pytest.mark.parametrize(
    ("market", "query", "code"),
    [
        (Market.SPOT, {}, -1102),
        (Market.SPOT, {"symbol": "btcusdt"}, -1100),
        (Market.SPOT, {"symbol": "NOSUCH"}, -1121),
        (Market.SPOT, {"symbol": "BTCUSDT", "fromId": "12x"}, -1100),
        (Market.SPOT, {"symbol": "BTCUSDT", "fromId": ""}, -1105),
        (Market.SPOT, {"symbol": "BTCUSDT", "colour": "red"}, -1104),
        (Market.SPOT, {"symbol": "BTCUSDT", "fromId": 1, "startTime": 1}, -1128),
        (Market.USDM, {"symbol": "BTCUSDT", "fromId": 1, "endTime": 1}, -1128),
        (Market.USDM, {"symbol": "BTCUSDT", "startTime": 10**12, "endTime": 10**12 + 3_600_000}, -1127),
        (Market.USDM, {"symbol": "BTCUSDT", "startTime": 10**12}, -1130),
        (Market.USDM, {"symbol": "BTCUSDT", "limit": 1001}, -1130),
    ],
)
def test_a_bad_query_gets_the_documented_error(market: Market, query: dict[str, Any], code: int) -> None:
    async def story() -> None:
        async with manual(market) as venue:
            answer = await get(venue, f"{market.facts.rest_prefix}/aggTrades", **query)
            assert answer.status_code == 400 and answer.json()["code"] == code
            assert "X-MBX-USED-WEIGHT-1M" in answer.headers

    run(story)


def test_the_futures_venue_serves_only_its_latest_hours() -> None:
    async def story() -> None:
        tape = GeneratedTape(1, 100, market=Market.USDM, history_s=30, history_rate=100)
        async with VenueEmulator(tape, speed=0, history_limit_h=10 / 3600) as venue:
            rows = await page(venue, fromId=0, limit=10)
            assert rows[0]["a"] > venue.trades().trade_id[1500]
            assert abs(rows[0]["T"] - (venue.now_us() // 1000 - 10_000)) < 1000

    run(story)


@pytest.mark.parametrize("market", Market)
def test_the_symbol_list_holds_the_steps(market: Market) -> None:
    async def story() -> None:
        async with manual(market) as venue:
            prefix = market.facts.rest_prefix
            info = (await get(venue, f"{prefix}/exchangeInfo", symbol="BTCUSDT")).json()
            filters = {each["filterType"]: each for each in info["symbols"][0]["filters"]}
            expected = ("0.01000000", "0.00001000") if market is Market.SPOT else ("0.10", "0.001")
            assert (filters["PRICE_FILTER"]["tickSize"], filters["LOT_SIZE"]["stepSize"]) == expected
            assert info["symbols"][0]["status"] == "TRADING"
            assert abs((await get(venue, f"{prefix}/time")).json()["serverTime"] - venue.now_us() // 1000) < 2000
            assert (await get(venue, f"{prefix}/ping")).json() == {}
            assert (await get(venue, f"{prefix}/nothing")).status_code == 404
            if market is Market.SPOT:
                assert (await get(venue, f"{prefix}/exchangeInfo", symbol="NOSUCH")).json()["code"] == -1121

    run(story)


def test_weight_runs_out_then_the_stubborn_are_banned() -> None:
    async def story() -> None:
        async with manual() as venue:
            if (left_s := 60 - time.time() % 60) < 5:  # the venue counts by the minute of the clock
                await asyncio.sleep(left_s)
            venue._rest.meter.charge(6000, time.time())
            answers = [await get(venue, "/api/v3/ping") for _ in range(11)]
            assert [each.status_code for each in answers] == [429] * 10 + [418]
            assert answers[0].json()["code"] == -1003
            assert 0 <= int(answers[0].headers["Retry-After"]) <= 60 and answers[-1].headers["Retry-After"] == "120"

    run(story)


def test_counts_agree_between_socket_rest_and_stats_at_ten_thousand_trades_a_second() -> None:
    async def story() -> None:
        async with VenueEmulator(GeneratedTape(5, 10_000)) as venue, listening(venue) as socket:
            rows = [json.loads(await socket.recv(decode=False)) for _ in range(5_000)]
            first, last = rows[0]["a"], rows[-1]["a"]
            assert [row["a"] for row in rows] == list(range(first, last + 1))
            totals = venue.totals(first_id=first, last_id=last)
            assert (totals.count, totals.first_id, totals.last_id) == (5_000, first, last)
            assert totals.lots == lots_of(rows)
            assert totals.sell_lots == lots_of([row for row in rows if row["m"]])
            assert totals.buy_lots == totals.lots - totals.sell_lots
            stats = (await get(venue, "/_stats")).json()
            everything = venue.totals(first_id=stats["first_id"], last_id=stats["last_id"])
            assert (stats["count"], stats["lots"], stats["buy_lots"]) == (everything.count, everything.lots, everything.buy_lots)

    run(story)


@pytest.mark.parametrize(
    ("fault", "arguments", "error", "code"),
    [
        ("drop", {}, ConnectionClosedError, None),
        ("vanish", {}, ConnectionClosedError, None),
        ("close", {"code": 1000}, ConnectionClosedOK, 1000),
        ("close", {}, ConnectionClosedOK, 1001),
    ],
)
def test_sockets_end_as_ordered(fault: str, arguments: dict[str, Any], error: type[ConnectionClosed], code: int | None) -> None:
    async def story() -> None:
        async with manual() as venue, listening(venue) as socket:
            venue.inject(fault, **arguments)
            with pytest.raises(error) as ended:
                await asyncio.wait_for(socket.recv(), 2)
            assert (ended.value.rcvd.code if ended.value.rcvd else None) == code
            async with listening(venue) as again:
                await venue.emit(1)
                assert len(await received(again, 1)) == 1

    run(story)


def test_a_stalled_socket_answers_pings_and_tells_nothing() -> None:
    async def story() -> None:
        async with manual() as venue, listening(venue) as socket:
            venue.faults.stall = True
            await venue.emit(3)
            await asyncio.wait_for(await socket.ping(), 1)
            assert await quiet(socket)
            venue.faults.stall = False
            await venue.emit(1)
            assert (await received(socket, 1))[0]["a"] == venue.stats()["first_id"] + 3
            assert len(await page(venue, fromId=venue.stats()["first_id"])) == 4

    run(story)


def test_a_frozen_venue_answers_nothing_but_its_control_endpoint() -> None:
    async def story() -> None:
        async with manual() as venue, listening(venue) as socket:
            venue.inject("freeze")
            await asyncio.sleep(0.02)
            pong = await socket.ping()
            request = asyncio.create_task(get(venue, "/api/v3/ping"))
            done, _ = await asyncio.wait([asyncio.ensure_future(pong), request], timeout=0.1)
            assert not done
            assert (await get(venue, "/_control", fault="none")).status_code == 200
            await asyncio.wait_for(pong, 1)
            assert (await request).status_code == 200

    run(story)


@pytest.mark.parametrize(("fault", "acknowledged"), [("silent_subscribe", True), ("ignore_subscribe", False)])
def test_subscriptions_go_wrong_as_ordered(fault: str, acknowledged: bool) -> None:
    async def story() -> None:
        async with manual() as venue, listening(venue, "/ws") as socket:
            venue.inject(fault)
            await socket.send('{"method":"SUBSCRIBE","params":["btcusdt@aggTrade"],"id":1}')
            assert await quiet(socket) is not acknowledged
            await venue.emit(5)
            assert await quiet(socket)
            assert venue.stats()["faults"] == {fault: 1}

    run(story)


def test_a_flapping_venue_accepts_and_closes() -> None:
    async def story() -> None:
        async with manual() as venue:
            venue.faults.flap = True
            async with connect(venue.ws_url + "/ws", compression=None) as socket:
                with pytest.raises(ConnectionClosedOK):
                    await asyncio.wait_for(socket.recv(), 1)
            assert venue.stats()["connections_opened"] == 1

    run(story)


def test_duplicates_and_late_trades_lose_nothing() -> None:
    async def story() -> None:
        async with manual() as venue, listening(venue) as socket:
            venue.faults.duplicate = venue.faults.reorder = 0.1
            await venue.emit(500)
            venue.faults.clear()
            await venue.emit(30)
            counts = venue.stats()["faults"]
            ids = [row["a"] for row in await received(socket, 530 + counts["duplicate"])]
            assert counts["duplicate"] > 20 and counts["reorder"] > 20
            assert ids != sorted(ids)
            assert sorted(set(ids)) == list(range(min(ids), min(ids) + 530))
            assert await quiet(socket)

    run(story)


def test_skipped_trades_are_on_rest_and_lost_ones_nowhere() -> None:
    async def story() -> None:
        async with manual() as venue, listening(venue) as socket:
            venue.faults.skip, venue.faults.lose = 0.1, 0.05
            await venue.emit(600)
            stats = venue.stats()
            told = [row["a"] for row in await received(socket, stats["count"] - stats["skipped_ids"])]
            served = [row["a"] for row in await page(venue, fromId=told[0], limit=1000)]
            assert stats["skipped_ids"] > 30 and stats["lost_ids"] > 10 and stats["count"] + stats["lost_ids"] == 600
            assert set(served) - set(told) <= set(venue.playbacks["BTCUSDT"].skipped_ids)
            assert not set(served) & venue.playbacks["BTCUSDT"].lost_ids
            assert venue.totals(first_id=stats["first_id"]).lots == stats["lots"]

    run(story)


def test_one_side_can_be_told_for_all() -> None:
    async def story() -> None:
        async with manual() as venue, listening(venue) as socket:
            venue.faults.constant_side = True
            await venue.emit(50)
            assert {row["m"] for row in await received(socket, 50)} == {True}

    run(story)


@pytest.mark.parametrize("path", ["/ws/btcusdt@aggTrade", "/stream?streams=btcusdt@aggTrade"])
def test_every_kind_of_garbage_arrives_and_the_socket_lives(path: str) -> None:
    async def story() -> None:
        async with manual() as venue, listening(venue, path) as socket:
            venue.inject("frame")
            frames = [await asyncio.wait_for(socket.recv(), 1) for _ in HARMLESS]
            assert len(set(frames)) == len(HARMLESS) == len(KINDS) - 1
            venue.inject("frame", kind="utf8")
            assert await asyncio.wait_for(socket.recv(decode=False), 1) == b'{"e":"\xff\xfe\xfd"}'
            with pytest.raises(ValueError, match="kind"):
                venue.inject("frame", kind="unheard of")

    run(story)


def test_garbage_comes_between_trades_and_fragments_still_are_trades() -> None:
    async def story() -> None:
        async with manual() as venue, listening(venue) as socket:
            venue.faults.garbage, venue.faults.fragment = 0.2, 0.1
            await venue.emit(200)
            counts = venue.stats()["faults"]
            assert counts["garbage"] > 10 and counts["fragment"] > 5
            texts = [await asyncio.wait_for(socket.recv(), 1) for _ in range(200 + counts["garbage"])]
            assert sum(text.startswith('{"e":"aggTrade"') and '"M":true' in text for text in texts if isinstance(text, str)) == 200

    run(story)


def test_an_oversize_frame_is_oversize() -> None:
    async def story() -> None:
        async with manual() as venue, listening(venue) as socket:
            venue.inject("oversize", size=2 << 20)
            with pytest.raises(ConnectionClosedError) as ended:
                await asyncio.wait_for(socket.recv(), 2)
            assert ended.value.sent is not None and ended.value.sent.code == 1009

    run(story)


@pytest.mark.parametrize("path", ["/ws/btcusdt@aggTrade", "/stream?streams=btcusdt@aggTrade"])
def test_a_shutdown_is_announced_and_newer_sockets_survive_it(path: str) -> None:
    async def story() -> None:
        async with manual() as venue, listening(venue, path) as old:
            venue.inject("shutdown", after_s=0.1)
            message = (await received(old, 1))[0]
            assert message.get("data", message)["e"] == "serverShutdown"
            assert message.get("stream", "!serverShutdown") == "!serverShutdown"
            async with listening(venue, path) as new:
                await venue.emit(1)
                assert len(await received(old, 1)) == 1
                with pytest.raises(ConnectionClosedOK):
                    await asyncio.wait_for(old.recv(), 1)
                await venue.emit(1)
                assert len(await received(new, 2)) == 2

    run(story)


@pytest.mark.parametrize("status", [429, 418, 403, 451, 503])
def test_handshakes_and_requests_are_refused_as_often_as_ordered(status: int) -> None:
    async def story() -> None:
        async with manual() as venue:
            venue.inject("handshake", status=status, retry_after_s=7, times=1)
            venue.faults.rest = Refusal(status, 3, times=1)
            with pytest.raises(InvalidStatus) as refusal:
                async with listening(venue):
                    pass
            assert refusal.value.response.status_code == status and refusal.value.response.headers["Retry-After"] == "7"
            async with listening(venue):
                pass
            answer = await get(venue, "/api/v3/ping")
            assert answer.status_code == status and answer.headers["Retry-After"] == "3"
            assert (await get(venue, "/api/v3/ping")).status_code == 200

    run(story)


def test_pages_are_spoilt_as_ordered_and_then_right_again() -> None:
    async def story() -> None:
        async with manual() as venue:
            await venue.emit(100)
            ask = {"symbol": "BTCUSDT", "fromId": venue.stats()["first_id"], "limit": 50}

            async def spoilt(kind: str) -> httpx2.Response:
                venue.inject("page", kind=kind)
                return await get(venue, "/api/v3/aggTrades", **ask)

            right = (await get(venue, "/api/v3/aggTrades", **ask)).json()
            assert (await spoilt("empty")).json() == []
            assert (await spoilt("blank")).content == b""
            with pytest.raises(ValueError):
                (await spoilt("truncated")).json()
            with pytest.raises(httpx2.RemoteProtocolError):
                await spoilt("cut")
            assert (await spoilt("html")).text.startswith("<!DOCTYPE html>")
            assert (await spoilt("stuck")).json()[0]["a"] == venue.trades().trade_id[0]
            assert (await spoilt("overlap")).json()[10:] == right[:40]
            assert (await get(venue, "/api/v3/aggTrades", **ask)).json() == right
            with pytest.raises(ValueError, match="kind"):
                venue.inject("page", kind="unheard of")

    run(story)


def test_rest_can_be_slow_and_behind() -> None:
    async def story() -> None:
        async with manual() as venue:
            await venue.emit(500)
            venue.faults.rest_lag_s, venue.faults.rest_delay_s = 0.1, 0.05
            began = asyncio.get_running_loop().time()
            rows = await page(venue, limit=1)
            assert asyncio.get_running_loop().time() - began >= 0.05
            newest = int(venue.trades().time_ns[-1]) // 10**6
            assert newest - rows[0]["T"] >= 99

    run(story)


def test_faults_are_ordered_over_http_and_end_in_time() -> None:
    async def story() -> None:
        async with manual() as venue:
            assert (await get(venue, "/_control", fault="stall", for_s="600")).status_code == 200
            assert (await get(venue, "/_control", fault="skip", value="0.25")).status_code == 200
            assert venue.faults.stall and venue.faults.skip == 0.25
            assert (await get(venue, "/_control", fault="stall", for_s="0.01")).status_code == 200
            while venue.faults.stall:  # it ends by itself, or this test by its time
                await asyncio.sleep(0.01)
            bad = await get(venue, "/_control", fault="earthquake")
            assert bad.status_code == 400 and "earthquake" in bad.json()["error"]
            assert (await get(venue, "/_control", fault="stall", colour="red")).status_code == 400
            await get(venue, "/_control", fault="none")
            assert venue.faults.skip == 0

    run(story)


def test_a_burst_comes_at_once_and_a_digest_tells_every_field() -> None:
    async def story() -> None:
        async with manual() as venue, listening(venue) as socket:
            venue.inject("burst", count="5000")
            rows = await received(socket, 5000)
            told = (await get(venue, "/_totals", first_id=rows[0]["a"], last_id=rows[-1]["a"], digest="1")).json()
            truth = venue.trades(first_id=rows[0]["a"], last_id=rows[-1]["a"])
            assert told["count"] == 5000 and told["digest"] == digest_of(truth) != digest_of(truth[1:])
            assert "digest" not in (await get(venue, "/_totals")).json()

    run(story)


def test_when_it_was_dialled_and_asked_is_known() -> None:
    async def story() -> None:
        async with manual() as venue:
            begun = time.monotonic()
            async with listening(venue):
                await get(venue, "/api/v3/ping")
            assert len(venue.handshakes_s) == len(venue.requests_s) == 1
            assert begun <= venue.handshakes_s[0] <= venue.requests_s[0] <= time.monotonic()

    run(story)


def test_random_faults_follow_their_seed() -> None:
    async def names(seed: int) -> list[str]:
        async with manual() as venue:
            venue.spawn(random_faults(venue, 60_000, seed))
            while len(venue.fault_log) < 12:
                await asyncio.sleep(0.002)
            return [name for _, name in venue.fault_log][:12]

    async def story() -> None:
        assert await names(1) == await names(1) != await names(2)

    run(story)


def test_a_client_that_fills_by_id_gets_every_trade_whatever_happens() -> None:
    async def story() -> None:
        kept: dict[int, str] = {}
        async with VenueEmulator(GeneratedTape(9, 2_000), connection_limit=None) as venue:
            venue.faults.skip = venue.faults.duplicate = venue.faults.reorder = 0.02
            for round_ in range(6):
                with contextlib.suppress(ConnectionClosed):
                    async with listening(venue) as socket:
                        if round_:
                            venue.spawn(_later(venue, "drop"))
                        for _ in range(300):
                            row = json.loads(await socket.recv())
                            kept[row["a"]] = row["q"]
            first, last = min(kept), max(kept)
            at = first
            while at <= last:
                rows = await page(venue, fromId=at, limit=1000)
                kept.update({row["a"]: row["q"] for row in rows if row["a"] <= last})
                at = rows[-1]["a"] + 1
            assert sorted(kept) == list(range(first, last + 1))
            assert lots_of([{"q": text} for text in kept.values()]) == venue.totals(first_id=first, last_id=last).lots

    async def _later(venue: VenueEmulator, fault: str) -> None:
        await asyncio.sleep(0.03)
        venue.inject(fault)

    run(story)


def written(path: Path) -> Path:
    lines = ["time,price,quantity,side,trade_id", "1723161255342,61837.63000000,0.02000000,sell,11"]
    lines += ["1723161255617,61838.00,0.048,buy,12", "1723161256342,61839,1,buy,13"]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_file_is_played_with_its_own_times_or_from_now_on(tmp_path: Path) -> None:
    async def story() -> None:
        path = written(tmp_path / "trades.csv")
        async with VenueEmulator(FileTape(path), speed=0, restamp=False) as venue:
            await venue.emit(99)
            truth = venue.trades()
            assert truth.trade_id.tolist() == [11, 12, 13] and truth.side.tolist() == [-1, 1, 1]
            assert truth.price_ticks.tolist() == [6183763, 6183800, 6183900] and truth.quantity_lots.tolist() == [2000, 4800, 100_000]
            assert truth.time_ns.tolist() == [1723161255342 * 10**6, 1723161255617 * 10**6, 1723161256342 * 10**6]
        async with VenueEmulator(FileTape(path, repeat=True, history_s=0.5), speed=10) as venue:
            async with listening(venue) as socket:
                rows = await received(socket, 3)
            assert [row["a"] for row in rows] == [13, 14, 15]
            assert rows[1]["T"] - rows[0]["T"] == 100  # a second between repeats, ten times as fast
            assert abs(rows[0]["T"] - venue.now_us() // 1000) < 5_000
            assert [row["a"] for row in (await page(venue, limit=1000))[:2]] == [11, 12]

    run(story)


@pytest.mark.skipif("TAPEPRINT_REAL_DATA" not in os.environ, reason="TAPEPRINT_REAL_DATA names the folder of recorded data")
@pytest.mark.parametrize("market", Market)
def test_a_recorded_archive_comes_out_as_it_went_in(market: Market) -> None:
    async def story() -> None:
        path = Path(os.environ["TAPEPRINT_REAL_DATA"]) / "archives" / f"binance_{market.value}_btcusdt_20240808_trades.csv.gz"
        prefix = "/ws" if market is Market.SPOT else "/market/ws"
        async with (
            VenueEmulator(FileTape(path, market=market), speed=0, restamp=False) as venue,
            listening(venue, f"{prefix}/btcusdt@aggTrade") as socket,
        ):
            await venue.emit(2000)
            rows = await received(socket, 2000)
            assert_same(venue.trades(), venue.trades(first_id=rows[0]["a"], last_id=rows[-1]["a"]))
            with gzip.open(path, "rt") as lines:
                for row, line in zip(rows, csv.DictReader(lines), strict=False):
                    told = (str(row["T"]), row["p"], row["q"], "sell" if row["m"] else "buy", str(row["a"]))
                    assert told == (line["time"], line["price"], line["quantity"], line["side"], line["trade_id"])

    run(story)


def test_the_program_prints_where_it_is_and_what_it_did() -> None:
    async def story() -> None:
        command = [
            sys.executable,
            "-m",
            "tests.venue_emulator",
            "--port",
            "0",
            "--seconds",
            "0.3",
            "--rate",
            "1000",
            "--history-hours",
            "0.01",
        ]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        output, _ = await process.communicate()
        first, last = output.decode().splitlines()
        assert first.startswith("TAPEPRINT_BINANCE_WS_URL=ws://127.0.0.1:") and " TAPEPRINT_BINANCE_REST_URL=http://127.0.0.1:" in first
        assert json.loads(last)["count"] > 100
        assert process.returncode == 0

    run(story)
