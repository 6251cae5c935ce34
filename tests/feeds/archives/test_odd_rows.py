"""A row of a published file that is no trade costs itself; the user's own file is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import OtherStepsError, TradeFileError
from app.market.trade import concatenate
from feeds.archives.odd_rows import MOST
from feeds.archives.report import ImportReport
from feeds.archives.trade_stream import common_steps_of, stream_trades
from tests.feeds.archives.test_trade_stream import BINANCE

HEADER = "time,price,quantity,side,trade_id\n"
MS = 1_723_161_255_342
ODD = {
    "price": "{ms},abc,1,buy,{id}",
    "negative": "{ms},-1,1,buy,{id}",
    "free": "{ms},0,1,buy,{id}",
    "grid": "{ms},1.005,1,buy,{id}",
    "quantity": "{ms},1,1e99,buy,{id}",
    "side": "{ms},1,1,both,{id}",
    "time": "17,1,1,buy,{id}",
    "id": "{ms},1,1,buy,-{id}",
    "short": "{ms},1,1",
    "long": "{ms},1,1,buy,{id},x",
}


def sound(row: int) -> str:
    return f"{MS + row},{1 + row % 9},{1 + row % 3},{('buy', 'sell')[row % 2]},{row + 1}"


def written(tmp_path: Path, rows: list[str]) -> Path:
    path = tmp_path / "odd.csv"
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(
    odd=st.dictionaries(st.integers(0, 399), st.sampled_from(sorted(ODD)), min_size=1, max_size=4),
    size=st.sampled_from([256, 4096, 1 << 20]),
)
def test_odd_rows_cost_themselves_and_are_listed(tmp_path: Path, odd: dict[int, str], size: int) -> None:
    """D3: all other trades of a published file are read, and each odd row is listed with its line."""
    rows = [ODD[odd[row]].format(ms=MS + row, id=row + 1) if row in odd else sound(row) for row in range(400)]
    path, report = written(tmp_path, rows), ImportReport()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("feeds.archives.csv_trades._BLOCK", size)
        try:
            trades = concatenate(stream_trades(path, BINANCE, report, strict=False))
        except OtherStepsError:
            assert sum(kind == "grid" for kind in odd.values()) > 4
            return
        with pytest.raises(TradeFileError) as caught:
            list(stream_trades(path, BINANCE, ImportReport()))
    assert trades.trade_id.tolist() == [row + 1 for row in range(400) if row not in odd]
    assert len(report.odd) == len(odd)
    listed = report.odd.lines()
    assert [int(line.partition(":")[0].removeprefix("line ")) for line in listed[1:]] == sorted(row + 2 for row in odd)
    assert caught.value.line in {row + 2 for row in odd}


def test_a_file_of_odd_rows_is_refused(tmp_path: Path) -> None:
    rows = [ODD["side"].format(ms=MS, id=row) if row <= MOST else sound(row) for row in range(1, 500)]
    assert len(list(stream_trades(written(tmp_path, rows), BINANCE, report := ImportReport(), strict=False))) == 1
    assert report.odd.lines()[-1] == "and 90 more"
    rows[300] = ODD["side"].format(ms=MS, id=300)
    with pytest.raises(TradeFileError, match=f"line 302: found side 'both'.*more than {MOST} rows"):
        list(stream_trades(written(tmp_path, rows), BINANCE, ImportReport(), strict=False))


@pytest.mark.parametrize("off_grid", [2, 3, 150])
def test_many_rows_off_the_grid_are_of_other_steps(tmp_path: Path, off_grid: int) -> None:
    """D3: two rows in a file are odd; more of them show that the venue had another tick then."""
    rows = [f"{MS + row},1.{row % 100:02}5,1,buy,{row + 1}" if row < off_grid else sound(row) for row in range(200)]
    path = written(tmp_path, rows)
    if off_grid <= 2:
        report = ImportReport()
        assert len(concatenate(stream_trades(path, BINANCE, report, strict=False))) == 198 and len(report.odd) == 2
        return
    with pytest.raises(OtherStepsError, match=r"line 2: found price 1\.005, expected a multiple of 0\.01"):
        list(stream_trades(path, BINANCE, ImportReport(), strict=False))
    finer = common_steps_of(path, BINANCE)
    assert (str(finer.tick_size), finer.lot_size) == ("0.005", BINANCE.lot_size)
    assert len(concatenate(stream_trades(path, finer, ImportReport(), strict=False))) == 200


def test_the_same_id_for_another_trade_is_odd(tmp_path: Path) -> None:
    path, report = written(tmp_path, [sound(0), sound(1), sound(0), f"{MS + 9},5,1,buy,2", sound(3)]), ImportReport()
    trades = concatenate(stream_trades(path, BINANCE, report, strict=False))
    assert (trades.trade_id.tolist(), report.repeated) == ([1, 2, 4], 1)
    assert report.odd.lines()[1] == "line 5: found trade id 2 used by a different trade, expected a unique id"
