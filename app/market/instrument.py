"""Instruments: venue, symbol, and the tick and lot size."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from decimal import Decimal

from app.errors import BadInputError
from app.market.decimals import step_text
from app.market.price_grid import PriceGrid
from app.market.steps import Steps

_ID = re.compile(r"([a-z][a-z0-9-]*):((?:[^\W_]|[._/:@-]){1,40})")
"""A symbol has letters and digits of any script, as some at Binance are Chinese, and may have a second colon, e.g. `xyz:TSLA`."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """One symbol of one venue, with its tick and lot size.

    Attributes
    ----------
    venue, symbol : str
        `"binance"`, `"BTCUSDT"`; together they make the `id`.
    tick_size, lot_size : Decimal
        Smallest steps of price and quantity; the program counts in these. Quantities are in base units (for a contract worth a
        fixed amount of money: in that money), even if the venue counts contracts.
    multiplier : Decimal
        Base units in one contract, included in `lot_size`; 1 unless the venue trades contracts.
    numbered : bool
        True if the venue's trade ids grow by one from trade to trade, so that a larger step is a gap. If not, an id only
        identifies a trade, trades are ordered by time, and nothing proves that none is missing.
    status, name : str
        The venue's words for the state of trading, and for the symbol if it is not `symbol`; empty if unknown. They do not count in
        comparisons.
    """

    venue: str
    symbol: str
    tick_size: Decimal
    lot_size: Decimal
    multiplier: Decimal = Decimal(1)
    numbered: bool = True
    status: str = field(default="", compare=False)
    name: str = field(default="", compare=False)

    @property
    def id(self) -> str:
        """The instrument's id on the command line and in files: `venue:symbol`."""
        return f"{self.venue}:{self.symbol}"

    def grid(self, ticks_per_row: int = 1) -> PriceGrid:
        """The price grid of this market, with rows of `ticks_per_row` ticks; raises `BadInputError` if that is below 1."""
        return PriceGrid(self.tick_size, ticks_per_row)

    @property
    def steps(self) -> Steps:
        """The tick and lot size as a pair."""
        return Steps(self.tick_size, self.lot_size)

    def on_steps(self, steps: Steps) -> Instrument:
        """Return the instrument with another tick and lot size."""
        return self if steps == self.steps else replace(self, tick_size=steps.tick_size, lot_size=steps.lot_size)

    @property
    def written_step(self) -> Decimal:
        """The lot size in the unit in which the venue writes quantities: contracts or base units."""
        return self.lot_size / self.multiplier

    def quantity_text(self, lots: int) -> str:
        """Convert a number of lots to decimal text, in base units; for a contract worth a fixed amount of money, in that money."""
        return step_text(lots, self.lot_size)


def parse_instrument_id(text: str) -> tuple[str, str]:
    """Split an instrument id such as `binance:BTCUSDT` into venue and symbol.

    Raises
    ------
    BadInputError
        If the text is not an instrument id.
    """
    match = _ID.fullmatch(text)
    if match is None:
        raise BadInputError(f"instrument: found {text!r}, expected venue:SYMBOL, e.g. binance:BTCUSDT")
    return match[1], match[2]
