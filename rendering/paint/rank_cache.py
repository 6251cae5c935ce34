"""The volume ranks that colour the cells, shared by both painters so that their colours agree."""

from __future__ import annotations

from app.market.arrays import Int64Array
from rendering.paint.cell_colouring import VolumeRanks
from rendering.paint.geometry import bars_between
from rendering.view.frame import Frame


class RankCache:
    """The volume ranks in use, replaced when bars or rows are built again, or when they no longer fit the volumes in view.

    Attributes
    ----------
    ranks : VolumeRanks or None
        The ranks in use; None before the first call of `follow`.
    """

    def __init__(self) -> None:
        self.ranks: VolumeRanks | None = None
        self._made_for: tuple[object, ...] = ()
        self._judged: tuple[object, ...] = ()

    def follow(self, frame: Frame) -> VolumeRanks:
        """The ranks for a frame, computed the first time and after bars or rows were built again."""
        made_for = series_key(frame)
        if self.ranks is None or self._made_for not in ((), made_for):
            self.ranks = _ranks_in_view(frame) or self.ranks or VolumeRanks(frame.chart.series.volume)
        self._made_for = made_for
        return self.ranks

    def reconsider(self, frame: Frame) -> None:
        """Replace the ranks if they no longer fit the volumes in view; called in spare time.

        Ranks are checked only after the view moved or a bar opened.
        """
        judged = (frame.viewport, frame.chart.series.n_bars)
        if judged == self._judged or self.ranks is None:
            return
        self._judged = judged
        volume = _volume_in_view(frame)
        if volume is not None and self.ranks.misjudges(volume):
            self.ranks = VolumeRanks(volume)  # the next frame draws with another style


def series_key(frame: Frame) -> tuple[object, ...]:
    """A key that changes when the bars of a frame's chart or their rows are built again."""
    series = frame.chart.series
    return frame.generation, series.grid, series.rule


def _ranks_in_view(frame: Frame) -> VolumeRanks | None:
    volume = _volume_in_view(frame)
    return None if volume is None else VolumeRanks(volume)


def _volume_in_view(frame: Frame) -> Int64Array | None:
    """Cell volumes of the bars in view, lots; of all rows, so that vertical pans change no colour. None without bars."""
    series = frame.chart.series
    first, end = bars_between(series, *frame.viewport.visible_bars())
    if end <= first:
        return None
    cells = slice(int(series.cell_start[first]), int(series.cell_start[end - 1] + series.n_rows[end - 1]))
    return series.cell_buy[cells] + series.cell_sell[cells] + series.cell_unknown[cells]
