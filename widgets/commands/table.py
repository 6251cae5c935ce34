"""The table of all commands, from which menus, keys, tooltips, help and the list of keys are made."""

from __future__ import annotations

from rendering.items.overlays import overlays
from rendering.scene.all_layers import LAYERS
from widgets.commands.command import Command


def overlay_commands() -> tuple[Command, ...]:
    """A command for each overlay of the chart, which shows or hides the overlay."""
    return tuple(
        Command(
            lambda f: f.overlays.toggle_overlay,
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
    """A command for each help page in the Help menu; the first opens the index, which lists all help pages."""
    pages = (
        ("index.md", "Help", ("F1",), "Open the help; F1 in a dialog or a menu explains that dialog or entry"),
        ("first-steps.md", "First steps", (), "Open a market, move around, read the status bar"),
        ("footprint.md", "Reading a footprint", (), "Cells, colours, imbalances, POC, value area, delta"),
        ("profiles.md", "Profiles", (), "Visible range, anchored, range, period and composite profiles"),
        ("values.md", "Values and rules", (), "How every value is computed, with ties and edge cases"),
        ("data.md", "Data and store", (), "What is recorded, where, and how gaps are filled"),
        ("differences.md", "Why do my numbers differ?", (), "Differences from TradingView and ATAS"),
        ("troubleshooting.md", "Troubleshooting", (), "Messages and what to do about them"),
        ("performance.md", "Diagnose performance", (), "Lag, frame time and traces: what makes a chart slow, and what to change"),
    )
    return tuple(
        Command(lambda f: f.window.show_help, "Help", text, keys, tooltip, argument=page, help_page=page)
        for page, text, keys, tooltip in pages
    )


COMMANDS = (
    Command(
        lambda f: f.window.choose_instrument, "Market", "Choose instrument…", ("Ctrl+P",), "Open a market by name, e.g. binance:BTCUSDT"
    ),
    Command(
        lambda f: f.window.open_demo, "Market", "Simulated market", ("Ctrl+D",), "Open the built-in simulated market (no network needed)"
    ),
    Command(lambda f: f.window.try_now, "Market", "Try now", ("F5",), "Try at once to reach the venue, while it is not reached"),
    Command(lambda f: f.window.stop_filling, "Market", "Stop loading history", ("Shift+Esc",), "Stop downloading older trades"),
    Command(
        lambda f: f.explain.copy_price,
        "Market",
        "Copy price",
        ("Ctrl+C",),
        "Copy the price at the cursor, or the trades listed in an open Why? panel as CSV",
    ),
    Command(lambda f: f.window.save_picture, "Market", "Save image", ("Alt+S",), "Save the chart as PNG in the journal folder and copy it"),
    Command(
        lambda f: f.window.save_large_picture, "Market", "Save image at 2x", ("Shift+Alt+S",), "Save the chart at twice the resolution"
    ),
    Command(lambda f: f.window.close, "Market", "Quit", ("Ctrl+Q",), "Close the window"),
    Command(lambda f: f.navigation.zoom_time_in, "View", "Wider bars", ("+", "="), "Zoom time in"),
    Command(lambda f: f.navigation.zoom_time_out, "View", "Narrower bars", ("-",), "Zoom time out"),
    Command(lambda f: f.navigation.zoom_price_in, "View", "Taller rows", ("Ctrl++", "Ctrl+="), "Zoom price in"),
    Command(lambda f: f.navigation.zoom_price_out, "View", "Shorter rows", ("Ctrl+-",), "Zoom price out"),
    Command(lambda f: f.navigation.pan_left, "View", "Scroll back", ("Left",), "Scroll to older bars"),
    Command(lambda f: f.navigation.pan_right, "View", "Scroll forward", ("Right",), "Scroll to newer bars"),
    Command(lambda f: f.navigation.pan_up, "View", "Scroll up", ("Up",), "Scroll to higher prices"),
    Command(lambda f: f.navigation.pan_down, "View", "Scroll down", ("Down",), "Scroll to lower prices"),
    Command(lambda f: f.navigation.go_to_oldest, "View", "Oldest bar", ("Home",), "Jump to the oldest loaded bar"),
    Command(lambda f: f.navigation.go_to_newest, "View", "Latest bar", ("End",), "Jump to the latest bar and follow it", "Follow", True),
    Command(lambda f: f.navigation.reset_view, "View", "Reset view", ("Alt+R", "0"), "Reset zoom to readable cells at the latest bar"),
    Command(
        lambda f: f.as_of.hold_moment,
        "View",
        "As-of view of the bar under the mouse",
        ("K",),
        "Hold to show every value as it stood when that bar closed",
    ),
    Command(
        lambda f: f.as_of.keep_moment,
        "View",
        "Pin as-of view",
        ("Shift+K",),
        "Pin the as-of view at the bar under the mouse; press again to return to live",
    ),
    Command(lambda f: f.window.toggle_full_screen, "View", "Full screen", ("F11",), "Toggle full screen"),
    Command(lambda f: f.bars.next_bar_rule, "Chart", "Longer bars", ("PgUp",), "Next longer bar in the toolbar list"),
    Command(lambda f: f.bars.previous_bar_rule, "Chart", "Shorter bars", ("PgDown",), "Next shorter bar in the toolbar list"),
    Command(lambda f: f.bars.coarser_rows, "Chart", "Coarser rows", ("]",), "More ticks per row"),
    Command(lambda f: f.bars.finer_rows, "Chart", "Finer rows", ("[",), "Fewer ticks per row"),
    Command(
        lambda f: f.calculation.next_colouring,
        "Chart",
        "Next colouring",
        ("C",),
        "Colour cells by volume, delta or imbalance",
        "Colour: volume",
    ),
    Command(
        lambda f: f.calculation.next_cells,
        "Chart",
        "Next footprint style",
        ("Shift+C",),
        "Cycle sell x buy, delta, total, ladder, profile",
        "Cells: sellxbuy",
    ),
    Command(
        lambda f: f.profiles.place_anchor,
        "Profiles",
        "Anchored profile",
        ("A",),
        "Click a bar to start a profile that runs to the latest trade",
    ),
    Command(lambda f: f.profiles.place_range, "Profiles", "Range profile", ("Shift+A",), "Drag across bars to profile that range"),
    Command(
        lambda f: f.profiles.select_next_profile,
        "Profiles",
        "Select next profile",
        ("N",),
        "Select the next profile; Left and Right move its start by a bar",
    ),
    Command(
        lambda f: f.profiles.edit_profile, "Profiles", "Profile settings…", ("F2",), "Edit the selected profile (or double-click its flag)"
    ),
    Command(lambda f: f.profiles.delete_profile, "Profiles", "Delete profile", ("Del", "Backspace"), "Delete the selected profile"),
    Command(
        lambda f: f.profiles.cut_profile,
        "Profiles",
        "End profile at mouse",
        ("E",),
        "End the profile at the bar under the mouse (or Alt+click)",
    ),
    Command(
        lambda f: f.periods.next_period_profiles,
        "Profiles",
        "Period profiles",
        ("P",),
        "Cycle session, day, week, month, 30-bar and no period profiles",
    ),
    Command(
        lambda f: f.periods.edit_periods, "Profiles", "Period profile settings…", ("Alt+P",), "Set bars per profile and profile settings"
    ),
    Command(
        lambda f: f.periods.split_period, "Profiles", "Split period at mouse", ("X",), "Split the period profile at the bar under the mouse"
    ),
    Command(
        lambda f: f.periods.merge_next,
        "Profiles",
        "Merge with next period",
        ("M",),
        "Merge the period profile under the mouse with the next one",
    ),
    Command(
        lambda f: f.periods.merge_previous,
        "Profiles",
        "Merge with previous period",
        ("Shift+M",),
        "Merge the period profile under the mouse with the previous one",
    ),
    Command(
        lambda f: f.periods.reset_periods,
        "Profiles",
        "Reset splits and merges",
        ("Shift+X",),
        "Undo all splits and merges of period profiles",
    ),
    Command(
        lambda f: f.composites.choose_profile,
        "Profiles",
        "Select for composite",
        ("J",),
        "Add the profile under the mouse to the composite selection (or Ctrl+click)",
    ),
    Command(
        lambda f: f.composites.compose_profiles,
        "Profiles",
        "Combine into composite",
        ("Shift+J",),
        "Combine the selected profiles into one",
    ),
    Command(
        lambda f: f.composites.choose_from_list,
        "Profiles",
        "Composite from a list…",
        ("Alt+J",),
        "Pick profiles from a list and combine them",
    ),
    Command(
        lambda f: f.periods.edit_side,
        "Profiles",
        "Visible range profile…",
        ("Alt+F2",),
        "Rows, volume, value area and colours of the visible range profile",
    ),
    Command(lambda f: f.profiles.undo, "Profiles", "Undo", ("Ctrl+Z",), "Undo the last profile change"),
    Command(lambda f: f.profiles.redo, "Profiles", "Redo", ("Ctrl+Y", "Ctrl+Shift+Z"), "Redo the last undone profile change"),
    Command(lambda f: f.profiles.step_back, "Profiles", "Cancel", ("Esc",), "Cancel the tool, clear the selection, close the panel"),
    Command(
        lambda f: f.explain.explain,
        "Chart",
        "Why?",
        ("Y",),
        "Explain the value at the cursor; press again for the next one there. Clicking a highlight does the same.",
    ),
    Command(
        lambda f: f.calculation.edit_rules,
        "Chart",
        "Calculation settings…",
        ("Ctrl+,",),
        "Sessions, time zone, value area, imbalance and all other calculation settings",
    ),
    Command(lambda f: f.window.next_theme, "Chart", "Next theme", ("T",), "Cycle dark, light, high contrast"),
    Command(lambda f: f.window.next_palette, "Chart", "Next palette", ("Shift+T",), "Switch blue/orange (colour-blind safe) and green/red"),
    Command(
        lambda f: f.window.next_painter, "Chart", "Switch painter", ("Shift+P",), "Switch between OpenGL and software (raster) drawing"
    ),
    Command(lambda f: f.window.show_levels, "Overlays", "Levels…", ("L",), "List all active levels; click one to go to it"),
    *overlay_commands(),
    Command(
        lambda f: f.calculation.toggle_cvd_reset, "Overlays", "Reset CVD each session", ("Shift+Alt+5",), "Reset CVD each session, or never"
    ),
    Command(
        lambda f: f.alerts.add_alert, "Alerts", "Alert at the cursor", ("Alt+A",), "Alert once when price touches the level at the cursor"
    ),
    Command(lambda f: f.alerts.new_alert, "Alerts", "New alert…", ("Ctrl+A",), "Set an alert on a price, a line, a level or a bar value"),
    Command(
        lambda f: f.alerts.show_alerts, "Alerts", "All alerts…", ("Ctrl+Shift+A",), "List alerts and the alert log; edit, re-arm, delete"
    ),
    Command(lambda f: f.alerts.delete_alert, "Alerts", "Delete alert", ("Shift+Alt+A",), "Delete the price alert nearest the cursor"),
    Command(lambda f: f.replay.play_or_pause, "Replay", "Play or pause", ("Space",), "Play or pause the replay; at the end, restart it"),
    Command(lambda f: f.replay.step_trade, "Replay", "Next trade", ("Shift+Right",), "Play one trade, then pause", "Trade ▸"),
    Command(lambda f: f.replay.step_bar, "Replay", "Next bar", ("Ctrl+Right",), "Play to the end of the bar, then pause", "Bar ▸"),
    Command(lambda f: f.replay.play_faster, "Replay", "Faster", ("Ctrl+Up",), "Play faster, up to 1,000x, then unlimited", "+"),
    Command(lambda f: f.replay.play_slower, "Replay", "Slower", ("Ctrl+Down",), "Play slower, down to 0.1x", "−"),
    Command(lambda f: f.replay.go_to_time, "Replay", "Go to time…", ("Alt+G",), "Jump to a time in the recording"),
    *help_commands(),
    Command(
        lambda f: f.trace.record_trace, "Help", "Record trace", (), "Record the last 1,200 frames: layers, times, trades", checkable=True
    ),
    Command(lambda f: f.trace.save_trace, "Help", "Save trace", (), "Save the recorded frames for a browser's trace viewer"),
    Command(lambda f: f.window.show_keys, "Help", "Keyboard shortcuts", ("?",), "List all keyboard shortcuts"),
)
