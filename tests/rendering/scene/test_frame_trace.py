"""A trace of frames: what is in it, what it costs, and whether a trace viewer can read it."""

from __future__ import annotations

import gc
import json
import weakref
from collections import Counter
from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from rendering.items.bars.footprint_item import FootprintItem
from rendering.scene import frame_trace as trace_module
from rendering.scene.frame_trace import FrameTrace
from tests.rendering.work import WorkedChart, work_of


@pytest.fixture
def worked(qapp: QApplication) -> WorkedChart:
    return WorkedChart()


@pytest.fixture
def trace() -> Iterator[FrameTrace]:
    trace = FrameTrace()
    yield trace
    trace.stop()


def traded(worked: WorkedChart, trace: FrameTrace, *, woken_by: tuple[str, ...] = ("data",)) -> None:
    """A frame with one new trade, drawn under the trace."""
    plain = worked.scene.refresh_if_changed

    def refresh(now_ns: int | None = None) -> bool:
        del worked.scene.refresh_if_changed
        inside = worked.scene.refresh_if_changed
        vars(worked.scene)["refresh_if_changed"] = lambda: inside(now_ns)  # the time of the test's frames
        try:
            return trace.frame(worked.scene, woken_by)
        finally:
            del worked.scene.refresh_if_changed
            trace.begin_paint()

    worked.scene.refresh_if_changed = refresh
    worked.trade()
    trace.end_paint()
    assert worked.scene.refresh_if_changed == plain


def events(trace: FrameTrace, kind: str | None = None) -> list[dict]:
    found = json.loads(trace.json())["traceEvents"]
    return found if kind is None else [event for event in found if event.get("cat") == kind]


def test_a_frame_has_its_cause_its_trades_and_its_layers(worked: WorkedChart, trace: FrameTrace) -> None:
    trace.start()
    traded(worked, trace, woken_by=("input", "data"))
    traded(worked, trace, woken_by=())
    first, second = (event["args"] for event in events(trace, "frame"))
    in_use = len(list(worked.scene.layers.in_use()))
    assert (first["woken by"], second["woken by"]) == ("data, input", "timer")
    assert (first["trades"], second["trades"], first["changed"]) == (0, 1, True), "those before the first frame are not new"
    assert 0 < second["layers asked"] < first["layers asked"] < in_use, "only layers that may have changed are asked"
    assert 0 < second["layers to draw"] <= second["layers asked"]


def test_the_layers_of_a_frame_are_those_that_drew(worked: WorkedChart, trace: FrameTrace) -> None:
    trace.start()
    traded(worked, trace)
    (paint,) = events(trace, "paint")
    draws = events(trace, "draw")
    assert paint["args"]["layers drawn"] == len(draws) > 3
    assert "FootprintItem" in {event["name"] for event in draws}
    (asked,) = (event for event in events(trace, "refresh") if event["name"] == "FootprintItem")
    assert asked["args"] == {"to draw": True}


def test_a_trace_viewer_can_read_it(worked: WorkedChart, trace: FrameTrace) -> None:
    """Chrome's trace event format: complete events that nest, in order of time, counters, and names of process and thread."""
    trace.start()
    for _ in range(5):
        traded(worked, trace)
    gc.collect()
    found = events(trace)
    kinds = Counter(event["ph"] for event in found)
    assert set(kinds) == {"M", "X", "C"} and kinds["C"] == len(events(trace, "frame")) == 5
    assert {event["name"] for event in found if event["ph"] == "M"} == {"process_name", "thread_name"}
    assert all(isinstance(event["ts"], float | int) and event["pid"] == 1 for event in found if event["ph"] != "M")
    spans = [event for event in found if event["ph"] == "X"]
    assert all(event["dur"] >= 0 and event["tid"] == 1 and isinstance(event["args"], dict) for event in spans)
    open_until: list[float] = []
    for event in spans:  # each lies inside the one that is open, or after it
        while open_until and open_until[-1] <= event["ts"]:
            open_until.pop()
        end = event["ts"] + event["dur"]
        assert not open_until or end <= open_until[-1] + 0.01, f"{event['name']} ends after what contains it"
        open_until.append(end)


def test_garbage_collection_is_in_the_trace(trace: FrameTrace) -> None:
    trace.start()
    trace._frames.append(trace._events)
    gc.collect()
    (event,) = events(trace, "gc")
    assert event["name"] == "garbage collection" and event["args"]["generation"] == 2 and event["dur"] > 0


def test_a_trace_keeps_the_last_frames(worked: WorkedChart, trace: FrameTrace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace_module, "FRAMES", 3)
    trace = FrameTrace()
    trace.start()
    for _ in range(5):
        traded(worked, trace)
    trace.stop()
    assert trace.n == 3 and len(events(trace, "frame")) == 3


def test_after_a_trace_frames_cost_what_they_did(worked: WorkedChart, trace: FrameTrace) -> None:
    before = work_of(worked, "trade")
    callbacks = list(gc.callbacks)
    trace.start()
    traded(worked, trace)
    assert gc.callbacks != callbacks and "draw" in vars(worked.scene.items_by_layer[0])
    trace.stop()
    assert gc.callbacks == callbacks
    assert [item for item in worked.scene.items_by_layer if {"draw", "refresh"} & set(vars(item))] == []
    assert work_of(worked, "trade").calls == pytest.approx(before.calls, rel=0.02)


def test_a_stopped_trace_keeps_its_frames_until_the_next_starts(worked: WorkedChart, trace: FrameTrace) -> None:
    trace.start()
    traded(worked, trace)
    trace.stop()
    assert trace.n == 1 and len(events(trace, "frame")) == 1
    trace.start()
    assert trace.n == 0


def test_another_chart_is_traced_in_place_of_the_first(worked: WorkedChart, trace: FrameTrace) -> None:
    other = WorkedChart()
    trace.start()
    traded(worked, trace)
    traded(other, trace)
    assert "draw" in vars(other.scene.items_by_layer[0]) and "draw" not in vars(worked.scene.items_by_layer[0])
    assert [event["args"]["trades"] for event in events(trace, "frame")] == [0, 0]


def test_an_error_of_a_layer_is_reported_as_without_a_trace(
    worked: WorkedChart, trace: FrameTrace, monkeypatch: pytest.MonkeyPatch, logged
) -> None:
    def fail(*_: object) -> bool:
        raise ValueError("broken")

    monkeypatch.setattr(FootprintItem, "refresh", fail)
    trace.start()
    traded(worked, trace)
    assert worked.scene.failures == {"FootprintItem": 1}
    assert "FootprintItem" in {event["name"] for event in events(trace, "refresh")}


def test_a_stopped_trace_keeps_no_chart_alive(qapp: QApplication, trace: FrameTrace) -> None:
    worked = WorkedChart()
    trace.start()
    traded(worked, trace)
    trace.stop()
    gone = weakref.ref(worked.chart)
    del worked
    gc.collect()
    assert gone() is None
