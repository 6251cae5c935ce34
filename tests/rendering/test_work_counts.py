"""The ratchet: the work of a frame may fall, and must not rise.

Each figure is what `tests.rendering.work` counts and 5 %. A change that lowers one lowers it here too, by the table that
`python -m tests.rendering.work` prints; a change that raises one says why in its commit.
"""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from rendering.items.chart_item import ChartItem
from rendering.scene.all_layers import LAYERS
from rendering.view.frame import Frame
from tests.rendering.work import ALL, CASES, Work, WorkedChart, work_of

CEILINGS = {
    ("usual", "unchanged"): Work(7.35, 0, 0, 0, 0, 0),
    ("usual", "hover"): Work(745, 2.1, 9.81, 0.02, 0, 22),
    ("usual", "trade"): Work(833, 7.35, 7.44, 0.05, 0.01, 44),
    ("usual", "bar"): Work(2122, 23, 12.34, 1.03, 0.24, 112),
    ("usual", "pan"): Work(1596, 23, 11.64, 1.03, 0.04, 32),
    ("all overlays", "unchanged"): Work(7.35, 0, 0, 0, 0, 0),
    ("all overlays", "hover"): Work(909, 2.1, 9.98, 0.02, 0, 24),
    ("all overlays", "trade"): Work(1425, 11.82, 7.97, 0.08, 0.01, 84),
    ("all overlays", "bar"): Work(6687, 40, 31, 1.04, 0.24, 361),
    ("all overlays", "pan"): Work(5275, 40, 30, 1.04, 0.04, 162),
}
_SLACK = 1.35
"""A ceiling more than this many times what is counted is out of date."""
_TOO_SMALL = Work(20, 2, 2, 0.1, 0.1, 20)
"""Below these values a ceiling may be any number of times what is counted."""


def shown_in(overlays: str) -> frozenset[str] | None:
    return ALL if overlays == "all overlays" else None


@pytest.mark.parametrize(("overlays", "case"), CEILINGS)
def test_a_frame_needs_no_more_work_than_its_ceiling(qapp, overlays: str, case: str):
    found, ceiling = work_of(WorkedChart(shown_in(overlays)), case), CEILINGS[overlays, case]
    for name, value, most, small in zip(Work._fields, found, ceiling, _TOO_SMALL, strict=True):
        assert value <= most, f"{name} of a frame ({overlays}, {case}): found {value:.2f}, expected at most {most}"
        assert most <= max(small, _SLACK * value), f"{name} of a frame ({overlays}, {case}): {value:.2f} now, lower its ceiling of {most}"


def test_every_case_has_its_ceilings():
    assert set(CEILINGS) == {(overlays, case) for overlays in ("usual", "all overlays") for case in CASES}


class Restless(ChartItem):
    """A layer that redraws its whole pane for each trade."""

    def pane(self, frame: Frame) -> QRectF:
        return QRectF(*frame.layout.price)

    def changed(self, old: Frame, new: Frame) -> QRectF | None:
        return None if old.revision == new.revision else self.pane(new)

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        frame.chart.series.close.sum()


def test_a_layer_that_redraws_its_pane_for_each_trade_breaks_the_ceilings(qapp):
    found = work_of(WorkedChart(layers=(*LAYERS, Restless)), "trade")
    ceiling = CEILINGS["usual", "trade"]
    assert found.drawn > ceiling.drawn and found.exposed > 5 * ceiling.exposed
    assert found.encoded <= ceiling.encoded
