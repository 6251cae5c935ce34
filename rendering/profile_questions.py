"""What can be asked about the lines of a profile: POC, VAH and VAL."""

from __future__ import annotations

from functools import partial

from app.profile_figures import ProfileFigures
from app.profile_inputs import ProfileInputs
from app.why.value_areas import Edge, why_profile
from rendering.axes import price_y
from rendering.frame import Frame
from rendering.question import NEAR_PX, Question


def profile_questions(frame: Frame, name: str, figures: ProfileFigures, inputs: ProfileInputs, y: float) -> list[Question]:
    """The lines of a profile that are near."""
    at = {Edge.POC: figures.poc_ticks, Edge.VAH: figures.vah_ticks, Edge.VAL: figures.val_ticks}
    chart, rule = frame.chart, (inputs.percent, inputs.method)
    return [
        Question(f"{edge.value} of {name}", partial(why_profile, chart, name, figures, *rule, edge))
        for edge, ticks in at.items()
        if abs(price_y(frame, ticks) + 0.5 - y) <= NEAR_PX
    ]
