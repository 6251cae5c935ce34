"""What `tapeprint replay` plays: the trades of a recording, and how it begins."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from app.entry.headless import Reading, parse_time, read
from app.entry.player import Recording
from app.errors import BadInputError
from app.market.span import Span
from app.market.trade import TradeBatch

SLOWEST, FASTEST = 0.1, 1000.0
_ALL = Span(-(1 << 62), 1 << 62)


def load_trades(source: str, span: Span, reading: Reading | None) -> Recording:
    """The trades of a span from a trades file.

    Raises
    ------
    BadInputError
        If there are none, or the source cannot be read.
    """
    if reading is None:
        raise BadInputError("replay of a file: expected --tick-size")
    found = read(Path(source), reading)
    trades = within(found.trades, span)
    if not len(trades):
        raise BadInputError(f"{source}: no trades to play" if not len(found.trades) else f"{source}: no trades between --from and --to")
    return Recording(found.instrument, numbered_by_ones(trades))


def within(trades: TradeBatch, span: Span) -> TradeBatch:
    """The trades whose times lie in a span."""
    inside = (trades.time_ns >= span.start_ns) & (trades.time_ns < span.end_ns)
    return trades if inside.all() else trades[inside]


def numbered_by_ones(trades: TradeBatch) -> TradeBatch:
    """The trades with ids that can be counted.

    A file does not say whether its ids grow by one. Where most of them do, a step by more is a hole, and stays one; where
    they do not they are mere names, and the trades are numbered anew in their order.
    """
    steps = np.diff(trades.trade_id)
    if 2 * int(np.count_nonzero(steps == 1)) >= len(steps):
        return trades
    return TradeBatch.of(trades.time_ns, trades.price_ticks, trades.quantity_lots, trades.side, np.arange(1, len(trades) + 1))


def parse_span(start: str | None, end: str | None) -> Span:
    """The span of `--from` and `--to`; open at an end that was not given.

    Raises
    ------
    BadInputError
        If one is no time, or the end does not come after the start.
    """
    span = Span(_ALL.start_ns if start is None else parse_time(start), _ALL.end_ns if end is None else parse_time(end))
    if not span:
        raise BadInputError(f"--to: found {end}, expected a time after --from {start}")
    return span


def parse_speed(text: str) -> float:
    """The speed written as `1`, `0.5`, `100` or `max`.

    Raises
    ------
    BadInputError
        If it is none, or outside 0.1 to 1,000.
    """
    try:
        speed = math.inf if text == "max" else float(text)
    except ValueError:
        speed = math.nan
    if not (SLOWEST <= speed <= FASTEST or text == "max"):
        raise BadInputError(f"speed: found {text!r}, expected {SLOWEST:g} to {FASTEST:g}, or max")
    return speed
