"""Self-describing settings: file, dialog and flags are generated from the fields.

A settings group has parts, and a part has fields, each addressed by its path, e.g. `part.field`. A new setting needs only a
field with `Annotated[type, Meta(description=…)]`: default, bounds and help are written there.
"""

from __future__ import annotations

import enum
import types
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta

from app.errors import BadInputError

PlainValue: TypeAlias = bool | int | float | str | list[str] | tuple[str, ...]
"""A setting as written in a file: true or false, a number, a text or a list of words."""


class SettingsGroup(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The base class of every group of settings, and of the parts of a group."""


class FieldInfo(NamedTuple):
    """The description of one setting.

    Attributes
    ----------
    path : str
        Names of the parts and of the field, joined by points: `part.field`.
    kind : type
        `bool`, `int`, `float`, `Decimal` or `str`; `str` for a choice, `tuple` for a list of choices.
    choices : tuple of str
        All possible values; empty for free text and numbers.
    examples : tuple of str
        Common values.
    default : object
        As it is written in a file: numbers, words, lists of words.
    least, most : int or None
        Bounds of a number.
    help : str
        The help text, one line.
    """

    path: str
    kind: type
    choices: tuple[str, ...]
    examples: tuple[str, ...]
    default: PlainValue
    least: int | None
    most: int | None
    help: str


_Value = TypeVar("_Value", bound=SettingsGroup)


def fields_of(kind: type[SettingsGroup]) -> tuple[FieldInfo, ...]:
    """Descriptions of all settings in a group and its parts, in the order of the fields."""
    return tuple(_fields_in("", kind))


def help_of(kind: type[SettingsGroup], path: str) -> str:
    """The help text of the setting with this path, which must exist."""
    return next(field.help for field in fields_of(kind) if field.path == path)


def to_plain(value: SettingsGroup) -> dict[str, dict[str, Any]]:
    """The settings as written in a file: tables of numbers, words and lists of words."""
    return msgspec.to_builtins(value)


def changed_fields(old: _Value, new: _Value) -> Iterator[tuple[str, str, PlainValue]]:
    """Yield part, name and new value (as written to a file) of every setting that differs between `old` and `new`."""
    before = to_plain(old)
    for part, inputs in to_plain(new).items():
        for name, value in inputs.items():
            if before[part][name] != value:
                yield part, name, value


def with_value(value: _Value, path: str, text: str) -> _Value:
    """The settings with the value of one setting replaced, parsed from text.

    The text is a word, a number, `true` or `false`, or words separated by commas.

    Raises
    ------
    BadInputError
        If there is no such setting, or the value is invalid; one line with what was found and expected.
    """
    known = {one.path: one for one in fields_of(type(value))}
    if path not in known:
        raise BadInputError(f"rule: unknown setting {path!r}, expected one of {', '.join(known)}")
    one = known[path]
    words = [word.strip() for word in text.split(",") if word.strip()]
    if one.choices and (wrong := next((word for word in (words if one.kind is tuple else [text]) if word not in one.choices), None)):
        raise BadInputError(f"{path}: found {wrong!r}, expected {'some' if one.kind is tuple else 'one'} of {', '.join(one.choices)}")
    part, _, name = path.partition(".")
    table = to_plain(value)
    table[part][name] = words if one.kind is tuple else text.strip()
    try:
        return from_plain(table, type(value), strict=False)
    except msgspec.ValidationError as error:
        wanted = str(error).partition(" - at ")[0].replace("`", "")
        raise BadInputError(f"{path}: found {text!r}, {wanted[0].lower()}{wanted[1:]}") from None
    except BadInputError as error:
        raise BadInputError(_named_once(path, text.strip(), error.user_message)) from None


def _named_once(path: str, text: str, message: str) -> str:
    """The error message with the path of the setting in front, and the setting named only once."""
    if message.startswith(path):
        return message
    _, found, expected = message.partition(f": found {text!r}")
    return f"{path}{found}{expected}" if found else f"{path}: {message}"


def from_plain(table: Mapping[str, Any], kind: type[_Value], *, strict: bool = True) -> _Value:
    """Settings from tables as written in a file; missing settings have their defaults.

    Raises
    ------
    msgspec.ValidationError
        If a value is invalid.
    BadInputError
        If the values of a part are invalid together, or a number is NaN.
    """
    try:
        return msgspec.convert(table, kind, strict=strict)
    except InvalidOperation:  # NaN in a comparison
        raise BadInputError("found NaN, expected a number such as 2.5") from None


def _fields_in(above: str, kind: type[SettingsGroup]) -> Iterator[FieldInfo]:
    for field in msgspec.structs.fields(kind):
        if isinstance(field.default, SettingsGroup):
            yield from _fields_in(f"{above}{field.name}.", type(field.default))
        elif _meta(field.type) is not None:
            yield _input(f"{above}{field.name}", field)


def _meta(annotated: Any) -> Meta | None:
    return next((meta for meta in getattr(annotated, "__metadata__", ()) if isinstance(meta, Meta) and meta.description), None)


def _input(path: str, field: msgspec.structs.FieldInfo) -> FieldInfo:
    meta = _meta(field.type)
    assert meta is not None
    kind, choices = _kind(get_args(field.type)[0])
    examples = tuple(str(example) for example in meta.examples or ())
    least, most = (None if bound is None else int(bound) for bound in (meta.ge, meta.le))
    return FieldInfo(path, kind, choices, examples, msgspec.to_builtins(field.default), least, most, str(meta.description))


def _kind(annotation: Any) -> tuple[type, tuple[str, ...]]:
    """The type of a setting as in `FieldInfo.kind`, and its possible values; empty if any value is possible."""
    if get_origin(annotation) is Annotated:
        return _kind(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return str, get_args(annotation)
    if get_origin(annotation) is tuple:
        return tuple, _kind(get_args(annotation)[0])[1]
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return str, tuple(member.value for member in annotation)
    assert annotation in (bool, int, float, Decimal, str) and not isinstance(annotation, types.GenericAlias)
    return annotation, ()
