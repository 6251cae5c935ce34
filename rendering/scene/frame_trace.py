"""A recording of the last frames of a chart: what woke each, which layers were asked and drew, and how long each took.

It costs nothing while it is off: recording puts timed functions in place of the layers' own, and takes them away at the end.
"""

from __future__ import annotations

import gc
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from app import __version__
from rendering.items.chart_item import ChartItem
from rendering.scene.scene import ChartScene

FRAMES = 1_200
"""Frames that are recorded, 20 s of a busy market; older ones are dropped. They need about 10 MB."""
_TIMED = ("refresh", "draw")


class _Event(NamedTuple):
    name: str
    kind: str
    start_ns: int
    end_ns: int
    facts: dict[str, Any]


class FrameTrace:
    """Records the last `FRAMES` frames of a chart while it is on; `json` is a file for a browser's trace viewer.

    Parameters
    ----------
    now_ns : callable
        A clock that is never set.
    """

    def __init__(self, now_ns: Callable[[], int] = time.perf_counter_ns) -> None:
        self._now_ns = now_ns
        self.on = False
        self._frames: deque[list[_Event]] = deque(maxlen=FRAMES)
        self._events: list[_Event] = []
        self._scene: ChartScene | None = None
        self._n_trades = 0
        self._paint_ns = self._collect_ns = 0

    @property
    def n(self) -> int:
        """Number of frames recorded."""
        return len(self._frames)

    def start(self) -> None:
        """Start to record, without the frames recorded before."""
        if not self.on:
            self.on = True
            self._frames.clear()
            self._events = []
            gc.callbacks.append(self._collected)

    def stop(self) -> None:
        """Stop recording; the recorded frames stay."""
        if self.on:
            self.on = False
            gc.callbacks.remove(self._collected)
            self._watch(None)

    def frame(self, scene: ChartScene, woken_by: Iterable[str]) -> bool:
        """Refresh a scene as `ChartScene.refresh_if_changed` does, and record it as a new frame; `woken_by` is what caused it."""
        self._watch(scene)
        events: list[_Event] = []
        self._events = events
        self._frames.append(events)
        n_trades = scene.chart.series.n_trades
        start_ns = self._now_ns()
        changed = scene.refresh_if_changed()
        end_ns = self._now_ns()
        asked = [event for event in events if event.kind == "refresh"]
        facts = {
            "woken by": ", ".join(sorted(woken_by)) or "timer",
            "trades": n_trades - self._n_trades,
            "changed": changed,
            "layers asked": len(asked),
            "layers to draw": sum(event.facts["to draw"] for event in asked),
        }
        self._n_trades = n_trades
        events.append(_Event("frame", "frame", start_ns, end_ns, facts))
        return changed

    def begin_paint(self) -> None:
        """Record that the painting of the chart begins."""
        self._paint_ns = self._now_ns()

    def end_paint(self) -> None:
        """Record that the painted frame is on the screen."""
        if self._paint_ns:
            drawn = sum(event.kind == "draw" and event.start_ns >= self._paint_ns for event in self._events)
            self._events.append(_Event("paint", "paint", self._paint_ns, self._now_ns(), {"layers drawn": drawn}))
            self._paint_ns = 0

    def json(self) -> bytes:
        """The recording as JSON in the format of Chrome's trace events, which Perfetto and chrome://tracing open."""
        threads = [_named("process_name", f"Tapeprint {__version__}"), _named("thread_name", "screen")]
        return msgspec.json.encode({"traceEvents": [*threads, *self._written()], "displayTimeUnit": "ms"})

    def _written(self) -> Iterator[dict[str, Any]]:
        for event in sorted((event for frame in list(self._frames) for event in frame), key=lambda event: (event.start_ns, -event.end_ns)):
            start_us = event.start_ns / 1000
            yield {
                **{"name": event.name, "cat": event.kind, "ph": "X", "ts": start_us, "dur": (event.end_ns - event.start_ns) / 1000},
                **{"pid": 1, "tid": 1, "args": event.facts},
            }
            if event.kind == "frame":
                yield {"name": "trades", "ph": "C", "ts": start_us, "pid": 1, "args": {"trades": event.facts["trades"]}}

    def _watch(self, scene: ChartScene | None) -> None:
        """Time the layers of a scene, and no longer those of the scene before."""
        if scene is self._scene:
            return
        if self._scene is not None:
            for item in self._scene.items_by_layer:
                for name in _TIMED:
                    vars(item).pop(name, None)
        self._scene = scene
        if scene is not None:
            self._n_trades = scene.chart.series.n_trades
            for item in scene.items_by_layer:
                for name in _TIMED:
                    vars(item)[name] = self._timed(item, name)

    def _timed(self, item: ChartItem, kind: str) -> Callable[..., Any]:
        """A method of a layer that also records how long it took and, of a refresh, whether the layer has something to draw."""
        run, name = getattr(type(item), kind), type(item).__name__

        def timed(*arguments: Any) -> Any:
            start_ns, answer = self._now_ns(), None
            try:
                answer = run(item, *arguments)
            finally:
                facts = {"to draw": bool(answer)} if kind == "refresh" else {}
                self._events.append(_Event(name, kind, start_ns, self._now_ns(), facts))
            return answer

        return timed

    def _collected(self, phase: str, facts: dict[str, int]) -> None:
        if phase == "start":
            self._collect_ns = self._now_ns()
        elif self._collect_ns:
            found = {"generation": facts["generation"], "collected": facts["collected"]}
            self._events.append(_Event("garbage collection", "gc", self._collect_ns, self._now_ns(), found))


def _named(what: str, name: str) -> dict[str, Any]:
    return {"name": what, "ph": "M", "pid": 1, "tid": 1, "args": {"name": name}}
