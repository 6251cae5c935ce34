"""Verification finds what is wrong with a stored tape, and repairs what it can."""

from __future__ import annotations

import pytest

from app.market.bar_rule import DAY_NS
from app.market.span import Span
from app.market.trade import BUY, TradeBatch
from app.storage.catalogue.catalogue import write_ranges
from app.storage.day_file import write_day
from app.storage.disk import DiskStore
from app.storage.minute_cells import cells_of, read_minute_cells
from app.storage.tape_ranges import TapeRange, TapeRanges
from app.storage.tape_writer import TapeWriter
from app.storage.verify import StoreFinding, verify
from tests.app.storage.stores import ALL, ARCHIVE, BYBIT, FIRST_DAY, LIVE, TAPE, days_of_trades
from tests.sameness import same

TRADES = days_of_trades(300, 2.5)
DAY_2 = TRADES[TRADES.time_ns // DAY_NS == FIRST_DAY + 1]
NAME = "binance:BTCUSDT"


def found(writer: TapeWriter, *, repair: bool = False) -> list[StoreFinding]:
    return list(verify(writer.tape, writer if repair else None))


@pytest.mark.parametrize("repair", [False, True])
def test_a_sound_tape_has_no_findings(writer: TapeWriter, repair: bool) -> None:
    assert found(writer, repair=repair) == []
    writer.insert_bulk(TRADES[:250], ARCHIVE)
    writer.insert(TRADES[250:], LIVE)
    assert found(writer, repair=repair) == []
    writer.seal(int(TRADES.time_ns[-1]))
    assert found(writer, repair=repair) == []
    assert same(writer.tape.trades(ALL), TRADES)


def test_a_damaged_file_is_named_and_moved_aside_only_to_repair(writer: TapeWriter) -> None:
    writer.insert_bulk(TRADES, ARCHIVE)
    (path,) = writer.tape.files(FIRST_DAY + 1)
    path.write_bytes(path.read_bytes()[:-9])
    damaged, account = found(writer)
    assert damaged.text.startswith(f"cannot read {path}: ") and not damaged.text.endswith(", moved aside")
    assert account == StoreFinding(f"{NAME}: {len(DAY_2):,} trades listed in the catalogue are missing on disk; 0 on disk are not listed")
    assert path.exists()
    moved, gap = found(writer, repair=True)
    assert moved.text == f"{damaged.text}, moved aside" and moved.mended and not path.exists()
    first, last = int(DAY_2.trade_id[0]), int(DAY_2.trade_id[-1])
    assert gap.text.startswith(f"{NAME}: {len(DAY_2)} trades missing, ids {first} to {last}, ")
    assert gap.text.endswith(" (damaged day)")
    assert gap.gap == Span((FIRST_DAY + 1) * DAY_NS, (FIRST_DAY + 2) * DAY_NS)
    assert found(writer) == [gap]


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        (1, 0, "2 trades with a zero price or quantity"),
        (2, -1, "2 trades with a zero price or quantity"),
        (0, (FIRST_DAY + 2) * DAY_NS, "2 trades of other days"),
        (0, (FIRST_DAY + 1) * DAY_NS - 1, "2 trades of other days"),
        (3, 2, "2 trades with an invalid side"),
        (3, -2, "2 trades with an invalid side"),
    ],
)
def test_impossible_trades_are_counted(writer: TapeWriter, column: int, value: int, text: str) -> None:
    writer.insert_bulk(TRADES, ARCHIVE)
    columns = [one.copy() for one in DAY_2.columns]
    columns[column][3:5] = value
    (path,) = writer.tape.files(FIRST_DAY + 1)
    write_day(path, TradeBatch.of(*columns), TAPE)
    strange, cells = found(writer)
    assert strange == StoreFinding(f"{NAME} 2023-11-15: {text}")
    assert cells == StoreFinding(f"{NAME} 2023-11-15: the cells do not match the trades")


@pytest.mark.parametrize("damage", ["delete", "cut", "other"])
def test_wrong_cells_are_rebuilt(writer: TapeWriter, damage: str) -> None:
    writer.insert_bulk(TRADES, ARCHIVE)
    path = writer.tape.cells_file(FIRST_DAY + 1)
    if damage == "delete":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-9])
    else:
        path.write_bytes(writer.tape.cells_file(FIRST_DAY).read_bytes())
    why = "do not match the trades" if damage == "other" else "are missing or damaged"
    assert found(writer) == [StoreFinding(f"{NAME} 2023-11-15: the cells {why}")]
    assert found(writer, repair=True) == [StoreFinding(f"{NAME} 2023-11-15: the cells {why}, rebuilt", mended=True)]
    assert found(writer) == []
    cells, meta = read_minute_cells(path)
    assert cells.buy.tolist() == cells_of(DAY_2, meta.ticks_per_row).buy.tolist()


def test_a_day_in_parts_needs_no_cells(writer: TapeWriter) -> None:
    writer.insert(TRADES, LIVE)
    writer.seal(FIRST_DAY * DAY_NS)
    assert not writer.tape.cells_file(FIRST_DAY).exists()
    assert found(writer) == []


@pytest.mark.parametrize(("listed", "counts"), [((1, 250), (0, 50)), ((1, 310), (10, 0)), ((11, 305), (5, 10))])
def test_a_wrong_account_of_ids_is_repaired(writer: TapeWriter, listed: tuple[int, int], counts: tuple[int, int]) -> None:
    writer.insert_bulk(TRADES, ARCHIVE)
    right = list(writer.intervals)
    wrong = TapeRanges([TapeRange(*listed, *listed, right[0].start_ns, right[0].end_ns, ARCHIVE)])
    with writer.tape.catalogue.transaction() as connection:
        write_ranges(connection, writer.account.number, right, wrong)
    writer.account.ranges = wrong
    text = f"{NAME}: {counts[0]} trades listed in the catalogue are missing on disk; {counts[1]} on disk are not listed"
    assert found(writer) == [StoreFinding(text)]
    repaired, *owed = found(writer, repair=True)
    assert repaired == StoreFinding(f"{text}; catalogue repaired", mended=True)
    assert list(writer.tape.intervals()) == right
    assert sum(row.last_id - row.first_id + 1 for row in writer.owed) == counts[0]  # listed once, so owed until fetched
    assert found(writer) == owed and len(owed) == bool(counts[0])


def test_ranges_of_several_sources_count_as_one_run(writer: TapeWriter) -> None:
    writer.insert(TRADES[100:200], LIVE)
    writer.insert_bulk(TRADES, ARCHIVE)
    assert len(writer.intervals) == 3 and found(writer) == []


def at(second: float, trade_id: int) -> TradeBatch:
    return TradeBatch.of([FIRST_DAY * DAY_NS + round(second * 10**9)], [100], [1], [BUY], [trade_id])


@pytest.mark.parametrize(("last_id", "text"), [(7, "1 trade missing, ids 6 to 6"), (1_010, "1,004 trades missing, ids 6 to 1009")])
def test_missing_ids_are_a_gap_with_its_time(writer: TapeWriter, last_id: int, text: str) -> None:
    writer.insert(at(1, 5), LIVE)
    writer.insert(at(2.5, last_id), LIVE)
    (gap,) = found(writer)
    assert gap.text == f"{NAME}: {text}, 2023-11-14T00:00:01.000 to 2023-11-14T00:00:02.500"
    assert gap.gap == Span(FIRST_DAY * DAY_NS + 10**9 + 1, FIRST_DAY * DAY_NS + 25 * 10**8)
    assert not gap.mended


def test_a_gap_between_trades_out_of_time_order_is_empty(writer: TapeWriter) -> None:
    writer.insert(at(3, 5), LIVE)
    writer.insert(at(1, 7), LIVE)
    start_ns = FIRST_DAY * DAY_NS + 3 * 10**9 + 1
    assert [gap.gap for gap in found(writer)] == [Span(start_ns, start_ns + 1)]


def test_uncovered_time_of_an_unnumbered_market_is_a_gap(store: DiskStore) -> None:
    writer = TapeWriter(store, BYBIT)
    start_ns = FIRST_DAY * DAY_NS
    writer.insert(at(1, 5), LIVE, Span(start_ns, start_ns + 2 * 10**9))
    writer.insert(at(9, 4), LIVE, Span(start_ns + 8 * 10**9, start_ns + 10 * 10**9))
    text = "bybit:BTCUSDT: trades may be missing, 2023-11-14T00:00:02.000 to 2023-11-14T00:00:08.000"
    assert found(writer) == [StoreFinding(text, gap=Span(start_ns + 2 * 10**9, start_ns + 8 * 10**9))]
    writer.close()
