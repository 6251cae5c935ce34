"""A tape from a trade file: `time,price,quantity,side,trade_id`, plain or gzip."""

from __future__ import annotations

import csv
import gzip
from decimal import Decimal
from pathlib import Path

import numpy as np

from app.market.decimals import to_steps
from tests.venue_emulator.market import Market
from tests.venue_emulator.tape import Rows, Tape

_SIDES = {"buy": 1, "sell": -1}
_US_FROM = ((10**17, 0.001), (10**14, 1), (10**11, 1000), (0, 1_000_000))  # ns, us, ms, s by magnitude


class FileTape(Tape):
    """The trades of a file, in the order of their ids.

    Parameters
    ----------
    path : Path
        CSV with a header; columns are found by name.
    history_s : float
        Seconds of the file that lie before the venue opens; 0 starts with its first trade.
    repeat : bool
        Whether the file starts again after its last trade, with higher ids and later times; else there are no more trades.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        market: Market = Market.SPOT,
        symbol: str = "BTCUSDT",
        history_s: float = 0.0,
        repeat: bool = False,
        tick_size: Decimal | None = None,
        lot_size: Decimal | None = None,
    ) -> None:
        facts = market.facts
        time_us, price, lots, side, trade_id = _read(Path(path), tick_size or facts.tick_size, lot_size or facts.lot_size)
        # A trade cannot be sent before the one whose id is lower.
        time_us = np.maximum.accumulate(time_us)
        origin = int(time_us[0]) + round(history_s * 1e6)
        super().__init__(symbol, market, origin, tick_size, lot_size)
        self._file = Rows(time_us - origin, price, lots, side, trade_id)
        self._repeat = repeat
        self._span_us = int(time_us[-1] - time_us[0]) + 1_000_000
        self._span_ids = int(trade_id[-1] - trade_id[0]) + 1

    def _make(self, number: int) -> Rows | None:
        if number and not self._repeat:
            return None
        file = self._file
        return file._replace(offset_us=file.offset_us + number * self._span_us, trade_id=file.trade_id + number * self._span_ids)


def _read(path: Path, tick_size: Decimal, lot_size: Decimal) -> tuple[np.ndarray, ...]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", newline="") as lines:
        table = list(csv.DictReader(lines))
    if not table:
        raise ValueError(f"{path}: found no trades")
    times = [int(row["time"]) for row in table]
    factor = next(factor for least, factor in _US_FROM if times[0] >= least)
    time_us = np.array(times, np.int64) // 1000 if factor < 1 else np.array(times, np.int64) * int(factor)
    price = to_steps([row["price"] for row in table], tick_size, "price")
    lots = to_steps([row["quantity"] for row in table], lot_size, "quantity")
    side = np.array([_SIDES[row["side"].lower()] for row in table], np.int8)
    trade_id = np.array([int(row["trade_id"]) for row in table], np.int64)
    order = np.argsort(trade_id, kind="stable")
    return tuple(column[order] for column in (time_us, price, lots, side, trade_id))
