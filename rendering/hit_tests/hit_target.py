"""What can be asked about a point of the chart: why is this here?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from app.explain.explanation import Explanation

NEAR_PX = 4.0
"""A line is meant by the mouse that is so near to it."""


class HitTarget(NamedTuple):
    """One figure under the mouse, and its explanation for the asking.

    Attributes
    ----------
    text : str
        What it is, for the menu.
    ask : callable
        Works the explanation out, as things stand then.
    marked : bool
        Whether it stands out on the chart, as a highlight or a line: a click asks for such ones alone.
    """

    text: str
    ask: Callable[[], Explanation]
    marked: bool = True
