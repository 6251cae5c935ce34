"""The legend: the instrument, the settings by which the values on the chart are computed, and the texts of the overlays."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from app.settings.calculation import ImbalanceSettings, SessionSettings
from rendering.items.as_of import as_of_text
from rendering.items.chart_item import ChartItem
from rendering.items.guides.badge_item import badge_rect
from rendering.paint.exposed_region import is_exposed
from rendering.style.text import Labels, qcolor
from rendering.view.frame import Frame, once_a_frame
from rendering.view.layout import CHAR_ASPECT, LEGEND_LEFT, LEGEND_TEXT_PX, LEGEND_TOP, LINE_PX

_SEPARATOR = " · "
_PADDING_PX = 6.0
_LEAST_ROOM_PX = 240.0
"""With less width left of the badge, the legend is placed under it."""


class LegendItem(ChartItem):
    """The legend at the upper left: instrument, bars and settings, then the texts of the overlays."""

    z = 80.0
    depends_on = frozenset({"bars", "legend"})

    def __init__(self) -> None:
        super().__init__()
        self._bold = Labels(LEGEND_TEXT_PX, bold=True)
        self._labels = Labels(LEGEND_TEXT_PX)
        self._shown: tuple[tuple[str, ...], QRectF] = ((), QRectF())
        self._drawn: tuple[Frame | None, tuple[str, ...], QRectF] = None, (), QRectF()

    def pane(self, frame: Frame) -> QRectF:
        return QRectF(0, 0, frame.layout.plot_right, frame.layout.price.height)

    def extent(self, frame: Frame) -> QRectF:
        return self._lines(frame)[1]

    def _lines(self, frame: Frame) -> tuple[tuple[str, ...], QRectF]:
        """The lines of the legend and its rectangle, computed once per frame."""
        if self._drawn[0] is not frame:
            lines = legend_lines(frame)
            self._drawn = frame, lines, _rect(frame, lines)
        return self._drawn[1], self._drawn[2]

    def changed(self, old: Frame, new: Frame) -> QRectF | None:
        before, self._shown = self._shown, self._lines(new)
        if before == self._shown:
            return None
        return (before[1] | self._shown[1]) & self.pane(new)

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        (lines, rect), theme = self._lines(frame), frame.theme
        if not rect.intersects(exposed) or not is_exposed(painter, rect):
            return
        painter.fillRect(rect, qcolor(theme.panel))
        x, y = rect.left() + _PADDING_PX, rect.top() + LINE_PX / 2
        above, below = exposed.top() - LINE_PX, exposed.bottom() + LINE_PX
        name, _, rest = lines[0].partition(" ")
        if above <= y <= below:
            self._bold.draw(painter, x, y, name, theme.text)
            self._labels.draw(painter, x + self._bold.width(name + " "), y, rest, theme.text_muted)
        for line in lines[1:]:
            y += LINE_PX
            if above <= y <= below and exposed.left() <= x + self._labels.width(line):
                self._labels.draw(painter, x, y, line, theme.text_muted)


def legend_lines(frame: Frame) -> tuple[str, ...]:
    """The lines of the legend: first the instrument and the settings, then the texts of the overlays."""
    lines: list[str] = []
    overlay_parts = [part for text in frame.told for part in text.split(_SEPARATOR)]
    for group in (_parts(frame), *([overlay_parts] if overlay_parts else [])):
        lines += _wrapped(group, int((_room(frame)[1] - 2 * _PADDING_PX) / (CHAR_ASPECT * LEGEND_TEXT_PX)))
    return tuple(lines)


@once_a_frame
def _parts(frame: Frame) -> list[str]:
    """The parts of the legend that do not come from overlays: instrument, bars, rows, settings and as-of moment."""
    spec, grid, rules = frame.chart.spec, frame.chart.series.grid, frame.rules
    return [
        spec.instrument.symbol,
        spec.instrument.venue,
        frame.chart.series.rule.title,
        f"rows {grid.ticks_per_row} ({grid.text(grid.ticks_per_row)})",
        f"VA {rules.value_area.percent} % {rules.value_area.method.value}",
        _imbalance_text(rules.imbalance),
        *([] if rules.time == SessionSettings() else [rules.hours.text]),
        *([] if frame.style.cells == "sellxbuy" else [f"cells {frame.style.cells}"]),
        f"colour {frame.style.colouring}",
        *([] if frame.as_of is None else [as_of_text(frame).replace("AS OF", "as of") + ": later bars excluded"]),
    ]


def _imbalance_text(rule: ImbalanceSettings) -> str:
    least = f" min {rule.minimum}" if rule.minimum else ""
    return f"imbalance {float(rule.ratio)}{least}" + ("" if rule.zeros == "count" else f" zeros {rule.zeros}")


def legend_rect(frame: Frame) -> QRectF:
    """The rectangle of the legend, at the upper left of the price pane, or under the badge if there is little space left of the badge."""
    return _rect(frame, legend_lines(frame))


def _rect(frame: Frame, lines: tuple[str, ...]) -> QRectF:
    top, room = _room(frame)
    width = max(map(len, lines)) * CHAR_ASPECT * LEGEND_TEXT_PX + 2 * _PADDING_PX
    return QRectF(LEGEND_LEFT, top, min(width, room), LINE_PX * len(lines))


def _room(frame: Frame) -> tuple[float, float]:
    """The y position of the legend's upper edge, and the maximum width of the legend, in logical pixels."""
    badge = badge_rect(frame)
    if badge.isEmpty():
        return LEGEND_TOP, frame.layout.price.right - 2 * LEGEND_LEFT
    beside = badge.left() - 2 * LEGEND_LEFT
    if beside >= _LEAST_ROOM_PX:
        return LEGEND_TOP, beside
    return badge.bottom() + 3, frame.layout.price.right - 2 * LEGEND_LEFT


def _wrapped(parts: list[str], chars: int) -> list[str]:
    """Join the parts into lines of at most `chars` characters; a longer part is not split and gets its own line."""
    lines = [parts[0]]
    for part in parts[1:]:
        longer = lines[-1] + _SEPARATOR + part
        if len(longer) <= chars:
            lines[-1] = longer
        else:
            lines.append(part)
    return lines
