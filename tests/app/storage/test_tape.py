"""A tape reads each trade once, from files and catalogue, while a writer moves them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import StoreError
from app.market.bar_rule import DAY_NS
from app.market.coverage import CoveredSpan
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.trade import TradeBatch
from app.storage import tape as tape_module
from app.storage.catalogue.catalogue import Catalogue, write_ranges, write_tail
from app.storage.day_file import write_day
from app.storage.tape import Tape, day_name, day_named, file_name_of, market_folder, next_part
from app.storage.tape_ranges import TapeRange
from tests.app.storage.stores import ALL, BYBIT, FIRST_DAY, LIVE, TAPE, days_of_trades, with_ids
from tests.sameness import same

_DRAWN = days_of_trades(60)
TRADES = TradeBatch.of(_DRAWN.time_ns + np.arange(60), *_DRAWN.columns[1:])  # no two at the same time
each_day = TRADES.time_ns // DAY_NS - FIRST_DAY


@pytest.fixture
def tape(tmp_path: Path):
    catalogue = Catalogue(tmp_path, write=True)
    yield Tape(catalogue, tmp_path, TAPE)
    catalogue.close()


def add_tail(tape: Tape, trades) -> None:
    number = tape.catalogue.number_of(tape.instrument)
    with tape.catalogue.transaction() as connection:
        write_tail(connection, number, trades)


def path_of(tape: Tape, day: int, part: int | None = None) -> Path:
    return tape.folder / "trades" / f"{day_name(FIRST_DAY + day)}{'' if part is None else f'.{part}'}.parquet"


def test_a_new_tape_is_empty(tape: Tape) -> None:
    assert (tape.days(), list(tape.intervals()), tape.covered(), list(tape.batches(ALL))) == ([], [], [], [])
    assert len(tape.trades(ALL)) == 0


def test_a_tape_has_the_ranges_of_its_own_market(tape: Tape) -> None:
    held = TapeRange(1, 9, 1, 9, 100, 200, LIVE)
    for instrument, ranges in ((TAPE, [held]), (BYBIT, [TapeRange(5, 6, -1, -1, 5, 7, LIVE)])):
        number = tape.catalogue.number_of(instrument)
        with tape.catalogue.transaction() as connection:
            write_ranges(connection, number, [], ranges)
    assert list(tape.intervals()) == [held]
    assert tape.covered() == [CoveredSpan(Span(100, 200), LIVE, 1, 9, proven=True)]
    unnumbered = Tape(tape.catalogue, tape.folder.parent.parent, BYBIT)
    assert unnumbered.covered() == [CoveredSpan(Span(5, 7), LIVE, -1, -1, proven=False)]


def test_trades_are_read_by_day_from_files_and_catalogue(tape: Tape) -> None:
    write_day(path_of(tape, 0), TRADES[each_day == 0], TAPE)
    write_day(path_of(tape, 1, 1), TRADES[each_day == 1][5:], TAPE)
    add_tail(tape, TRADES[each_day == 1][:5])
    add_tail(tape, TRADES[each_day == 2])
    batches = list(tape.batches(ALL))
    assert [same(batch, TRADES[each_day == day]) for day, batch in enumerate(batches)] == [True] * 3
    assert tape.days() == [FIRST_DAY, FIRST_DAY + 1]


def test_a_span_is_half_open_and_days_without_trades_are_left_out(tape: Tape) -> None:
    for day in range(3):
        write_day(path_of(tape, day), TRADES[each_day == day], TAPE)
    second = Span((FIRST_DAY + 1) * DAY_NS, (FIRST_DAY + 2) * DAY_NS)
    assert [same(batch, TRADES[each_day == 1]) for batch in tape.batches(second)] == [True]
    first_ns, last_ns = int(TRADES.time_ns[10]), int(TRADES.time_ns[20])
    assert same(tape.trades(Span(first_ns, last_ns)), TRADES[10:20])
    assert same(tape.trades(Span(first_ns, last_ns + 1)), TRADES[10:21])
    quiet_ns = int(TRADES.time_ns[np.argmax(np.diff(TRADES.time_ns))])
    assert list(tape.batches(Span(quiet_ns + 1, quiet_ns + 2))) == []


def test_only_the_days_of_a_span_are_opened(tape: Tape) -> None:
    for day in (0, 2):
        write_day(path_of(tape, day), TRADES[each_day == day], TAPE)
    path_of(tape, 1).write_bytes(b"damaged")
    day_2 = (FIRST_DAY + 2) * DAY_NS
    assert same(tape.trades(Span(day_2, 1 << 62)), TRADES[each_day == 2])
    assert same(tape.trades(Span(0, (FIRST_DAY + 1) * DAY_NS)), TRADES[each_day == 0])
    with pytest.raises(StoreError, match=r"^cannot read "):
        tape.trades(Span(day_2 - 1, day_2))


@settings(max_examples=30)
@given(data=st.data(), numbered=st.booleans())
def test_trades_in_any_files_and_the_catalogue_are_read_once(tmp_path_factory, data: st.DataObject, numbered: bool) -> None:
    """Each trade is in one to three places, as after a kill."""
    folder = tmp_path_factory.mktemp("tape")
    catalogue = Catalogue(folder, write=True)
    tape = Tape(catalogue, folder, TAPE if numbered else BYBIT)
    places = np.array(data.draw(st.lists(st.integers(1, 15), min_size=60, max_size=60)))  # bits: whole file, two parts, catalogue
    trades = TRADES if numbered else with_ids(TRADES, np.random.default_rng(3).permutation(60))
    for bit, part in ((1, None), (2, 1), (4, 2)):
        for day in range(3):
            if len(inside := trades[(places & bit > 0) & (each_day == day)]):
                write_day(path_of(tape, day, part), inside, tape.instrument)
    add_tail(tape, trades[places & 8 > 0])
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, 59)] * 2)))
    span = Span(int(trades.time_ns[first]), int(trades.time_ns[last]))
    inside = trades[(trades.time_ns >= span.start_ns) & (trades.time_ns < span.end_ns)]
    assert same(tape.trades(ALL), trades)
    assert same(tape.trades(span), inside)
    catalogue.close()


def test_a_part_that_a_writer_merges_meanwhile_is_read_from_the_whole(tape: Tape, monkeypatch: pytest.MonkeyPatch) -> None:
    day = TRADES[each_day == 0]
    part = path_of(tape, 0, 1)
    write_day(part, day, TAPE)
    read = tape_module.read_day

    def read_late(path: Path, *args):
        if part.exists():
            write_day(path_of(tape, 0), day, TAPE)
            part.unlink()
        return read(path, *args)

    monkeypatch.setattr(tape_module, "read_day", read_late)
    assert same(tape.trades(ALL), day)


# -- names ---------------------------------------------------------------------------------------


def test_files_of_a_day_are_listed_whole_first_then_by_number(tape: Tape) -> None:
    for part in (10, None, 2, 1):
        write_day(path_of(tape, 0, part), TRADES[:1], TAPE)
    assert [path.name.removeprefix(day_name(FIRST_DAY)) for path in tape.files(FIRST_DAY)] == [
        ".parquet",
        ".1.parquet",
        ".2.parquet",
        ".10.parquet",
    ]
    assert next_part(tape, FIRST_DAY) == path_of(tape, 0, 11)
    assert (tape.files(FIRST_DAY + 1), next_part(tape, FIRST_DAY + 1)) == ([], path_of(tape, 1, 1))


def test_files_set_aside_are_no_days(tape: Tape) -> None:
    write_day(path_of(tape, 0), TRADES[:1], TAPE)
    path_of(tape, 0).rename(path_of(tape, 0).with_name("2023-11-14.parquet.corrupt"))
    assert (tape.days(), tape.files(FIRST_DAY)) == ([], [])


def test_a_market_has_its_folder_below_its_venue(tmp_path: Path) -> None:
    instrument = Instrument("coinbase", "BTC/USD", TAPE.tick_size, TAPE.lot_size)
    assert market_folder(tmp_path, instrument) == tmp_path / "coinbase" / "BTC_2fUSD"


def test_the_cells_of_a_day_lie_beside_its_trades(tape: Tape) -> None:
    assert tape.cells_file(FIRST_DAY) == tape.folder / "cells" / "2023-11-14.parquet"


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("BTCUSDT", "BTCUSDT"),
        ("BTC/USD", "BTC_2fUSD"),
        ("A_B", "A_5fB"),
        ("CON", "_43ON"),
        ("con.x", "_63on.x"),
        ("COM1", "_43OM1"),
        ("CONX", "CONX"),
        ("..", "_2e."),
        ("BTC-27NOV26", "BTC-27NOV26"),
    ],
)
def test_symbols_become_file_names_valid_on_every_system(symbol: str, name: str) -> None:
    assert file_name_of(symbol) == name


def test_day_files_are_named_by_date(tmp_path: Path) -> None:
    assert (day_name(19_675), day_name(0)) == ("2023-11-14", "1970-01-01")
    assert day_named(tmp_path / "2023-11-14.3.parquet") == 19_675
    assert day_named(tmp_path / "1969-12-31.parquet") == -1
    assert day_named(tmp_path / "2023-13-14.parquet") is None
    assert day_named(tmp_path / "notes.parquet") is None
    assert day_named(tmp_path / "2023-11-144.parquet") is None


@given(st.lists(st.text("A_:/币徫é4e52fU.", min_size=1, max_size=5), min_size=2, max_size=2, unique=True))
def test_two_symbols_never_share_a_folder(symbols: list[str]) -> None:
    """X5: scripts beyond Latin, further colons, and codes of characters written out."""
    one, other = (file_name_of(symbol) for symbol in symbols)
    assert one != other and (one + other).isascii()
