"""Every reader of content that others wrote, as a target for changed content: one line each in `TARGETS`.

A target reads changed content as the program does, and then uses what was read as the program would. It may raise only the errors that
its reader documents; any other exception is a fault. `fuzz` runs one.
"""

from __future__ import annotations

import asyncio
import gzip
import io
import random
import selectors
import shutil
import sqlite3
import ssl
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import httpx2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from app.alerts.alert import FiredAlert, Scope, SubjectKind, UnmonitoredSpan
from app.alerts.alert_store import AlertStore
from app.analytics.bar_times import BarTimes
from app.errors import BadInputError, FeedError, SettingsError, StoreError, TapeprintError, TradeFileError
from app.market.bar_rule import DAY_NS
from app.market.coverage import Source
from app.market.feed import TimedHistory
from app.market.span import Span
from app.market.times import clock_text, date_and_clock_text
from app.profiles.chart_profiles import ChartProfiles
from app.profiles.file_format import decode_profiles, encode_profiles
from app.settings.settings import PALETTES, Settings, load_settings, save_setting
from app.storage.catalogue.catalogue import FILE_NAME
from app.storage.checked_parquet import META_KEY, add_checksum
from app.storage.day_file import read_day, read_meta, write_day
from app.storage.disk import DiskStore
from app.storage.rebuild import ranges_in_file
from app.storage.tape_ranges import id_ranges
from app.storage.tape_writer import TapeWriter
from app.storage.verify import verify
from feeds.archives.candle_file import read_candle_file
from feeds.archives.trade_file import read_trade_file
from feeds.network import rest_client
from feeds.venues.all_venues import open_venue
from rendering.style.theme import load_theme
from tests.app.alerts.tapes import Tape, every_wish, wish
from tests.app.chart.test_chart import MARKET
from tests.app.profiles.test_file_format import CONTENT as PROFILES
from tests.app.storage.stores import ALL, BYBIT, FIRST_DAY, TAPE, days_of_trades
from tests.builders import START_NS, random_trades
from tests.faults import mutations
from tests.faults.bent_frames import bent
from tests.faults.mutations import Mutator
from tests.faults.wires import WIRES

_LONGEST_LINE = 700  # of what the user is told, with the path


@dataclass(frozen=True)
class Target:
    """One reader.

    Attributes
    ----------
    name : str
    samples : callable
        Returns sound contents.
    mutate : Mutator
    read : callable
        Reads a content in an empty folder that it may use; returns what the user is told about it, or nothing.
    errors : tuple of type
        The errors that the reader documents.
    """

    name: str
    samples: Callable[[], Sequence[bytes]]
    mutate: Mutator
    read: Callable[[Path, bytes], str]
    errors: tuple[type[TapeprintError], ...]


def fuzz(target: Target, seed: int, cases: Sequence[int] | range, folder: Path) -> dict[str, int]:
    """Give a target changed content, each case from the seed and its own number alone; return how many were read and refused.

    Raises
    ------
    Exception
        Whatever the reader lets through, with a note of how to have it again.
    """
    counts = {"read": 0, "refused": 0}
    for case in cases:
        content = content_of(target, seed, case)
        place = folder / str(case)
        place.mkdir(parents=True)
        try:
            with mock.patch("os.fsync"):
                said = _said(target, place, content)
            assert "\n" not in said and "\r" not in said and len(said) <= _LONGEST_LINE, f"more than one line: {said[:2000]!r}"
        except BaseException as error:
            again = f"python -m tests.faults.soak --parts readers --reader '{target.name}' --seed {seed} --case {case}"
            shown = f"{content[:400]!r} ({len(content):,} bytes)"
            error.add_note(f"{target.name}, seed {seed}, case {case}; to have it again: {again}\n  {shown}")
            raise
        counts["refused" if said else "read"] += 1
        shutil.rmtree(place, ignore_errors=True)
    return counts


def content_of(target: Target, seed: int, case: int) -> bytes:
    """The content of one case; about one in ten is a sound sample."""
    chance = random.Random(f"{target.name} {seed} {case}")
    content = chance.choice(target.samples())
    return content if chance.random() < 0.1 else target.mutate(chance, content)


def _said(target: Target, place: Path, content: bytes) -> str:
    try:
        return target.read(place, content)
    except target.errors as error:
        return error.user_message or "refused without a word"


# -- files of trades and candles -----------------------------------------------------------------

_CSV = (
    "time,price,quantity,side,trade_id\n1723161255342,61837.63,0.02,sell,1\n1723161255400,61837.60,0.015,buy,2\n1723161255400,61837.60,1,unknown,3\n",
    "5,61837.63,0.02,5,5,1723161255342,true,true\n6,61837.60,0.5,6,7,1723161255343,false,true\n",
    "id,price,qty,quote_qty,time,is_buyer_maker\n1,1.50,2,3,1723161255342,true\n2,1.25,2,3,1723161255342,false\n",
    "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue\n1723161252.5,BTCUSDT,Buy,0.02,1.5,x,b,1\n1723161252.25,BTCUSDT,Sell,0.01,1.25,x,a,1\n",
    "id,timestamp,price,volume,side\n1,1723161255342,1.50,0.02,buy\n2,1723161255400,1.51,0.5,sell\n",
    "instrument_name,trade_id,side,price,size,created_time\nBTC-USDT,7,buy,1.50,0.02,1723161255342\nBTC-USDT,8,sell,1.49,0.5,1723161255343\n",
    "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\nx,Y,1723161255342000,1723161255342000,a1,buy,1.5,1\nx,Y,1723161255342000,1723161255342000,,sell,1.25,1\n",
    "id,exchange,symbol,date,price,amount,sell\na,x,y,1723161255342,1.5,1,true\nb,x,y,1723161255343,1.25,1,false\n",
)


def _csv_samples() -> list[bytes]:
    return [text.encode() for text in _CSV]


@cache
def _packed_samples() -> list[bytes]:
    return [_zipped(text) for text in _csv_samples()] + [gzip.compress(text, mtime=0) for text in _csv_samples()]


@cache
def _parquet_samples() -> list[bytes]:
    rows = [line.split(",") for line in _CSV[0].splitlines()]
    texts = pa.table({name: [row[at] for row in rows[1:]] for at, name in enumerate(rows[0])})
    numbers: Any = {
        "time": [1723161255342, 1723161255343],
        "price": [1.5, 1.25],
        "quantity": [1, 2],
        "side": ["buy", "sell"],
        "trade_id": [1, 2],
    }
    decimals = {**numbers, "price": [Decimal("1.50"), Decimal("1.25")], "time": np.array([START_NS, START_NS], "datetime64[ns]")}
    return [_parquet(table) for table in (texts, pa.table(numbers), pa.table(decimals))]


def _zipped(text: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("trades.csv"), text)
    return stream.getvalue()


def _unpacked(content: bytes) -> bytes:
    with suppress(Exception):  # after changes of its bytes there may be no way in
        if content[:2] == b"\x1f\x8b":
            return gzip.decompress(content)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.read(archive.namelist()[0])
    return content


def _parquet(table: pa.Table) -> bytes:
    stream = io.BytesIO()
    pq.write_table(table, stream, compression="none", use_dictionary=False)
    return stream.getvalue()


def _table(content: bytes) -> pa.Table:
    with pq.ParquetFile(io.BytesIO(content)) as file:  # without the statistics: damaged ones may abort the process
        return file.read()


def _parquet_columns(chance: random.Random, content: bytes) -> bytes:
    """Another column of another type, or one of its values, in a sound file; damaged bytes stay as they are."""
    try:
        columns = _table(content).to_pydict()
    except Exception:
        return mutations.BINARY(chance, content)
    name = chance.choice([*columns])
    length = len(columns[name])
    values: Any = columns[name]
    for _ in range(chance.randrange(3)):
        values = mutations.changed_tree(chance, list(values))
    kinds: Any = (None, pa.string(), pa.int64(), pa.float64(), pa.bool_(), pa.list_(pa.int64()), pa.binary(), pa.timestamp("ns"), pa.null())
    made: Any = None
    with suppress(pa.ArrowException, TypeError, ValueError, OverflowError):
        made = pa.array((values * length)[:length], chance.choice(kinds))
    columns[chance.choice((name, name, chance.choice(mutations.TEXTS)))] = pa.nulls(length) if made is None or len(made) != length else made
    if chance.random() < 0.1:
        del columns[name]
    return _parquet(pa.table(columns))


def _read_trades(folder: Path, content: bytes) -> str:
    path = folder / "trades"
    path.write_bytes(content)
    found = read_trade_file(path, Decimal("0.01"), Decimal("0.001") if len(content) % 2 else None)
    assert found.rows >= len(found.trades)
    assert not len(found.trades) or (found.trades.price_ticks.min() > 0 and found.trades.quantity_lots.min() > 0)
    return ""


_CANDLES = (
    '[[1499040000000,"0.01634790","0.80000000","0.01575800","0.01577100","148976.11427815",1499644799999,"2434.19055334",308,"1756.87402397","28.46694368","0"],'
    '[1499644800000,"0.01577100","0.02000000","0.01575800","0.01577100","1.5",1500249599999,"2434.1",308,"1.0","28.4","0"]]',
    '{"retCode":0,"result":{"symbol":"BTCUSDT","list":[["1670608800000","17071","17073","17027","17055.5","268611","15.74"],["1670605200000","17071.5","17071.5","17061","17071","4177","0.24"]]}}',
    '{"error":[],"result":{"XXBTZUSD":[[1688671200,"30306.1","30306.2","30305.7","30305.7","30306.1","3.39243896",23]],"last":1688672160}}',
    '[{"t":1681923600000,"T":1681924499999,"s":"BTC","i":"15m","o":"29295.0","c":"29258.0","h":"29309.0","l":"29250.0","v":"0.98639","n":189}]',
    "[[1415398768,0.32,4.2,0.35,4.2,12.3],[1415398769,4.2,4.2,0.35,4.2,1e2]]",
    "time,open,high,low,close,volume\n1723161240000,1.5,2,1,1.25,10\n1723161300000,1.25,2.5,1,1.5,0.001\n",
)


def _read_candles(folder: Path, content: bytes) -> str:
    path = folder / "klines.json"
    path.write_bytes(content)
    found = read_candle_file(path)
    assert len(found.candles.start_ns) and found.candles.low.min() > 0
    return ""


# -- what the user has: settings, theme, profiles, alerts ----------------------------------------

_SETTINGS = """\
[display]
theme = "dark"
palette = "blue-orange"
overlays = "vwap,-legend"
[chart]
bar = "5m"
ticks_per_row = 10
[data]
history_hours = 1.5
memory_trades = 100000
[store]
record = true
folder = ""
keep_gigabytes = 2.5
[rules.time]
session = "09:30-16:00"
zone = "America/New_York"
[rules.imbalance]
ratio = "2.5"
minimum = "0.5"
zeros = "ignore"
stacked = 4
[rules.statistics]
rows = ["volume", "delta"]
[rules.large_trades]
trades = "top:30"
[rules.tpo]
bracket = "30m"
[rules.levels]
periods = ["day", "week"]
[venues.binance]
ws_url = "wss://host:9443"
rest_url = "https://host"
"""


def _read_settings(folder: Path, content: bytes) -> str:
    path = folder / "settings.toml"
    path.write_bytes(content)
    try:
        settings = load_settings(path, {})
    except SettingsError:
        if zlib.crc32(content) % 4 == 0:
            with suppress(SettingsError):  # the menu saves what the user chooses
                save_setting("display", "theme", "light", path)
        raise
    save_setting("display", "theme", "light", path)
    assert load_settings(path, {}).display.theme == "light"
    _use_settings(settings)
    return ""


def _use_settings(settings: Settings) -> None:
    """Ask for whatever a start of the program asks of its settings."""
    settings.bar_rule(), settings.retention(), settings.store_folder(), settings.journal_folder(), settings.hosts("binance")
    rules = settings.rules
    rules.hours, rules.tpo.bracket_ns, rules.large_trades.rule, rules.imbalance.of(Decimal("0.001"))
    round(settings.data.history_hours * 3_600e9)


@cache
def _theme_samples() -> list[bytes]:
    return [(Path(__file__).parents[2] / "resources" / "themes" / f"{name}.toml").read_bytes() for name in ("dark", "light")]


def _read_theme(folder: Path, content: bytes) -> str:
    path = folder / "own.toml"
    path.write_bytes(content)
    return _all_of([lambda palette=palette: load_theme(str(path), palette).is_dark for palette in PALETTES], SettingsError)


def _all_of(actions: Sequence[Callable[[], object]], expected: type[TapeprintError]) -> str:
    """Carry out every action, also after an error of the expected kind; return the first error's words."""
    words: list[str] = []
    for action in actions:
        try:
            action()
        except expected as error:
            words.append(error.user_message)
    return words[0] if words else ""


def _read_profiles(_: Path, content: bytes) -> str:
    history = decode_profiles(content, "test:BTC")
    profiles = ChartProfiles()
    profiles.restore(history)
    while profiles.undo():
        pass
    while profiles.redo():
        pass
    for placed in profiles.profiles:
        placed.contains(START_NS)
        clock_text(placed.start_ns, seconds=True), date_and_clock_text(placed.end_ns or 0, seconds=True)
        profiles.rename(placed.key, "again")
    if profiles.periods is not None:
        profiles.periods.segments(_bar_times(), 0, 60)
    profiles.add(START_NS)
    encode_profiles(profiles.history(), "test:BTC")
    return ""


@cache
def _bar_times() -> BarTimes:
    return Tape().chart.series.times


def _alert_samples() -> list[bytes]:
    return [alerts for alerts, _ in _alerts_and_logs()]


def _log_samples() -> list[bytes]:
    return [log for _, log in _alerts_and_logs()]


@cache
def _alerts_and_logs() -> list[tuple[bytes, bytes]]:
    """Alerts of every kind, four in each file; some fired; with progress and a range that was missed."""
    trades, found = random_trades(3, 120, start_ns=START_NS, seconds=400), []
    wishes = [wish(SubjectKind.VWAP, of=Scope.DAY, band=2), *every_wish([10_000, 10_003])]
    for first in range(0, len(wishes), 4):
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "alerts.json"
            tape = Tape(AlertStore(path))
            for asked in wishes[first : first + 4]:
                tape.book.add(MARKET, asked)
            tape.say(trades[:60])
            tape.restart(path)
            tape.say(trades[90:])
            tape.book.note_unwatched(
                UnmonitoredSpan(instrument=MARKET.id, start_ns=START_NS, end_ns=START_NS + 1, why="closed", outcome="none")
            )
            tape.book.save()
            lines = path.with_name("fired.jsonl").read_bytes().split(b"\n")
            found.append((path.read_bytes(), b"\n".join(lines[:6] + lines[-2:])))
    return found


_LATER = random_trades(4, 20, start_ns=START_NS + 500 * 10**9, seconds=100)


def _read_alerts(folder: Path, content: bytes) -> str:
    (folder / "alerts.json").write_bytes(content)
    return _use_alerts(folder)


def _read_fired(folder: Path, content: bytes) -> str:
    (folder / "alerts.json").write_bytes(_alert_samples()[len(content) % len(_alert_samples())])
    (folder / "fired.jsonl").write_bytes(content)
    return _use_alerts(folder)


def _use_alerts(folder: Path) -> str:
    """Open the alerts as the window does, show them, and scan new trades with them."""
    path = folder / "alerts.json"
    book = AlertStore(path)
    said = book.trouble
    times = _bar_times()
    for entry in book.log:
        for time_ns in (entry.time_ns,) if isinstance(entry, FiredAlert) else (entry.start_ns, entry.end_ns):
            date_and_clock_text(time_ns, seconds=True), times.position(time_ns)
    for alert in book.alerts:
        alert.text, alert.subject.text, book.last_fired(alert.number)
    book.unannounced(), book.note_announced()
    if book.alerts and not path.with_name("fired.jsonl").exists():
        tape = Tape(book)
        tape.watch.pending, tape.say(_LATER)
    book.add(MARKET, wish(value="1000"))
    again = AlertStore(path)
    assert again.alerts == book.alerts, "what is saved is read again"
    return said


# -- the store -----------------------------------------------------------------------------------


@cache
def _day_samples() -> list[bytes]:
    folder = Path(tempfile.mkdtemp(prefix="tapeprint-fuzz-"))
    trades = days_of_trades(40, 0.5)
    write_day(folder / "numbered.parquet", trades, TAPE, id_ranges(trades, Source.LIVE))
    write_day(folder / "unnumbered.parquet", trades, BYBIT, id_ranges(trades, Source.LIVE))
    return [path.read_bytes() for path in sorted(folder.iterdir())]


def _day_meta(chance: random.Random, content: bytes) -> bytes:
    """Other metadata under its right checksum, or another column; damaged bytes stay as they are."""
    try:
        table = _table(content)
        meta = (table.schema.metadata or {})[META_KEY][9:]
    except Exception:
        return mutations.BINARY(chance, content)
    if chance.random() < 0.3:
        with suppress(Exception):
            other = _table(_parquet_columns(chance, content))
            return _parquet(other.replace_schema_metadata({META_KEY: add_checksum(meta)}))
    return _parquet(
        table.replace_schema_metadata({META_KEY: add_checksum(chance.choice((mutations.JSON, mutations.JSON_TREE))(chance, meta))})
    )


def _read_day(folder: Path, content: bytes) -> str:
    path = folder / "2026-07-10.parquet"
    path.write_bytes(content)
    part = Span(FIRST_DAY * DAY_NS, FIRST_DAY * DAY_NS + DAY_NS // 4)
    asked: list[Callable[[], object]] = [lambda: read_meta(path)]
    for instrument in (TAPE, BYBIT):
        asked += [
            lambda instrument=instrument: read_day(path, instrument),
            lambda instrument=instrument: read_day(path, instrument, part),
            lambda: ranges_in_file(path, FIRST_DAY),
        ]
    said = _all_of(asked, StoreError)
    if not said or zlib.crc32(content) % 16 == 0:
        rebuilt = folder / "store" / TAPE.venue / TAPE.symbol / "trades"
        rebuilt.mkdir(parents=True)
        shutil.copy(path, rebuilt)
        DiskStore(folder / "store").close()  # rebuilt from the file
        _look_through(folder / "store", write=False)
    return said


@cache
def _catalogue_samples() -> list[bytes]:
    """A store of two markets: a day in a file, newer trades in the catalogue; all in one archive."""
    folder = Path(tempfile.mkdtemp(prefix="tapeprint-fuzz-"))
    store = DiskStore(folder)
    trades = days_of_trades(60, 1.2)
    for instrument in (TAPE, BYBIT):
        writer = TapeWriter(store, instrument)
        if instrument is TAPE:
            writer.insert(trades[:52], Source.LIVE)
            writer.seal(int(trades.time_ns[-1]))
        writer.insert(trades[55:], Source.BACKFILL)
        writer.close()
    store.close()
    with sqlite3.connect(folder / FILE_NAME) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    _CATALOGUE_FILES.update({path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.parquet")})
    return [(folder / FILE_NAME).read_bytes()]


_CATALOGUE_FILES: dict[Path, bytes] = {}


def _catalogue_rows(chance: random.Random, content: bytes) -> bytes:
    """One value of one row replaced through SQLite, which finds the file sound."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        connection.deserialize(content)
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        table = chance.choice(tables)
        column = chance.choice(connection.execute(f"PRAGMA table_info({table})").fetchall())[1]
        text = chance.choice(mutations.TEXTS)
        values: Any = (text, text.encode(), chance.choice((-(2**63), 2**63 - 1, -1, 0, 99)), 1.5, None, "x" * 100_000, b"\xff\xfe")
        value = chance.choice(values)
        put = "CAST(? AS TEXT)" if isinstance(value, bytes) else "?"  # a text that is not UTF-8
        which = "" if chance.random() < 0.3 else f"WHERE {column} = (SELECT {column} FROM {table} LIMIT 1 OFFSET {chance.randrange(4)})"
        connection.execute(f"UPDATE OR IGNORE {table} SET {column} = {put} {which}", (value,))
        return connection.serialize()
    except (sqlite3.Error, IndexError, ValueError):
        return mutations.BINARY(chance, content)
    finally:
        connection.close()


def _read_catalogue(folder: Path, content: bytes) -> str:
    _catalogue_samples()
    (folder / FILE_NAME).write_bytes(content)
    for name, kept in _CATALOGUE_FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(kept)
    said = [_all_of([lambda: _look_through(folder, write=False)], StoreError)]
    if zlib.crc32(content) % 4 == 0:
        said.append(_all_of([lambda: _look_through(folder, write=True)], StoreError))
    made = {path.relative_to(folder).parts[0] for path in folder.rglob("*") if path.is_file()}
    assert made <= {TAPE.venue, BYBIT.venue, *(name for name in made if name.startswith(FILE_NAME))}, f"made {made}"
    return next((each for each in said if each), "")


def _look_through(folder: Path, *, write: bool) -> None:
    """Open a store, look at every market, verify it; with `write` also repair and record."""
    store = DiskStore(folder, write=write)
    try:
        for instrument in store.instruments():
            tape = store.tape(instrument)
            tape.intervals(), tape.covered(), tape.trades(ALL)
            for finding in verify(tape):
                assert "\n" not in finding.text
        if write:
            writer = TapeWriter(store, TAPE)
            try:
                for finding in verify(writer.tape, writer):
                    assert "\n" not in finding.text
                writer.insert(days_of_trades(80, 1.2)[60:], Source.LIVE)
            finally:
                writer.close()
    finally:
        store.close()


# -- venues --------------------------------------------------------------------------------------


def _frame_samples() -> list[bytes]:
    return [b"%d %s" % (number, frame) for number, wire in enumerate(WIRES.values()) for frame in wire.samples]


def _frames(chance: random.Random, content: bytes) -> bytes:
    """A frame changed as in `bent_frames` or as JSON; the number of its venue in front stays."""
    number, _, frame = content.partition(b" ")
    if chance.random() < 0.3:
        return number + b" " + next(bent(chance.randrange(1 << 32), [frame]))
    return number + b" " + mutations.JSON(chance, frame)


def _read_frame(_: Path, content: bytes) -> str:
    number, _, frame = content.partition(b" ")
    wire = [*WIRES.values()][int(number)]
    decoder = wire.decoder()
    decoder._reported_at = float("inf")  # no lines in the log of thousands of cases
    sound = wire.samples[0]
    found = decoder.decode([sound, frame, sound])
    assert len(found) >= 2, "the trades before and after are read"
    assert found.price_ticks.min() > 0 and found.quantity_lots.min() > 0 and found.trade_id.min() >= 0
    return f"{decoder.rejected} rejected" if decoder.rejected else ""


_NOW_MS = 1_740_394_561_685
_MINUTE_MS = _NOW_MS - _NOW_MS % 60_000
_BINANCE_TRADES = f'[{{"a":26129,"p":"0.10","q":"4.705","f":27781,"l":27781,"T":{_NOW_MS},"m":true,"M":true}}]'
_BINANCE_INFO = (
    '{"symbols":[{"symbol":"BTCUSDT","status":"TRADING","filters":[{"filterType":"PRICE_FILTER","tickSize":"0.01"},'
    '{"filterType":"LOT_SIZE","stepSize":"0.001"}]}]}'
)
_KLINE = f'[[{_MINUTE_MS},"1.1","1.5","1.0","1.2","10.5",{_NOW_MS},"1",308,"2.5","28.4","0"]]'
_BINANCE = {"exchangeInfo": _BINANCE_INFO, "aggTrades": _BINANCE_TRADES, "klines": _KLINE}
_BYBIT = {
    "instruments-info": '{"retCode":0,"retMsg":"OK","time":1,"result":{"category":"spot","list":[{"symbol":"BTCUSDT","status":"Trading",'
    '"priceFilter":{"tickSize":"0.01"},"lotSizeFilter":{"qtyStep":"0.001","basePrecision":"0.001"}}]}}',
    "recent-trade": '{"retCode":0,"retMsg":"OK","time":1,"result":{"list":[{"execId":"1","symbol":"BTCUSDT","price":"1.5","size":"0.1",'
    f'"side":"Buy","time":"{_NOW_MS}"}}]}}}}',
    "kline": f'{{"retCode":0,"retMsg":"OK","time":1,"result":{{"list":[["{_MINUTE_MS}","1.1","1.5","1.0","1.2","10.5","3"]]}}}}',
}
_OKX = {
    "instruments": '{"code":"0","msg":"","data":[{"instId":"BTC-USDT","state":"live","tickSz":"0.1","lotSz":"0.00000001",'
    '"ctVal":"1","ctMult":"1"}]}',
    "history-trades": '{"code":"0","data":[{"instId":"BTC-USDT","tradeId":"674510826","px":"95634.9","sz":"0.00011186","side":"buy",'
    f'"source":"0","ts":"{_NOW_MS}"}}]}}',
    "candles": f'{{"code":"0","data":[["{_MINUTE_MS}","3.7","3.8","3.6","3.7","8422410","22698348.04","12698348.04","0"]]}}',
}
_COINBASE = {
    "BTC-USD": '{"id":"BTC-USD","quote_increment":"0.01","base_increment":"0.00000001","status":"online","trading_disabled":false}',
    "trades": '[{"trade_id":5,"side":"sell","size":"0.5","price":"30000.01","time":"2025-02-24T10:56:01.685Z"}]',
    "candles": f"[[{_MINUTE_MS // 1000},0.32,4.2,0.35,4.2,12.3]]",
}
_KRAKEN = {
    "AssetPairs": '{"error":[],"result":{"XXBTZUSD":{"altname":"XBTUSD","wsname":"XBT/USD","tick_size":"0.1","lot_decimals":8,'
    '"pair_decimals":1,"status":"online","fees":[[0,0.4]]}}}',
    "Trades": '{"error":[],"result":{"XXBTZUSD":[["30000.1","0.25",1740394561.685,"b","l","",7]],"last":"1740394561685000000"}}',
    "OHLC": f'{{"error":[],"result":{{"XXBTZUSD":[[{_MINUTE_MS // 1000},"30306.1","30306.2","30305.7","30305.7",'
    '"30306.1","3.3",23]],"last":1}}',
}
_HYPERLIQUID = {
    "meta": '{"universe":[{"name":"BTC","szDecimals":5,"maxLeverage":40},{"name":"kPEPE","szDecimals":0,"isDelisted":null}]}',
    "recentTrades": '[{"coin":"BTC","side":"A","px":"104320.0","sz":"0.01500","hash":"0x03","time":1740394561685,"tid":300003}]',
    "candleSnapshot": f'[{{"t":{_MINUTE_MS},"T":{_NOW_MS},"s":"BTC","i":"1m","o":"29295.0","c":"29258.0","h":"29309.0",'
    '"l":"29250.0","v":"0.98639","n":189}]',
}
_RESTS = {
    **{"binance:BTCUSDT": _BINANCE, "binance-usdm:BTCUSDT": _BINANCE, "bybit:BTCUSDT": _BYBIT, "bybit-linear:BTCUSDT": _BYBIT},
    **{"okx:BTC-USDT": _OKX, "okx-swap:BTC-USDT": _OKX, "coinbase:BTC-USD": _COINBASE, "kraken:BTC-USD": _KRAKEN},
    **{"hyperliquid:BTC": _HYPERLIQUID},
}
"""Sound answers of each venue, by a word in the path or the question."""
_MOST_REQUESTS = 16  # of one case: an answer that is no end of pages would be asked for again and again


def _rest_samples() -> list[bytes]:
    return [f"{market} {word} {answer}".encode() for market, answers in _RESTS.items() for word, answer in answers.items()]


def _answers(chance: random.Random, content: bytes) -> bytes:
    market, word, answer = content.split(b" ", 2)
    return b" ".join((market, word, chance.choice((mutations.JSON, mutations.JSON_TREE))(chance, answer)))


def _read_answers(folder: Path, content: bytes) -> str:
    market, changed, answer = (part if at == 2 else part.decode() for at, part in enumerate(content.split(b" ", 2)))
    asked = 0

    def respond(request: httpx2.Request) -> httpx2.Response:
        nonlocal asked
        asked += 1
        question = f"{request.url.path.replace('history-candles', 'candles')} {request.content.decode()}"
        word = next((word for word in reversed(_RESTS[market]) if word in question), None)
        if word is None or asked > _MOST_REQUESTS:
            return httpx2.Response(503, stream=httpx2.ByteStream(b""))
        content = answer if word == changed else _RESTS[market][word].encode()
        return httpx2.Response(200, stream=httpx2.ByteStream(content))

    async def story() -> None:
        venue = market.partition(":")[0]
        hosts = Settings().with_hosts(venue, "wss://venue.example", f"https://{folder.name}.example")
        opened = await open_venue(market, hosts)
        try:
            await _ask_everything(opened)
        finally:
            await opened.feed.aclose()

    made = httpx2.AsyncClient
    patched = mock.patch.object(httpx2, "AsyncClient", lambda **given: made(**{**given, "transport": httpx2.MockTransport(respond)}))
    trusted = mock.patch.object(rest_client, "trusted_authorities", _authorities)  # read once: thousands of clients are made
    with patched, trusted, _loop_without_waiting() as loop:
        loop.run_until_complete(story())
    return ""


@cache
def _authorities() -> ssl.SSLContext:
    return ssl.create_default_context()


async def _ask_everything(market: Any) -> None:
    """Ask for the newest trades, for a past by id and by time and for candles; the first error ends it."""
    newest = await market.history.recent()
    start_ns = _NOW_MS * 10**6 - 3_600 * 10**9
    pages = [batch async for batch in market.history.since(start_ns)]
    if len(newest):
        last_id = int(newest.trade_id[-1])
        pages += [batch async for batch in market.history.between(max(0, last_id - 3), last_id)]
    for batch in pages:
        assert not len(batch) or (batch.price_ticks.min() > 0 and batch.quantity_lots.min() > 0)
    minute_ns = 60 * 10**9
    async for batch in market.candles.candles(minute_ns, Span(_NOW_MS * 10**6 - minute_ns, _NOW_MS * 10**6 + minute_ns)):
        assert batch.low.min() > 0 and batch.volume.min() >= 0
    if isinstance(market.history, TimedHistory):
        async for batch in market.history.through(Span(_NOW_MS * 10**6 - 10**9, _NOW_MS * 10**6 + 10**9)):
            assert not len(batch) or (batch.price_ticks.min() > 0 and batch.quantity_lots.min() > 0)


class _Hurried(selectors.DefaultSelector):
    """Waits for nothing: the time that would be waited is over at once."""

    passed_s = 0.0

    def select(self, timeout: float | None = None) -> Any:
        found = super().select(0)
        if not found and timeout:
            self.passed_s += timeout
        return found


@contextmanager
def _loop_without_waiting() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop in which pauses between requests take no time."""
    selector = _Hurried()
    loop = asyncio.SelectorEventLoop(selector)
    begun = loop.time
    loop.time = lambda: begun() + selector.passed_s  # type: ignore[method-assign]
    try:
        yield loop
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


TARGETS = (
    Target("trades CSV", _csv_samples, mutations.CSV, _read_trades, (TradeFileError,)),
    Target(
        "trades Parquet",
        _parquet_samples,
        mutations.mutator(_parquet_columns, _parquet_columns, mutations.BINARY),
        _read_trades,
        (TradeFileError,),
    ),
    Target("trades zip", _packed_samples, mutations.within(mutations.CSV, _unpacked, _zipped), _read_trades, (TradeFileError,)),
    Target("klines", lambda: [text.encode() for text in _CANDLES], mutations.JSON, _read_candles, (TradeFileError,)),
    Target("settings", lambda: [_SETTINGS.encode()], mutations.TOML, _read_settings, (SettingsError,)),
    Target("theme", _theme_samples, mutations.TOML, _read_theme, (SettingsError,)),
    Target("profiles file", lambda: [PROFILES], mutations.JSON, _read_profiles, (BadInputError,)),
    Target("alerts file", _alert_samples, mutations.JSON, _read_alerts, ()),
    Target("fired log", _log_samples, mutations.JSON_LINES, _read_fired, ()),
    Target(
        "catalogue",
        _catalogue_samples,
        mutations.mutator(_catalogue_rows, _catalogue_rows, mutations.BINARY),
        _read_catalogue,
        (StoreError,),
    ),
    Target("day file", _day_samples, mutations.mutator(_day_meta, _day_meta, mutations.BINARY), _read_day, (StoreError,)),
    Target("venue frames", _frame_samples, _frames, _read_frame, ()),
    Target("REST answers", _rest_samples, _answers, _read_answers, (FeedError,)),
)
"""All readers."""
