"""`tapeprint why`: explain the values at one time and price of a trades file or a stored market."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

from app.chart.chart import Chart, ChartSpec
from app.entry.commands.common import Reading, parse_time, read
from app.entry.commands.replay import with_sequential_ids
from app.errors import BadInputError
from app.explain.answer import find_trades
from app.explain.at_point import What, explanations_at
from app.market.bar_rule import BarRule
from app.settings.settings import Settings
from app.storage.atomic import replacing
from app.storage.trade_store import TradeStore


@dataclass(frozen=True, slots=True)
class WhyRequest:
    """Options of `tapeprint why`.

    Attributes
    ----------
    at, price : str
        The time and the price, as typed.
    rule : BarRule
    ticks_per_row : int
    what : What
    as_json : bool
    csv : Path or None
        Output file for the trades behind the value; only for a single value.
    """

    at: str
    price: str
    rule: BarRule
    ticks_per_row: int
    what: What
    as_json: bool
    csv: Path | None


def why(path: Path, reading: Reading, request: WhyRequest, settings: Settings) -> None:
    """Print the explanations of the requested values; with `csv`, which requires a single value, also write its trades to that file.

    Raises
    ------
    BadInputError
        If the file has no trades at that time and price, or the trades of more than one value are requested.
    """
    time_ns = parse_time(request.at)
    found = read(path, reading)
    trades = with_sequential_ids(found.trades)
    store = TradeStore()
    store.insert(trades)
    chart = Chart(ChartSpec(found.instrument, request.rule, request.ticks_per_row), settings.rules)
    chart.apply(store.trades(), store)
    if chart.refused:
        raise BadInputError(chart.refused)
    price_ticks = int(chart.series.grid.ticks([request.price])[0])
    answers = [find_trades(chart, explanation) for explanation in explanations_at(chart, time_ns, price_ticks, request.what)]
    if request.csv is not None:
        if len(answers) != 1:
            raise BadInputError(f"--csv: {len(answers)} values found, choose one with --what")
        _write(request.csv, answers[0].csv)
    if request.as_json:
        print(msgspec.json.encode([one.as_json for one in answers]).decode(), file=sys.stdout)  # noqa: T201
    else:
        print("\n\n".join(one.text for one in answers), file=sys.stdout)  # noqa: T201


def _write(path: Path, text: str) -> None:
    try:
        with replacing(path) as file:
            file.write(text.encode())
    except OSError as error:
        raise BadInputError(f"cannot write {path}: {error.strerror}") from error
