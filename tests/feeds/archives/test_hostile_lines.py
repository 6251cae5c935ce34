"""Lines that were bent in any way give the trades that they say, or one refusal; read a second time, slowly and without Arrow."""

from __future__ import annotations

import csv
import gzip
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.errors import TradeFileError
from feeds.archives.trade_file import read_trade_file

HEADER = "time,price,quantity,side,trade_id\n"
NOTED = "time,price,quantity,side,trade_id,note\n"
TICK, LOT = Decimal("0.01"), Decimal("0.001")
FIRST_S, END_S = 1_230_768_000, 4_102_444_800  # 2009 to 2100


class RefusedError(Exception):
    """What the slow reading says of a file that is not one of trades."""


def slow_number(text: str, step: Decimal) -> int:
    plain = text.isascii() and text == text.strip() and "_" not in text
    try:
        value = Decimal(text) if plain else Decimal("nan")
    except InvalidOperation:
        raise RefusedError from None
    if not value.is_finite() or value.adjusted() > 40 or value.adjusted() < -40:
        raise RefusedError
    steps = value / step
    if steps != int(steps) or abs(steps) >= 2**63:
        raise RefusedError
    return int(steps)


def slow_time(text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise RefusedError
    for factor in (10**9, 10**6, 10**3, 1):
        if FIRST_S * 10**9 <= int(text) * factor < END_S * 10**9:
            return int(text) * factor
    raise RefusedError


def slow_trades(lines: list[str]) -> list[tuple[int, int, int, int, int]]:
    trades: list[tuple[int, int, int, int, int]] = []
    for line in lines:
        if not line:
            continue
        if line.count('"') % 2:
            raise RefusedError
        row = next(csv.reader([line]))
        if len(row) != 5:
            raise RefusedError
        price, lots, trade_id = slow_number(row[1], TICK), slow_number(row[2], LOT), slow_number(row[4], Decimal(1))
        side = {"buy": 1, "sell": -1, "unknown": 0}.get(row[3].lower())
        trade = (slow_time(row[0]), price, lots, 0 if side is None else side, trade_id)
        if price <= 0 or lots < 0 or side is None or trade_id < 0:
            raise RefusedError
        if not lots:
            continue
        trades.append(trade)
    by_id = sorted(trades, key=lambda trade: trade[4])
    once = list(dict.fromkeys(trades))
    if [trade[0] for trade in by_id] != sorted(trade[0] for trade in trades):  # few rows: a single step back says that ids do not count
        return [(*trade[:4], place) for place, trade in enumerate(sorted(once, key=lambda trade: trade[0]))]
    if len({trade[4] for trade in once}) < len(once):
        raise RefusedError
    return sorted(once, key=lambda trade: trade[4])


SOUND = st.tuples(
    st.sampled_from(["1723161255342", "1723161255342000", "1723161255342000001", "1723161255"]),
    st.sampled_from(["61837.63", "0.01", "1e2", "100", "00012.50", "+3"]),
    st.sampled_from(["0.02", "0", "0.000", "1e-3", "12.0000", "5"]),
    st.sampled_from(["buy", "SELL", "Unknown"]),
    st.integers(0, 5).map(str),
).map(",".join)
LETTERS = st.sampled_from(list("0123456789.,-+eEnax \"'\t\x00\u0661\u00e9;"))


@st.composite
def bent_lines(draw: st.DrawFn) -> list[str]:
    lines = draw(st.lists(SOUND, min_size=1, max_size=4))
    for _ in range(draw(st.integers(0, 2))):
        which = draw(st.integers(0, len(lines) - 1))
        line, place = lines[which], draw(st.integers(0, len(lines[which])))
        removed = draw(st.integers(0, 3))
        lines[which] = line[:place] + draw(st.text(LETTERS, max_size=3)) + line[place + removed :]
    return lines


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400)
@given(lines=bent_lines())
@example(lines=["0x1912F9F2A1E,1,1,buy,1"])
@example(lines=['1723161255342,1,1,buy,"1', '1723161255342,1,1,buy,2"'])
@example(lines=['"1723161255342","1.5","2","buy","1"'])
@example(lines=["1723161255342,1,1,buy,0", "1723161255342000001,1,1,buy,0", "1723161255342,1,1,buy,0"])
def test_mutated_line_gives_its_trades_or_is_refused(tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "bent.csv"
    path.write_bytes((HEADER + "\n".join(lines) + "\n").encode())
    try:
        expected: list[tuple[int, ...]] | None = slow_trades(lines)
    except RefusedError:
        expected = None
    try:
        found = read_trade_file(path, TICK, LOT)
    except TradeFileError as error:
        assert expected is None, error
        assert "\n" not in error.user_message and 1 < (error.line or 0) <= len(lines) + 1
        return
    assert [tuple(int(value) for value in trade) for trade in zip(*found.trades.columns, strict=True)] == expected


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=3000)
@given(places=st.lists(st.integers(0, 2_000), max_size=4), letters=st.binary(min_size=1, max_size=4), cut=st.integers(0, 2_000))
@pytest.mark.parametrize("packed", ["csv", "gz", "parquet"])
def test_damaged_bytes_give_trades_or_a_refusal(tmp_path: Path, packed: str, places: list[int], letters: bytes, cut: int) -> None:
    path = tmp_path / "hurt"
    rows = [("1723161255342", "1.5", "2", "buy", str(number)) for number in range(40)]
    text = (HEADER + "".join(",".join(row) + "\n" for row in rows)).encode()
    if packed == "parquet":
        names = HEADER.strip().split(",")
        pq.write_table(pa.table({name: [row[place] for row in rows] for place, name in enumerate(names)}), path)
        content = bytearray(path.read_bytes())
    else:
        content = bytearray(gzip.compress(text, mtime=0) if packed == "gz" else text)
    for place in places:
        content[place % len(content)] = letters[place % len(letters)]
    path.write_bytes(content[: -cut % len(content)] if cut % 3 == 0 and cut else content)
    try:
        found = read_trade_file(path, TICK)
    except TradeFileError as error:
        assert "\n" not in error.user_message
        return
    assert found.rows >= len(found.trades)


def written(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "trades.csv"
    path.write_text(content, newline="")
    return path


def test_unmatched_quote_in_an_unread_column_is_refused(tmp_path: Path) -> None:
    rows = [f"1723161255342,1.00,1,buy,{number}," for number in range(9)]
    rows[2] += '"the trader said'
    rows[6] += 'no more"'
    with pytest.raises(TradeFileError, match="line 4: found an unmatched quote, expected each field to end on its line"):
        read_trade_file(written(tmp_path, NOTED + "\n".join(rows) + "\n"), TICK)


def test_quoted_text_with_commas_stays_one_column(tmp_path: Path) -> None:
    rows = ['1723161255342,1.00,1,buy,1,"a, b"', '"1723161255342","2.00","3","sell","2","he said ""go"""']
    found = read_trade_file(written(tmp_path, NOTED + "\r\n".join(rows)), TICK)
    assert (found.trades.price_ticks.tolist(), found.trades.quantity_lots.tolist()) == ([100, 200], [1, 3])


def test_header_may_quote_a_name_with_a_comma(tmp_path: Path) -> None:
    found = read_trade_file(written(tmp_path, '"note, long",time,price,quantity,side\n"x",1723161255342,1.00,1,buy\n'), TICK)
    assert found.trades.price_ticks.tolist() == [100]


@pytest.mark.parametrize("price", ["1." + "0" * 5_000 + "1", "9" * 5_000, "1e-999999", "1e999999999"])
def test_overlong_number_is_refused_in_a_short_line(tmp_path: Path, price: str) -> None:
    with pytest.raises(TradeFileError) as caught:
        read_trade_file(written(tmp_path, f"{HEADER}1723161255342,{price},1,buy,1\n"), TICK)
    assert caught.value.line == 2 and len(caught.value.user_message) < 300 + len(str(tmp_path))


def test_long_number_with_few_significant_digits_is_read(tmp_path: Path) -> None:
    found = read_trade_file(written(tmp_path, f"{HEADER}1723161255342,1.5{'0' * 5_000},{'0' * 60}2,buy,1\n"), TICK)
    assert (found.trades.price_ticks.tolist(), found.trades.quantity_lots.tolist()) == ([150], [2])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1,2", "found 2 columns, expected 5"),
        ("1723161255342,1.00,1,b\xffy,1", "found binary data"),
        ("1723161255342,1.00,1,b\x00y,1", r"found side 'b\\x00y'"),
        ("x" * 5_000_000, "found"),
    ],
)
def test_error_in_a_later_block_names_its_line(tmp_path: Path, line: str, said: str) -> None:
    rows = "".join(f"1723161255342,1.00,1,buy,{number}\n" for number in range(150_000))
    path = tmp_path / "long.csv"
    path.write_bytes((HEADER + "\n" + rows + line + "\n" + rows).encode("latin-1"))
    with pytest.raises(TradeFileError, match=said) as caught:
        read_trade_file(path, TICK)
    assert caught.value.line == 150_003


def test_quantities_whose_sum_overflows_are_refused(tmp_path: Path) -> None:
    large = f"{HEADER}1723161255342,1.00,{2**62},buy,1\n1723161255342,1.00,{2**62},buy,2\n"
    with pytest.raises(TradeFileError, match="64 bits"):
        read_trade_file(written(tmp_path, large), TICK)
    uneven = f"{HEADER}1723161255342,1.00,{10**15},buy,1\n1723161255342,1.00,0.000000001,buy,2\n"
    with pytest.raises(TradeFileError, match=r"line 2: found quantity 1000000000000000"):
        read_trade_file(written(tmp_path, uneven), TICK)
