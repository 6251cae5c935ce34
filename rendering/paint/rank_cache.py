"""The volume ranks in use, shared by both painters so that their colours agree."""

from __future__ import annotations

from app.market.arrays import Int64Array
from rendering.paint.cell_colouring import VolumeRanks
from rendering.paint.geometry import bars_between
from rendering.view.frame import Frame


class RankCache:
    """The volume ranks in use, replaced when bars or rows change or the volumes in view have become too different.

    Attributes
    ----------
    ranks : VolumeRanks or None
        The ranks in use; None until there are bars.
    """

    def __init__(self) -> None:
        self.ranks: VolumeRanks | None = None
        self._made_for: tuple[object, ...] = ()
        self._judged: tuple[object, ...] = ()

    def follow(self, frame: Frame) -> VolumeRanks:
        """The ranks for a frame, computed the first time and when bars or rows have changed."""
        made_for = series_key(frame)
        if self.ranks is None or self._made_for not in ((), made_for):
            self.ranks = _ranks_in_view(frame) or self.ranks or VolumeRanks(frame.chart.series.volume)
        self._made_for = made_for
        return self.ranks

    def reconsider(self, frame: Frame) -> None:
        """Replace the ranks if they no longer fit the view; called in spare time.

        Live trades alone seldom cause it.
        """
        judged = (frame.viewport, frame.chart.series.n_bars)
        if judged == self._judged or self.ranks is None:
            return
        self._judged = judged
        volume = _volume_in_view(frame)
        if volume is not None and self.ranks.misjudges(volume):
            self.ranks = VolumeRanks(volume)  # the next frame draws with another style


def series_key(frame: Frame) -> tuple[object, ...]:
    """A key that changes when bars or rows are built again."""
    series = frame.chart.series
    return frame.generation, series.grid, series.rule


def _ranks_in_view(frame: Frame) -> VolumeRanks | None:
    volume = _volume_in_view(frame)
    return None if volume is None else VolumeRanks(volume)


def _volume_in_view(frame: Frame) -> Int64Array | None:
    """Cell volumes of the bars in view, all rows: vertical pans change no colour."""
    series = frame.chart.series
    first, end = bars_between(series, *frame.viewport.visible_bars())
    if end <= first:
        return None
    cells = slice(int(series.cell_start[first]), int(series.cell_start[end - 1] + series.n_rows[end - 1]))
    return series.cell_buy[cells] + series.cell_sell[cells] + series.cell_unknown[cells]
