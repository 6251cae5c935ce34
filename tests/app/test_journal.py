"""Names, captions and the index of saved images."""

from __future__ import annotations

import csv
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import BadInputError
from app.journal import INDEX_COLUMNS, STATE_KEY, PictureFacts, add_to_index, picture_path, picture_texts
from app.market.instrument import Instrument

NS = 1_000_000_000
TAKEN_NS = 1_795_275_012 * NS  # 2026-11-21 15:30:12 UTC
BTC = Instrument("binance", "BTCUSDT", Decimal("0.01"), Decimal("0.00001"))


def facts(
    symbol: str = "BTCUSDT", mode: str = "live", first_ns: int = TAKEN_NS - 1812 * NS, end_ns: int = TAKEN_NS + 48 * NS
) -> PictureFacts:
    instrument = Instrument("binance", symbol, Decimal("0.01"), Decimal("0.00001"))
    return PictureFacts(instrument, "1m", instrument.grid(10), first_ns, end_ns, mode, TAKEN_NS)


def test_an_image_is_saved_in_the_folder_of_its_day(tmp_path):
    assert picture_path(tmp_path, facts()) == tmp_path / "2026/11/2026-11-21/20261121T153012Z_BTCUSDT_1m.png"


def test_a_note_becomes_part_of_the_name(tmp_path):
    assert picture_path(tmp_path, facts(), note="anchored profile").name == "20261121T153012Z_BTCUSDT_1m_anchored-profile.png"


def test_a_second_image_in_the_same_second_is_numbered(tmp_path):
    first = picture_path(tmp_path, facts())
    first.parent.mkdir(parents=True)
    first.touch()
    second = picture_path(tmp_path, facts())
    assert second.name == "20261121T153012Z_BTCUSDT_1m_2.png"
    second.touch()
    assert picture_path(tmp_path, facts()).name == "20261121T153012Z_BTCUSDT_1m_3.png"


@given(st.text(max_size=200), st.text(max_size=200))
def test_file_names_are_safe_for_any_symbol_and_note(tmp_path_factory, symbol: str, note: str):
    folder = tmp_path_factory.getbasetemp()
    path = picture_path(folder, facts(symbol), note)
    assert path.parent == folder / "2026" / "11" / "2026-11-21"
    assert len(path.name) <= 120
    assert set(path.name) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
    assert path.suffix == ".png"


def test_the_caption_names_market_span_bars_and_rows():
    assert facts().caption == "BTCUSDT · binance · 21 Nov 2026 15:00–15:31 UTC · 1m bars · rows 10 (0.10)"


@pytest.mark.parametrize(("mode", "word"), [("simulated", "SIMULATED"), ("replay", "REPLAYED"), ("stale", "STALE"), ("offline", "OFFLINE")])
def test_the_caption_names_any_source_but_live(mode: str, word: str):
    assert facts(mode=mode).caption.endswith(f" · {word}")


def test_image_texts_contain_the_state_of_the_chart():
    texts = picture_texts(facts(), {"bar": "1m", "version": 1}, "tapeprint 1.0")
    assert texts == {
        "Title": "BTCUSDT 1m",
        "Description": facts().caption,
        "Creation Time": "2026-11-21T15:30:12Z",
        "Software": "tapeprint 1.0",
        STATE_KEY: '{"bar":"1m","version":1}',
    }
    assert json.loads(texts[STATE_KEY]) == {"bar": "1m", "version": 1}


def test_the_index_gets_a_header_and_one_line_per_image(tmp_path):
    for mode in ("live", "simulated"):
        index = add_to_index(tmp_path, picture_path(tmp_path, facts(mode=mode)), facts(mode=mode))
    rows = list(csv.reader(index.read_text(encoding="utf-8").splitlines()))
    assert tuple(rows[0]) == INDEX_COLUMNS
    assert rows[1][:8] == [
        "2026-11-21T15:30:12Z",
        "2026/11/2026-11-21/20261121T153012Z_BTCUSDT_1m.png",
        "binance:BTCUSDT",
        "1m",
        "10",
        "2026-11-21T15:00:00Z",
        "2026-11-21T15:31:00Z",
        "live",
    ]
    assert [row[7] for row in rows[1:]] == ["live", "simulated"]


def test_a_line_cut_short_does_not_damage_the_next_one(tmp_path):
    (tmp_path / "index.csv").write_text("taken,file\n2026-11-21T15:3", encoding="utf-8")
    index = add_to_index(tmp_path, tmp_path / "x.png", facts())
    assert index.read_text(encoding="utf-8").splitlines()[1:][0] == "2026-11-21T15:3"
    assert index.read_text(encoding="utf-8").splitlines()[2].startswith("2026-11-21T15:30:12Z,x.png,")


def test_an_index_that_cannot_be_written_raises_with_its_path(tmp_path):
    (tmp_path / "index.csv").mkdir()
    with pytest.raises(BadInputError, match=r"^cannot write journal .*index\.csv: "):
        add_to_index(tmp_path, tmp_path / "x.png", facts())
