"""An import whose steps contradict the store is refused, unless its trades really are on them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from app.entry.cli import run
from app.market.bar_rule import DAY_NS
from app.market.steps import Steps
from app.storage.day_file import read_meta
from app.storage.disk import DiskStore, stored_instrument
from tests.app.entry.commands.test_verify import fingerprint
from tests.app.storage.stores import ALL, FIRST_DAY, TAPE

HEADER = "time,price,quantity,side,trade_id\n"


def file_of(folder: Path, rows: list[tuple[str, str]], *, day: int = 0, first_id: int = 1) -> str:
    """A file with these prices and quantities, a second apart."""
    ms = (FIRST_DAY + day) * DAY_NS // 10**6
    lines = [f"{ms + 1000 * i},{price},{quantity},buy,{first_id + i}\n" for i, (price, quantity) in enumerate(rows)]
    path = folder / f"{day}-{first_id}.csv"
    path.write_text(HEADER + "".join(lines))
    return str(path)


def imported(store: Path, file: str, tick: str | None = None, lot: str | None = None) -> int:
    steps = [] if tick is None or lot is None else ["--tick-size", tick, "--lot-size", lot]
    return run(["import", "csv", file, "--instrument", TAPE.id, *steps, "--store", str(store), "--quiet"])


def kept(store: Path) -> list[tuple[Decimal, Decimal]]:
    """Prices and quantities in the store, and that verification finds nothing."""
    assert run(["verify", "--store", str(store), "--quiet"]) == 0
    opened = DiskStore(store, frozen=True)
    instrument = stored_instrument(opened, TAPE.id)
    trades = opened.tape(instrument).trades(ALL)
    opened.close()
    tick, lot = instrument.steps
    return [(ticks * tick, lots * lot) for ticks, lots in zip(trades.price_ticks.tolist(), trades.quantity_lots.tolist(), strict=True)]


def decimals(*rows: list[tuple[str, str]]) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(price), Decimal(quantity)) for some in rows for price, quantity in some]


FINE = [("100.05", "0.001"), ("100.07", "1.5"), ("99.5", "2")]
MORE = [("101.01", "0.125"), ("101.5", "3")]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    assert imported(tmp_path / "store", file_of(tmp_path, FINE), "0.01", "0.001") == 0
    return tmp_path / "store"


@pytest.mark.parametrize(
    ("tick", "lot", "found"),
    [
        ("1", "1", "price 101.01, expected a multiple of 1"),
        ("0.1", "0.001", "price 101.01, expected a multiple of 0.1"),
        ("0.01", "1", "quantity 0.125, expected a multiple of 1"),
        ("0.02", "0.001", "price 101.01, expected a multiple of 0.02"),
    ],
)
def test_contradicting_steps_are_refused_in_one_line(
    store: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], tick: str, lot: str, found: str
) -> None:
    """D1: a mistyped tick or lot size."""
    file = file_of(tmp_path, MORE, day=1, first_id=4)
    before = {name: content for name, (_, content) in fingerprint(store).items() if name.endswith(".parquet")}
    assert imported(store, file, tick, lot) == 2
    given, stored = f"tick {tick}, lot {lot}", "tick 0.01, lot 0.001"
    line = f"tapeprint: {file}: line 2: found {found}; read with {given}, but {TAPE.id} is stored with {stored}\n"
    assert capfd.readouterr().err.replace("'", "") == line
    assert {name: content for name, (_, content) in fingerprint(store).items() if name.endswith(".parquet")} == before
    assert kept(store) == decimals(FINE)
    assert imported(store, file) == 0
    assert kept(store) == decimals(FINE, MORE)


@pytest.mark.parametrize(("tick", "lot"), [("0.001", "0.001"), ("0.01", "0.0005"), ("0.0025", "0.1"), ("1", "1")])
def test_trades_that_fit_the_stored_steps_are_stored_in_these(store: Path, tmp_path: Path, tick: str, lot: str) -> None:
    rows = [("105", "2"), ("106", "3")]
    assert imported(store, file_of(tmp_path, rows, day=1, first_id=4), tick, lot) == 0
    assert kept(store) == decimals(FINE, rows)
    metas = [read_meta(path) for path in sorted(store.glob("*/*/trades/*.parquet"))]
    assert {meta.steps for meta in metas} == {Steps(Decimal("0.01"), Decimal("0.001"))}


@pytest.mark.parametrize("day", [0, 1, -1])
def test_trades_that_really_are_on_other_steps_are_taken_on_their_own(store: Path, tmp_path: Path, day: int) -> None:
    rows = [("105.0025", "2"), ("106", "3.0001")]
    first_id = 4 if day >= 0 else 1
    if day < 0:
        store = tmp_path / "other"
        assert imported(store, file_of(tmp_path, FINE, first_id=3), "0.01", "0.001") == 0
    file = file_of(tmp_path, rows, day=day, first_id=first_id)
    assert imported(store, file, "0.0025", "0.0001") == imported(store, file, "0.0025", "0.0001") == 0
    found = kept(store)
    assert sorted(found) == sorted(decimals(FINE, rows))
    opened = DiskStore(store, frozen=True)
    stored = opened.catalogue.instrument(TAPE.id)
    opened.close()
    assert stored is not None and stored.steps.text == "tick 0.01, lot 0.001"
    later = [("107.25", "1")]
    assert imported(store, file_of(tmp_path, later, day=3, first_id=6)) == 0
    assert sorted(kept(store)) == sorted(decimals(FINE, rows, later))


def test_steps_without_a_grid_in_common_within_64_bits_are_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    store = tmp_path / "store"
    rows = [("900", "4")]
    assert imported(store, file_of(tmp_path, rows), "0.3", "1") == 0
    file = file_of(tmp_path, [("5.00000000000000001", "3")], day=1, first_id=2)
    assert imported(store, file, "0.00000000000000001", "1") == 2
    given = "tick 0.00000000000000001, lot 1"
    line = f"{file}: a price is too large to count in steps of 1E-17; read with {given}, but {TAPE.id} is stored with tick 0.3, lot 1"
    assert capfd.readouterr().err == f"tapeprint: {line}\n"
    assert kept(store) == decimals(rows)
