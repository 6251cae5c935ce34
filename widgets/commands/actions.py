"""The table of all commands; menus, keys and tooltips come from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from rendering.items.overlays import overlays
from rendering.scene.layers import LAYERS
from widgets.commands.help_sections import SECTIONS
from widgets.parts.menu_with_help import MenuWithHelp


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the user.

    Attributes
    ----------
    name : str
        Name of the method that executes it.
    menu, text : str
        Menu, and label in it.
    keys : tuple of str
        Shortcuts in Qt's notation; the first is the one shown.
    help : str
        Line for the tooltip and the key list.
    short : str
        Label of its button, if it differs from the menu's.
    checkable : bool
        Whether it shows an on or off state.
    argument : str
        Argument of the method, if it has one, as several commands can share a method.
    help_page : str
        Section of the help that explains it, e.g. `profiles.md#undo`; by default that of its name in `help_sections`.
    """

    name: str
    menu: str
    text: str
    keys: tuple[str, ...]
    tooltip: str
    short: str = ""
    checkable: bool = False
    argument: str = ""
    help_page: str = ""

    @property
    def explained_in(self) -> str:
        """The section of the help that explains it."""
        return self.help_page or SECTIONS[self.name]

    @property
    def action(self) -> str:
        """Name of its QAction."""
        return f"{self.name} {self.argument}".strip()


def overlay_commands() -> tuple[Command, ...]:
    """A command for each overlay of the chart."""
    return tuple(
        Command(
            "toggle_overlay",
            "Overlays",
            layer.title,
            layer.keys,
            f"Show or hide: {layer.help}",
            checkable=True,
            argument=layer.name,
            help_page=layer.help_page,
        )
        for layer in overlays(LAYERS)
    )


def help_commands() -> tuple[Command, ...]:
    """One command for each help page that the Help menu lists; the first page lists all of them."""
    pages = (
        ("index.md", "Help", ("F1",), "Open the help; F1 in a dialog or a menu explains that dialog or entry"),
        ("first-steps.md", "First steps", (), "Open a market, move around, read the status bar"),
        ("footprint.md", "Reading a footprint", (), "Cells, colours, imbalances, POC, value area, delta"),
        ("profiles.md", "Profiles", (), "Visible range, anchored, range, period and composite profiles"),
        ("values.md", "Values and rules", (), "How every value is computed, with ties and edge cases"),
        ("data.md", "Data and store", (), "What is recorded, where, and how gaps are filled"),
        ("differences.md", "Why do my numbers differ?", (), "Differences from TradingView and ATAS"),
        ("troubleshooting.md", "Troubleshooting", (), "Messages and what to do about them"),
    )
    return tuple(Command("show_help", "Help", text, keys, tooltip, argument=page, help_page=page) for page, text, keys, tooltip in pages)


COMMANDS = (
    Command("choose_instrument", "Market", "Choose instrument…", ("Ctrl+P",), "Open a market by name, e.g. binance:BTCUSDT"),
    Command("open_demo", "Market", "Simulated market", ("Ctrl+D",), "Open the built-in simulated market (no network needed)"),
    Command("stop_filling", "Market", "Stop loading history", ("Shift+Esc",), "Stop downloading older trades"),
    Command(
        "copy_price", "Market", "Copy price", ("Ctrl+C",), "Copy the price at the cursor, or the trades listed in an open Why? panel as CSV"
    ),
    Command("save_picture", "Market", "Save image", ("Alt+S",), "Save the chart as PNG in the journal folder and copy it"),
    Command("save_large_picture", "Market", "Save image at 2x", ("Shift+Alt+S",), "Save the chart at twice the resolution"),
    Command("close", "Market", "Quit", ("Ctrl+Q",), "Close the window"),
    Command("zoom_time_in", "View", "Wider bars", ("+", "="), "Zoom time in"),
    Command("zoom_time_out", "View", "Narrower bars", ("-",), "Zoom time out"),
    Command("zoom_price_in", "View", "Taller rows", ("Ctrl++", "Ctrl+="), "Zoom price in"),
    Command("zoom_price_out", "View", "Shorter rows", ("Ctrl+-",), "Zoom price out"),
    Command("pan_left", "View", "Scroll back", ("Left",), "Scroll to older bars"),
    Command("pan_right", "View", "Scroll forward", ("Right",), "Scroll to newer bars"),
    Command("pan_up", "View", "Scroll up", ("Up",), "Scroll to higher prices"),
    Command("pan_down", "View", "Scroll down", ("Down",), "Scroll to lower prices"),
    Command("go_to_oldest", "View", "Oldest bar", ("Home",), "Jump to the oldest loaded bar"),
    Command("go_to_newest", "View", "Latest bar", ("End",), "Jump to the latest bar and follow it", "Follow", True),
    Command("reset_view", "View", "Reset view", ("Alt+R", "0"), "Reset zoom to readable cells at the latest bar"),
    Command(
        "hold_moment", "View", "As-of view of the bar under the mouse", ("K",), "Hold to show every value as it stood when that bar closed"
    ),
    Command(
        "keep_moment",
        "View",
        "Pin as-of view",
        ("Shift+K",),
        "Pin the as-of view at the bar under the mouse; press again to return to live",
    ),
    Command("toggle_full_screen", "View", "Full screen", ("F11",), "Toggle full screen"),
    Command("next_bar_rule", "Chart", "Longer bars", ("PgUp",), "Next longer bar in the toolbar list"),
    Command("previous_bar_rule", "Chart", "Shorter bars", ("PgDown",), "Next shorter bar in the toolbar list"),
    Command("coarser_rows", "Chart", "Coarser rows", ("]",), "More ticks per row"),
    Command("finer_rows", "Chart", "Finer rows", ("[",), "Fewer ticks per row"),
    Command("next_colouring", "Chart", "Next colouring", ("C",), "Colour cells by volume, delta or imbalance", "Colour: volume"),
    Command(
        "next_cells",
        "Chart",
        "Next footprint style",
        ("Shift+C",),
        "Cycle sell x buy, delta, total, ladder, profile",
        "Cells: sellxbuy",
    ),
    Command("place_anchor", "Profiles", "Anchored profile", ("A",), "Click a bar to start a profile that runs to the latest trade"),
    Command("place_range", "Profiles", "Range profile", ("Shift+A",), "Drag across bars to profile that range"),
    Command(
        "select_next_profile", "Profiles", "Select next profile", ("N",), "Select the next profile; Left and Right move its start by a bar"
    ),
    Command("edit_profile", "Profiles", "Profile settings…", ("F2",), "Edit the selected profile (or double-click its flag)"),
    Command("delete_profile", "Profiles", "Delete profile", ("Del", "Backspace"), "Delete the selected profile"),
    Command("cut_profile", "Profiles", "End profile at mouse", ("E",), "End the profile at the bar under the mouse (or Alt+click)"),
    Command(
        "next_period_profiles", "Profiles", "Period profiles", ("P",), "Cycle session, day, week, month, 30-bar and no period profiles"
    ),
    Command("edit_periods", "Profiles", "Period profile settings…", ("Alt+P",), "Set bars per profile and profile settings"),
    Command("split_period", "Profiles", "Split period at mouse", ("X",), "Split the period profile at the bar under the mouse"),
    Command("merge_next", "Profiles", "Merge with next period", ("M",), "Merge the period profile under the mouse with the next one"),
    Command(
        "merge_previous",
        "Profiles",
        "Merge with previous period",
        ("Shift+M",),
        "Merge the period profile under the mouse with the previous one",
    ),
    Command("reset_periods", "Profiles", "Reset splits and merges", ("Shift+X",), "Undo all splits and merges of period profiles"),
    Command(
        "choose_profile",
        "Profiles",
        "Select for composite",
        ("J",),
        "Add the profile under the mouse to the composite selection (or Ctrl+click)",
    ),
    Command("compose_profiles", "Profiles", "Combine into composite", ("Shift+J",), "Combine the selected profiles into one"),
    Command("choose_from_list", "Profiles", "Composite from a list…", ("Alt+J",), "Pick profiles from a list and combine them"),
    Command(
        "edit_side", "Profiles", "Visible range profile…", ("Alt+F2",), "Rows, volume, value area and colours of the visible range profile"
    ),
    Command("undo", "Profiles", "Undo", ("Ctrl+Z",), "Undo the last profile change"),
    Command("redo", "Profiles", "Redo", ("Ctrl+Y", "Ctrl+Shift+Z"), "Redo the last undone profile change"),
    Command("step_back", "Profiles", "Cancel", ("Esc",), "Cancel the tool, clear the selection, close the panel"),
    Command(
        "explain",
        "Chart",
        "Why?",
        ("Y",),
        "Explain the value at the cursor; press again for the next one there. Clicking a highlight does the same.",
    ),
    Command(
        "edit_rules",
        "Chart",
        "Calculation settings…",
        ("Ctrl+,",),
        "Sessions, time zone, value area, imbalance and all other calculation settings",
    ),
    Command("next_theme", "Chart", "Next theme", ("T",), "Cycle dark, light, high contrast"),
    Command("next_palette", "Chart", "Next palette", ("Shift+T",), "Switch blue/orange (colour-blind safe) and green/red"),
    Command("next_painter", "Chart", "Switch painter", ("Shift+P",), "Switch between OpenGL and software (raster) drawing"),
    Command("show_levels", "Overlays", "Levels…", ("L",), "List all active levels; click one to go to it"),
    *overlay_commands(),
    Command("toggle_cvd_reset", "Overlays", "Reset CVD each session", ("Shift+Alt+5",), "Reset CVD each session, or never"),
    Command("add_alert", "Alerts", "Alert at the cursor", ("Alt+A",), "Alert once when price touches the level at the cursor"),
    Command("new_alert", "Alerts", "New alert…", ("Ctrl+A",), "Set an alert on a price, a line, a level or a bar value"),
    Command("show_alerts", "Alerts", "All alerts…", ("Ctrl+Shift+A",), "List alerts and the alert log; edit, re-arm, delete"),
    Command("delete_alert", "Alerts", "Delete alert", ("Shift+Alt+A",), "Delete the price alert nearest the cursor"),
    Command("play_or_pause", "Replay", "Play or pause", ("Space",), "Play or pause the replay; at the end, restart it"),
    Command("step_trade", "Replay", "Next trade", ("Shift+Right",), "Play one trade, then pause", "Trade ▸"),
    Command("step_bar", "Replay", "Next bar", ("Ctrl+Right",), "Play to the end of the bar, then pause", "Bar ▸"),
    Command("play_faster", "Replay", "Faster", ("Ctrl+Up",), "Play faster, up to 1,000x, then unlimited", "+"),
    Command("play_slower", "Replay", "Slower", ("Ctrl+Down",), "Play slower, down to 0.1x", "−"),
    Command("go_to_time", "Replay", "Go to time…", ("Alt+G",), "Jump to a time in the recording"),
    *help_commands(),
    Command("show_keys", "Help", "Keyboard shortcuts", ("?",), "List all keyboard shortcuts"),
)


def build_actions(window: QWidget, *others: object) -> Mapping[str, QAction]:
    """A QAction for each command, wired to its method in an owner."""
    actions: dict[str, QAction] = {}
    for command in COMMANDS:
        action = QAction(command.text, window)
        action.setShortcuts([QKeySequence(keys) for keys in command.keys])
        action.setIconText(command.short or command.text)
        action.setCheckable(command.checkable)
        action.setToolTip(f"{command.tooltip} ({command.keys[0]})" if command.keys else command.tooltip)
        action.setData(command.explained_in)
        method = next(getattr(owner, command.name) for owner in (window, *others) if hasattr(owner, command.name))
        arguments = (command.argument,) if command.argument else ()
        action.triggered.connect(lambda _checked=False, method=method, arguments=arguments: method(*arguments))
        window.addAction(action)
        actions[command.action] = action
    return actions


def fill_menu_bar(menu_bar: QMenuBar, actions: Mapping[str, QAction]) -> None:
    """Add all menus, in the order of the table; F1 explains the entry under the mouse."""
    menus: dict[str, QMenu] = {}
    for command in COMMANDS:
        if command.menu not in menus:
            menus[command.menu] = MenuWithHelp(command.menu, menu_bar)
            menu_bar.addMenu(menus[command.menu])
        menus[command.menu].addAction(actions[command.action])


def key_list() -> list[tuple[str, str]]:
    """Keys with their effect, for the help page and the README."""
    return [(" or ".join(command.keys) or f"menu {command.menu}", command.tooltip) for command in COMMANDS]
