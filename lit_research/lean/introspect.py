"""Find Lean's own parsers and macros inside ``libleanshared.so``.

The library holds the native code of Lean's whole frontend, but the declarations of its core library
(the ``.olean`` files that tell a fresh ``lean`` that ``exact`` is a tactic) are not in it. They can
be declared again: the parser descriptions are objects in the library's memory, under symbols whose
names are mangled Lean names, and the macros are functions there. This script lists both as JSON.

It runs as a separate program (``python introspect.py LIBRARY OUTPUT``), because it loads and
initialises the library and reads its own memory; only the standard library is imported.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import re
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Sizes and fields of 64-bit ELF: section header, dynamic symbol.
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_SHT_DYNSYM = 11
_OBJECT, _FUNCTION = 1, 2

# Constructors of Lean's `ParserDescr`, by the tag in the object's header.
NODE, TRAILING_NODE, NODE_WITH_ANTIQUOT = 3, 4, 9

# What the compiler adds to a declaration: closed terms, lambdas, specialisations.
_BY_PRODUCT = re.compile(r"___(closed|boxed|lam|redArg|regBuiltin|spec|declRange|docString)|__1__")
_MACRO = re.compile(r"__macroRules__|__unexpand__|^l_unexpand")
_ESCAPE = re.compile(r"x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}")


def dynamic_symbols(data: mmap.mmap | bytes) -> Iterator[tuple[str, int, int]]:
    """Yield name, type and value of the defined dynamic symbols whose names start with ``l_``."""
    if data[:6] != b"\x7fELF\x02\x01":
        raise ValueError("not a 64-bit little-endian ELF file")
    start = struct.unpack_from("<Q", data, 40)[0]
    size, count = struct.unpack_from("<HH", data, 58)
    headers = [_SECTION.unpack_from(data, start + i * size) for i in range(count)]
    table = next(header for header in headers if header[1] == _SHT_DYNSYM)
    strings = headers[table[6]][4]
    for name, info, _, section, value, _ in _SYMBOL.iter_unpack(
        data[table[4] : table[4] + table[5]]
    ):
        at = strings + name
        if section and data[at : at + 2] == b"l_":
            yield data[at : data.find(b"\0", at)].decode(), info & 15, value


def demangle(symbol: str) -> list[str]:
    """Return the components of the Lean name behind a symbol ``l_...``.

    Lean writes ``_`` between components, doubles an underscore of the name itself, writes other
    characters as ``_x2b`` or ``_u2200``, and puts ``_00`` where a component would be ambiguous.
    """
    text = symbol[2:]
    done: list[str] = []
    current, i = "", 0
    while i < len(text):
        if text[i] != "_":
            current, i = current + text[i], i + 1
            continue
        end = i
        while end < len(text) and text[end] == "_":
            end += 1
        own, single = divmod(end - i, 2)
        current, i = current + "_" * own if single == 0 else current, end
        if single == 0:
            continue
        escape = _ESCAPE.match(text, end)
        if escape:
            current += "_" * own + chr(int(escape.group()[1:], 16))
            i = escape.end()
        elif text.startswith("00", end):
            done.append(current + "_" * own)
            current, i = "", end + 2
        else:
            done.append(current)
            current = "_" * own
    return [*done, current]


class Memory:
    """Reads Lean objects of this process; a wrong address raises ``OSError`` and never crashes."""

    def __init__(self) -> None:
        self._file = os.open("/proc/self/mem", os.O_RDONLY)

    def read(self, address: int, size: int) -> bytes:
        """Return ``size`` bytes at ``address``."""
        data = os.pread(self._file, size, address)
        if len(data) != size:
            raise OSError("short read")
        return data

    def word(self, address: int) -> int:
        """Return the 64-bit word at ``address``."""
        return int.from_bytes(self.read(address, 8), "little")

    def header(self, address: int) -> tuple[int, int]:
        """Return the constructor's tag and the number of fields that are objects."""
        fields, tag = self.read(address + 6, 2)
        return tag, fields

    def name(self, address: int) -> list[str]:
        """Return the components of the ``Lean.Name`` at ``address``."""
        if address & 1:  # a boxed scalar: Name.anonymous
            return []
        tag, fields = self.header(address)
        if fields != 2:
            raise OSError("not a Lean.Name")
        prefix, last = self.name(self.word(address + 8)), self.word(address + 16)
        if tag == 2:
            return [*prefix, str(last >> 1)]
        length = self.word(last + 8)
        if length > 4000:
            raise OSError("not a Lean string")
        return [*prefix, self.read(last + 32, length - 1).decode("utf-8", "replace")]

    def parser(self, address: int) -> tuple[int, list[str]] | None:
        """Return tag and syntax kind of the named ``ParserDescr`` there; None if there is none."""
        if address == 0 or address & 1:
            return None
        try:
            shape = self.header(address)
            if shape in ((NODE, 3), (TRAILING_NODE, 4)):
                return shape[0], self.name(self.word(address + 8))
            if shape == (NODE_WITH_ANTIQUOT, 3):
                return shape[0], self.name(self.word(address + 16))
        except (OSError, OverflowError, RecursionError):
            pass
        return None


def introspect(library: str) -> dict[str, list[Any]]:
    """Return the parsers (tag, name) and the macros and unexpanders (name) of ``library``."""
    handle = ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
    handle.lean_initialize()
    memory = Memory()
    parsers: list[tuple[int, list[str]]] = []
    macros: list[list[str]] = []
    base: int | None = None
    with open(library, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for symbol, kind, value in sorted(dynamic_symbols(data)):
            if _BY_PRODUCT.search(symbol):
                continue
            if kind == _FUNCTION and _MACRO.search(symbol):
                macros.append(demangle(symbol))
            elif kind == _OBJECT:
                if base is None:
                    variable = ctypes.c_uint64.in_dll(handle, symbol)
                    base = ctypes.addressof(variable) - value
                found = memory.parser(memory.word(base + value))
                if found and found[1] == demangle(symbol):
                    parsers.append(found)
    return {"parsers": parsers, "macros": macros}


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(introspect(sys.argv[1])), encoding="utf-8")
