"""Keys and toolbar: each does one thing to the chart, and none loses a trade."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLineEdit
from structlog.testing import LogCapture

from app.alerts.alert import AlertSpec, FiredAlert
from app.errors import GridTooFineError
from app.market.feed import FeedState, FeedStatus
from app.storage.recording_status import RECORDING
from rendering.items.guides.last_price_item import LastPriceItem
from rendering.scene.scene import ChartScene
from tests.rendering.charts import FIRST_MINUTE, INSTRUMENT, StillChart, random_trades, trade
from tests.widgets.desks import N_BARS, Desk
from tests.widgets.gestures import drag
from widgets.commands.key_list import KeyList
from widgets.panels.levels import LevelPanel
from widgets.window.main_window import MainWindow

LAST = FIRST_MINUTE + N_BARS - 1
SHIFT, CTRL, ALT = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier
STATUS_FRAMES = 12


def scene_of(window: MainWindow) -> ChartScene:
    assert window.view is not None
    return window.view.chart_scene


def frames(window: MainWindow, count: int = STATUS_FRAMES) -> None:
    """As many as it takes until texts are written again."""
    for _ in range(count):
        window.frame()


def press(qtbot, window: MainWindow, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    qtbot.keyClick(window.view, key, modifiers)
    window.frame()


def edit_of(box) -> QLineEdit:
    edit = box.lineEdit()
    assert edit is not None
    return edit


def type_into(qtbot, edit: QLineEdit, text: str) -> None:
    edit.setFocus()
    edit.selectAll()
    qtbot.keyClicks(edit, text)
    qtbot.keyClick(edit, Qt.Key.Key_Return)


# -- keys ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [Qt.Key.Key_Plus, Qt.Key.Key_Equal])
def test_plus_makes_bars_wider_and_keeps_the_followed_bar_in_place(qtbot, window, key):
    before = scene_of(window).viewport
    press(qtbot, window, key)
    after = scene_of(window).viewport
    assert after.bar_px == pytest.approx(before.bar_px * 1.25)
    assert after.x(LAST + 1) == pytest.approx(before.x(LAST + 1))


def test_minus_makes_bars_narrower(qtbot, window):
    before = scene_of(window).viewport
    press(qtbot, window, Qt.Key.Key_Minus)
    assert scene_of(window).viewport.bar_px == pytest.approx(before.bar_px * 0.8)


def test_ctrl_plus_and_minus_zoom_prices_around_the_middle(qtbot, window):
    before = scene_of(window).viewport
    press(qtbot, window, Qt.Key.Key_Plus, CTRL)
    after = scene_of(window).viewport
    assert after.tick_px == pytest.approx(before.tick_px * 1.25)
    assert after.ticks_at(after.height_px / 2) == pytest.approx(before.ticks_at(before.height_px / 2))
    press(qtbot, window, Qt.Key.Key_Minus, CTRL)
    assert scene_of(window).viewport.tick_px == pytest.approx(before.tick_px)


@pytest.mark.parametrize(
    ("key", "bars", "up"), [(Qt.Key.Key_Left, -1, 0), (Qt.Key.Key_Right, 1, 0), (Qt.Key.Key_Up, 0, 1), (Qt.Key.Key_Down, 0, -1)]
)
def test_arrows_scroll_the_view(qtbot, window, key, bars, up):
    before = scene_of(window).viewport
    press(qtbot, window, key)
    after = scene_of(window).viewport
    assert (after.first_bar - before.first_bar) * before.bar_px == pytest.approx(120 * bars)
    assert (after.low_ticks - before.low_ticks) * before.tick_px == pytest.approx(80 * up)


def test_home_shows_the_oldest_bar_and_end_follows_the_latest(qtbot, window, desk: Desk):
    press(qtbot, window, Qt.Key.Key_Home)
    scene = scene_of(window)
    assert scene.viewport.x(FIRST_MINUTE) == pytest.approx(0)
    assert not scene.following
    press(qtbot, window, Qt.Key.Key_End)
    assert scene.following
    assert 0 < scene.viewport.x(LAST) < scene.viewport.width_px
    assert 0 < scene.viewport.y(int(desk.chart.series.close[-1])) < scene.viewport.height_px


def test_scrolled_back_view_stays_until_end_is_pressed(qtbot, window, desk: Desk):
    press(qtbot, window, Qt.Key.Key_Home)
    before = scene_of(window).viewport
    desk.trade(trade(N_BARS, int(desk.chart.series.close[-1])))
    window.frame()
    assert scene_of(window).viewport == before
    press(qtbot, window, Qt.Key.Key_End)
    desk.trade(trade(N_BARS + 1, int(desk.chart.series.close[-1])))
    window.frame()
    viewport = scene_of(window).viewport
    assert viewport.x(LAST + 3) == pytest.approx(viewport.width_px - 12)


@pytest.mark.parametrize(("key", "modifiers"), [(Qt.Key.Key_0, Qt.KeyboardModifier.NoModifier), (Qt.Key.Key_R, ALT)])
def test_reset_restores_the_first_view(qtbot, window, key, modifiers):
    first_look = scene_of(window).viewport
    drag(window.view, (300, 300), (900, 500))
    press(qtbot, window, Qt.Key.Key_Minus)
    press(qtbot, window, key, modifiers)
    assert scene_of(window).viewport == first_look


def test_f11_toggles_full_screen(qtbot, window):
    press(qtbot, window, Qt.Key.Key_F11)
    assert window.isFullScreen()
    press(qtbot, window, Qt.Key.Key_F11)
    assert not window.isFullScreen()


def test_brackets_step_through_the_row_sizes(qtbot, window, desk: Desk):
    seen = []
    for key in (Qt.Key.Key_BracketRight, Qt.Key.Key_BracketRight, *[Qt.Key.Key_BracketLeft] * 6):
        press(qtbot, window, key)
        seen.append(desk.chart.spec.ticks_per_row)
    assert seen == [20, 50, 20, 10, 5, 2, 1, 1]


def test_page_keys_step_through_the_bars(qtbot, window, desk: Desk):
    seen = []
    for key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_PageDown, Qt.Key.Key_PageDown):
        press(qtbot, window, key)
        seen.append(desk.chart.spec.bar_rule.text)
    assert seen == ["3m", "5m", "3m", "1m", "30s"]


@pytest.mark.parametrize(
    ("key", "name", "seen"),
    [
        ("c", "next_colouring", ["Colour: delta", "Colour: imbalance", "Colour: volume"]),
        ("C", "next_cells", ["Cells: delta", "Cells: total", "Cells: ladder", "Cells: profile", "Cells: sellxbuy"]),
    ],
)
def test_c_and_shift_c_cycle_colouring_and_style_on_the_button(qtbot, window, key: str, name: str, seen: list[str]):
    for text in seen:
        press(qtbot, window, Qt.Key.Key_C, *([Qt.KeyboardModifier.ShiftModifier] if key == "C" else []))
        frames(window)
        assert window.actions_by_name[name].iconText() == text
        style = scene_of(window).cell_style
        assert (style.colouring if key == "c" else style.cells) == text.split()[1]
        assert (style.cells if key == "c" else style.colouring) == ("sellxbuy" if key == "c" else "volume")


def test_t_cycles_the_themes(qtbot, window):
    seen = []
    for _ in range(3):
        press(qtbot, window, Qt.Key.Key_T)
        seen.append(scene_of(window).theme.name)
    assert seen == ["high-contrast", "light", "dark"]


def test_theme_applies_to_the_window_too(qtbot, window):
    press(qtbot, window, Qt.Key.Key_T)
    press(qtbot, window, Qt.Key.Key_T)
    assert scene_of(window).theme.background.hex == "#ffffff"
    qtbot.waitUntil(lambda: window.palette().window().color().name() == "#ffffff")


def test_custom_theme_is_followed_by_the_first_built_in_one(qtbot, window):
    window._looks = replace(window._looks, theme="/somewhere/mine.toml")
    press(qtbot, window, Qt.Key.Key_T)
    assert scene_of(window).theme.name == "dark"


def test_shift_t_switches_the_palette(qtbot, window):
    blue = scene_of(window).theme.buy
    press(qtbot, window, Qt.Key.Key_T, SHIFT)
    assert (scene_of(window).theme.palette, scene_of(window).theme.buy == blue) == ("green-red", False)
    press(qtbot, window, Qt.Key.Key_T, SHIFT)
    assert scene_of(window).theme.buy == blue


@pytest.mark.gl
def test_shift_p_switches_the_painter_shown_in_the_status_bar(qtbot, window):
    names = []
    for _ in range(2):
        press(qtbot, window, Qt.Key.Key_P, SHIFT)
        qtbot.waitUntil(window.isActiveWindow)
        frames(window)
        names.append((scene_of(window).painter, window.status_bar.painter.text()))
    assert names == [("gl", "OpenGL"), ("raster", "raster")]


def test_ctrl_d_opens_the_built_in_market(qtbot, window, desk: Desk):
    press(qtbot, window, Qt.Key.Key_D, CTRL)
    assert desk.opened == ["demo:TAPE"]


def test_ctrl_p_moves_the_focus_to_the_market_field(qtbot, window):
    press(qtbot, window, Qt.Key.Key_P, CTRL)
    edit = edit_of(window.toolbar.instrument)
    assert edit.hasFocus() and edit.selectedText() == edit.text()


def test_ctrl_q_closes_the_window_and_reports_it_once(qtbot, window):
    closed = []
    window._on_closed = lambda: closed.append(True)
    qtbot.keyClick(window.view, Qt.Key.Key_Q, CTRL)
    assert not window.isVisible()
    assert closed == [True]


def test_key_list_is_not_modal_and_esc_closes_it(qtbot, window):
    press(qtbot, window, Qt.Key.Key_Question)
    lists = window.findChildren(KeyList)
    assert len(lists) == 1 and lists[0].isVisible() and not lists[0].isModal()
    with qtbot.waitSignal(lists[0].destroyed):
        qtbot.keyClick(lists[0], Qt.Key.Key_Escape)


def test_digit_on_the_chart_starts_typing_a_bar(qtbot, window, desk: Desk):
    press(qtbot, window, Qt.Key.Key_2)
    edit = edit_of(window.toolbar.bar_rule)
    assert edit.hasFocus() and edit.text() == "2"
    frames(window)
    qtbot.keyClicks(edit, "m")
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert desk.chart.spec.bar_rule.text == "2m"
    assert window.view.hasFocus()


# -- toolbar -------------------------------------------------------------------------------------


def test_another_bar_keeps_every_lot_and_the_latest_bar_in_view(qtbot, window, desk: Desk):
    volume = int(desk.trades.quantity_lots.sum())
    box = window.toolbar.bar_rule
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Down)
    window.frame()
    assert desk.chart.spec.bar_rule.text == "3m"
    assert (desk.chart.series.n_trades, int(desk.chart.series.volume.sum())) == (len(desk.trades), volume)
    viewport = scene_of(window).viewport
    assert viewport.x(int(desk.chart.series.number[-1]) + 1) == pytest.approx(viewport.width_px - 12)


def test_another_bar_keeps_the_middle_time_when_scrolled_back(qtbot, window, desk: Desk):
    scene = scene_of(window)
    scene.set_viewport(scene.viewport.with_bar_at(FIRST_MINUTE + 20.5, scene.viewport.width_px / 2))
    assert not scene.following
    type_into(qtbot, edit_of(window.toolbar.bar_rule), "5m")
    window.frame()
    middle = scene.viewport.bar_at(scene.viewport.width_px / 2)
    assert desk.chart.series.rule.start_ns(int(middle)) == (FIRST_MINUTE + 20) // 5 * 5 * 60 * 10**9


def test_another_row_size_keeps_every_lot_and_the_middle_price(qtbot, window, desk: Desk):
    before = scene_of(window).viewport
    type_into(qtbot, window.toolbar.ticks_per_row.lineEdit(), "25")
    window.frame()
    after = scene_of(window).viewport
    assert desk.chart.spec.ticks_per_row == 25
    assert int(desk.chart.series.volume.sum()) == int(desk.trades.quantity_lots.sum())
    assert after.ticks_at(after.height_px / 2) == pytest.approx(before.ticks_at(before.height_px / 2))
    assert window.view.hasFocus()


def test_page_keys_keep_the_kind_of_bar(qtbot, window, desk: Desk):
    type_into(qtbot, edit_of(window.toolbar.bar_rule), "500t")
    for name, text in (("next_bar_rule", "1000t"), ("previous_bar_rule", "500t"), ("previous_bar_rule", "200t")):
        window.actions_by_name[name].trigger()
        frames(window)
        assert desk.chart.series.rule.text == text


def test_invalid_bar_is_reported_and_the_old_one_restored(qtbot, window, desk: Desk):
    type_into(qtbot, edit_of(window.toolbar.bar_rule), "7 weeks")
    frames(window)
    assert edit_of(window.toolbar.bar_rule).text() == "1m"
    assert window.status_bar.notice.text().startswith("bar: found '7 weeks', expected a time such as 15s, 1m, 4h or 1d, up to 7d, or 500t")
    assert desk.chart.generation == 0


def test_invalid_market_is_reported_and_the_chart_stays(qtbot, window, desk: Desk):
    type_into(qtbot, edit_of(window.toolbar.instrument), "what?")
    frames(window)
    assert edit_of(window.toolbar.instrument).text() == desk.chart.spec.instrument.id
    assert window.status_bar.notice.text() == "instrument: found 'what?', expected venue:SYMBOL, e.g. binance:BTCUSDT"
    assert desk.opened == []


def test_market_not_in_the_list_can_be_typed(qtbot, window, desk: Desk):
    type_into(qtbot, edit_of(window.toolbar.instrument), "binance-usdm:SOLUSDT")
    assert desk.opened == ["binance-usdm:SOLUSDT"]
    assert window.view.hasFocus()


def test_impossible_rows_are_reported_and_the_old_ones_restored(qtbot, window, desk: Desk):
    frames(window)
    desk.refusal = GridTooFineError("a bar would need 2,000,000 rows")
    type_into(qtbot, window.toolbar.ticks_per_row.lineEdit(), "1")
    desk.notice = desk.message
    frames(window)
    assert window.toolbar.ticks_per_row.value() == 10
    assert window.status_bar.notice.text() == "a bar would need 2,000,000 rows"


@pytest.mark.parametrize("name", ["instrument", "bar_rule", "ticks_per_row"])
def test_esc_restores_a_field_and_focuses_the_chart(qtbot, window, desk: Desk, name):
    edit = edit_of(getattr(window.toolbar, name))
    before = edit.text()
    edit.setFocus()
    qtbot.keyClicks(edit, "3")
    assert edit.text() != before
    qtbot.keyClick(edit, Qt.Key.Key_Escape)
    assert edit.text() == before
    assert window.view.hasFocus()
    assert (desk.opened, desk.chart.generation) == ([], 0)


def test_letters_typed_into_a_field_are_no_commands(qtbot, window):
    theme = scene_of(window).theme.name
    edit = edit_of(window.toolbar.instrument)
    edit.setFocus()
    edit.selectAll()
    qtbot.keyClicks(edit, "tc[]0")
    assert edit.text() == "tc[]0"
    assert (scene_of(window).theme.name, scene_of(window).cell_style.colouring) == (theme, "volume")


def test_chart_does_not_overwrite_typed_text(qtbot, window, desk: Desk):
    edit = edit_of(window.toolbar.bar_rule)
    edit.setFocus()
    edit.selectAll()
    qtbot.keyClicks(edit, "4")
    desk.change(ticks_per_row=20)
    frames(window)
    assert edit.text().startswith("4")
    assert window.toolbar.ticks_per_row.value() == 20


def test_field_left_by_mouse_drops_the_typed_text(qtbot, window, desk: Desk):
    edit = edit_of(window.toolbar.instrument)
    before = edit.text()
    edit.setFocus()
    qtbot.keyClicks(edit, "binance:E")
    window.view.setFocus()
    assert edit.text() == before
    assert desk.opened == []


def test_toolbar_shows_the_row_size_as_a_price(window, desk: Desk):
    frames(window)
    assert window.toolbar.row_size.text().strip() == "= 1"
    desk.change(ticks_per_row=25)
    frames(window)
    assert window.toolbar.row_size.text().strip() == "= 2.5"
    assert desk.chart.spec.instrument.tick_size == Decimal("0.1")


def test_follow_button_shows_following_by_a_sign(qtbot, window):
    action = window.actions_by_name["go_to_newest"]
    frames(window)
    assert (action.isChecked(), action.iconText()) == (True, "● Follow")
    drag(window.view, (100, 300), (1500, 300))
    frames(window)
    assert (action.isChecked(), action.iconText()) == (False, "○ Follow")
    qtbot.mouseClick(window.toolbar.widgetForAction(action), Qt.MouseButton.LeftButton)
    frames(window)
    assert scene_of(window).following and action.isChecked()


def test_toolbar_is_complete_at_1280_pixels(window):
    frames(window)
    for action in window.toolbar.actions():
        widget = window.toolbar.widgetForAction(action)
        assert widget.isVisible() and widget.geometry().right() < window.toolbar.width()


# -- states --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "mode", "badge"),
    [
        (FeedState.LIVE, "live", ""),
        (FeedState.SYNCING, "stale", "◔ SYNCING"),
        (FeedState.CONNECTING, "stale", "◌ CONNECTING"),
        (FeedState.LAGGING, "stale", "▲ LAGGING"),
        (FeedState.STALE, "stale", "■ STALE"),
        (FeedState.DISCONNECTED, "offline", "✕ DISCONNECTED"),
        (FeedState.STOPPED, "offline", "⊗ STOPPED"),
        (FeedState.SIMULATED, "simulated", "◆ SIMULATED"),
        (FeedState.REPLAY, "replay", "▶ REPLAY"),
    ],
)
def test_only_trades_on_time_look_live(window, desk: Desk, state, mode, badge):
    desk.status = replace(desk.status, state=state, reason="why")
    window.frame()
    frame = scene_of(window).frame
    assert frame is not None
    assert (frame.mode, frame.badge, frame.notice) == (mode, badge, "why")


def test_each_feed_state_changes_the_chart_image(window, desk: Desk):
    pictures = []
    for state in FeedState:
        desk.status = replace(desk.status, state=state)
        window.frame()
        pictures.append(scene_of(window).render_image())
    assert all(one != other for at, one in enumerate(pictures) for other in pictures[:at])


def test_window_title_names_its_market(window, desk: Desk):
    frames(window)
    assert window.windowTitle() == "test:BTCUSDT — Tapeprint"


def test_waiting_page_is_shown_until_the_first_trade(window, desk: Desk):
    desk.chart, desk.status = StillChart(random_trades(0, 1), 10), FeedStatus(FeedState.SYNCING)
    frames(window)
    assert window.waiting.isVisible()
    assert (window.waiting.title.text(), window.waiting.reason.text()) == ("Waiting for the first trade", "◔ SYNCING")
    window.actions_by_name["zoom_time_in"].trigger()  # there is nothing to zoom, and nothing is hurt
    desk.chart.apply(trade(0, 600_000))
    frames(window)
    assert window.view.isVisible()
    assert scene_of(window).chart is desk.chart


def test_try_now_is_a_command_and_a_button_of_bar_and_page(qtbot, window, desk: Desk):
    """D13: without a chart too."""
    desk.status = FeedStatus(FeedState.STOPPED, "HTTP 451")
    frames(window)
    press(qtbot, window, Qt.Key.Key_F5)
    window.status_bar.try_now.click()
    assert desk.tried_now == 2
    desk.chart = None
    frames(window)
    assert window.waiting.try_now.isVisible()
    window.waiting.try_now.click()
    assert desk.tried_now == 3
    desk.status = FeedStatus(FeedState.CONNECTING)
    frames(window)
    assert not window.waiting.try_now.isVisible()


def test_shift_esc_stops_loading_history_and_reports_it(qtbot, window, desk: Desk):
    press(qtbot, window, Qt.Key.Key_Escape, SHIFT)
    frames(window)
    assert desk.stopped_filling
    assert window.status_bar.notice.text().startswith("Stopped loading history")


def test_another_market_keeps_the_colouring(qtbot, window, desk: Desk):
    press(qtbot, window, Qt.Key.Key_C)
    rules, desk.chart = desk.rules, StillChart(random_trades(5, 20, seed=3), 10)
    desk.set_rules(rules)
    window.frame()
    assert scene_of(window).chart is desk.chart
    assert scene_of(window).cell_style.colouring == "delta"


def test_visible_time_is_requested_from_the_chart(qtbot, window, desk: Desk):
    press(qtbot, window, Qt.Key.Key_Left)
    first, _ = scene_of(window).viewport.visible_bars()
    from_ns = desk.chart.series.rule.start_ns(first)
    assert desk.chart.wanted.start_ns == from_ns
    desk.chart.oldest_ns = from_ns + 90 * 10**9  # older than that is not to be had
    window.frame()
    assert desk.chart.wanted.start_ns == desk.chart.oldest_ns


def test_message_is_replaced_by_the_notice_after_a_while(window, desk: Desk, monkeypatch):
    desk.notice = "loading 2 h of history, 40 %"
    window.show_message("Saved")
    frames(window)
    assert window.status_bar.notice.text() == "Saved"
    monkeypatch.setattr(window, "_message_until_s", 0.0)
    frames(window)
    assert window.status_bar.notice.text() == "loading 2 h of history, 40 %"


# -- access --------------------------------------------------------------------------------------


def test_every_field_has_an_accessible_name(window):
    bar = window.status_bar
    fields = (window.view, window.toolbar.instrument, window.toolbar.bar_rule, window.toolbar.ticks_per_row)
    for widget in (*fields, bar.state, bar.figures, bar.notice, bar.painter, window.faults):
        assert widget.accessibleName(), widget


def test_tab_goes_from_market_to_bar_rows_and_chart(qtbot, window):
    stops = []
    edit_of(window.toolbar.instrument).setFocus()
    for _ in range(3):
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        stops.append(QApplication.focusWidget())
    fields = (window.toolbar.bar_rule, window.toolbar.ticks_per_row, window.view)
    assert all(stop is field or field.isAncestorOf(stop) for stop, field in zip(stops, fields, strict=True))


# -- faults --------------------------------------------------------------------------------------


def test_frame_error_is_logged_once_and_shown_in_the_banner(window, desk: Desk, logged: LogCapture):
    broken, desk.chart = desk.chart, object()
    frames(window, 30)
    assert window.faults.isVisible()
    assert "while drawing a frame" in window.faults.text.text()
    assert [entry["log_level"] for entry in logged.entries] == ["error"]
    desk.chart = broken
    window.frame()
    assert scene_of(window).frame is not None


def test_layer_that_raises_twice_is_disabled_alone(window, desk: Desk, logged: LogCapture, monkeypatch):
    scene = scene_of(window)
    broken = next(item for item in scene.items_by_layer if type(item).__name__ == "DeltaItem")
    asked = []

    def fail(frame: object) -> bool:
        asked.append(frame)
        raise ValueError("no such delta")

    monkeypatch.setattr(broken, "refresh", fail)
    before = scene.frames
    for n_frames in (1, 29):
        scene.set_viewport(scene.viewport.panned(-1, 0))
        frames(window, n_frames)
    assert len(asked) == 2 and not broken.isVisible()
    assert before + 2 < scene.frames < before + 30  # the others settle, and are not asked again
    shown = [item for item in scene.items_by_layer if not item.name or item.name in scene.shown]
    assert all(item.isVisible() for item in shown if item is not broken)
    assert len(logged.entries) == 1
    assert "DeltaItem" in window.faults.text.text()


def test_layer_that_cannot_be_painted_is_disabled_alone(qtbot, window, logged: LogCapture, monkeypatch):
    scene = scene_of(window)
    broken = next(item for item in scene.items_by_layer if type(item).__name__ == "LegendItem")

    def fail(*_: object) -> None:
        raise ValueError("no such legend")

    monkeypatch.setattr(broken, "draw", fail)
    for _ in range(3):
        window.view.viewport().repaint()
        window.frame()
    assert not broken.isVisible()
    assert scene.failures == {"LegendItem": 2}
    assert len(logged.entries) == 1


def test_error_details_can_be_copied_and_the_banner_dismissed(qtbot, window, logged: LogCapture):
    window.faults.report("testing", ValueError("secret cause"))
    qtbot.mouseClick(window.faults.copy, Qt.MouseButton.LeftButton)
    assert "ValueError: secret cause" in QApplication.clipboard().text()
    qtbot.mouseClick(window.faults.dismiss, Qt.MouseButton.LeftButton)
    assert not window.faults.isVisible()


def test_image_with_a_disabled_layer_is_refused(qtbot, window, desk: Desk, logged: LogCapture, monkeypatch):
    monkeypatch.setattr(LastPriceItem, "price_tags", lambda *_: 1 / 0)
    frames(window, 3)
    with pytest.raises(Exception, match="could not draw"):
        scene_of(window).render_image(2.0)


def test_chart_shows_what_is_being_downloaded(qtbot, window, desk: Desk):
    desk.filling, desk.recording = "loading 2 h of history, 35 %", RECORDING
    frames(window)
    assert scene_of(window).frame.notice == "loading 2 h of history, 35 %"
    assert window.status_bar.recording.text() == "● recording"


def test_l_lists_the_active_levels(qtbot, window):
    press(qtbot, window, Qt.Key.Key_L)
    (ledger,) = window.findChildren(LevelPanel)
    assert ledger.isVisible() and ledger.model.rowCount() > 0
    ledger.close()


def test_alt_a_adds_an_alert_at_the_cursor_or_last_price(qtbot, window, desk: Desk):
    alt, close = Qt.KeyboardModifier.AltModifier, int(desk.chart.series.close[-1])
    press(qtbot, window, Qt.Key.Key_A, alt)
    scene = scene_of(window)
    scene.set_cursor((200.0, 300.0))
    press(qtbot, window, Qt.Key.Key_A, alt)
    press(qtbot, window, Qt.Key.Key_A, alt | SHIFT)
    ticks = scene.cursor_ticks()
    assert [alert.value for alert in desk.book.alerts] == [INSTRUMENT.grid().text(close)]
    assert scene.viewport.y(ticks + 1) <= 300 <= scene.viewport.y(ticks)


def test_fired_alert_is_shown_in_the_status_bar(qtbot, window, desk: Desk):
    alert = desk.book.add(INSTRUMENT, AlertSpec(value="6000.00"))
    told = {"alert": alert.number, "instrument": INSTRUMENT.id, "trade_id": 7, "price_ticks": 600_000}
    desk.book.note_reached(
        INSTRUMENT.id, None, (), [FiredAlert(time_ns=1_700_000_000 * 10**9, text="binance:BTCUSDT touched 6000.00", **told)]
    )
    frames(window)
    assert window.status_bar.notice.text() == "! binance:BTCUSDT touched 6000.00 at 22:13:20 UTC"


def test_prices_of_alerts_are_drawn(qtbot, window, desk: Desk):
    scene, ticks = scene_of(window), int(desk.chart.series.close[-1])
    before = scene.render_image()
    alert = desk.book.add(INSTRUMENT, AlertSpec(value=INSTRUMENT.grid().text(ticks + 30)))
    frames(window)
    assert scene.render_image() != before
    scene.show("alerts", False)
    frames(window)
    desk.book.delete(alert.number)
    frames(window)
    assert scene.render_image() == before
