"""The memory for tiles, shared by all charts of the program."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Protocol
from weakref import WeakSet

MAX_TILE_BYTES = 128 << 20
"""Memory for the tiles of all charts. A screen of 1920 x 1080 full of charts needs 8 MB, or 40 MB if there are eight of them, whose edges
cut tiles; one of 3840 x 2160 needs 33 MB. The rest holds tiles around the views, and those that a pan or zoom may come back to."""


class TileHolder(Protocol):
    """A layer of tiles, as the memory limit sees it; a tile is named by its column and row."""

    in_view: AbstractSet[tuple[int, int]]

    @property
    def n_bytes(self) -> int:
        """Memory of its tiles, bytes."""
        ...

    @property
    def places(self) -> list[tuple[int, int]]:
        """The places of its tiles."""
        ...

    def last_use(self, place: tuple[int, int]) -> int:
        """The number of the last use of the tile at a place."""
        ...

    def discard(self, place: tuple[int, int]) -> int:
        """Discard the tile at a place; return the bytes that it needed."""
        ...


class TileBudget:
    """The limit on the memory of all tiles; beyond it, the least recently used tiles of any chart are discarded.

    Tiles in view are never discarded, even if they alone exceed the limit.

    Parameters
    ----------
    max_bytes : int
        The limit; it counts pixels only.

    Attributes
    ----------
    uses : int
        Number of uses of tiles so far. A tile with a smaller number at its last use than another was used less recently.
    """

    def __init__(self, max_bytes: int = MAX_TILE_BYTES) -> None:
        self.max_bytes = max_bytes
        self.uses = 0
        self._layers: WeakSet[TileHolder] = WeakSet()  # a layer that its painter has replaced no longer counts

    def add(self, layer: TileHolder) -> None:
        """Count the tiles of a layer from now on, as long as the layer exists."""
        self._layers.add(layer)

    @property
    def n_bytes(self) -> int:
        """Memory of all tiles, bytes."""
        return sum(layer.n_bytes for layer in self._layers)

    def fits(self, n_bytes: int) -> bool:
        """Whether `n_bytes` more fit within the limit without discarding a tile."""
        return self.n_bytes + n_bytes <= self.max_bytes

    def free(self, n_bytes: int = 0, used_before: int | None = None) -> bool:
        """Discard the least recently used tiles until `n_bytes` more fit within the limit; return False if they do not fit.

        Parameters
        ----------
        n_bytes : int
            Memory that is needed.
        used_before : int, optional
            Only tiles that were last used before this number of `uses` may be discarded; by default all that are out of view.
        """
        excess = self.n_bytes + n_bytes - self.max_bytes
        if excess <= 0:
            return True
        for used, layer, place in sorted(self._out_of_view(), key=lambda tile: tile[0]):
            if used_before is not None and used >= used_before:
                return False
            excess -= layer.discard(place)
            if excess <= 0:
                return True
        return False

    def _out_of_view(self) -> Iterator[tuple[int, TileHolder, tuple[int, int]]]:
        """Yield the last use, layer and place of each tile that is out of view."""
        for layer in self._layers:
            for place in layer.places:
                if place not in layer.in_view:
                    yield layer.last_use(place), layer, place
