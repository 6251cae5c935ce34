"""The layers of one chart: which of them are shown, and which are out of use after errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from traceback import format_exception
from typing import TypeVar

import structlog

from app.errors import StoreError
from app.settings.calculation import CalculationSettings
from rendering.hit_tests.hit_target import HitTarget
from rendering.items.chart_item import READING_REST_S, ChartItem
from rendering.items.layer_cache import LayerCache
from rendering.view.frame import Frame
from rendering.view.layout import Strip

Answer = TypeVar("Answer")
_log = structlog.get_logger(__name__)

_MAY_FAIL = 2
"""A layer with this many errors is not used again."""

_LIVE = frozenset({"trades", "coverage"})
"""What changes all the time while trades arrive."""
_MAY_WAIT = frozenset({"trades", "coverage", "levels", "legend"})
"""Changes that a layer with a `rest_s` may leave to a later frame."""
_IN_NO_LEGEND = frozenset({"levels", "alerts"})
_LEGEND = frozenset({"legend"})
_LEGEND_REST_NS = round(READING_REST_S * 1e9)
_TURNS = 9
"""Maximum number of layers with a `rest_s` that update to new trades in one frame. There are 25 of them, so each updates
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
        self._in_use: tuple[ChartItem, ...] = ()
        self._in_use_for: tuple[object, ...] = ()
        self._strips: tuple[tuple[object, ...], list[Strip]] = (), []
        self._frame: Frame | None = None
        self._told: tuple[str, ...] = ()
        self._told_for: Frame | None = None
        self._told_by: tuple[ChartItem, ...] = ()
        self._told_due_ns: int | None = None
        self.show_only(shown)

    def in_use(self) -> tuple[ChartItem, ...]:
        """Return the layers that are shown and in use; hide those that are out of use after errors."""
        key = self.shown, sum(self.failures.values())
        if key != self._in_use_for:
            for item in self.items:
                if self.is_out_of_use(item):
                    item.setVisible(False)
            self._in_use = tuple(item for item in self.items if not self.is_out_of_use(item) and (not item.name or item.name in self.shown))
            self._in_use_for, self._frame = key, None
        return self._in_use

    def is_out_of_use(self, item: ChartItem) -> bool:
        """True if a layer has had two or more errors, after which it is not used again."""
        return bool(self.failures) and self.failures.get(type(item).__name__, 0) >= _MAY_FAIL

    def failed(self, item: ChartItem, error: Exception) -> None:
        """Count an error of a layer, and log it if it is the first of that layer.

        A layer that could not read older bars has no fault: the chart drops these bars before the next frame, and reports it.
        """
        if isinstance(error, StoreError):
            return
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
        items = self.in_use()
        key = rules, items
        if len(self._strips[0]) != 2 or self._strips[0][0] is not rules or self._strips[0][1] is not items:
            self._strips = key, [strip for item in items if (strip := item.strip(rules)) is not None]
        return self._strips[1]

    def legend_lines(self, frame: Frame) -> tuple[str, ...]:
        """The legend texts of the layers in use; empty texts are left out.

        While trades arrive, the layers are asked 15 times a second, and once more afterwards: some legends show what was found in the
        frame before.
        """
        items, old, live = self.in_use(), self._told_for, False
        if old is not None and self._told_by is items and frame.differs_by_trades_only(old):
            changes = frame.state.changes_since(old.state) - _IN_NO_LEGEND
            live = bool(changes) and changes <= _LIVE
            if live and 0 <= frame.now_ns - old.now_ns < _LEGEND_REST_NS:
                self._told_due_ns = old.now_ns + _LEGEND_REST_NS
                return self._told
        self._told_for, self._told_by = frame, items
        self._told_due_ns = frame.now_ns + _LEGEND_REST_NS if live else None
        with_legend = [item for item in items if type(item).legend is not ChartItem.legend]
        self._told = tuple(filter(None, self._ask(lambda item: item.legend(frame), with_legend)))
        return self._told

    def hits(self, frame: Frame, x: float, y: float) -> list[HitTarget]:
        """Hit targets at a point: those marked on the chart first, then by layer from the top."""
        found = self._ask(lambda item: [(item.zValue(), question) for question in item.hits(frame, x, y)])
        asked = sorted((pair for pairs in found for pair in pairs), key=lambda pair: (not pair[1].marked, -pair[0]))
        return [question for _, question in asked]

    def refresh(self, frame: Frame) -> bool:
        """Pass a frame to every layer in use that may draw something else in it; return True if any of them will redraw."""
        for picture in self.pictures:
            picture.follow(frame)
        old, self._frame = self._frame, frame
        changes, moved = None, True
        if old is not None and frame.differs_by_trades_only(old):
            changes, moved = _changes(old, frame), frame.cursor != old.cursor
        dirty = False
        for item in self._to_ask(frame, changes, moved=moved):
            try:
                dirty |= item.refresh(frame)
            except Exception as error:  # an error in one layer must not stop the others
                self.failed(item, error)
        return dirty

    def refresh_cursor(self, frame: Frame) -> bool:
        """Pass a frame, in which only the mouse has moved, to the layers that follow the mouse; return True if any of them will redraw."""
        following = (item for item in self.in_use() if item.follows_cursor)
        return any(self._ask(lambda item: item.refresh(frame), following))

    @property
    def due_ns(self) -> int | None:
        """Earliest time, ns, from which a layer may draw more although nothing has changed; None if all layers are up to date."""
        due = [item.due_ns for item in self.in_use() if item.due_ns is not None]
        if self._told_due_ns is not None:
            due.append(self._told_due_ns)
        return min(due, default=None)

    def _to_ask(self, frame: Frame, changes: frozenset[str] | None, *, moved: bool) -> list[ChartItem]:
        """The layers that may draw something else in a frame; those that rest leave new trades to a later one.

        Of the layers whose rest is over at most `_TURNS` update to new trades, those with the oldest update first; the others wait too.
        """
        items, now_ns = self.in_use(), frame.now_ns
        if changes is None:
            for item in items:
                item.waits = False
            return list(items)
        may_wait, asked, due = changes <= _MAY_WAIT, list[ChartItem](), list[ChartItem]()
        for item in items:
            item.waits = False
            follows = moved and item.follows_cursor
            if item.due_ns is None and not follows and item.depends_on.isdisjoint(changes):
                continue
            if item.rest_ns and may_wait and not follows:
                if 0 <= now_ns - item.followed_ns < item.rest_ns:
                    item.due_ns = item.followed_ns + item.rest_ns
                    continue
                due.append(item)
            asked.append(item)
        if len(due) > _TURNS:
            behind = [item for item in due if item.is_due(frame)]
            for item in sorted(behind, key=_followed_ns)[_TURNS:]:
                item.waits = True
        return asked

    def idle(self, budget_s: float) -> bool:
        """Let the layers do work for later frames in spare time, about `budget_s` seconds each; return True if more is left."""
        return any(self._ask(lambda item: item.idle(budget_s)))

    def settle(self) -> None:
        """Finish all deferred work of the visible layers."""
        for item in self.items:
            if item.isVisible():
                item.settle()

    def _ask(self, question: Callable[[ChartItem], Answer], items: Iterable[ChartItem] | None = None) -> list[Answer]:
        """The results of a call on each layer in use, or on some of them; a layer that raises an error is left out."""
        answers: list[Answer] = []
        for item in self.in_use() if items is None else items:
            try:
                answers.append(question(item))
            except Exception as error:  # an error in one layer must not stop the others
                self.failed(item, error)
        return answers


def _changes(old: Frame, new: Frame) -> frozenset[str]:
    """The parts of the chart, and `"legend"`, that differ between two frames of the same view."""
    changes = new.state.changes_since(old.state)
    return changes | _LEGEND if new.told != old.told else changes


def _followed_ns(item: ChartItem) -> int:
    return item.followed_ns
