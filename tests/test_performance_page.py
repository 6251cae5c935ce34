"""The help page on performance says what the program shows, records and writes."""

from __future__ import annotations

import gc
import math
import re

import numpy as np

from app.ingest import lag_histogram
from app.ingest.lag import Lag, LagMeter
from app.market.feed import FeedState, FeedStatus
from app.storage import recorder
from rendering.scene import frame_trace
from tests.markdown import HELP, read
from tests.rendering.scene.test_frame_trace import events, traded
from tests.rendering.work import WorkedChart
from widgets.commands.table import COMMANDS
from widgets.window.lag_texts import lag_tooltip

PAGE = read(HELP / "performance.md")


def test_the_example_of_a_lag_is_written_as_the_program_writes_it() -> None:
    assert f"lag {Lag(24.2, 61.4, 180.0).text}" in [block.strip() for _, block in PAGE.blocks]


def test_the_table_of_parts_lists_the_lines_of_the_tooltip() -> None:
    shown = [line.partition(":")[0] for line in lag_tooltip(LagMeter(), FeedStatus(FeedState.LIVE)).splitlines()[1:-1] if ":" in line]
    assert [row[0] for row in PAGE.table("Lag")] == shown


def test_the_promised_resolution_is_that_of_the_bins() -> None:
    share = float(re.search(r"right to within ([\d.]+) %", PAGE.text)[1]) / 100  # type: ignore[index]
    assert math.isclose(2 ** (0.5 / lag_histogram._PER_DOUBLING) - 1, share, abs_tol=0.0005)


def test_the_number_of_recorded_frames_is_the_promised_one() -> None:
    assert f"the last {frame_trace.FRAMES:,} frames" in PAGE.text
    assert any(f"the last {frame_trace.FRAMES:,} frames" in command.tooltip for command in COMMANDS if command.name == "record_trace")


def test_the_words_of_a_trace_are_those_of_the_page(qapp) -> None:
    trace = frame_trace.FrameTrace()
    trace.start()
    traded(WorkedChart(), trace)
    gc.collect()
    trace.stop()
    written = [event for event in events(trace) if event["ph"] != "M"]
    rows = {row[0]: row[1] for row in PAGE.table("Trace")}
    layers = {event["name"] for event in events(trace) if event.get("cat") in ("refresh", "draw")}
    assert set(rows) - {"*name of a layer*"} == {event["name"] for event in written} - layers
    named = {word for row in rows.values() for word in re.findall(r"`([^`]+)`", row)}
    assert len(named) > 4 and named <= {key for event in written for key in event["args"]}


def test_the_usual_lag_to_the_disk_fits_the_interval_of_writes() -> None:
    least, most = map(int, re.search(r"so (\d+) to (\d+) ms are normal", PAGE.text).groups())  # type: ignore[union-attr]
    ages = np.linspace(0, 1_000 * recorder._EVERY_S, 101)
    assert least <= np.percentile(ages, 50) <= np.percentile(ages, 99) <= most


def test_the_status_bar_and_the_help_menu_lead_to_the_page() -> None:
    assert [command.menu for command in COMMANDS if command.argument == "performance.md"] == ["Help"]
    assert {command.menu for command in COMMANDS if command.name in ("record_trace", "save_trace")} == {"Help"}
