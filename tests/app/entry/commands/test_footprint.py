"""Bars as they are written, compared with an oracle in exact fractions."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analytics.imbalance import ImbalanceRule
from app.chart.chart import ChartSpec, build_series
from app.entry.commands.footprint import bar_objects, price_text, write_bars, writer_of
from app.errors import BadInputError
from app.market.bar_rule import BarRule, parse_bar_rule
from app.market.instrument import Instrument
from app.market.trade import TradeBatch
from app.settings.calculation import CalculationSettings
from tests.builders import SECOND_NS, START_NS, random_trades, trade_batches, trades_of
from tests.oracles.footprints import slow_bars
from tests.oracles.imbalances import imbalanced_rows, stacked_runs
from tests.oracles.value_areas import point_of_control, prices_of_area, value_area

TICK, LOT = Decimal("0.25"), Decimal("0.001")
MINUTE_NS = 60 * SECOND_NS
RULE = ImbalanceRule()


def spec_of(ticks_per_row: int = 1) -> ChartSpec:
    return ChartSpec(Instrument("file", "made-up", TICK, LOT), BarRule(MINUTE_NS), ticks_per_row)


def bars_of(trades: TradeBatch, ticks_per_row: int = 1) -> list[dict[str, Any]]:
    spec = spec_of(ticks_per_row)
    return list(bar_objects(build_series([trades], spec), spec.instrument, CalculationSettings()))


def slow_objects(trades: TradeBatch, ticks_per_row: int) -> Iterator[dict[str, Any]]:
    """The documented fields, prices and quantities as numbers."""
    cvd, turnover, volume = 0, 0, 0
    for bar in slow_bars(trades, MINUTE_NS, ticks_per_row):
        figures = bar.figures()
        low_row = figures["first_row"]
        buy, sell, unknown = (bar.dense(k) for k in range(3))
        total = [sum(row) for row in zip(buy, sell, unknown, strict=True)]
        area = (*value_area(total, 70, "dalton"), point_of_control(total))
        prices = prices_of_area(*((low_row + row) * ticks_per_row for row in area), ticks_per_row)
        bought, sold = imbalanced_rows(buy, sell, RULE)
        cvd += sum(buy) - sum(sell)
        turnover += sum(p * q for p, q in zip(bar.prices, bar.quantities, strict=True))
        volume += sum(total)

        def edge(row: int, low_row: int = low_row) -> Decimal:
            return (low_row + row) * ticks_per_row * TICK

        yield {
            "start_ns": bar.number * MINUTE_NS,
            **{name: figures[name] * TICK for name in ("open", "high", "low", "close")},
            "trades": figures["trades"],
            **{name: figures[name] * LOT for name in ("volume", "buy", "sell")},
            "delta": (sum(buy) - sum(sell)) * LOT,
            **{name: figures[name] * LOT for name in ("delta_min", "delta_max")},
            "cvd": cvd * LOT,
            "vwap": Decimal(round(Fraction(turnover, volume) * Fraction(TICK) * 10**6)).scaleb(-6),
            **dict(zip(("poc", "vah", "val"), (ticks * TICK for ticks in prices), strict=True)),
            "poc_row": edge(point_of_control(total)),
            "cells": [
                {
                    "price": edge(row),
                    "buy": buy[row] * LOT,
                    "sell": sell[row] * LOT,
                    "imbalance": {(True, False): "buy", (False, True): "sell", (True, True): "both"}.get((row in bought, row in sold)),
                }
                for row in range(len(buy))
            ],
            "stacked": [
                {"side": side, "low": edge(first), "high": edge(last + 1)}
                for side, rows in (("buy", bought), ("sell", sold))
                for first, last in stacked_runs(rows, RULE.stacked)
            ],
        }


def as_numbers(value: Any) -> Any:
    """Decimal texts as numbers; words stay words."""
    if isinstance(value, dict):
        return {name: as_numbers(one) for name, one in value.items()}
    if isinstance(value, list):
        return [as_numbers(one) for one in value]
    if isinstance(value, str) and value not in ("buy", "sell", "both"):
        return Decimal(value)
    return value


@settings(max_examples=60)
@given(trades=trade_batches(), ticks_per_row=st.sampled_from([1, 2, 7]))
def test_each_value_equals_the_oracle(trades: TradeBatch, ticks_per_row: int) -> None:
    assert as_numbers(bars_of(trades, ticks_per_row)) == list(slow_objects(trades, ticks_per_row))


def test_each_value_equals_the_oracle_in_a_busy_market() -> None:
    trades = random_trades(3, 5000, unknown=0.1)
    assert as_numbers(bars_of(trades, 5)) == list(slow_objects(trades, 5))


def test_numbers_have_the_decimal_places_of_their_step() -> None:
    (bar,) = bars_of(trades_of([(0, 400, 1500, 1), (1, 401, 500, -1)]))
    assert (bar["open"], bar["close"], bar["volume"], bar["delta"]) == ("100.00", "100.25", "2.000", "1.000")
    assert [cell["price"] for cell in bar["cells"]] == ["100.00", "100.25"]


def test_a_price_between_ticks_is_rounded_half_to_even() -> None:
    assert price_text(Fraction(4_000_001, 10_000), TICK, 6) == "100.000025"
    assert price_text(Fraction(1, 8), Decimal("0.01"), 2) == "0.00"
    assert price_text(Fraction(3, 2), Decimal("0.01"), 2) == "0.02"
    assert price_text(Fraction(5, 2), Decimal("0.01"), 2) == "0.02"


def test_late_trades_count_in_the_bar_of_their_time() -> None:
    trades = TradeBatch.of([START_NS + 61 * SECOND_NS, START_NS + SECOND_NS, START_NS], [10, 20, 30], [1, 1, 1], [1, 1, -1], [1, 2, 3])
    first, second = bars_of(trades)
    assert (first["open"], first["close"], second["open"]) == ("5.00", "7.50", "2.50")


def test_no_trades_give_no_bars() -> None:
    assert bars_of(TradeBatch.empty()) == []


def test_csv_and_parquet_have_one_row_per_cell(tmp_path: Path) -> None:
    trades = trades_of([(0, 100 + row, lots, side) for row in range(6) for lots, side in ((90 - 10 * row, 1), (1, -1))])
    bars = bars_of(trades)
    assert bars[0]["stacked"] == [{"side": "buy", "low": "25.25", "high": "26.50"}]
    write_bars(iter(bars), tmp_path / "o.csv")
    write_bars(iter(bars), tmp_path / "o.parquet")
    with (tmp_path / "o.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["cell_stacked"] for row in rows] == ["", "buy", "buy", "buy", "buy", "buy"]
    table = pq.read_table(tmp_path / "o.parquet").to_pylist()
    assert [{name: str("" if value is None else value) for name, value in row.items()} for row in table] == rows
    assert [type(table[0][name]) for name in ("start_ns", "trades", "open", "cell_imbalance")] == [int, int, str, type(None)]


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet", "JSONL"])
def test_a_file_of_no_bars_has_no_rows(tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"o.{ending}"
    write_bars(iter(()), out)
    if ending == "parquet":
        assert pq.read_table(out).num_rows == 0
    else:
        assert len(out.read_text().splitlines()) == (ending == "csv")


def test_json_lines_have_one_bar_per_line(tmp_path: Path) -> None:
    bars = bars_of(random_trades(1, 300))
    write_bars(iter(bars), tmp_path / "o.jsonl")
    assert [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()] == bars


def test_an_unknown_extension_raises_an_error() -> None:
    with pytest.raises(BadInputError, match=r"found extension '\.xlsx', expected \.jsonl, \.csv, \.parquet"):
        writer_of(Path("bars.xlsx"))


def test_a_bar_of_all_lots_that_can_be_counted_has_its_exact_vwap() -> None:
    (bar,) = bars_of(trades_of([(0, 1, 4 * 10**18, 1), (1, 11, 5 * 10**18, 1)]))
    assert Decimal(bar["vwap"]) == Decimal(round(Fraction(4 + 55, 9) * Fraction(TICK) * 10**6)).scaleb(-6)


def test_a_volume_bar_starts_at_its_first_trade() -> None:
    trades = trades_of([(0, 100, 5, 1), (7, 101, 9, -1), (30, 98, 2, 1), (61, 101, 3, -1), (62, 99, 4, 1)])
    spec = ChartSpec(Instrument("file", "made-up", TICK, LOT), parse_bar_rule("0.008v"))
    bars = list(bar_objects(build_series([trades], spec), spec.instrument, CalculationSettings()))
    assert [(bar["start_ns"] - START_NS, bar["trades"], bar["volume"]) for bar in bars] == [
        (0, 2, "0.014"),
        (30 * SECOND_NS, 3, "0.009"),
    ]
