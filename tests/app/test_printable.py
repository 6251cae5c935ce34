"""No words of a venue or a file move the cursor of a terminal or turn the direction of a line."""

from __future__ import annotations

import io
import json
import sys

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from app.entry import cli
from app.entry.commands.common import print_note
from app.errors import BadInputError, FeedError, OffGridError, TapeprintError, TradeFileError, VenueBusyError, VenueRefusedError
from app.market.instrument import parse_instrument_id
from app.printable import printable, printable_values
from feeds.network.rest_client import RestClient
from feeds.venues.hyperliquid.wire import greeting as hyperliquid_greeting
from feeds.venues.kraken.wire import greeting as kraken_greeting
from feeds.venues.okx.wire import greeting as okx_greeting

HOSTILE = [
    "\x1b[2J",
    "\x1b]0;title\x07",
    "\x9b31m",
    "\u202e",
    "\u2066",
    "\u200b",
    "\n",
    "\r",
    "\t",
    "\0",
    "\x7f",
    "\u2028",
    "\ud800",
    "\xa0",
]
WORDS = st.lists(st.sampled_from([*HOSTILE, "a", "é", "中", "🙂", " ", "\\", '"']) | st.characters(), max_size=12).map("".join)


@given(WORDS)
def test_nothing_but_printable_characters_is_left_and_those_stay(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert "".join(letter for letter in text if letter.isprintable()) == text if text.isprintable() else shown != text
    assert printable(shown) == shown


@pytest.mark.parametrize("letter", HOSTILE)
def test_each_hostile_character_is_shown_by_its_number(letter: str) -> None:
    assert printable(f"a{letter}b") == f"a{letter}b".encode("unicode_escape").decode()


@given(WORDS)
def test_every_error_has_printable_texts(text: str) -> None:
    """X5: whatever a venue, a file or a user writes."""
    errors = [
        TapeprintError(text),
        TapeprintError("plain", detail=text),
        VenueRefusedError(text, detail=text),
        VenueBusyError(text, retry_after_s=1.0),
        OffGridError(text, index=0, value=text),
        TradeFileError(text, 3, text, text),
    ]
    for error in errors:
        assert str(error).isprintable() and error.user_message.isprintable() and error.detail.isprintable()
    try:
        parse_instrument_id(text)
    except BadInputError as error:
        assert str(error).isprintable()


def said_by(venue: str, words: str) -> FeedError:
    """The error of a venue that answers a subscription with these words."""
    accepted, answer = {
        "hyperliquid": (hyperliquid_greeting("BTC"), {"channel": "error", "data": words}),
        "okx": (okx_greeting("BTC-USDT"), {"event": "error", "code": "60012", "msg": words}),
        "kraken": (kraken_greeting("BTC-USD"), {"method": "subscribe", "success": False, "error": words}),
    }[venue]
    with pytest.raises(FeedError) as caught:
        accepted.accepted(json.dumps(answer).encode())
    return caught.value


@pytest.mark.parametrize("letter", [letter for letter in HOSTILE if letter != "\ud800"])
@pytest.mark.parametrize("venue", ["hyperliquid", "okx", "kraken"])
def test_a_venues_words_are_escaped_where_they_enter(venue: str, letter: str) -> None:
    """X5: refusals of the stream."""
    error = said_by(venue, f"bad{letter}symbol")
    assert printable(f"bad{letter}symbol") in error.user_message and error.user_message.isprintable()


@pytest.mark.parametrize("letter", HOSTILE)
def test_logs_and_notes_are_one_line_each(letter: str, capsys: pytest.CaptureFixture[str]) -> None:
    """X5: standard error, whatever else is in the text."""
    print_note(f"a{letter}b")
    assert cli.run(["--no-such-option" + letter.replace("\0", "0").replace("\ud800", "")]) == 2
    lines = capsys.readouterr().err.split("\n")
    assert len(lines) == 3 and all(line.isprintable() for line in lines)


@pytest.mark.parametrize("letter", [letter for letter in HOSTILE if letter != "\ud800"])
def test_the_program_logs_no_control_characters(letter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """X5: through the program's own set-up of the log."""
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    before = structlog.get_config()
    structlog.reset_defaults()
    try:
        cli._log_to_standard_error()
        structlog.get_logger("x").warning("refused", reason=f"a{letter}b", url="wss://x")
    finally:
        structlog.configure(**before)
    assert "refused" in out.getvalue() and printable(f"a{letter}b") in out.getvalue()
    assert letter not in out.getvalue().rstrip("\n")


def test_only_texts_of_a_record_are_changed() -> None:
    assert printable_values(None, "info", {"a": "\n", "n": 3, "none": None}) == {"a": "\\n", "n": 3, "none": None}


def test_the_host_of_a_client_is_printable() -> None:
    with pytest.raises(VenueRefusedError) as caught:
        RestClient("http://\x1b[2J:x")
    assert caught.value.user_message.isprintable()
