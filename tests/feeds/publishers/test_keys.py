"""Keys are found where they may be, and shown nowhere."""

from __future__ import annotations

import io
import logging
import pickle
import subprocess
import sys
import traceback
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.errors import BadInputError, TapeprintError
from app.market.span import Span
from feeds.publishers.bulk import BulkSource
from feeds.publishers.kaiko import KaikoTrades
from feeds.publishers.keys import Secret, api_key
from feeds.publishers.tardis import tardis_datasets
from tests.feeds.lines import Clock, run
from tests.feeds.publishers.dump_server import Fault, publisher

KEY = "TD.very-secret-0123456789"


def keyring_of(monkeypatch: pytest.MonkeyPatch, answer: str | Exception | None) -> list[tuple[str, str]]:
    asked = []

    def get_password(name: str, user: str) -> str | None:
        asked.append((name, user))
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=get_password))
    return asked


def test_environment_comes_before_the_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = keyring_of(monkeypatch, "from the keyring".replace(" ", "-"))
    assert (found := api_key("tardis", {"TAPEPRINT_TARDIS_KEY": f" {KEY}\n"})) and found.reveal() == KEY
    assert not asked
    assert (found := api_key("kaiko", {"TAPEPRINT_TARDIS_KEY": KEY})) and found.reveal() == "from-the-keyring"
    assert asked == [("tapeprint", "kaiko")]


@pytest.mark.parametrize("answer", [None, "", RuntimeError("no backend"), OSError("locked")])
def test_empty_or_broken_keyring_is_no_error(monkeypatch: pytest.MonkeyPatch, answer: str | Exception | None) -> None:
    keyring_of(monkeypatch, answer)
    assert api_key("tardis", {}) is None


def test_missing_keyring_library_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert api_key("tardis", {}) is None


def test_keyring_library_is_imported_only_when_needed() -> None:
    done = [sys.executable, "-c", "import sys, feeds.publishers.bulk_sources; print('keyring' in sys.modules)"]
    assert subprocess.run(done, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize("text", ["a b", "ké", "x" * 501, "a\nb", "\x7f1"])
def test_invalid_key_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(BadInputError) as caught:
        api_key("tardis", {"TAPEPRINT_TARDIS_KEY": text})
    assert "TAPEPRINT_TARDIS_KEY" in str(caught.value) and text not in str(caught.value)


def test_secret_is_not_shown_by_repr_or_pickle() -> None:
    secret = Secret(KEY)
    assert KEY not in f"{secret} {secret!r} {[secret]}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


FAULTS = [
    Fault(status=401),
    Fault(status=400, body=b'{"message":"bad"}'),
    Fault(status=200, body=b"<html>"),
    Fault(cut_after=0),
    Fault(status=302, headers={"Location": "http://127.0.0.1:1/elsewhere"}),
    Fault(status=429, headers={"Retry-After": "5000"}),
]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("service", ["tardis", "kaiko"])
def test_key_is_in_no_log_record_error_or_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], fault: Fault, service: str
) -> None:
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    root = logging.getLogger()
    monkeypatch.setattr(root, "level", logging.DEBUG)
    root.addHandler(handler)
    told = ""

    async def story() -> None:
        nonlocal told
        async with publisher() as server:
            clock = Clock(1_700_000_000.0)
            key = Secret(KEY)
            source: BulkSource = (
                tardis_datasets("bitmex", "XBTUSD", key, base_url=server.url, wall=clock, sleep=clock.sleep)
                if service == "tardis"
                else KaikoTrades("cbse", "spot", "btc-usd", key, base_url=server.url, wall=clock, sleep=clock.sleep)
            )
            server.faults = [fault] * 20
            piece = source.files(Span(1_699_000_000 * 10**9, 1_699_000_001 * 10**9))[0]
            try:
                await source.fetch(piece, tmp_path)
            except TapeprintError as error:
                told = "".join(traceback.format_exception(error)) + error.detail + repr(vars(error))
            told += repr(source) + repr(vars(source)) + repr(vars(vars(source)["_host"])) + repr(piece)
            assert any(KEY in str(head) for head in server.heads)  # it was sent
            assert all(KEY not in asked for asked in server.asked)
            await source.aclose()

    try:
        run(story())
    finally:
        root.removeHandler(handler)
    printed = capfd.readouterr()
    for text in (told, log.getvalue(), printed.out, printed.err, *(path.read_text("latin-1") for path in tmp_path.iterdir())):
        assert KEY not in text
