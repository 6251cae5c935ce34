"""A value under the mouse that can be explained."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from app.explain.explanation import Explanation

NEAR_PX = 4.0
"""Maximum distance at which the mouse hits a line, logical pixels."""


class HitTarget(NamedTuple):
    """A value under the mouse, and a call that explains it.

    Attributes
    ----------
    text : str
        Name of the value in the menu.
    ask : callable
        Computes the explanation from the chart's data at the time of the call.
    marked : bool
        Whether the value stands out on the chart, as a highlight or a line: a click explains only marked values.
    """

    text: str
    ask: Callable[[], Explanation]
    marked: bool = True
