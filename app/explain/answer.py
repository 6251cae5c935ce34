"""An explanation with the trades behind it, for the panel and the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from app.chart.chart import Chart
from app.explain.explanation import Explanation
from app.explain.formatting import ValueFormatter
from app.explain.source_trades import SourceTrades, as_of_text, trades_behind
from app.market.bar_rule import DAY_NS
from app.market.decimals import step_text
from app.market.instrument import Instrument
from app.market.times import fine_clock_text, timestamp_text
from app.market.trade import BUY, SELL
from app.market.trade_csv import csv_text

ENDS = 3
"""Number of trades that a long list shows at each end."""
_SIDES = {BUY: "buy", SELL: "sell"}


@dataclass(frozen=True, slots=True)
class Answer:
    """The explanation of a value at one moment, with the trades behind it; later trades do not change it.

    Attributes
    ----------
    explanation : Explanation
    behind : SourceTrades
    as_of : str
        If the bar in progress is part of it, a text with the time of the newest trade; else empty.
    total, bought, sold : str
        Quantity of the trades behind the value: all, bought and sold.
    instrument : Instrument
    """

    explanation: Explanation
    behind: SourceTrades
    as_of: str
    total: str
    bought: str
    sold: str
    instrument: Instrument

    @property
    def csv(self) -> str:
        """The trades behind the value as CSV, in the format of `tapeprint export`."""
        return csv_text(self.behind.trades, self.instrument)

    @property
    def count_text(self) -> str:
        """Number and quantity of the trades behind the value, and a note if some are missing."""
        count = len(self.behind.trades)
        sides = f": {self.bought} bought, {self.sold} sold"
        parts = (
            f"{count:,} trade{'' if count == 1 else 's'}, total {self.total}{sides}" if count else "" if self.behind.note else "no trades"
        )
        return " · ".join(filter(None, (parts, f"⚠ {self.behind.note}" if self.behind.note else "")))

    def trade_lines(self, ends: int = ENDS) -> Iterator[str]:
        """The first and last `ends` trades behind the value, one per line; all trades if at most one would be left out.

        A line has time (UTC), price, quantity and side. A line in the middle counts the trades that are not listed.
        """
        trades = self.behind.trades
        count = len(trades)
        shown = range(count) if count <= 2 * ends + 1 else (*range(ends), *range(count - ends, count))
        days = trades.time_ns[[0, -1]] // DAY_NS if count else ()
        when = timestamp_text if len(set(days)) > 1 else fine_clock_text
        rows = [self._trade(index, when) for index in shown]
        widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
        for place, (time, price, quantity, side) in enumerate(rows):
            if place == ends and len(rows) < count:
                yield f"… {count - 2 * ends:,} more …"
            yield f"{time:>{widths[0]}}  {price:>{widths[1]}}  {quantity:>{widths[2]}}  {side}"

    @property
    def text(self) -> str:
        """The explanation as plain text, with the number and quantity of its trades, and the first and last three of them."""
        parts = [self.explanation.text, *filter(None, (self.as_of, self.count_text))]
        return "\n".join((*parts, *(f"  {line}" for line in self.trade_lines())))

    @property
    def as_json(self) -> dict[str, Any]:
        """The explanation as a dictionary for JSON, with the number and quantities of its trades, but not the trades."""
        explanation = self.explanation
        return {
            "title": explanation.title,
            "rule": explanation.rule,
            "lines": [{"text": line.text, "met": line.met} for line in explanation.lines],
            "as_of": self.as_of or None,
            "trades": len(self.behind.trades),
            "quantity": self.total,
            "bought": self.bought,
            "sold": self.sold,
            "missing": self.behind.note or None,
        }

    def _trade(self, index: int, when: Callable[[int], str]) -> tuple[str, str, str, str]:
        time_ns, price, lots, side, _ = (int(column[index]) for column in self.behind.trades.columns)
        instrument = self.instrument
        texts = step_text(price, instrument.tick_size), step_text(lots, instrument.lot_size)
        return when(time_ns), *texts, _SIDES.get(side, "unknown")


def find_trades(chart: Chart, explanation: Explanation) -> Answer:
    """Find the trades behind an explained value, and return them with the explanation."""
    found, words = trades_behind(chart, explanation), ValueFormatter(chart)
    bought, sold = (words.lots(int(found.trades.quantity_lots[found.trades.side == side].sum())) for side in (BUY, SELL))
    return Answer(explanation, found, as_of_text(chart, explanation), words.lots(found.lots), bought, sold, chart.spec.instrument)
