"""Arrays of Qt's own values."""

from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

_Primitive = TypeVar("_Primitive")

class PrimitiveArray(Generic[_Primitive]):
    def __init__(self, Klass: type[_Primitive], nfields: int) -> None: ...
    def resize(self, size: int) -> None: ...
    def ndarray(self) -> npt.NDArray[np.float64]: ...
    def drawargs(self) -> tuple[_Primitive, int]: ...  # the address of the first one, and their number
