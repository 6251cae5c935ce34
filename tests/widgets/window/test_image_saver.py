"""One key: a picture in the journal, on the clipboard and in the index."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from rendering.scene.screenshot import CAPTION_PX, read_state
from tests.journeys.stories import tell, until
from tests.widgets.desks import Desk
from widgets.window.main_window import MainWindow

ALT, SHIFT = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ShiftModifier


def saved_by(qtbot, window: MainWindow, modifiers: Qt.KeyboardModifier) -> None:
    async def story() -> None:
        qtbot.keyClick(window.view, Qt.Key.Key_S, modifiers)
        assert window.pictures.busy
        await window.pictures.saved()
        await until(lambda: not window.pictures.busy)

    tell(story())
    for _ in range(12):
        window.frame()


def picture_in(journal: Path) -> Path:
    (path,) = journal.rglob("*.png")
    return path


@pytest.mark.parametrize(("modifiers", "scale"), [(ALT, 1), (ALT | SHIFT, 2)])
def test_key_saves_the_chart_at_its_scale(qtbot, window, tmp_path, modifiers, scale):
    saved_by(qtbot, window, modifiers)
    image, view = QImage(str(picture_in(tmp_path))), window.view.viewport()
    assert (image.width(), image.height()) == (view.width() * scale, (view.height() + CAPTION_PX) * scale)


def test_image_is_in_its_days_folder_and_named_in_the_status_bar(qtbot, window, tmp_path):
    saved_by(qtbot, window, ALT)
    path = picture_in(tmp_path)
    year, month, day = path.parent.name.split("-")
    assert path.parent == tmp_path / year / month / f"{year}-{month}-{day}"
    assert path.name.endswith("Z_BTCUSDT_1m.png")
    assert window.status_bar.notice.text() == f"Saved {path} and copied to the clipboard"


def test_image_has_texts_and_the_chart_at_the_time(qtbot, window, tmp_path, desk: Desk):
    saved_by(qtbot, window, ALT)
    path = picture_in(tmp_path)
    image = QImage(str(path))
    assert image.text("Title") == "BTCUSDT 1m"
    assert image.text("Description").startswith("BTCUSDT · test · ")
    assert image.text("Software").startswith("Tapeprint ")
    state = read_state(path)
    assert (state["instrument"], state["bar"], state["ticks_per_row"]) == ("test:BTCUSDT", "1m", 10)
    assert state["viewport"]["first_bar"] == window.view.chart_scene.viewport.first_bar


def test_clipboard_has_the_same_pixels_as_the_file(qtbot, window, tmp_path):
    saved_by(qtbot, window, ALT | SHIFT)
    form = QImage.Format.Format_RGB32
    copied, saved = QApplication.clipboard().image().convertToFormat(form), QImage(str(picture_in(tmp_path))).convertToFormat(form)
    for image in (copied, saved):
        image.setDevicePixelRatio(1)
        image.setDotsPerMeterX(1)
        image.setDotsPerMeterY(1)
    assert copied.size() == saved.size()
    assert bytes(copied.constBits()) == bytes(saved.constBits())


def test_each_image_has_a_line_in_the_index(qtbot, window, tmp_path):
    saved_by(qtbot, window, ALT)
    saved_by(qtbot, window, ALT | SHIFT)
    with (tmp_path / "index.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert [line["instrument"] for line in lines] == ["test:BTCUSDT"] * 2
    assert {tmp_path / line["file"] for line in lines} == set(tmp_path.rglob("*.png"))


def test_unwritable_journal_is_reported_and_leaves_no_file(qtbot, window, tmp_path):
    for year in range(2020, 2100):
        (tmp_path / str(year)).write_text("in the way of the folder")
    saved_by(qtbot, window, ALT)
    assert "cannot write picture" in window.status_bar.notice.text()
    assert not list(tmp_path.rglob("*.png")) and not (tmp_path / "index.csv").exists()


def test_key_without_a_chart_reports_nothing_to_save(qtbot, window, desk: Desk, tmp_path):
    desk.chart = None
    for _ in range(2):
        window.frame()
    qtbot.keyClick(window, Qt.Key.Key_S, ALT)
    for _ in range(12):
        window.frame()
    assert window.status_bar.notice.text() == "No chart to save yet"
    assert not list(tmp_path.rglob("*"))
