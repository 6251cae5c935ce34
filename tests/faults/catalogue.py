"""The faults by number, and what the program promises when each one happens.

`A` are faults of incoming data, `B` of the store and the process, `C` of files from strangers,
`D` are data thrown away or called complete, `X` is hostile input from anywhere. Tests name the numbers in their docstrings.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Entry(NamedTuple):
    """One kind of fault, and the program's promise for it."""

    fault: str
    promise: str


CATALOGUE = {
    "A1": Entry(
        "disconnects: RST, close 1000, 1001, 1006",
        "no trade lost, none counted twice; every bar, delta, POC and value area is that of a fresh build, bit for bit",
    ),
    "A2": Entry("planned rollover: 24 h, serverShutdown", "the next socket delivers before the first is closed; never STALE"),
    "A3": Entry(
        "half-open line, black hole, hanging venue",
        "STALE within 3 s on a busy market, replaced within 12 s, filled within 2 s of the link's return",
    ),
    "A4": Entry("sockets that answer pings and bring no trades", "only trades prove a line; a quiet market keeps its line"),
    "A5": Entry("accept, then close", "20 connects in the first 5 minutes at most, never 300 in any 5"),
    "A6": Entry(
        "429, 418, 403, 451, 5xx on handshake and REST",
        "Retry-After is kept to and shown; half of the weight limit at most; 403 and 451 end it with a reason",
    ),
    "A7": Entry(
        "trades twice, out of order, missing, backwards",
        "the result does not depend on order or repetition; what cannot be filled is recorded as a hole, and drawn",
    ),
    "A8": Entry(
        "malformed frames, fragments, oversize, bytes changed on the way",
        "nothing leaves the decoder but trades that were said; the rest is counted, logged now and then, put aside",
    ),
    "A9": Entry("the aggressor's side inverted or constant", "sides pinned by a test for each venue; a tape of one side is warned of"),
    "A10": Entry("bursts, slow consumers, stalls", "nothing dropped; LAGGING once the stream is a second ahead; caught up in time"),
    "A11": Entry("symbols and bars switched while filling and reconnecting", "nothing lands on another chart; no task, no socket left"),
    "A12": Entry(
        "REST slow, cut, wrong, overlapping, empty, HTML", "filling may be repeated; a page that does not advance ends after 3 tries"
    ),
    "A13": Entry(
        "certificates expired, of another host, self-signed; downgrade", "refused within 2 s with the reason named, and not tried again"
    ),
    "A14": Entry(
        "clocks that are wrong or jump; a machine that slept", "bars by the venue's time alone; no lateness made up; reconnected at once"
    ),
    "A15": Entry("daylight saving, sessions over midnight, half-hour zones", "each trade in exactly one session, volumes add up"),
    "A16": Entry("s, ms, µs and ns in one file", "told by size, between 2009 and 2100, else refused with the line"),
    "B1": Entry("the process killed at any time", "no acknowledged trade lost, nothing corrupt, started again within 2 s"),
    "B2": Entry("power lost", "at most the last second lost, and refilled by id at the start"),
    "B3": Entry("disk full, read-only or slow", "the live chart goes on; 'not recording' within 2 s; made up for when there is space"),
    "B4": Entry("files of the store corrupted", "opened, or put aside and rebuilt; never an unhandled error"),
    "B5": Entry("two instances on one store", "the second reads only; no wait beyond 5 s"),
    "C1": Entry("hostile zip archives", "bounded in members, bytes and ratio while reading; nothing written elsewhere"),
    "C2": Entry("hostile CSV", "refused with the line, or read as it says; all or nothing for each file"),
    "C3": Entry("formulas in exported text", "text cells are defused, numbers stay numbers"),
    "D5": Entry(
        "an outage longer than memory holds, with a restart before it is filled",
        "owed in the catalogue from the first trade after it, shown, and fetched straight to disk until nothing is missing",
    ),
    "D6": Entry(
        "a damaged day: the oldest, the newest, the only one, several",
        "moved aside by `verify --repair` only; owed, and never called complete, until fetched again or given up by name",
    ),
    "D10": Entry(
        "the same id for different trades: a relisting, a reset, a conflict",
        "a new epoch of ids is kept in its place in time, a conflict is kept aside and listed; the same trade is stored once",
    ),
    "X2": Entry(
        "a value of the catalogue that cannot be right", "the row is set aside, told, and rebuilt from the day files; never a traceback"
    ),
    "X3": Entry("names in files that lead elsewhere", "refused: no path outside the store is made"),
}
"""All faults by number, in the order of the report's table."""

_NUMBERED = re.compile(r"\s*([ABCDSTX]\d+(?:, [ABCDSTX]\d+)*): ")


def numbers_of(docstring: str | None) -> list[str]:
    """The numbers with which a test's docstring begins, e.g. `"A1, A7: …"`; empty if it does not begin with any."""
    found = _NUMBERED.match(docstring or "")
    return found[1].split(", ") if found else []
