"""The list of alerts and its dialog: every subject can be chosen, and what cannot be watched is said."""

from __future__ import annotations

from decimal import Decimal

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QDialog

from app.alerts.alert import AlertSpec, Condition, FiredAlert, Scope, Subject, SubjectKind, Trigger
from app.alerts.subjects import SUBJECTS
from app.market.feed import FeedState, FeedStatus
from app.market.instrument import Instrument
from rendering.scene.chart_point import chart_point_at
from tests.rendering.charts import INSTRUMENT
from tests.widgets.desks import Desk
from widgets.commands.alerts import AlertCommands
from widgets.dialogs.alert import AlertDialog
from widgets.panels.alerts import AlertPanel
from widgets.parts.sounds import SOUNDS


@pytest.fixture
def panel(window) -> AlertPanel:
    window.alerts.show_alerts()
    (panel,) = window.findChildren(AlertPanel)
    return panel


@pytest.fixture
def dialog(window) -> AlertDialog:
    window.alerts.new_alert()
    (dialog,) = window.findChildren(AlertDialog)
    return dialog


def choose(box, thing) -> None:
    places = [place for place in range(box.count()) if box.itemData(place) == thing]
    assert places, (thing, [box.itemText(place) for place in range(box.count())])
    box.setCurrentIndex(places[0])


def column(panel: AlertPanel, name: str) -> list[str]:
    place = [panel.alerts.headerData(section, Qt.Orientation.Horizontal) for section in range(panel.alerts.columnCount())].index(name)
    return [panel.alerts.data(panel.alerts.index(row, place)) for row in range(panel.alerts.rowCount())]


def press_set(qtbot, dialog: AlertDialog) -> None:
    qtbot.mouseClick(dialog.done_button, Qt.MouseButton.LeftButton)


@pytest.mark.parametrize("kind", list(SUBJECTS))
def test_alert_can_be_set_on_every_subject(qtbot, dialog: AlertDialog, desk: Desk, kind: SubjectKind):
    choose(dialog.kind, kind)
    entry = SUBJECTS[kind]
    if entry.unit:
        dialog.value.setText({"price": "59950.5", "per cent": "60"}.get(entry.unit, "25"))
    choose(dialog.when, entry.whens[-1])
    choose(dialog.often, Trigger.EVERY_TIME)
    dialog.note.setText("look")
    press_set(qtbot, dialog)
    (alert,) = desk.book.alerts
    assert (alert.subject.kind, alert.when, alert.often, alert.note) == (kind, entry.whens[-1], Trigger.EVERY_TIME, "look")
    assert alert.subject.of is entry.ofs[0]


def test_alert_can_be_set_on_a_profile_by_its_name(qtbot, window, desk: Desk):
    key = desk.chart.anchors.add(desk.chart.series.start_ns(5))
    desk.chart.anchors.rename(key, "from the low")
    window.alerts.new_alert()
    (dialog,) = window.findChildren(AlertDialog)
    choose(dialog.kind, SubjectKind.VWAP)
    choose(dialog.of, (Scope.PROFILE, key))
    choose(dialog.band, -2)
    press_set(qtbot, dialog)
    assert desk.book.alerts[0].subject == Subject(kind=SubjectKind.VWAP, of=Scope.PROFILE, key=key, band=-2)
    window.alerts.show_alerts()
    (panel,) = window.findChildren(AlertPanel)
    assert column(panel, "Subject") == ["VWAP of from the low −2 σ"]


def test_invalid_value_is_reported_and_the_dialog_stays_open(qtbot, dialog: AlertDialog, desk: Desk):
    dialog.value.setText("a lot")
    press_set(qtbot, dialog)
    assert dialog.trouble.text() == "alert: found a lot, expected a price above 0"
    assert dialog.isVisible() and desk.book.alerts == ()


def test_new_alert_offers_the_price_at_the_cursor(qtbot, window):
    scene = window.view.chart_scene
    scene.set_cursor((200.0, 300.0))
    window.alerts.new_alert()
    (dialog,) = window.findChildren(AlertDialog)
    assert dialog.spec == AlertSpec(value=scene.chart.series.grid.text(scene.cursor_ticks()))


def test_list_shows_armed_fired_and_unmonitored_alerts(window, panel: AlertPanel, desk: Desk):
    ether = Instrument("binance", "ETHUSDT", Decimal("0.01"), Decimal("0.001"))
    desk.book.add(INSTRUMENT, AlertSpec(value="59950.5"))
    desk.book.add(INSTRUMENT, AlertSpec(subject=Subject(kind=SubjectKind.POC, of=Scope.PROFILE, key=9)))
    desk.book.add(ether, AlertSpec(value="3200.50"))
    desk.book.add(INSTRUMENT, AlertSpec(subject=Subject(kind=SubjectKind.VWAP, of=Scope.DAY)))
    done = desk.book.add(INSTRUMENT, AlertSpec(value="59951.0"))
    fired(desk, done.number)
    window.frame()
    panel.refresh()
    assert column(panel, "State") == [
        "armed",
        "not monitored: profile 9 is not on the chart",
        "not monitored: binance:ETHUSDT is not open",
        "armed: data from 19 Feb 21:20",
        "fired",
    ]
    desk.status = FeedStatus(FeedState.DISCONNECTED, reason="no route")
    panel.refresh()
    assert column(panel, "State")[0] == "not monitored: DISCONNECTED, no route"
    assert panel.count.text().startswith("4 of 5 armed")


def fired(desk: Desk, number: int, bar: int = 30, sound: str = "") -> FiredAlert:
    time_ns, ticks = desk.chart.series.start_ns(bar), int(desk.chart.series.high[bar])
    entry = FiredAlert(alert=number, instrument=INSTRUMENT.id, time_ns=time_ns, trade_id=7, price_ticks=ticks, text="touched", sound=sound)
    desk.book.note_reached(INSTRUMENT.id, None, (), [entry])
    return entry


def test_buttons_rearm_edit_and_delete_alerts(qtbot, window, panel: AlertPanel, desk: Desk):
    fired(desk, desk.book.add(INSTRUMENT, AlertSpec(value="59951.0")).number)
    panel.refresh()
    qtbot.mouseClick(panel.arm_button, Qt.MouseButton.LeftButton)
    assert desk.book.alerts[0].armed
    qtbot.mouseClick(panel.edit_button, Qt.MouseButton.LeftButton)
    (dialog,) = window.findChildren(AlertDialog)
    choose(dialog.when, Condition.CROSS_UP)
    press_set(qtbot, dialog)
    assert (desk.book.alerts[0].number, desk.book.alerts[0].when) == (1, Condition.CROSS_UP)
    qtbot.mouseClick(panel.delete_button, Qt.MouseButton.LeftButton)
    assert desk.book.alerts == () and panel.alerts.rowCount() == 0


def test_click_on_a_fired_alert_scrolls_to_its_bar_and_price(qtbot, window, panel: AlertPanel, desk: Desk):
    entry = fired(desk, desk.book.add(INSTRUMENT, AlertSpec(value="59951.0")).number)
    panel.refresh()
    panel.log_view.clicked.emit(panel.log.index(0, 0))
    viewport = window.view.chart_scene.viewport
    assert viewport.x(30 + int(desk.chart.series.number[0])) == pytest.approx(viewport.width_px / 2)
    assert viewport.y(entry.price_ticks + 0.5) == pytest.approx(viewport.height_px / 2)


def test_right_click_on_a_line_offers_an_alert_on_it(window, desk: Desk):
    key = desk.chart.anchors.add(desk.chart.series.start_ns(5))
    scene = window.view.chart_scene
    window.frame()
    (near, *_) = desk.alerts.near(float(desk.chart.series.close[-1]), 1e9)
    vwap = next(
        one for one in desk.alerts.near(near.ticks, 1e9) if one.subject == Subject(kind=SubjectKind.VWAP, of=Scope.PROFILE, key=key)
    )
    scene.set_viewport(scene.viewport.centred(vwap.ticks + 0.5))
    window.frame()
    spot = chart_point_at(scene.frame, 300.0, scene.viewport.y(vwap.ticks + 0.5))
    texts = [entry.text for entry in window.alerts.menu_entries(spot)]
    assert "Alert on VWAP of A1…" in texts
    next(entry for entry in window.alerts.menu_entries(spot) if entry.text == "Alert on VWAP of A1…").run()
    (dialog,) = window.findChildren(AlertDialog)
    assert dialog.spec.subject == vwap.subject


def test_fired_alerts_sound_once_a_second_and_take_no_focus(qtbot, window, desk: Desk, monkeypatch):
    played = []
    monkeypatch.setattr(window.alerts.sounds, "play", played.append)
    number = desk.book.add(INSTRUMENT, AlertSpec(value="59951.0", often=Trigger.EVERY_TIME, sound="low")).number
    for _ in range(3):
        fired(desk, number, sound="low")
        window.alerts.announce()
    assert played == ["low"]
    assert desk.book.unannounced() == []
    assert not [dialog for dialog in window.findChildren(QDialog) if dialog.isVisible()]
    assert isinstance(window.alerts, AlertCommands) and window.view.hasFocus() and SOUNDS[0] == "chime"


def test_dragging_an_alert_tag_changes_the_alert_on_release(qtbot, window, desk: Desk):
    close = int(desk.chart.series.close[-1])
    desk.book.add(INSTRUMENT, AlertSpec(value=INSTRUMENT.grid().text(close + 20), note="mine"))
    window.frame()
    view, viewport = window.view, window.view.chart_scene.viewport
    x = round(view.chart_scene.layout.price_axis.left + 20)
    start, end = (QPoint(x, round(viewport.y(close + ticks + 0.5))) for ticks in (20, -15))
    qtbot.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(view.viewport(), end)
    window.frame()
    assert [line.ticks for line in desk.chart.alert_lines] == [close - 15]
    assert desk.book.alerts[0].value == INSTRUMENT.grid().text(close + 20)
    qtbot.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=end)
    assert (desk.book.alerts[0].value, desk.book.alerts[0].note) == (INSTRUMENT.grid().text(close - 15), "mine")
    assert window.view.chart_scene.viewport == viewport  # the axis was not scaled by it
