from __future__ import annotations

import sys
from decimal import Decimal
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest

from app.analytics.footprint import FootprintSeries
from app.analytics.imbalance import ImbalanceRule, imbalances, stacked_zones
from app.analytics.profile import VolumeProfile
from app.market.arrays import BoolArray, Float64Array, Int8Array, Int64Array
from app.market.bar_rule import parse_bar_rule
from app.market.candle import CandleBatch
from app.market.price_grid import PriceGrid
from app.market.trade import TradeBatch


def element(array_type: Any) -> np.dtype[Any]:
    """The type of the elements of an array type."""
    return np.dtype(get_args(get_args(array_type)[1])[0])


def test_array_types_are_named_after_their_elements() -> None:
    assert [element(kind) for kind in (Int64Array, Int8Array, Float64Array, BoolArray)] == [np.int64, np.int8, np.float64, np.bool_]


def _values() -> list[object]:
    trades = TradeBatch.of([1, 2], [100, 101], [5, 6], [1, -1], [7, 8])
    series = FootprintSeries(parse_bar_rule("1m"), PriceGrid(Decimal(1)))
    series.append(trades)
    rule = ImbalanceRule(stacked=1)
    return [
        trades,
        trades[:0],
        CandleBatch.empty(60 * 10**9),
        VolumeProfile.empty(),
        imbalances(series, 0, 1, rule),
        imbalances(series, 0, 0, rule),
        stacked_zones(series, 0, 1, rule),
        stacked_zones(series, 0, 0, rule),
    ]


@pytest.mark.parametrize("value", _values(), ids=lambda value: f"{type(value).__name__}-{len(value) if hasattr(value, '__len__') else 0}")
def test_columns_have_the_declared_element_types(value: object) -> None:
    hints = get_type_hints(type(value), vars(sys.modules[type(value).__module__]))
    columns = {name: kind for name, kind in hints.items() if isinstance(getattr(value, name), np.ndarray)}
    assert columns
    assert {name: getattr(value, name).dtype for name in columns} == {name: element(kind) for name, kind in columns.items()}
