"""The publishers: which pieces hold a span, where they lie, and that what is fetched can be read."""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.errors import BadInputError, ChecksumError, DecodeError, VenueRefusedError
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.trade import concatenate
from feeds.archives.report import ImportReport
from feeds.archives.trade_stream import stream_trades
from feeds.publishers.binance import SPOT, USDM, BinanceDumps
from feeds.publishers.bulk import BulkSource, DumpFile
from feeds.publishers.bulk_sources import bulk_source
from feeds.publishers.bybit import DERIVATIVES, bybit_dumps
from feeds.publishers.bybit import SPOT as BYBIT_SPOT
from feeds.publishers.kaiko import KaikoTrades
from feeds.publishers.keys import Secret
from feeds.publishers.okx import OkxDumps
from feeds.publishers.tardis import tardis_datasets
from tests.feeds.lines import Clock, run
from tests.feeds.publishers.dump_server import Fault, publisher

BTCUSDT = Instrument("binance", "BTCUSDT", Decimal("0.01"), Decimal("0.00001"))
XBTUSD = Instrument("bitmex", "XBTUSD", Decimal("0.5"), Decimal(1), numbered=False)
NOW_S = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()


def ns(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp()) * 10**9  # type: ignore[misc, arg-type]


def zipped(text: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("BTCUSDT.csv", text)
    return packed.getvalue()


def checksum(content: bytes, name: str = "BTCUSDT.zip") -> bytes:
    return f"{hashlib.sha256(content).hexdigest()}  {name}\n".encode()


def clock() -> Clock:
    return Clock(NOW_S)


def names(pieces: Any) -> list[str]:
    return [piece.path for piece in pieces]


async def all_of(source: BulkSource, span: Span, folder: Path) -> list[tuple[str, bool]]:
    waiting, found = list(reversed(source.files(span))), list[tuple[str, bool]]()
    while waiting:
        piece = waiting.pop()
        path = await source.fetch(piece, folder)
        if path is None and piece.instead:
            waiting += reversed(piece.instead)
        else:
            found.append((piece.path, path is not None))
    return found


def test_binance_uses_monthly_files_for_complete_months() -> None:
    source = BinanceDumps(SPOT, "btcusdt", wall=clock())
    pieces = source.files(Span(ns(2024, 1, 30, 23), ns(2024, 3, 2)))
    folder = "/data/spot/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-"
    assert names(pieces) == [
        f"{folder}2024-01-30.zip",
        f"{folder}2024-01-31.zip",
        "/data/spot/monthly/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2024-02.zip",
        f"{folder}2024-03-01.zip",
    ]
    assert [piece.span for piece in pieces[1:3]] == [Span(ns(2024, 1, 31), ns(2024, 2, 1)), Span(ns(2024, 2, 1), ns(2024, 3, 1))]
    assert len(pieces[2].instead) == 29 and pieces[2].instead[0].path == f"{folder}2024-02-01.zip"
    assert pieces[0].name == "spot-BTCUSDT-aggTrades-2024-01-30.zip"


def test_files_of_the_future_or_an_empty_span_are_not_requested() -> None:
    source = BinanceDumps(USDM, "BTCUSDT", wall=clock())
    assert names(source.files(Span(ns(2026, 11, 20), ns(2027, 1, 1)))) == [
        "/data/futures/um/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2026-11-20.zip",
        "/data/futures/um/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2026-11-21.zip",
    ]
    assert source.files(Span(ns(2027, 1, 1), ns(2027, 1, 2))) == []
    assert source.files(Span(5, 5)) == []


def test_daily_files_have_the_names_of_their_publisher() -> None:
    span = Span(ns(2026, 7, 10, 5), ns(2026, 7, 11))
    assert names(bybit_dumps(DERIVATIVES, "BTCUSDT", wall=clock()).files(span)) == ["/trading/BTCUSDT/BTCUSDT2026-07-10.csv.gz"]
    assert names(bybit_dumps(BYBIT_SPOT, "BTCUSDT", wall=clock()).files(span)) == ["/spot/BTCUSDT/BTCUSDT_2026-07-10.csv.gz"]
    pieces = tardis_datasets("okex", "btc/usdt", wall=clock()).files(span)
    assert names(pieces) == ["/v1/okex/trades/2026/07/10/BTC-USDT.csv.gz"]
    assert pieces[0].name == "tardis-okex-BTC-USDT-2026-07-10.csv.gz"


def test_okx_days_begin_eight_hours_before_utc_days() -> None:
    pieces = OkxDumps("btc-usdt-swap", wall=clock()).files(Span(ns(2026, 7, 10, 15), ns(2026, 7, 10, 17)))
    assert names(pieces) == ["BTC-USDT-SWAP-trades-2026-07-10.zip", "BTC-USDT-SWAP-trades-2026-07-11.zip"]
    assert [piece.span for piece in pieces] == [
        Span(ns(2026, 7, 9, 16), ns(2026, 7, 10, 16)),
        Span(ns(2026, 7, 10, 16), ns(2026, 7, 11, 16)),
    ]
    late = OkxDumps("BTC-USDT", wall=lambda: datetime(2026, 11, 21, 17, tzinfo=UTC).timestamp())
    assert len(late.files(Span(ns(2026, 11, 21), ns(2026, 12, 1)))) == 2  # the day of UTC+8 has begun


LISTING = "/api/v5/public/market-data-history"


def listed(*files: tuple[str, str]) -> bytes:
    group = [{"filename": name, "url": url, "sizeMB": "1", "dateTs": "1"} for name, url in files]
    return msgspec.json.encode({"code": "0", "msg": "", "data": [{"details": [{"groupDetails": group}]}]})


def test_okx_files_are_those_of_its_listing(tmp_path: Path) -> None:
    name = "BTC-USDT-trades-2026-07-10.zip"

    async def story() -> None:
        async with publisher() as server:
            server.files = {"/elsewhere/x.zip": b"x"}
            server.pages = {
                LISTING: lambda _: listed((name, f"{server.url}/elsewhere/x.zip"), ("BTC-USDT-trades-2026-07-11.zip", "http://evil/x"))
            }
            server.faults = [None, Fault(status=404)]
            waits = clock()
            source = OkxDumps("BTC-USDT", base_url=server.url, wall=waits, sleep=waits.sleep)
            first, second = source.files(Span(ns(2026, 7, 10), ns(2026, 7, 11)))
            assert await source.fetch(first, tmp_path) is not None  # after one answer that it is not there
            assert await source.fetch(second, tmp_path) is None  # of another host
            asked = f"{LISTING}?module=1&instType=SPOT&instIdList=BTC-USDT&dateAggrType=daily&begin=1783612800000&end=1784390400000"
            assert server.asked == [asked, "/elsewhere/x.zip", "/elsewhere/x.zip"]
            await source.aclose()

    run(story())


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (b"<html>", DecodeError, "undocumented listing"),
        (b'{"code":"51000","msg":"Parameter instType error","data":[]}', VenueRefusedError, r"Parameter instType error \(code 51000\)"),
        (b'{"code":"0","data":[{"details":null}]}', None, ""),
    ],
)
def test_an_odd_listing_is_named(tmp_path: Path, answer: bytes, kind: type[Exception] | None, says: str) -> None:
    async def story() -> None:
        async with publisher() as server:
            server.pages = {LISTING: lambda _: answer}
            source = OkxDumps("BTC-USDT-SWAP", base_url=server.url, wall=clock())
            piece = source.files(Span(ns(2026, 7, 10), ns(2026, 7, 10, 1)))[0]
            if kind is None:
                assert await source.fetch(piece, tmp_path) is None
            else:
                with pytest.raises(kind, match=says):
                    await source.fetch(piece, tmp_path)
            await source.aclose()

    run(story())


def test_missing_month_falls_back_to_days_and_missing_day_is_none(tmp_path: Path) -> None:
    content = zipped("7,61837.63,0.02,1,1,1706745600000,True,True\n")
    day = "/data/spot/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2024-02-{:02}.zip"

    async def story() -> None:
        async with publisher() as server:
            server.files = {day.format(1): content, day.format(1) + ".CHECKSUM": checksum(content)}
            source = BinanceDumps(SPOT, "BTCUSDT", base_url=server.url, wall=clock())
            found = await all_of(source, Span(ns(2024, 2, 1), ns(2024, 3, 1)), tmp_path)
            assert found == [(day.format(number), number == 1) for number in range(1, 30)]
            await source.aclose()

    run(story())
    path = tmp_path / "spot-BTCUSDT-aggTrades-2024-02-01.zip"
    assert concatenate(stream_trades(path, BTCUSDT, ImportReport())).trade_id.tolist() == [7]


def test_existing_file_is_fetched_again_only_if_republished(tmp_path: Path) -> None:
    first, second = zipped("7,1,1,1,1,1706745600000,True,True\n"), zipped("8,1,1,1,1,1706745600000,True,True\n")
    path = "/data/spot/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2024-02-01.zip"

    async def story() -> None:
        async with publisher() as server:
            source = BinanceDumps(SPOT, "BTCUSDT", base_url=server.url, wall=clock())
            piece = source.files(Span(ns(2024, 2, 1), ns(2024, 2, 2)))[0]
            for content in (first, second):
                server.files = {path: content, f"{path}.CHECKSUM": checksum(content)}
                for _ in range(2):
                    there = await source.fetch(piece, tmp_path)
                    assert there is not None and there.read_bytes() == content
            assert server.asked.count(path) == 2
            server.files[f"{path}.CHECKSUM"] = checksum(b"other")
            with pytest.raises(ChecksumError):
                await source.fetch(piece, tmp_path)
            server.files[f"{path}.CHECKSUM"] = b"<html>"
            with pytest.raises(DecodeError, match="invalid checksum file"):
                await source.fetch(piece, tmp_path)
            await source.aclose()

    run(story())


def test_bybit_file_is_fetched_once_and_readable(tmp_path: Path) -> None:
    content = gzip.compress(b"id,timestamp,price,volume,side,rpi\n1,1783641600123,61837.6,0.02,buy,0\n")

    async def story() -> None:
        async with publisher() as server:
            server.files = {"/spot/BTCUSDT/BTCUSDT_2026-07-10.csv.gz": content}
            source = bybit_dumps(BYBIT_SPOT, "BTCUSDT", base_url=server.url, wall=clock())
            for _ in range(2):
                assert [there for _, there in await all_of(source, Span(ns(2026, 7, 10), ns(2026, 7, 12)), tmp_path)] == [True, False]
            assert len(server.asked) == 3
            await source.aclose()

    run(story())
    instrument = Instrument("bybit", "BTCUSDT", Decimal("0.1"), Decimal("0.01"), numbered=False)
    (path,) = tmp_path.iterdir()
    assert concatenate(stream_trades(path, instrument, ImportReport())).price_ticks.tolist() == [618376]


def test_tardis_requires_a_key_except_for_the_first_of_a_month(tmp_path: Path) -> None:
    async def story() -> None:
        async with publisher() as server:
            server.files = {f"/v1/bitmex/trades/2020/03/{day}/XBTUSD.csv.gz": gzip.compress(b"") for day in ("01", "02")}
            free = tardis_datasets("bitmex", "XBTUSD", base_url=server.url, wall=clock())
            first, second = free.files(Span(ns(2020, 3, 1), ns(2020, 3, 3)))
            assert await free.fetch(first, tmp_path) is not None
            assert "authorization" not in server.heads[-1]
            with pytest.raises(VenueRefusedError, match="TAPEPRINT_TARDIS_KEY"):
                await free.fetch(second, tmp_path)
            assert len(server.asked) == 1
            paid = tardis_datasets("bitmex", "XBTUSD", Secret("k-1"), base_url=server.url, wall=clock())
            assert await paid.fetch(second, tmp_path) is not None
            assert server.heads[-1]["authorization"] == "Bearer k-1"
            await free.aclose()
            await paid.aclose()

    run(story())


KAIKO_PATH = "/v2/data/trades.v1/exchanges/cbse/spot/btc-usd/trades"
TRADE = {"timestamp": 1706745600123, "trade_id": "a,1", "price": "61837.5", "amount": "3", "taker_side_sell": True}


def page(*trades: dict[str, Any], token: str | None = None) -> Fault:
    body = msgspec.json.encode({"result": "success", "data": list(trades)} | ({"continuation_token": token} if token else {}))
    return Fault(status=200, body=body)


def kaiko(url: str) -> tuple[KaikoTrades, DumpFile]:
    source = KaikoTrades("cbse", "spot", "btc-usd", Secret("k-2"), base_url=url, wall=clock(), sleep=clock().sleep)
    return source, source.files(Span(ns(2024, 2, 1), ns(2024, 2, 2)))[0]


def test_kaiko_pages_become_one_readable_file(tmp_path: Path) -> None:
    later = TRADE | {"trade_id": "9", "taker_side_sell": False}
    vague = {name: value for name, value in TRADE.items() if name != "taker_side_sell"} | {"trade_id": "10"}

    async def story() -> None:
        async with publisher() as server:
            server.faults = [page(TRADE, token="t1"), Fault(status=429, headers={"Retry-After": "1"}), page(later, vague)]
            source, piece = kaiko(server.url)
            path = await source.fetch(piece, tmp_path)
            assert path is not None
            query = "start_time=2024-02-01T00%3A00%3A00.000Z&end_time=2024-02-02T00%3A00%3A00.000Z&sort=asc&page_size=10000"
            assert server.asked == [f"{KAIKO_PATH}?{query}", *[f"{KAIKO_PATH}?continuation_token=t1"] * 2]
            assert {head["x-api-key"] for head in server.heads} == {"k-2"}
            assert await source.fetch(piece, tmp_path) == path and len(server.asked) == 3
            await source.aclose()
            report = ImportReport()
            trades = concatenate(stream_trades(path, XBTUSD, report))
            assert trades.side.tolist() == [-1, 1, 0] and trades.trade_id.tolist()[1:] == [9, 10]
            assert report.market == "cbse btc-usd"

    run(story())


@pytest.mark.parametrize(
    ("faults", "kind", "says"),
    [
        ([page(TRADE, token="t"), page(TRADE, token="t")], DecodeError, "same page twice"),
        ([page(TRADE | {"price": "1,5"})], DecodeError, "undocumented response"),
        ([page(TRADE | {"trade_id": "a\nb"})], DecodeError, "undocumented response"),
        ([Fault(status=200, body=b"<html>")], DecodeError, "undocumented response"),
        ([page(TRADE, token="t"), Fault(status=403)], VenueRefusedError, "forbids"),
        ([page(TRADE, token="t"), Fault(status=400, body=b'{"message":"page_size too large"}')], VenueRefusedError, "page_size too large"),
    ],
)
def test_broken_kaiko_download_leaves_no_file(tmp_path: Path, faults: list[Fault | None], kind: type[Exception], says: str) -> None:
    async def story() -> None:
        async with publisher() as server:
            server.faults = faults
            source, piece = kaiko(server.url)
            with pytest.raises(kind, match=says):
                await source.fetch(piece, tmp_path)
            await source.aclose()

    run(story())
    assert list(tmp_path.iterdir()) == []


def test_kaiko_without_trades_is_an_empty_file_and_without_key_refused(tmp_path: Path) -> None:
    async def story() -> None:
        async with publisher() as server:
            server.faults = [page()]
            source, piece = kaiko(server.url)
            path = await source.fetch(piece, tmp_path)
            assert path is not None and list(stream_trades(path, XBTUSD, ImportReport())) == []
            path.unlink()
            assert await source.fetch(piece, tmp_path) is None  # 404: no such market
            await source.aclose()
            bare = KaikoTrades("cbse", "spot", "btc-usd", None, base_url=server.url, wall=clock())
            with pytest.raises(VenueRefusedError, match="TAPEPRINT_KAIKO_KEY"):
                await bare.fetch(piece, tmp_path)
            await bare.aclose()

    run(story())
    assert list(tmp_path.iterdir()) == []


def test_kaiko_is_asked_for_the_span_only() -> None:
    source = KaikoTrades("cbse", "spot", "btc-usd", None, wall=clock())
    pieces = source.files(Span(ns(2026, 11, 20, 6), ns(2026, 12, 1)))
    midnight = ns(2026, 11, 21)
    assert [piece.span for piece in pieces] == [Span(ns(2026, 11, 20, 6), midnight), Span(midnight, int(NOW_S) * 10**9)]
    assert len({piece.name for piece in pieces}) == 2


def test_each_market_has_a_source_and_mirrors_can_be_set() -> None:
    async def story() -> None:
        async with publisher() as server:
            environ = {
                "TAPEPRINT_OKX_DUMPS_URL": server.url,
                "TAPEPRINT_BINANCE_DUMPS_URL": server.url,
                "TAPEPRINT_TARDIS_DUMPS_URL": server.url,
                "TAPEPRINT_TARDIS_KEY": "k",
            }
            usdm = Instrument("binance-usdm", "BTCUSDT", Decimal("0.1"), Decimal("0.001"))
            for instrument, place, path in (
                (usdm, "dumps", "/data/futures/um/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2024-02-01.zip.CHECKSUM"),
                (XBTUSD, "tardis:bitmex/XBTUSD", "/v1/bitmex/trades/2024/02/01/XBTUSD.csv.gz"),
            ):
                source = bulk_source(instrument, place, environ)
                assert await source.fetch(source.files(Span(ns(2024, 2, 1), ns(2024, 2, 2)))[0], Path("nowhere")) is None
                assert path in server.asked
                await source.aclose()

    run(story())


@pytest.mark.parametrize(
    ("instrument", "place", "says"),
    [
        (XBTUSD, "dumps", "bitmex:XBTUSD: no dumps of bitmex are known, expected one of binance, binance-usdm, bybit"),
        (BTCUSDT, "tardis:bitmex", "found 'tardis:bitmex', expected dumps or tardis:EXCHANGE/SYMBOL"),
        (BTCUSDT, "kaiko:a/b", "expected dumps or kaiko:EXCHANGE/CLASS/SYMBOL"),
        (BTCUSDT, "elsewhere", "expected dumps or tardis:EXCHANGE/SYMBOL or kaiko:EXCHANGE/CLASS/SYMBOL"),
    ],
)
def test_unknown_source_is_refused(instrument: Instrument, place: str, says: str) -> None:
    with pytest.raises(BadInputError, match=says):
        bulk_source(instrument, place, {})
