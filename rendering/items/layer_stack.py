"""The layers of one chart: which of them are shown, and which raised so often that they are out of use."""

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
"""A layer that raises this often is put out of use; the others go on."""

_TURNS = 8
"""So many of the layers that rest look at new trades in one frame. There are some twenty of them: each has its turn within three
frames, which is sooner than it would rest, and no frame pays for all of them."""


class LayerStack:
    """All layers of a chart; a mistake in one does not take the others with it.

    Attributes
    ----------
    items : tuple of ChartItem
        All of them, in the order of the table.
    shown : frozenset of str
        Names of the overlays that are shown.
    pictures : tuple of KeptPicture
        What some of them are drawn into.
    failures : dict
        How often each layer raised, by its class's name.
    """

    def __init__(self, items: Iterable[ChartItem], shown: frozenset[str]) -> None:
        self.items = tuple(items)
        kept = [item for item in self.items if item.kept]
        self.pictures = tuple(LayerCache(kept, over=over) for over in (False, True))
        for item in kept:
            item.pictures = self.pictures
        self.shown = shown
        self.failures: dict[str, int] = {}

    def in_use(self) -> Iterator[ChartItem]:
        """The layers that are shown and have not failed too often."""
        for item in self.items:
            if self.is_out_of_use(item):
                item.setVisible(False)
            elif not item.name or item.name in self.shown:
                yield item

    def is_out_of_use(self, item: ChartItem) -> bool:
        """Whether a layer has raised too often to be asked again."""
        return self.failures.get(type(item).__name__, 0) >= _MAY_FAIL

    def failed(self, item: ChartItem, error: Exception) -> None:
        """Take note that a layer raised; it is logged once."""
        name = type(item).__name__
        self.failures[name] = self.failures.get(name, 0) + 1
        if self.failures[name] == 1:
            # as text: a traceback that is kept holds on to painters, and one that outlives its image takes the process with it
            _log.error("a layer of the chart failed", layer=name, error=repr(error), exception="".join(format_exception(error)))

    def show_only(self, names: frozenset[str]) -> None:
        """Show the overlays of these names and no others."""
        self.shown = names
        for item in self.items:
            is_shown = not item.name or item.name in names
            if is_shown != item.isVisible() and not self.is_out_of_use(item):
                item.forget()
                item.setVisible(is_shown)

    def strips(self, rules: CalculationSettings) -> list[Strip]:
        """The rooms under the bars that the layers want."""
        return [strip for item in self.in_use() if (strip := item.strip(rules)) is not None]

    def legend_lines(self, frame: Frame) -> tuple[str, ...]:
        """What the layers tell in the legend."""
        return tuple(text for text in self._ask(lambda item: item.legend(frame)) if text)

    def hits(self, frame: Frame, x: float, y: float) -> list[HitTarget]:
        """What can be asked about a point: first what stands out there, of that the uppermost layer's."""
        found = self._ask(lambda item: [(item.zValue(), question) for question in item.hits(frame, x, y)])
        asked = sorted((pair for pairs in found for pair in pairs), key=lambda pair: (not pair[1].marked, -pair[0]))
        return [question for _, question in asked]

    def refresh(self, frame: Frame) -> bool:
        """Give a frame to every layer; whether any of them will draw."""
        for picture in self.pictures:
            picture.follow(frame)
        self._take_turns(frame)
        return any(self._ask(lambda item: item.refresh(frame)))

    def _take_turns(self, frame: Frame) -> None:
        """Let those of the layers look at new trades that did so longest ago, and the others wait for the next frame."""
        due = sorted((item for item in self.items if item.is_due(frame)), key=lambda item: item.followed_ns)
        for item in self.items:
            item.waits = False
        for item in due[_TURNS:]:
            item.waits = True

    def idle(self, budget_s: float) -> bool:
        """Let the layers spend spare time; whether there is more to do."""
        return any(self._ask(lambda item: item.idle(budget_s)))

    def settle(self) -> None:
        """Finish all that layers put off."""
        for item in self.items:
            if item.isVisible():
                item.settle()

    def _ask(self, question: Callable[[ChartItem], Answer]) -> list[Answer]:
        """The answers of the layers in use that do not raise."""
        answers = []
        for item in self.in_use():
            try:
                answers.append(question(item))
            except Exception as error:  # a mistake in one layer must not take the others with it
                self.failed(item, error)
        return answers
