"""Content that was changed at random, byte by byte or in its structure; the same seed gives the same content.

`MUTATORS` has one mutator for each form of content. Each applies one to four changes: bytes flipped, left out, doubled or inserted,
a cut, deep nesting, and values that no careful program writes. Where the content can be parsed, values are also replaced, doubled,
removed and nested in its tree.
"""

from __future__ import annotations

import json
import random
import re
import tomllib
from collections.abc import Callable
from typing import Any, TypeAlias

Mutator: TypeAlias = Callable[[random.Random, bytes], bytes]

INSERTED = (
    *(b"\x00", b" ", b"\n", b"\r", b'"', b"'", b",", b"}", b"{", b"]", b"[", b"=", b"#", b";", b"\\", b"-", b"0", b"e9", b"e999999999"),
    *(b"\xef\xbb\xbf", b"\xc0\x80", b"\xff\xfe", b"\x1b[31m", b"\x1b]0;x\x07", "\u202e".encode(), "\u2028".encode(), "\u0661".encode()),
    *(b"\\ud800", b"\\u0000", b"\xed\xa0\x80", b"9" * 400, b"x" * 5_000),
)
"""Bytes that are inserted anywhere: marks of the formats, invalid UTF-8, control characters, and what is too long."""
NUMBERS = (
    *("0", "-1", "-0.0", "7", "1.5", "0.30000000000000004", "1e400", "-1e400", "1e999999999", "1e-999999999", "9" * 400, "0." + "9" * 400),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551616", "10000000000000000000000"),
)
"""Numbers at and beyond every limit, as JSON, TOML and CSV write them."""
TEXTS = (
    *("", " ", "NaN", "Infinity", "-1", "0", "abc", "0x10", "1_000", ".5", "1.", "\u0661", "1.000000001", "1e999999999", "9" * 400),
    *("\x00", "\x1b[31mred", "\u202eabc", "line\nbreak", "../../outside:BTC", "a:b:c", "x" * 5_000, "\U0001f680", "2026-02-30", "%s{0}"),
)
"""Texts that are no value of any field, or one that is hard to bear."""
_DEPTHS = (20, 500, 50_000)
_LOOKED_THROUGH = 10_000  # bytes of a content in which tokens are sought
_FEW = (1, 1, 1, 2, 4)
_TOKEN = re.compile(rb'"(?:[^"\\\n]|\\.)*"|[-+]?\d[\d.eE+-]*|[A-Za-z_][\w-]*|[\[\]{}=,:]')
_RAW = re.compile(r'"@(raw|deep)@([^"]*)"')


# -- bytes ---------------------------------------------------------------------------------------


def flip(chance: random.Random, content: bytes) -> bytes:
    """One byte replaced by any other."""
    at = chance.randrange(len(content) or 1)
    return content[:at] + bytes([chance.randrange(256)]) + content[at + 1 :]


def drop(chance: random.Random, content: bytes) -> bytes:
    """Up to 19 bytes left out."""
    at = chance.randrange(len(content) or 1)
    return content[:at] + content[at + chance.randrange(1, 20) :]


def double(chance: random.Random, content: bytes) -> bytes:
    """Up to 19 bytes twice."""
    at = chance.randrange(len(content) or 1)
    return content[: at + chance.randrange(1, 20)] + content[at:]


def insert(chance: random.Random, content: bytes) -> bytes:
    """One of `INSERTED` anywhere."""
    at = chance.randrange(len(content) + 1)
    return content[:at] + chance.choice(INSERTED) + content[at:]


def cut(chance: random.Random, content: bytes) -> bytes:
    """Only a beginning."""
    return content[: chance.randrange(len(content) + 1)]


def nest(chance: random.Random, content: bytes) -> bytes:
    """Brackets opened anywhere, and maybe closed again, up to 50,000 deep."""
    at, depth = chance.randrange(len(content) + 1), chance.choice(_DEPTHS)
    opened, closed = chance.choice(((b"[", b"]"), (b'{"a":', b"}"), (b"{a=", b"}"), (b"[[", b"]]"), (b"a.", b"")))
    return content[:at] + opened * depth + (b"1" + closed * depth if chance.random() < 0.5 else b"") + content[at:]


def replace_line(chance: random.Random, content: bytes) -> bytes:
    """A line left out, moved elsewhere, or twice."""
    lines = content.split(b"\n")
    line = lines.pop(chance.randrange(len(lines)))
    for _ in range(chance.randrange(3)):
        lines.insert(chance.randrange(len(lines) + 1), line)
    return b"\n".join(lines)


def replace_token(chance: random.Random, content: bytes) -> bytes:
    """A word, number, text or mark replaced by a number or a text that does not belong there, or by another token."""
    tokens = list(_TOKEN.finditer(content, 0, _LOOKED_THROUGH))
    if not tokens:
        return content
    token = chance.choice(tokens)
    text = chance.choice(TEXTS)
    new = chance.choice((chance.choice(NUMBERS), text, json.dumps(text), json.dumps(text, ensure_ascii=False)))
    other = chance.choice(tokens)[0] if chance.random() < 0.2 else new.encode()
    return content[: token.start()] + other + content[token.end() :]


# -- structure -----------------------------------------------------------------------------------


def changed_tree(chance: random.Random, tree: Any) -> Any:
    """A tree of dictionaries, lists and values in which one place is changed; `tree` itself is changed too.

    Numbers beyond Python's, and values nested deeper than it writes, are texts that begin with `@`; `json_text` and `toml_text` write
    them as they are meant.
    """
    places = _places(tree) if isinstance(tree, (dict, list)) else []
    if not places:
        return odd_value(chance)
    within, key = chance.choice(places)
    way = chance.randrange(6)
    if way == 0:
        del within[key]
    elif way == 1 and isinstance(within, list):
        within[key:key] = [within[key]] * chance.choice((1, 2, 50))
    elif way == 1:
        within[chance.choice(("unknown", *TEXTS))] = within[key] if chance.random() < 0.3 else odd_value(chance)
    elif way == 2:
        within[key] = [within[key]] if chance.random() < 0.5 else {"a": within[key]}
    elif way == 3:
        other, name = chance.choice(places)
        within[key] = other[name] if other is within else odd_value(chance)
    else:
        within[key] = odd_value(chance)
    return tree


def odd_value(chance: random.Random) -> Any:
    """A value of any type: few fields bear it."""
    plain = (None, True, False, [], {}, [[]], [None], {"a": 1}, 1.5, -1, 0, 7)
    deep = f"@deep@{chance.choice(_DEPTHS)}{chance.choice('[{')}"
    return chance.choice((chance.choice(TEXTS), chance.choice(TEXTS), f"@raw@{chance.choice(NUMBERS)}", chance.choice(plain), deep))


def json_text(tree: Any) -> str:
    """A tree as JSON."""
    return _RAW.sub(_meant('{"a":'), json.dumps(tree))


def toml_text(tree: Any) -> str:
    """A tree as TOML: its topmost tables as tables, all below as inline tables."""
    if not isinstance(tree, dict):
        return _toml_value(tree)
    single = [f"{_toml_value(name)} = {_toml_value(value)}" for name, value in tree.items() if not isinstance(value, dict)]
    tables = [
        "\n".join([f"[{_toml_value(name)}]", *(f"{_toml_value(key)} = {_toml_value(entry)}" for key, entry in value.items())])
        for name, value in tree.items()
        if isinstance(value, dict)
    ]
    return "\n".join([*single, *tables, ""])


def _toml_value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml_value(name)} = {_toml_value(entry)}" for name, entry in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml_value, value))}]"
    if isinstance(value, str):
        return _RAW.sub(_meant("{a="), json.dumps(value).replace("\x7f", "\\u007f"))
    return {None: '""', True: "true", False: "false"}.get(value) or repr(value)


def _meant(opened: str) -> Callable[[re.Match[str]], str]:
    def write(match: re.Match[str]) -> str:
        if match[1] == "raw":
            return match[2]
        depth, is_list = int(match[2][:-1]), match[2][-1] == "["
        return ("[" if is_list else opened) * depth + "1" + ("]" if is_list else "}") * depth

    return write


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Every place in a tree as the dictionary or list and the key in it."""
    found: list[tuple[Any, Any]] = []
    waiting = [tree]
    while waiting:
        within = waiting.pop()
        keys = list(within) if isinstance(within, dict) else range(len(within))
        found += [(within, key) for key in keys]
        waiting += [within[key] for key in keys if isinstance(within[key], (dict, list))]
    return found


def _json_tree(chance: random.Random, content: bytes) -> bytes:
    try:
        return json_text(changed_tree(chance, json.loads(content))).encode()
    except (ValueError, RecursionError):  # another change came first
        return replace_token(chance, content)


def _json_line(chance: random.Random, content: bytes) -> bytes:
    lines = content.split(b"\n")
    at = chance.randrange(len(lines))
    return b"\n".join([*lines[:at], _json_tree(chance, lines[at]), *lines[at + 1 :]])


def _toml_tree(chance: random.Random, content: bytes) -> bytes:
    if len(content) > _LOOKED_THROUGH:  # reading a key takes the square of the number of its parts
        return replace_token(chance, content)
    try:
        return toml_text(changed_tree(chance, tomllib.loads(content.decode()))).encode()
    except (ValueError, RecursionError):
        return replace_token(chance, content)


def _csv_tree(chance: random.Random, content: bytes) -> bytes:
    rows: Any = [line.split(",") for line in content.decode("latin-1").split("\n")]
    rows = changed_tree(chance, rows)
    return "\n".join(",".join(map(str, row)) if isinstance(row, list) else str(row) for row in rows).encode("latin-1", "replace")


_BYTES = (flip, drop, double, insert, cut)
_MARKS = (*_BYTES, nest, replace_line, replace_token, replace_token)


def mutator(*ways: Mutator) -> Mutator:
    """A mutator that applies one to four of the given ways, in which one may occur more than once."""

    def mutate(chance: random.Random, content: bytes) -> bytes:
        for _ in range(chance.choice(_FEW)):
            content = chance.choice(ways)(chance, content)
        return content

    return mutate


def within(mutate: Mutator, unpack: Callable[[bytes], bytes], pack: Callable[[bytes], bytes]) -> Mutator:
    """A mutator of packed content: mostly what is packed is changed, else the package."""
    whole = mutator(*_BYTES)
    return lambda chance, content: whole(chance, content) if chance.random() < 0.3 else pack(mutate(chance, unpack(content)))


BINARY = mutator(*_BYTES)
JSON = mutator(*_MARKS, *[_json_tree] * 2 * len(_MARKS))
JSON_TREE = mutator(_json_tree)
JSON_LINES = mutator(*_MARKS, *[_json_line] * 2 * len(_MARKS))
TOML = mutator(*_MARKS, *[_toml_tree] * 2 * len(_MARKS))
CSV = mutator(*_MARKS, *[_csv_tree] * len(_MARKS))
