"""The options of a `tapeprint snapshot` command."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from app.entry.commands.profile_flags import ProfileFlags
from app.market.bar_rule import BarRule
from app.settings.calculation import CalculationSettings


@dataclass(frozen=True, slots=True)
class SnapshotRequest:
    """Options of `tapeprint snapshot`.

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
        None: a default that depends on the price.
    bars : int or None
        Number of bars to show; None: as many as stay readable.
    seconds : float
        Time for which live trades are collected.
    seed : int
        Random seed of the demo.
    show, hide : str
        Overlays to show in addition to those of the settings, and to hide; names separated by commas.
    rules : CalculationSettings
    profiles : ProfileFlags or None
        Profiles to add to the chart.
    as_of_ns : int or None
        Time of the as-of view: only bars closed by then are known; None for all bars.
    why : str
        `TIME@PRICE` of a value that a panel explains; empty for none.
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
