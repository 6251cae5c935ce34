"""Checks trades before they are stored: converts ids to keys, and finds new trades and trades with the id of another trade."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import structlog

from app.errors import StoreError
from app.market.decimals import step_text
from app.market.span import Span
from app.market.steps import Steps, common_steps, in_steps
from app.market.times import timestamp_text
from app.market.trade import TradeBatch, concatenate
from app.storage.catalogue.owed import Owed, OwedReason
from app.storage.day_file import by_day, merge_trades
from app.storage.epochs import keyed, raw_id, without_conflicts
from app.storage.tape import Tape
from app.storage.tape_ranges import EPOCH_BITS, TapeRanges

_log = structlog.get_logger(__name__)

_NEAR_NS = 1_000_000  # sources report the time of a trade in milliseconds or finer
_MOST_CONFLICTS = 10_000  # of one batch: a file of another market has nothing else


class NewTrades(NamedTuple):
    """The trades that are not stored yet, in the order of the tape, and `Owed` entries for trades that have the id of another trade.

    At most 10,000 entries, without those that were listed before.
    """

    trades: TradeBatch
    conflicts: list[Owed]


def with_keys(trades: TradeBatch, ranges: TapeRanges) -> tuple[TradeBatch, list[str]]:
    """Convert the venue's trade ids to keys (see `keyed`); return the trades, and a text for each time at which ids start again."""
    found = keyed(trades, ranges)
    texts: list[str] = []
    epochs = found.trade_id >> EPOCH_BITS
    for epoch in np.unique(epochs).tolist():
        if ranges.within(epoch << EPOCH_BITS, ((epoch + 1) << EPOCH_BITS) - 1) or not (epoch or ranges):
            continue
        first_ns = int(found.time_ns[epochs == epoch].min())
        texts.append(f"ids start again at {timestamp_text(first_ns)}: stored as another epoch of ids")
        _log.info("ids start again", epoch=epoch, time_ns=first_ns)
    return found, texts


def new_trades(trades: TradeBatch, steps: Steps, tape: Tape, ranges: TapeRanges, known_conflicts: Iterable[str]) -> NewTrades:
    """Find the trades that are not stored yet, and those with the id of another trade; if trades are not numbered, all are new.

    Trades that repeat in the batch are returned once. If the stored trades cannot be read, every trade with a stored id counts as
    stored.

    Parameters
    ----------
    trades : TradeBatch
        Trades with keys, in any order.
    steps : Steps
        Tick and lot size of the trades.
    tape : Tape
    ranges : TapeRanges
        The stored tape ranges.
    known_conflicts : iterable of str
        Details of the conflicts listed already, which are not listed again.
    """
    if not tape.instrument.numbered:
        return NewTrades(merge_trades([trades], numbered=False), [])
    rising = len(trades) < 2 or bool(np.all(trades.trade_id[1:] > trades.trade_id[:-1]))
    known = ranges.holds(trades.trade_id)
    if rising and not known.any():
        return NewTrades(trades, [])
    same_ids, given, common = TradeBatch.empty(), trades, steps
    try:
        if known.any():  # only then the files of the market are looked at
            finest = tape.finest()  # days may be stored in other steps
            common = common_steps([finest.instrument.steps, steps])
            same_ids = in_steps(_stored_with_ids_of(trades[known], finest), finest.instrument.steps, common, tape.instrument.id)
            given = in_steps(trades, steps, common, tape.instrument.id)
    except StoreError as error:
        _log.warning("stored trades not compared", reason=error.detail)
        return NewTrades(merge_trades([trades[~known]], numbered=True), [])
    unique, conflicts = without_conflicts(given, same_ids)
    stored = ranges.holds(unique.trade_id)  # with another time: not where it was looked for
    listed = _listed(concatenate([conflicts, unique[stored]]), common, set(known_conflicts))
    new = merge_trades([unique[~stored]], numbered=True)
    return NewTrades(in_steps(new, common, steps, tape.instrument.id), listed)


def _stored_with_ids_of(trades: TradeBatch, tape: Tape) -> TradeBatch:
    """The stored trades with the ids of given trades, searched within 1 ms of the given trades' time range on each day."""
    found: list[TradeBatch] = []
    for _, part in by_day(trades):
        near = tape.trades(Span(int(part.time_ns.min()) - _NEAR_NS, int(part.time_ns.max()) + _NEAR_NS))
        found.append(near[np.isin(near.trade_id, part.trade_id)])
    return merge_trades(found, numbered=True)


def _listed(trades: TradeBatch, steps: Steps, known: set[str]) -> list[Owed]:
    """An `Owed` entry for each trade whose id another trade has, at most 10,000; those in `known` are left out, new ones added to it."""
    found: list[Owed] = []
    for time_ns, price, lots, side, key in zip(*(column.tolist() for column in trades.columns), strict=True):
        word = {1: "buy", -1: "sell"}.get(side, "unknown side")
        what = f"{step_text(lots, steps.lot_size)} at {step_text(price, steps.tick_size)}, {word}, {time_ns} ns"
        detail = f"id {raw_id(key)} is stored for another trade than {what}"
        if detail not in known and len(found) < _MOST_CONFLICTS:
            known.add(detail)
            found.append(Owed(0, key, key, Span(time_ns, time_ns + 1), OwedReason.CONFLICT, detail=detail))
    return found
