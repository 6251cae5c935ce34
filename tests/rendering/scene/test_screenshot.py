"""Images: exact sizes, texts that are read back, files that are complete or absent."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QImage

from app.errors import BadInputError, SettingsError
from app.journal import STATE_KEY, picture_texts
from app.settings.calculation import CellStyle
from rendering.scene.scene import ChartScene
from rendering.scene.screenshot import CAPTION_PX, captioned_image, facts_of, read_state, render, save_png, state_of
from rendering.style.colour import Colour
from rendering.style.theme import load_theme
from tests.rendering.charts import StillChart, random_trades, trade

THEMES = {name: load_theme(name) for name in ("dark", "light")}


@pytest.fixture(scope="module")
def chart() -> StillChart:
    return StillChart(random_trades(40, 300))


@pytest.mark.parametrize("scale", [1, 1.5, 2, 3])
@pytest.mark.parametrize("caption", [None, "", "a line of one's own"])
def test_image_has_exactly_the_requested_pixels(qapp, chart: StillChart, scale: float, caption: str | None):
    image = render(chart, size=(640, 400), scale=scale, theme=THEMES["dark"], caption=caption)
    assert (image.width(), image.height()) == (640 * scale, 400 * scale)
    assert image.devicePixelRatio() == scale
    assert image.dotsPerMeterX() == image.dotsPerMeterY() == round(96 * scale / 0.0254)


@pytest.mark.parametrize("name", ["dark", "light"])
def test_image_has_the_themes_background_and_a_caption(qapp, chart: StillChart, name: str):
    theme = THEMES[name]
    image = render(chart, size=(640, 400), theme=theme)
    assert image.pixelColor(100, 399).rgb() == theme.background.argb
    written = {image.pixel(x, y) for x in range(8, 200) for y in range(400 - CAPTION_PX + 2, 400)}
    assert len(written) > 20  # smooth text in many shades
    bare = render(chart, size=(640, 400), theme=theme, caption=" ")
    assert {bare.pixel(x, y) for x in range(8, 200) for y in range(400 - CAPTION_PX + 2, 400)} == {theme.background.argb}


def test_image_at_twice_the_scale_shows_the_same_chart(qapp, chart: StillChart):
    one = render(chart, size=(800, 600), scale=1, theme=THEMES["light"])
    two = render(chart, size=(800, 600), scale=2, theme=THEMES["light"])
    small = two.scaled(one.size())
    differing = sum(
        abs(Colour(*one.pixelColor(x, y).getRgb()).luminance - Colour(*small.pixelColor(x, y).getRgb()).luminance) > 0.5  # type: ignore[misc]
        for x in range(0, 800, 7)
        for y in range(0, 600, 7)
    )
    assert differing < 0.02 * (800 // 7) * (600 // 7)


def test_same_chart_gives_the_same_image(qapp, chart: StillChart):
    assert render(chart, size=(640, 400), theme=THEMES["dark"]) == render(chart, size=(640, 400), theme=THEMES["dark"])


def test_an_empty_chart_gives_an_image(qapp):
    image = render(StillChart(trade(0, 600_000)[:0]), size=(640, 400), theme=THEMES["dark"])
    assert (image.width(), image.height()) == (640, 400)


@pytest.mark.parametrize(("mode", "word"), [("live", ""), ("simulated", "SIMULATED"), ("replay", "REPLAYED")])
def test_caption_names_simulated_and_replayed_trades(qapp, chart: StillChart, mode, word: str):
    scene = ChartScene(chart, THEMES["dark"], 640, 400)
    scene.set_mode(mode)
    scene.refresh(0)
    caption = facts_of(scene, taken_ns=0).caption
    assert caption.startswith("BTCUSDT · test · 19 Feb 2025 ")
    assert caption.endswith(word or "1m bars · rows 10 (1.0)")


def test_caption_span_is_that_of_the_visible_bars(qapp, chart: StillChart):
    scene = ChartScene(chart, THEMES["dark"], 1600, 900)
    scene.show_all()
    scene.refresh(0)
    facts = facts_of(scene, taken_ns=0)
    assert facts.first_ns == chart.series.start_ns(0)
    assert facts.end_ns == chart.series.start_ns(39) + 60_000_000_000


def test_texts_and_state_are_read_back_from_the_file(qapp, chart: StillChart, tmp_path: Path):
    scene = ChartScene(chart, THEMES["dark"], 640, 400)
    scene.set_style(CellStyle(colouring="delta"))
    scene.refresh(0)
    state = state_of(scene)
    path = save_png(captioned_image(scene), tmp_path / "x.png", picture_texts(facts_of(scene, taken_ns=0), state, "tapeprint 9"))
    reader = QImage(str(path))
    assert reader.text("Title") == "BTCUSDT 1m"
    assert reader.text("Software") == "tapeprint 9"
    assert reader.text("Creation Time") == "1970-01-01T00:00:00Z"
    assert reader.text("Description") == facts_of(scene, taken_ns=0).caption  # with its middle dots and dashes
    assert read_state(path) == json.loads(json.dumps(state))
    assert read_state(path)["rules"]["cells"]["colouring"] == "delta"
    assert read_state(path)["viewport"]["first_bar"] == scene.viewport.first_bar
    assert QImage(str(path)).dotsPerMeterX() == round(96 / 0.0254)


def test_image_of_another_program_has_no_state(qapp, tmp_path: Path):
    path = save_png(QImage(4, 4, QImage.Format.Format_RGB32), tmp_path / "x.png", {"Title": "cat"})
    with pytest.raises(SettingsError, match="no chart data found"):
        read_state(path)
    save_png(QImage(4, 4, QImage.Format.Format_RGB32), path, {STATE_KEY: "{not json"})
    with pytest.raises(SettingsError, match="no chart data found"):
        read_state(path)


def test_saving_an_image_leaves_no_other_file(qapp, tmp_path: Path):
    image = QImage(4, 4, QImage.Format.Format_RGB32)
    save_png(image, tmp_path / "deep" / "folder" / "x.png", {"Title": "one"})
    save_png(image, tmp_path / "deep" / "folder" / "x.png", {"Title": "two"})
    assert [path.name for path in (tmp_path / "deep" / "folder").iterdir()] == ["x.png"]
    assert QImage(str(tmp_path / "deep" / "folder" / "x.png")).text("Title") == "two"
    if sys.platform != "win32":
        assert stat.S_IMODE((tmp_path / "deep" / "folder" / "x.png").stat().st_mode) == 0o644


def test_failed_save_names_the_path_and_deletes_nothing(qapp, tmp_path: Path):
    (tmp_path / "x.png").mkdir()
    with pytest.raises(BadInputError, match=r"^cannot write picture .*x\.png: "):
        save_png(QImage(4, 4, QImage.Format.Format_RGB32), tmp_path / "x.png")
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]


def test_saving_adds_no_metadata_to_the_callers_image(qapp, tmp_path: Path):
    image = QImage(4, 4, QImage.Format.Format_RGB32)
    save_png(image, tmp_path / "x.png", {"Title": "one"})
    assert image.text("Title") == ""
