"""Fixtures of the tests of values."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.analytics import footprint
from app.analytics.kernels import numba_kernels
from app.analytics.kernels.choice import NUMPY, Kernels

NUMBA = Kernels(numba_kernels.period_starts, numba_kernels.fold_bars, numba_kernels.add_cells)


@pytest.fixture(scope="module", params=[NUMPY, NUMBA], ids=["numpy", "numba"])
def kernels(request: pytest.FixtureRequest) -> Iterator[Kernels]:
    """Every series of the module is built by these kernels, however few trades there are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(footprint, "kernels_for", lambda _n_trades, _added: request.param)
        yield request.param
