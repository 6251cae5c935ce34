"""Every error has a text for the screen and one for the log, and its place in the tree."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from app import errors
from app.errors import (
    BadInputError,
    FeedError,
    OffGridError,
    StoreBusyError,
    StoreError,
    TapeprintError,
    TradeFileError,
    VenueBusyError,
    VenueRefusedError,
    one_line,
)


def test_an_error_shows_its_user_message_and_logs_its_detail() -> None:
    error = StoreError("cannot write x", detail="errno 28 at byte 4096")
    assert (str(error), error.user_message, error.detail) == ("cannot write x", "cannot write x", "errno 28 at byte 4096")


def test_the_detail_is_the_user_message_by_default() -> None:
    assert StoreError("cannot write x").detail == "cannot write x"


@pytest.mark.parametrize(
    ("quoted", "shown"),
    [
        ("a\nb", "a\\nb"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\u202eabc", "\\u202eabc"),
        ("\ud800", "\\ud800"),
        ("币安人生-USDT 300 %", "币安人生-USDT 300 %"),
        ("C:\\Users\\a", "C:\\Users\\a"),
    ],
)
def test_an_error_is_one_printable_line_whatever_it_quotes(quoted: str, shown: str) -> None:
    error = BadInputError(f"found {quoted}, expected a symbol")
    assert str(error) == error.user_message == f"found {shown}, expected a symbol"


def test_a_long_error_keeps_its_beginning_and_its_end() -> None:
    error = BadInputError(f"a.csv: line 3: found {'x' * 5_000}, expected a price")
    assert error.user_message.startswith("a.csv: line 3: found xxx") and error.user_message.endswith("xxx, expected a price")
    assert len(error.user_message) == 500 == len(one_line("y" * 501)) and one_line("y" * 500) == "y" * 500


def test_an_off_grid_error_has_the_index_and_the_written_value() -> None:
    error = OffGridError("price 0.015 is not a multiple of 0.01", index=7, value="0.015")
    assert (error.index, error.value, error.detail) == (7, "0.015", "price 0.015 is not a multiple of 0.01")


@pytest.mark.parametrize(
    ("line", "unit", "message"),
    [
        (12, "line", "a.csv: line 12: found x, expected a price"),
        (0, "row", "a.csv: row 0: found x, expected a price"),
        (None, "line", "a.csv: found x, expected a price"),
    ],
)
def test_a_trade_file_error_names_file_and_line(line: int | None, unit: str, message: str) -> None:
    error = TradeFileError(Path("a.csv"), line, "x", "a price", unit=unit)
    assert (error.user_message, error.path, error.line) == (message, Path("a.csv"), line)


def test_a_trade_file_error_counts_lines_unless_told_rows() -> None:
    assert str(TradeFileError("a.csv", 3, "x", "y")) == "a.csv: line 3: found x, expected y"


def test_a_busy_venue_error_has_the_pause_and_the_detail() -> None:
    error = VenueBusyError("the venue asks for a pause", retry_after_s=2.5, detail="HTTP 429")
    assert (error.retry_after_s, error.user_message, error.detail) == (2.5, "the venue asks for a pause", "HTTP 429")


@pytest.mark.parametrize(
    ("error", "base"),
    [(OffGridError, BadInputError), (VenueRefusedError, FeedError), (StoreBusyError, StoreError), (FeedError, TapeprintError)],
)
def test_an_error_is_caught_by_its_family(error: type, base: type) -> None:
    assert base in error.__mro__


def test_the_docstring_shows_the_tree_of_all_errors() -> None:
    parents: list[str] = []
    shown: dict[str, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"    ([│ ├└─]*)(\w+Error)\b", line):
            depth = len(match[1]) // 4
            parents[depth:] = [match[2]]
            shown[match[2]] = parents[depth - 1] if depth else "Exception"
    defined = {name: found.__base__.__name__ for name, found in inspect.getmembers(errors, inspect.isclass)}
    assert shown == defined
