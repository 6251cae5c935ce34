from __future__ import annotations

import numpy as np
import pytest

from app.market.distinct import distinct


@pytest.mark.parametrize("values", [[], [3], [2, 2, 2], [5, -1, 5, 0, -1], [2.5, 0.5, 2.5]])
def test_distinct_values_are_ascending_and_once_each(values: list[float]) -> None:
    array = np.array(values)
    found = distinct(array)
    assert found.tolist() == sorted(set(values)) and found.dtype == array.dtype
