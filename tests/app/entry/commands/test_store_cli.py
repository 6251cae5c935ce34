"""The commands that use the store: import, export, verify, backfill, collect."""

from __future__ import annotations

import asyncio
import gzip
import re
import sys
import time
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from app.entry.cli import run
from app.entry.commands.import_ import import_file
from app.market.coverage import Source
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.trade import BUY, SELL, TradeBatch
from app.storage.disk import DiskStore, stored_instrument
from app.storage.scratch import scratch_folder
from app.storage.tape_writer import TapeWriter
from feeds.archives.report import ImportReport
from tests.faults.elsewhere import VenueElsewhere
from tests.sameness import same

MINUTE_MS = 1_723_161_240_000
MARKET = ["--instrument", "binance:BTCUSDT", "--tick-size", "0.1", "--lot-size", "0.001"]
NOBODY = ["--rest-url", "http://127.0.0.1:9", "--ws-url", "ws://127.0.0.1:9"]
ALL = Span(0, 1 << 62)


def table(rows: range, *, skipped: int | None = None, tail: str = "") -> str:
    lines = [f"{MINUTE_MS + i * 1000},{60000 + i % 7}.5,0.00{1 + i % 5},{'buy' if i % 3 else 'sell'},{i}" for i in rows if i != skipped]
    return "\n".join(["time,price,quantity,side,trade_id", *lines]) + "\n" + tail


@pytest.fixture
def store(tmp_path: Path) -> str:
    return str(tmp_path / "store")


def kept(store: str, name: str = "binance:BTCUSDT"):
    opened = DiskStore(Path(store), write=False)
    trades = opened.tape(stored_instrument(opened, name)).trades(ALL)
    opened.close()
    return trades


def written(tmp_path: Path, text: str, name: str = "trades.csv") -> str:
    (tmp_path / name).write_text(text)
    return str(tmp_path / name)


def test_importing_a_file_twice_adds_nothing(tmp_path: Path, store: str, capfd):
    file = written(tmp_path, table(range(1, 200_001, 1)))
    assert run(["import", "csv", file, *MARKET, "--store", store]) == 0
    assert "200,000 new, 0 already stored" in capfd.readouterr().err
    first = kept(store)
    assert (len(first), int(first.quantity_lots.sum()), int(first.trade_id[-1])) == (200_000, 600_000, 200_000)
    assert int(np.count_nonzero(first.side == SELL)) == 66_666
    assert run(["import", "auto", file, "--instrument", "binance:BTCUSDT", "--store", store, "--quiet"]) == 0
    assert capfd.readouterr().err == ""
    assert same(kept(store), first)


def test_a_bad_row_rejects_the_whole_file(tmp_path: Path, store: str, capfd):
    file = written(tmp_path, table(range(1, 500), tail=f"{MINUTE_MS},-5,0.001,buy,777\n"))
    assert run(["import", "csv", file, *MARKET, "--store", store]) == 2
    assert "line 501: found price -5" in capfd.readouterr().err
    assert run(["verify", "--store", store]) == 0
    assert len(kept(store)) == 0
    assert not list(Path(store).rglob("import-*"))


def test_files_after_a_refused_one_are_imported(tmp_path: Path, store: str, capfd):
    """D3: the user's own file is all or nothing, its message names line and value, and later files go on."""
    files = [
        written(tmp_path, table(range(1, 50)), "first.csv"),
        written(tmp_path, table(range(50, 100)).replace(f"{MINUTE_MS + 60_000},", "1234,"), "bad.csv"),
        str(tmp_path / "absent.csv"),
        written(tmp_path, "no,trades\n", "other.csv"),
        written(tmp_path, table(range(100, 150)), "last.csv"),
    ]
    assert run(["import", "csv", *files, *MARKET, "--store", store]) == 2
    err = capfd.readouterr().err
    assert "bad.csv: line 12: found time '1234', expected" in err and "3 of 5 files not imported" in err
    assert "first.csv: 49 new" in err and "last.csv: 50 new" in err and "Traceback" not in err
    assert kept(store).trade_id.tolist() == [*range(1, 50), *range(100, 150)]


def test_rows_that_a_venue_leaves_for_lost_trades_are_skipped(tmp_path: Path, store: str, capfd):
    """D3: price 0 with quantity 0 is no trade; its id is not missing, and all other rows are imported."""
    columns = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker"
    rows = [
        f"{i},{'0.00000000,0.00000000,-1,-1' if i in (3, 4, 9) else f'60000.1,0.002,{i},{i}'},{MINUTE_MS + i},true" for i in range(1, 20)
    ]
    file = written(tmp_path, "\n".join([columns, *rows]) + "\n")
    assert run(["import", "binance", file, *MARKET, "--store", store]) == 0
    err = capfd.readouterr().err
    assert "3 rows with zero quantity skipped" in err and "16 new" in err and "missing" not in err
    assert (
        run(
            [
                "import",
                "binance",
                written(tmp_path, (tmp_path / "trades.csv").read_text().replace("60000.1,", "0.0,", 1)),
                *MARKET,
                "--store",
                store,
            ]
        )
        == 2
    )
    assert "line 2: found price 0.0, expected a positive price" in capfd.readouterr().err


def test_files_of_a_killed_import_are_deleted(tmp_path: Path, store: str):
    left = Path(store) / "binance" / "BTCUSDT" / "import-killed"
    left.mkdir(parents=True)
    (left / "19000.0.parquet").write_bytes(b"half a day")
    assert run(["import", "csv", written(tmp_path, table(range(1, 50))), *MARKET, "--store", store, "--quiet"]) == 0
    assert not left.exists()


def test_folders_of_others_survive_an_import(tmp_path: Path, store: str):
    market = Path(store) / "binance" / "BTCUSDT"
    (market / "import-notes").mkdir(parents=True)
    (market / "import-notes" / "read me.txt").write_text("mine")
    with scratch_folder(market, "import-") as used:
        (used / "BTCUSDT-aggTrades-2024-08-08.zip").write_bytes(b"just downloaded")
        assert run(["import", "csv", written(tmp_path, table(range(1, 50))), *MARKET, "--store", store, "--quiet"]) == 0
        assert (used / "BTCUSDT-aggTrades-2024-08-08.zip").exists()
    assert [path.name for path in market.glob("import-*")] == ["import-notes"]


def test_an_import_larger_than_memory_uses_the_disk(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("app.entry.commands.import_._DAYS_IN_MEMORY", 5_000)
    text = table(range(1, 300_001))
    opened = DiskStore(tmp_path / "store")
    assert run(["import", "csv", written(tmp_path, table(range(1, 2))), *MARKET, "--store", str(tmp_path / "store"), "--quiet"]) == 0
    writer = TapeWriter(opened, stored_instrument(opened, "binance:BTCUSDT"))
    report = ImportReport()
    assert import_file(writer, Path(written(tmp_path, text)), report) == 299_999
    trades = writer.tape.trades(ALL)
    assert np.array_equal(trades.trade_id, np.arange(1, 300_001))
    writer.close()
    opened.close()


def test_import_of_a_new_market_requires_tick_and_lot_size(tmp_path: Path, store: str, capfd):
    file = written(tmp_path, table(range(1, 5)))
    assert run(["import", "csv", file, "--instrument", "binance:BTCUSDT", "--store", store]) == 2
    assert "pass --tick-size and --lot-size" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["import", "csv", *MARKET], "expected one or more trades files"),
        (["import", "parchment", "FILE", *MARKET], "kind: found 'parchment', expected one of auto, binance"),
        (["import", "tardis", "FILE", *MARKET], "found table of trades, expected a file of tardis"),
        (["export", "binance:BTCUSDT", "-o", "OUT.csv"], "no store in"),
        (["verify"], "no store in"),
        (["collect"], "expected one or more, no duplicates"),
        (["collect", "binance:A", "binance:A"], "expected one or more, no duplicates"),
        (["backfill", "binance:A", "--from", "2099-01-01T00:00Z"], "--from must be in the past"),
    ],
)
def test_bad_input_prints_one_line(tmp_path: Path, store: str, capfd, arguments, complaint):
    file = written(tmp_path, table(range(1, 5)))
    words = [file if word == "FILE" else word.replace("OUT", str(tmp_path / "out")) for word in arguments]
    assert run([*words, "--store", store]) in (1, 2)
    err = capfd.readouterr().err
    assert complaint in err and err.count("\n") == 1


def test_verify_lists_gaps_and_exits_with_1(tmp_path: Path, store: str, capfd):
    assert run(["import", "csv", written(tmp_path, table(range(1, 100), skipped=50)), *MARKET, "--store", store, "--quiet"]) == 0
    assert run(["verify", "binance:BTCUSDT", "--store", store]) == 1
    out, err = capfd.readouterr()
    assert out == "binance:BTCUSDT: 1 trade missing, ids 50 to 50, 2024-08-08T23:54:49.000 to 2024-08-08T23:54:51.000\n"
    assert "incomplete" in err


def test_verify_rebuilds_cells_and_renames_damaged_days(tmp_path: Path, store: str, capfd, logged):
    assert run(["import", "csv", written(tmp_path, table(range(1, 100_000))), *MARKET, "--store", store, "--quiet"]) == 0
    cells = sorted(Path(store).glob("*/*/cells/*.parquet"))
    sound = cells[0].read_bytes()
    cells[0].write_bytes(sound[:50])
    cells[1].unlink()
    assert run(["verify", "--store", store]) == 1
    assert capfd.readouterr().out.count("the cells are missing or damaged\n") == 2
    assert run(["verify", "--store", store, "--repair"]) == 0
    out = capfd.readouterr().out
    assert out.count("the cells are missing or damaged, rebuilt") == 2
    day = sorted(Path(store).glob("*/*/trades/*.parquet"))[0]
    day.write_bytes(day.read_bytes()[:-9])
    assert run(["verify", "binance:BTCUSDT", "--store", store, "--repair", *NOBODY]) == 1
    assert "cannot read" in capfd.readouterr().out
    assert run(["import", "csv", str(tmp_path / "trades.csv"), *MARKET, "--store", store, "--quiet"]) == 0
    capfd.readouterr()
    assert run(["verify", "--store", store, "--quiet"]) == 0
    assert capfd.readouterr().out == ""


def test_a_damaged_day_is_incomplete_until_it_is_given_up_by_name(tmp_path: Path, store: str, capfd, logged):
    """D6: the oldest day; the venue cannot be reached."""
    assert run(["import", "csv", written(tmp_path, table(range(1, 1000))), *MARKET, "--store", store, "--quiet"]) == 0
    day = sorted(Path(store).glob("*/*/trades/*.parquet"))[0]
    day.write_bytes(day.read_bytes()[:-9])
    verify = ["verify", "binance:BTCUSDT", "--store", store]
    assert run([*verify, "--repair", *NOBODY]) == 1
    for _ in range(2):
        capfd.readouterr()
        assert run(verify) == 1
        out, err = capfd.readouterr()
        assert out.startswith("binance:BTCUSDT: 359 trades missing, ids 1 to 359, 2024-08-08T23:54:01.000 to ") and "incomplete" in err
    assert run([*verify, "--give-up", "2024-08-09"]) == 2
    assert "binance:BTCUSDT: nothing is owed on 2024-08-09" in capfd.readouterr().err
    assert run([*verify, "--give-up", "2024-08-08"]) == 0
    err = capfd.readouterr().err
    assert "given up: 359 trades" in err and "complete but for 359 trades given up" in err and "incomplete" not in err
    assert run([*verify, "--quiet"]) == 0
    assert run(["import", "csv", str(tmp_path / "trades.csv"), *MARKET, "--store", store]) == 0
    assert run(verify) == 0
    assert "given up" not in capfd.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("days", ["", "yesterday", "2024-02-30", "2024-08-09..2024-08-08", "2024-08-08..", "..", "2024-08-08/2024-08-09"])
def test_days_to_give_up_are_named_in_one_form(tmp_path: Path, store: str, capfd, days: str):
    assert run(["import", "csv", written(tmp_path, table(range(1, 10))), *MARKET, "--store", store, "--quiet"]) == 0
    assert run(["verify", "binance:BTCUSDT", "--store", store, "--give-up", days]) == 2
    assert "expected a day or days, e.g. 2024-08-08" in capfd.readouterr().err
    assert run(["verify", "--store", store, "--give-up", "2024-08-08"]) == 2
    assert "--give-up: name the market" in capfd.readouterr().err


def test_exported_trades_can_be_imported_again(tmp_path: Path, store: str, capfd):
    assert run(["import", "csv", written(tmp_path, table(range(1, 5000), skipped=70)), *MARKET, "--store", store, "--quiet"]) == 0
    before = kept(store)
    for out in ("a.csv", "a.csv.gz", "a.parquet"):
        assert run(["export", "binance:BTCUSDT", "-o", str(tmp_path / out), "--store", store]) == 0
        assert "gap from 2024-08-08 23:55:09.000" in capfd.readouterr().err
        again = str(tmp_path / f"store of {out}")
        assert run(["import", "auto", str(tmp_path / out), *MARKET, "--store", again, "--quiet"]) == 0
        assert same(kept(again), before)
    begin = ["--from", "2024-08-09T00:00Z", "--to", "2024-08-09T00:10Z"]
    assert run(["export", "binance:BTCUSDT", "-o", str(tmp_path / "part.csv"), *begin, "--store", store, "--quiet"]) == 0
    assert len((tmp_path / "part.csv").read_text().splitlines()) == 601


def test_an_imported_dump_equals_its_rows(tmp_path: Path, store: str, real_data: Path):
    file = real_data / "archives" / "binance_usdm_btcusdt_20240808_trades.csv.gz"
    market = ["--instrument", "binance-usdm:BTCUSDT", "--tick-size", "0.1", "--lot-size", "0.001"]
    for _ in range(2):
        assert run(["import", "auto", str(file), *market, "--store", store, "--quiet"]) == 0
    trades = kept(store, "binance-usdm:BTCUSDT")
    rows = [line.split(",") for line in gzip.decompress(file.read_bytes()).decode().splitlines()[1:]]
    assert [str(i) for i in trades.trade_id.tolist()] == [row[4] for row in rows]
    assert trades.time_ns.tolist() == [int(row[0]) * 10**6 for row in rows]
    assert trades.price_ticks.tolist() == [round(float(row[1]) * 10) for row in rows]
    assert trades.quantity_lots.tolist() == [round(float(row[2]) * 1000) for row in rows]
    assert trades.side.tolist() == [BUY if row[3] == "buy" else SELL for row in rows]


def test_backfill_fetches_only_missing_trades(store: str, monkeypatch, capfd):
    async def story() -> None:
        async with VenueElsewhere(rate=200, history_hours=0.2) as venue:
            hosts = ["--ws-url", venue.ws_url, "--rest-url", venue.rest_url]
            begin = ["--from", str(time.time_ns() - 400 * 10**9)]
            end = ["--to", str(time.time_ns() - 100 * 10**9)]
            fetch = ["backfill", "binance:BTCUSDT", "--store", store, "--source", "venue", *hosts, *begin]
            assert await asyncio.to_thread(run, [*fetch, *end]) == 0
            first = kept(store)
            assert len(first) > 1000
            asked = (await venue.stats())["rest_requests"]["/api/v3/aggTrades"]
            assert await asyncio.to_thread(run, [*fetch, *end]) == 0
            assert (await venue.stats())["rest_requests"]["/api/v3/aggTrades"] == asked
            assert await asyncio.to_thread(run, fetch) == 0
            trades = kept(store)
            theirs = await venue.totals(int(trades.trade_id[0]), int(trades.trade_id[-1]))
            assert (theirs["count"], theirs["lots"]) == (len(trades), int(trades.quantity_lots.sum()))
            opened = DiskStore(Path(store))
            assert {s.source for s in opened.catalogue.intervals("binance:BTCUSDT")} == {Source.BACKFILL}
            opened.close()
            err = capfd.readouterr().err
            assert "0 new trades" in err and "missing" not in err

    asyncio.run(story())


def test_collect_stops_after_seconds_and_reports_its_state(store: str, capfd):
    async def story() -> None:
        async with VenueElsewhere(rate=500, history_hours=0.01) as venue:
            from os import environ

            environ["TAPEPRINT_BINANCE_WS_URL"], environ["TAPEPRINT_BINANCE_REST_URL"] = venue.ws_url, venue.rest_url
            try:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "app", "collect", "binance:BTCUSDT", "--store", store, "--seconds", "3"),
                    stderr=asyncio.subprocess.PIPE,
                )
                _, err = await process.communicate()
            finally:
                del environ["TAPEPRINT_BINANCE_WS_URL"], environ["TAPEPRINT_BINANCE_REST_URL"]
            assert process.returncode == 0
            assert "binance:BTCUSDT LIVE" in err.decode() and "1 connects" in err.decode()
            lags = re.findall(r", lag to disk ([\d,]+) / ([\d,]+) ms, worst ([\d,]+) ms,", err.decode())
            assert [0 < half <= most <= worst for half, most, worst in ([int(x.replace(",", "")) for x in lag] for lag in lags)] == [True]
            trades = kept(store)
            assert len(trades) > 300 and np.all(np.diff(trades.trade_id) == 1)

    asyncio.run(story())


def test_imported_trades_with_made_ids_do_not_repeat_live_ones(tmp_path: Path, store: str, capfd):
    lines = [f"{i},{MINUTE_MS + i * 1000},60000.1,0.002,buy,0" for i in range(100)]
    file = written(tmp_path, "\n".join(["id,timestamp,price,volume,side,rpi", *lines]) + "\n")
    opened = DiskStore(Path(store))
    bybit = Instrument("bybit", "BTCUSDT", Decimal("0.1"), Decimal("0.001"), numbered=False)
    writer = TapeWriter(opened, bybit)
    live = TradeBatch.of(
        [(MINUTE_MS + i * 1000) * 10**6 for i in range(40, 60)], *([value] * 20 for value in (600001, 2, 1)), range(900, 920)
    )
    writer.insert(live, Source.LIVE, Span((MINUTE_MS + 40_000) * 10**6, (MINUTE_MS + 60_000) * 10**6))
    writer.close()
    opened.close()
    for new in ("80 new, 20 already stored", "0 new, 100 already stored"):
        assert run(["import", "bybit", file, "--instrument", "bybit:BTCUSDT", "--store", store]) == 0
        assert new in capfd.readouterr().err
    assert kept(store, "bybit:BTCUSDT").time_ns.tolist() == [(MINUTE_MS + i * 1000) * 10**6 for i in range(100)]
