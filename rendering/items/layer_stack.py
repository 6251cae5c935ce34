"""The layers of one chart: which of them are shown, and which are out of use after errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from traceback import format_exception
from typing import TypeVar

import structlog

from app.settings.calculation import CalculationSettings
from rendering.hit_tests.hit_target import HitTarget
from rendering.items.chart_item import ChartItem
from rendering.items.layer_cache import LayerCache
from rendering.view.frame import Frame
from rendering.view.layout import Strip

Answer = TypeVar("Answer")
_log = structlog.get_logger(__name__)

_MAY_FAIL = 2
"""A layer with this many errors is not used again."""

_TURNS = 8
"""Maximum number of layers with a `rest_s` that update to new trades in one frame. There are about 20 of them, so each updates
within three frames, and no frame pays for all of them."""


class LayerStack:
    """All layers of a chart; an error in one does not stop the others.

    Attributes
    ----------
    items : tuple of ChartItem
        All layers, in the given order.
    shown : frozenset of str
        Names of the overlays that are shown.
    pictures : tuple of LayerCache
        The cached images that some layers are drawn into.
    failures : dict
        Number of errors per layer, by class name.
    """

    def __init__(self, items: Iterable[ChartItem], shown: frozenset[str]) -> None:
        self.items = tuple(items)
        kept = [item for item in self.items if item.kept]
        self.pictures = tuple(LayerCache(kept, over=over) for over in (False, True))
        for item in kept:
            item.pictures = self.pictures
        self.failures: dict[str, int] = {}
        self.show_only(shown)

    def in_use(self) -> Iterator[ChartItem]:
        """Yield the layers that are shown and in use; hide those that are out of use after errors."""
        for item in self.items:
            if self.is_out_of_use(item):
                item.setVisible(False)
            elif not item.name or item.name in self.shown:
                yield item

    def is_out_of_use(self, item: ChartItem) -> bool:
        """True if a layer has had two or more errors, after which it is not used again."""
        return bool(self.failures) and self.failures.get(type(item).__name__, 0) >= _MAY_FAIL

    def failed(self, item: ChartItem, error: Exception) -> None:
        """Count an error of a layer, and log it if it is the first of that layer."""
        name = type(item).__name__
        self.failures[name] = self.failures.get(name, 0) + 1
        if self.failures[name] == 1:
            # as text: a stored traceback keeps painters alive, and a painter that outlives its image crashes the process
            _log.error("a layer of the chart failed", layer=name, error=repr(error), exception="".join(format_exception(error)))

    def show_only(self, names: frozenset[str]) -> None:
        """Show the overlays with these names and no others."""
        self.shown = names
        for item in self.items:
            is_shown = not item.name or item.name in names
            if is_shown != item.isVisible() and not self.is_out_of_use(item):
                item.forget()
                item.setVisible(is_shown)

    def strips(self, rules: CalculationSettings) -> list[Strip]:
        """The panes that the layers request under the bars."""
        return [strip for item in self.in_use() if (strip := item.strip(rules)) is not None]

    def legend_lines(self, frame: Frame) -> tuple[str, ...]:
        """The legend texts of the layers in use; empty texts are left out."""
        return tuple(text for text in self._ask(lambda item: item.legend(frame)) if text)

    def hits(self, frame: Frame, x: float, y: float) -> list[HitTarget]:
        """Hit targets at a point: those marked on the chart first, then by layer from the top."""
        found = self._ask(lambda item: [(item.zValue(), question) for question in item.hits(frame, x, y)])
        asked = sorted((pair for pairs in found for pair in pairs), key=lambda pair: (not pair[1].marked, -pair[0]))
        return [question for _, question in asked]

    def refresh(self, frame: Frame) -> bool:
        """Pass a frame to every layer in use; return True if any of them will redraw."""
        for picture in self.pictures:
            picture.follow(frame)
        self._take_turns(frame)
        return any(self._ask(lambda item: item.refresh(frame)))

    def refresh_cursor(self, frame: Frame) -> bool:
        """Pass a frame, in which only the mouse has moved, to the layers that follow the mouse; return True if any of them will redraw."""
        return any(self._ask(lambda item: item.follows_cursor and item.refresh(frame)))

    @property
    def due_ns(self) -> int | None:
        """Earliest time, ns, from which a layer may draw more although nothing has changed; None if all layers are up to date."""
        return min((item.due_ns for item in self.in_use() if item.due_ns is not None), default=None)

    def _take_turns(self, frame: Frame) -> None:
        """Allow at most `_TURNS` due layers to update to new trades in this frame, those that were updated longest ago.

        The others wait for a later frame.
        """
        due = sorted((item for item in self.items if item.is_due(frame)), key=lambda item: item.followed_ns)
        for item in self.items:
            item.waits = False
        for item in due[_TURNS:]:
            item.waits = True

    def idle(self, budget_s: float) -> bool:
        """Let the layers do work for later frames in spare time, about `budget_s` seconds each; return True if more is left."""
        return any(self._ask(lambda item: item.idle(budget_s)))

    def settle(self) -> None:
        """Finish all deferred work of the visible layers."""
        for item in self.items:
            if item.isVisible():
                item.settle()

    def _ask(self, question: Callable[[ChartItem], Answer]) -> list[Answer]:
        """The results of a call on each layer in use; a layer that raises an error is left out."""
        answers: list[Answer] = []
        for item in self.in_use():
            try:
                answers.append(question(item))
            except Exception as error:  # an error in one layer must not stop the others
                self.failed(item, error)
        return answers
