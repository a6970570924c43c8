"""Lean's objects, read where they lie in memory.

Their layout is that of Lean 4.35 (``lean.h``), which the toolchain pins by the library's hash. An
object is known by its address; a small number is that number, doubled, plus one.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

Object = int
MANY = 1 << 10  # references that are added to what is handed over several times: it is never freed


def box(number: int) -> Object:
    """Return a small number as one of Lean's objects."""
    return number << 1 | 1


def field(of: Object, index: int) -> Object:
    """Return a field of a constructor's object."""
    return ctypes.c_uint64.from_address(of + 8 + 8 * index).value


def tag(of: Object) -> int:
    """Return which constructor an object was made by."""
    return of >> 1 if of & 1 else ctypes.c_uint8.from_address(of + 7).value


def keep(of: Object) -> Object:
    """Return an object after adding references, so that calls that consume it leave it alive."""
    if not of & 1:
        count = ctypes.c_int32.from_address(of)
        if count.value:  # 0: it lives as long as the process; below: counted for several threads
            count.value += MANY if count.value > 0 else -MANY
    return of


def text_of(of: Object) -> str:
    """Return the text of a string object."""
    size = ctypes.c_uint64.from_address(of + 8).value
    return ctypes.string_at(of + 32, size - 1).decode(errors="replace")


def elements(array: Object) -> Iterator[Object]:
    """Yield the elements of an array object."""
    for index in range(ctypes.c_uint64.from_address(array + 8).value):
        yield ctypes.c_uint64.from_address(array + 24 + 8 * index).value


def items(of: Object) -> Iterator[Object]:
    """Yield the items of a list object."""
    while not of & 1:
        yield field(of, 0)
        of = field(of, 1)


def written(name: Object) -> str:
    """Return a name as text, in a form that tells all names apart."""
    parts = []
    while not name & 1:
        part = field(name, 1)
        is_text = not part & 1 and tag(name) == 1
        parts.append(text_of(part) if is_text else f"\0{part >> 1}")
        name = field(name, 0)
    return ".".join(reversed(parts))
