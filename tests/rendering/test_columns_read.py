"""A live trade reads as much of the columns beside much history as beside little."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from app.analytics.columns import GrowingColumns
from app.analytics.footprint import FootprintSeries
from rendering.scene.all_layers import LAYERS
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from tests.rendering.charts import StillChart, random_trades, trade

FEW, MANY = 600, 6_000


class CountedColumn(np.ndarray):
    """A view of a column that counts the elements that go into arithmetic, comparisons and numpy's functions."""

    read = 0

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        CountedColumn.read += sum(given.size for given in inputs if isinstance(given, CountedColumn))
        if "out" in kwargs:
            kwargs["out"] = tuple(_plain(given) for given in kwargs["out"])
        return getattr(ufunc, method)(*(_plain(given) for given in inputs), **kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func is not np.searchsorted:  # which reads a handful of any number
            CountedColumn.read += sum(given.size for given in args if isinstance(given, CountedColumn))
        return func(*(_plain(given) for given in args), **kwargs)

    def tolist(self) -> Any:
        CountedColumn.read += self.size
        return _plain(self).tolist()


def _plain(given: Any) -> Any:
    if isinstance(given, CountedColumn):
        return given.view(np.ndarray)
    return [_plain(one) for one in given] if isinstance(given, list | tuple) else given


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Count the elements of columns by bar or by cell that are read meanwhile; the list then holds their number.

    Levels are not counted: more history has more active levels.
    """
    plain, found = GrowingColumns.__getitem__, []

    def column(table: GrowingColumns[Any], name: str) -> np.ndarray:
        return plain(table, name) if "kind" in table._columns else plain(table, name).view(CountedColumn)

    with monkeypatch.context() as patch:
        patch.setattr(GrowingColumns, "__getitem__", column)
        for of_table, table in (("close", "_bars"), ("cell_buy", "_cells")):
            patch.setattr(type(vars(FootprintSeries)[of_table]), "__get__", _read_from(table))
        CountedColumn.read = 0
        yield found
        found.append(CountedColumn.read)


def _read_from(table: str) -> Callable[..., np.ndarray]:
    """Read a column of a series from one of its tables."""
    return lambda column, series, owner: getattr(series, table)[column._name]


def scene_beside(n_bars: int, layers: frozenset[str] | None) -> ChartScene:
    """A scene that has drawn the newest of `n_bars` bars, the last 600 of which are always the same."""
    trades = random_trades(MANY, 4)
    scene = ChartScene(StillChart(trades[4 * (MANY - n_bars) :]), load_theme("dark"), 900, 600)
    if layers is not None:
        scene.show_only(layers)
    draw(scene)
    return scene


def draw(scene: ChartScene) -> None:
    for _ in range(3):
        scene.refresh()
        scene.render_image()


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize("layers", [None, frozenset(layer.name for layer in LAYERS if layer.name)], ids=["usual", "all"])
@pytest.mark.parametrize("opens_a_bar", [False, True], ids=["trade", "bar"])
def test_a_live_trade_reads_the_same_beside_much_history(monkeypatch, layers: frozenset[str] | None, opens_a_bar: bool):
    read = {}
    for n_bars in (FEW, MANY):
        scene = scene_beside(n_bars, layers)
        chart = scene.chart
        turns = []
        for turn in range(6):
            live = trade(MANY - 1 + opens_a_bar * (1 + turn), int(chart.series.close[-1]), 5, second=59)
            with counted(monkeypatch) as found:
                chart.series.append(live)
                scene.refresh()
                scene.render_image()
            turns += found
        read[n_bars] = min(turns)  # other frames also do what waits for a spare moment
        assert not scene.failures
    assert 0 < read[MANY] < read[FEW] + (MANY - FEW) / 4  # not even a quarter of one more column


def test_reading_whole_columns_is_noticed(monkeypatch):
    chart = StillChart(random_trades(FEW, 4))
    series: FootprintSeries = chart.series
    with counted(monkeypatch) as found:
        assert len(series.buy - series.sell) == FEW
        assert series.low[-1] == np.min(series.low[-1:])
    assert found == [2 * FEW + 1]
