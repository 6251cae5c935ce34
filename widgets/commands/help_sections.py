"""The help section for each command, which F1 in a menu opens; commands for overlays and help pages state their own."""

from __future__ import annotations

_BY_SECTION = {
    "troubleshooting.md#the-chart-is-not-live": ("try_now",),
    "first-steps.md#open-a-market": ("choose_instrument", "open_demo", "stop_filling", "close"),
    "first-steps.md#move-around": (
        *("zoom_time_in", "zoom_time_out", "zoom_price_in", "zoom_price_out", "pan_left", "pan_right", "pan_up", "pan_down"),
        *("go_to_oldest", "go_to_newest", "reset_view", "toggle_full_screen"),
    ),
    "first-steps.md#choose-bars": ("next_bar_rule", "previous_bar_rule"),
    "first-steps.md#choose-rows": ("coarser_rows", "finer_rows"),
    "first-steps.md#overlays-themes-settings": ("edit_rules", "next_theme", "next_palette", "next_painter"),
    "footprint.md#colours": ("next_colouring",),
    "footprint.md#footprint-styles": ("next_cells",),
    "footprint.md#cvd-vwap-and-large-trades": ("toggle_cvd_reset",),
    "footprint.md#levels": ("show_levels",),
    "footprint.md#why": ("explain", "copy_price"),
    "footprint.md#as-of-view": ("hold_moment", "keep_moment"),
    "profiles.md#visible-range-profile": ("edit_side",),
    "profiles.md#anchored-profile": ("place_anchor", "select_next_profile", "edit_profile", "delete_profile", "cut_profile", "step_back"),
    "profiles.md#range-profile": ("place_range",),
    "profiles.md#period-profiles": (
        *("next_period_profiles", "edit_periods", "split_period", "merge_next", "merge_previous", "reset_periods"),
    ),
    "profiles.md#composite-profiles": ("choose_profile", "compose_profiles", "choose_from_list"),
    "profiles.md#undo": ("undo", "redo"),
    "alerts.md#set-an-alert": ("add_alert", "new_alert", "show_alerts", "delete_alert"),
    "replay.md#controls": ("play_or_pause", "step_trade", "step_bar", "play_faster", "play_slower", "go_to_time"),
    "journal.md": ("save_picture", "save_large_picture"),
    "performance.md#trace": ("record_trace", "save_trace"),
    "keys.md": ("show_keys",),
}
SECTIONS = {command: section for section, commands in _BY_SECTION.items() for command in commands}
"""Page and anchor by the command's name, without the commands for overlays and help pages, which state their own."""
