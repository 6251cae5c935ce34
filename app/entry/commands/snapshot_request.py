"""The image that a `tapeprint snapshot` command asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from app.entry.commands.profile_flags import ProfileFlags
from app.market.bar_rule import BarRule
from app.settings.calculation import CalculationSettings


@dataclass(frozen=True, slots=True)
class SnapshotRequest:
    """What picture is asked for.

    Attributes
    ----------
    source : str
        `demo`, a trades file, or an instrument id.
    out : Path
    size : (int, int)
        Logical pixels.
    scale : float
    rule : BarRule
    ticks_per_row : int or None
        None: by the price.
    bars : int or None
        How many bars to show; None: as many as stay legible.
    seconds : float
        How long a live instrument is listened to.
    seed : int
        Of the demo.
    show, hide : str
        Overlays besides those that the settings show, and without; names with commas between them.
    rules : ChartRules
        How the figures are made.
    profiles : ProfileFlags or None
        Profiles to put on the chart.
    as_of_ns : int or None
        The moment from which to look: all bars that had closed by then are known; None for all there are.
    why : str
        `TIME@PRICE` of a figure that a panel explains; empty for none.
    """

    source: str
    out: Path
    size: tuple[int, int]
    scale: float
    rule: BarRule
    ticks_per_row: int | None
    bars: int | None
    seconds: float
    seed: int
    show: str = ""
    hide: str = ""
    rules: CalculationSettings = field(default_factory=CalculationSettings)
    profiles: ProfileFlags | None = None
    as_of_ns: int | None = None
    why: str = ""
