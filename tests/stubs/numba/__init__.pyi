"""The part of numba that the program uses; it has no types of its own."""

from collections.abc import Callable
from typing import TypeVar

from numba import types as types

_Function = TypeVar("_Function", bound=Callable[..., object])

int64: types.Integer
void: types.NoneType

def njit(signature: object, *, cache: bool, nogil: bool, error_model: str) -> Callable[[_Function], _Function]: ...
