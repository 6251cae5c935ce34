"""The faults by number, and what the program promises when each one happens.

`A` are faults of incoming data, `B` of the store and the process, `C` of files from strangers, `D` of data that could be lost or
called whole, `S` of states that could mislead, `T` of values, `X` is hostile input from anywhere. Tests name the numbers in their
docstrings.
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
    "A5": Entry(
        "accept, then close; more markets than an address may have sockets",
        "20 connects in the first 5 minutes at most, never 300 in any 5, all markets of a host together; markets share few sockets",
    ),
    "A6": Entry(
        "429, 418, 403, 451, 5xx on handshake and REST",
        "Retry-After is kept to and shown; half of the weight limit at most; 451 ends it with a reason",
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
    "X4": Entry(
        "changed bytes, deep nests, absurd numbers, wrong types in whatever is read",
        "each of thirteen readers takes it, or says in one line what, where and what was expected; the rest works",
    ),
    "X6": Entry("a module of one's name in the working folder", "not imported by any process of ours"),
    "T1": Entry(
        "sums of lots, of ticks x lots and of their squares beyond 64 bits",
        "exact for all prices and quantities that can be stored, and no such market is refused",
    ),
    "T2": Entry(
        "a POC, VAH or VAL beside the prices that can trade",
        "one price for each row, wherever it is shown; a naked level ends with a trade exactly at it",
    ),
    "T4": Entry("a late trade after levels have ended", "the levels equal those of a fresh build, test counts included"),
    "T7": Entry("an initial balance of which trades are missing", "what it is so far, and that it is not complete; never a missing value"),
    "D1": Entry(
        "days on other ticks and lots than today's; an import with mistyped ones",
        "every day is read on the finest common grid and is no damage; `verify` changes nothing; contradicting steps are refused with both",
    ),
    "D2": Entry(
        "tick or lot changed while connected",
        "trades between two steps wait; the steps are asked for again, and chart and disk are as on the finest grid from the start",
    ),
    "S6": Entry("an odd entry in a venue's list", "costs one entry, and only its own market cannot be opened"),
    "S1": Entry(
        "a passing 403, a market in maintenance",
        "tried again after random pauses of up to 30 s, then up to 5 min; only an unknown symbol, 451 and a bad certificate are final",
    ),
    "S2": Entry(
        "a clock that is wrong by minutes, or set while running",
        "the offset is measured by the venue's answers and trades; lags are corrected for it and never negative; it is said once",
    ),
    "S3": Entry(
        "a proxy that refuses, a certificate that is replaced, a country that is not served",
        "the proxy's refusal is told from the venue's, and every message says what to do; SSL_CERT_FILE and SSL_CERT_DIR hold everywhere",
    ),
    "S4": Entry(
        "a disk that is full or takes no files, seen by `doctor`", "not ok, and the advice names what mends it and the folder's own setting"
    ),
    "S7": Entry("a venue that greets in plain text", "known and ignored: nothing rejected, no warning, no trade lost"),
    "X1": Entry(
        "answers without end: packed bombs, endless bodies, a byte a second",
        "64 MB unpacked at most (8 MB for a page), 60 s in all; then an error, tried again later; memory grows by no more than the limit",
    ),
    "X5": Entry(
        "escape sequences, line ends and overrides of direction in the words of a venue or a file",
        "shown as their escapes wherever they are read: terminal, window, log",
    ),
    "D4": Entry(
        "disk full, pulled, removed, never answering, or its folder renamed for a moment, while recording",
        "retried for ever; shown within 2 s by word, shape and colour with the trades waiting; unrecorded trades at the end: exit code 1",
    ),
    "D11": Entry(
        "a disk that fails, or a kill, in the middle of an import, an export, a settings save",
        "all of it or nothing; what a dead process left is deleted by the next run, and nothing else is",
    ),
    "D13": Entry(
        "a venue that is unreachable, forbidden, in maintenance or without the symbol; read-only media",
        "what is stored is shown, with a line that says so; live in place once the venue answers",
    ),
    "D3": Entry(
        "one impossible trade, in a message, a page, a file or a row of files",
        "costs itself, counted and listed with its line; the user's own file is refused with the line, and later files go on",
    ),
    "D7": Entry("a clean-up next to work in progress", "it deletes what is its own and dead; each source is tested end to end"),
    "D8": Entry("whole days from files", "complete to the nanosecond; a second run fetches nothing and exits with 0"),
    "D9": Entry("a day without trades, or not published yet", "no trades is an answer; what is not out comes later, the rest goes on"),
    "T3": Entry("ids that do not count, or begin anew", "ids order trades only where they agree with time; else time does, and it is said"),
    "T5": Entry("float noise of other programs", "rounded below a millionth of a step, or to what it stands for; counted and said"),
    "T6": Entry("kline files without a header, with candles missing", "read in either unit, plain or zipped; missing candles are listed"),
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
