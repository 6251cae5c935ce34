"""Every command of the window in one table: menus, keys, tool tips and the key list derive from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenuBar, QWidget

from rendering.layers import LAYERS
from rendering.overlays import overlays


@dataclass(frozen=True, slots=True)
class Command:
    """One thing the user can ask for.

    Attributes
    ----------
    name : str
        The method that does it.
    menu, text : str
        Where it stands in the menu bar, and as what.
    keys : tuple of str
        Shortcuts in Qt's notation; the first is the one shown.
    help : str
        One line for the tool tip and the key list.
    short : str
        What its button says, where that is not the menu's text.
    checkable : bool
        Whether it shows that it is on.
    argument : str
        What the method is called with, if it wants something: the same method may serve several commands.
    """

    name: str
    menu: str
    text: str
    keys: tuple[str, ...]
    help: str
    short: str = ""
    checkable: bool = False
    argument: str = ""

    @property
    def action(self) -> str:
        """Under which name its QAction is found."""
        return f"{self.name} {self.argument}".strip()


def overlay_commands() -> tuple[Command, ...]:
    """One command for each layer of the chart that can be shown and hidden."""
    return tuple(
        Command("toggle_overlay", "Overlays", layer.title, layer.keys, f"Show or hide: {layer.help}", checkable=True, argument=layer.name)
        for layer in overlays(LAYERS)
    )


COMMANDS = (
    Command("choose_instrument", "Market", "Choose instrument…", ("Ctrl+P",), "Type the market to show, as in binance:BTCUSDT"),
    Command("open_demo", "Market", "Built-in market", ("Ctrl+D",), "Show the simulated market; needs no network"),
    Command("stop_filling", "Market", "Stop fetching", ("Shift+Esc",), "Fetch no more of the past than is there"),
    Command("copy_price", "Market", "Copy price", ("Ctrl+C",), "Copy the price at the cursor; while Why? is open, its trades as CSV"),
    Command("save_picture", "Market", "Save picture", ("Alt+S",), "Save the chart as PNG to the journal folder and the clipboard"),
    Command("save_large_picture", "Market", "Save picture at 2x", ("Shift+Alt+S",), "The same with twice the pixels"),
    Command("close", "Market", "Quit", ("Ctrl+Q",), "Close the window"),
    Command("zoom_time_in", "View", "Wider bars", ("+", "="), "Zoom time in"),
    Command("zoom_time_out", "View", "Narrower bars", ("-",), "Zoom time out"),
    Command("zoom_price_in", "View", "Taller rows", ("Ctrl++", "Ctrl+="), "Zoom price in"),
    Command("zoom_price_out", "View", "Flatter rows", ("Ctrl+-",), "Zoom price out"),
    Command("pan_left", "View", "Earlier", ("Left",), "Move towards older bars"),
    Command("pan_right", "View", "Later", ("Right",), "Move towards newer bars"),
    Command("pan_up", "View", "Higher prices", ("Up",), "Move up"),
    Command("pan_down", "View", "Lower prices", ("Down",), "Move down"),
    Command("go_to_oldest", "View", "Oldest bar", ("Home",), "Go to the first bar"),
    Command("go_to_newest", "View", "Newest bar, follow", ("End",), "Go to the last bar and follow it", "Follow", True),
    Command("reset_view", "View", "Reset view", ("Alt+R", "0"), "Legible cells around the last bar"),
    Command("hold_moment", "View", "As of the bar under the mouse", ("K",), "Hold: every figure as it was known when that bar closed"),
    Command("keep_moment", "View", "Keep that moment", ("Shift+K",), "Stay at the moment of the bar under the mouse, and back to now"),
    Command("toggle_full_screen", "View", "Full screen", ("F11",), "Fill the screen, and back"),
    Command("next_bar_rule", "Chart", "Longer bars", ("PgUp",), "The next longer bar of the toolbar's list"),
    Command("previous_bar_rule", "Chart", "Shorter bars", ("PgDown",), "The next shorter bar of the toolbar's list"),
    Command("coarser_rows", "Chart", "Coarser rows", ("]",), "More ticks in a price row"),
    Command("finer_rows", "Chart", "Finer rows", ("[",), "Fewer ticks in a price row"),
    Command("next_colouring", "Chart", "Next colouring", ("C",), "Colour the cells by volume, delta or imbalance", "Colour: volume"),
    Command(
        "next_cells",
        "Chart",
        "Next footprint style",
        ("Shift+C",),
        "Sell x buy, delta, total, ladder, profile in the bar",
        "Cells: sellxbuy",
    ),
    Command("place_anchor", "Profiles", "Anchor a profile", ("A",), "Then click a bar: its profile grows from there with the market"),
    Command("place_range", "Profiles", "Profile of a range", ("Shift+A",), "Then drag over bars: the profile of those"),
    Command("select_next_profile", "Profiles", "Select the next", ("N",), "Select the next profile; Left and Right move its start"),
    Command("edit_profile", "Profiles", "Name, times, inputs…", ("F2",), "Edit the selected profile; also by a double click on its flag"),
    Command("delete_profile", "Profiles", "Take away", ("Del", "Backspace"), "Take the selected profile off the chart"),
    Command("cut_profile", "Profiles", "End at the mouse", ("E",), "End a profile at the bar under the mouse; also by Alt+click"),
    Command(
        "next_period_profiles", "Profiles", "Profiles of periods", ("P",), "Profiles of sessions, days, weeks, months, 30 bars; then none"
    ),
    Command("edit_periods", "Profiles", "Periods and inputs…", ("Alt+P",), "Type of how many bars each is, and choose their inputs"),
    Command("split_period", "Profiles", "Split at the mouse", ("X",), "Split the profile of a period at the bar under the mouse"),
    Command("merge_next", "Profiles", "Merge with the next", ("M",), "Make one of the profile of a period under the mouse and the next"),
    Command("merge_previous", "Profiles", "Merge with the one before", ("Shift+M",), "Make one of it and the one before"),
    Command("make_periods_whole", "Profiles", "Back to whole periods", ("Shift+X",), "Forget what was split and merged"),
    Command("choose_profile", "Profiles", "Choose", ("J",), "Choose the profile under the mouse for a composite; also by Ctrl+click"),
    Command("compose_profiles", "Profiles", "Make a composite", ("Shift+J",), "Make one profile of those that are chosen"),
    Command("choose_from_list", "Profiles", "Composite from a list…", ("Alt+J",), "Tick profiles in a list, and make one of them"),
    Command("edit_side", "Profiles", "Side profile…", ("Alt+F2",), "Rows, volume, value area and colours of the profile beside the bars"),
    Command("undo", "Profiles", "Undo", ("Ctrl+Z",), "Take the last step with profiles back"),
    Command("redo", "Profiles", "Redo", ("Ctrl+Y", "Ctrl+Shift+Z"), "Take it again"),
    Command("step_back", "Profiles", "Let go", ("Esc",), "Put the tool away, then let go of the selection, then close the panel"),
    Command(
        "explain", "Chart", "Why?", ("Y",), "Explain the figure at the cursor, and what else is there; a click does so for what stands out"
    ),
    Command("edit_rules", "Chart", "Rules…", ("Ctrl+,",), "Sessions, time zone, value areas and every other input of the figures"),
    Command("next_theme", "Chart", "Next theme", ("T",), "Dark, light, high contrast"),
    Command("next_palette", "Chart", "Next palette", ("Shift+T",), "Blue and orange (colour-blind safe), or green and red"),
    Command("next_painter", "Chart", "Switch painter", ("Shift+P",), "Draw through OpenGL or by raster tiles"),
    Command("show_levels", "Overlays", "Level ledger…", ("L",), "List every level that lives; a click goes there"),
    *overlay_commands(),
    Command(
        "toggle_cvd_reset", "Overlays", "CVD by session or without end", ("Shift+Alt+5",), "Let CVD start again each session, or never"
    ),
    Command("add_alert", "Alerts", "Alert at the cursor", ("Alt+A",), "Tell once when a trade touches the price at the cursor"),
    Command("new_alert", "Alerts", "New alert…", ("Ctrl+A",), "Choose what is waited for: a price, a line, a level, a figure of a bar"),
    Command("show_alerts", "Alerts", "All alerts…", ("Ctrl+Shift+A",), "List all alerts and what has fired; edit, arm again, delete"),
    Command("delete_alert", "Alerts", "Delete alert", ("Shift+Alt+A",), "Forget the price alert nearest to the cursor"),
    Command("play_or_pause", "Replay", "Play or pause", ("Space",), "Let the replay go on or stand still; after the end, play it again"),
    Command("step_trade", "Replay", "Next trade", ("Shift+Right",), "Play one trade more and pause", "Trade ▸"),
    Command("step_bar", "Replay", "Next bar", ("Ctrl+Right",), "Play to the end of the bar and pause", "Bar ▸"),
    Command("play_faster", "Replay", "Faster", ("Ctrl+Up",), "Play faster, up to 1,000x and as fast as it goes", "+"),
    Command("play_slower", "Replay", "Slower", ("Ctrl+Down",), "Play slower, down to 0.1x", "−"),
    Command("go_to_time", "Replay", "Go to time…", ("Alt+G",), "Type a recorded time; back from here, the replay begins anew up to it"),
    Command("show_keys", "Help", "Keys", ("?", "F1"), "List every key"),
)


def build_actions(window: QWidget, *others: object) -> Mapping[str, QAction]:
    """One QAction for each command, wired to the window's method of that name, or else to that of the first other who has one."""
    actions: dict[str, QAction] = {}
    for command in COMMANDS:
        action = QAction(command.text, window)
        action.setShortcuts([QKeySequence(keys) for keys in command.keys])
        action.setIconText(command.short or command.text)
        action.setCheckable(command.checkable)
        action.setToolTip(f"{command.help} ({command.keys[0]})" if command.keys else command.help)
        method = next(getattr(owner, command.name) for owner in (window, *others) if hasattr(owner, command.name))
        arguments = (command.argument,) if command.argument else ()
        action.triggered.connect(lambda _checked=False, method=method, arguments=arguments: method(*arguments))
        window.addAction(action)
        actions[command.action] = action
    return actions


def fill_menu_bar(menu_bar: QMenuBar, actions: Mapping[str, QAction]) -> None:
    """The menus, in the order of the table."""
    menus = {}
    for command in COMMANDS:
        if command.menu not in menus:
            menus[command.menu] = menu_bar.addMenu(command.menu)
        menus[command.menu].addAction(actions[command.action])


def key_list() -> list[tuple[str, str]]:
    """Keys and what they do, for the help page and the README."""
    return [(" or ".join(command.keys) or f"menu {command.menu}", command.help) for command in COMMANDS]
