"""The functions of Lean's library that the driver calls."""

from __future__ import annotations

import ctypes
import json
from typing import Any

from .checked import always_check
from .objects import Object, box, field, items, keep, tag, text_of


class Lean:
    """The functions of Lean's library that are called here.

    Args:
        library: its path.
        memory_mib: memory above which Lean gives up.
    """

    def __init__(self, library: str, memory_mib: int) -> None:
        self._library = ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
        self._memory: list[Any] = []  # what objects that are made here live in
        pointer, byte, word = ctypes.c_void_p, ctypes.c_uint8, ctypes.c_size_t
        call = self._function
        self._initialise(memory_mib)
        self._string = call("lean_mk_string_unchecked", pointer, ctypes.c_char_p, word, word)
        self._context = call(
            "l_Lean_Parser_mkInputContext___redArg", pointer, pointer, pointer, byte, pointer
        )
        self._parse_header = call("l_Lean_Parser_parseHeader", pointer, pointer)
        header = (*[pointer] * 5, ctypes.c_uint32, pointer, byte, pointer)
        self._process_header = call("l_Lean_Elab_processHeader", *header)
        self._extend = call("l_Lean_Name_str___override", *[pointer] * 3)
        self._state = call("l_Lean_Elab_Command_mkState", *[pointer] * 4)
        self._command = call("l_Lean_Elab_Frontend_processCommand", *[pointer] * 3)
        self._commands = call("l_Lean_Elab_Frontend_processCommands", *[pointer] * 3)
        self._reference = call("lean_st_mk_ref", *[pointer] * 2)
        self._get = call("lean_st_ref_get", *[pointer] * 2)
        self._persist = call("lean_mark_persistent", None, pointer)
        self._messages = call("l_Lean_MessageLog_toList", *[pointer] * 2)
        self._message = call("l_Lean_Message_toJson", *[pointer] * 2)
        self._compress = call("l_Lean_Json_compress", *[pointer] * 2)
        self.find = call("l_Lean_Environment_find_x3f", *[pointer] * 3, byte)
        self.used = call("l_Lean_Expr_getUsedConstants", *[pointer] * 2)
        self.are_equal = call("lean_expr_eqv", byte, pointer, pointer)
        self.kernel_environment = call("lean_elab_environment_to_kernel_env", *[pointer] * 2)
        self._add = call("lean_add_decl", pointer, pointer, word, word, pointer, pointer)
        self._no_options = ctypes.c_uint64.in_dll(self._library, "l_Lean_Options_empty").value
        self._start = self.make(0, [box(0)], bytes(8))  # a parser's state at a text's beginning

    def _initialise(self, memory_mib: int) -> None:
        """Start Lean's runtime, as ``lean`` does."""
        call, pointer = self._function, ctypes.c_void_p
        always_check(self._library)
        call("lean_initialize", None)()
        call("lean_internal_set_max_memory", None, ctypes.c_size_t)(memory_mib << 20)
        call("lean_init_search_path", pointer)()
        call("lean_enable_initializer_execution", pointer)()
        call("lean_io_mark_end_initialization", None)()
        call("lean_init_task_manager_using", None, ctypes.c_uint)(1)

    def _function(self, name: str, result: Any, *arguments: Any) -> Any:
        function = getattr(self._library, name)
        function.restype, function.argtypes = result, list(arguments)
        return function

    def make(self, constructor: int, fields: list[Object], scalars: bytes = b"") -> Object:
        """Return an object that lives as long as the process."""
        size = 8 + 8 * len(fields) + len(scalars)
        memory = ctypes.create_string_buffer(size + 8)
        self._memory.append(memory)
        at = (ctypes.addressof(memory) + 7) // 8 * 8
        head = [0, size | len(fields) << 16 | constructor << 24]
        ctypes.memmove(at, b"".join(part.to_bytes(4, "little") for part in head), 8)
        body = b"".join(part.to_bytes(8, "little") for part in fields) + scalars
        ctypes.memmove(at + 8, body, len(body))
        return at

    def empty_array(self) -> Object:
        """Return an array without elements: its size and its capacity are 0."""
        at = self.make(246, [0, 0])
        ctypes.c_uint8.from_address(at + 6).value = 0
        return at

    def input(self, text: str) -> Object:
        """Return the context that the parser reads ``text`` from."""
        data = text.encode(errors="replace")
        string = keep(self._string(data, len(data), len(text)))
        name = self._string(b"<input>", 7, 7)
        return keep(self._context(string, name, 1, box(len(data))))

    def header(self, text: str) -> tuple[Object, list[dict[str, Any]]]:
        """Return the state after a header (imports, then commands), and what Lean says of it."""
        context = self.input(text)
        parsed = _value(self._parse_header(context))
        syntax, rest = keep(field(parsed, 0)), field(parsed, 1)
        parser, log = keep(field(rest, 0)), keep(field(rest, 1))
        done = _value(
            self._process_header(
                *(syntax, self._no_options, log, context, 0, self.empty_array(), 0, box(0))
            )
        )
        log = keep(field(done, 1))
        state = self._state(keep(field(done, 0)), log, self._no_options)
        reference = keep(self._reference(self.make(0, [state, parser, box(0), self.empty_array()])))
        _value(self._commands(context, reference))
        state = keep(field(self._get(reference), 0))
        messages = self.messages(field(state, 1))
        # Nothing changes a persistent object: each command makes its own copy of what it changes.
        self._persist(state)
        return state, messages

    def command(self, state: Object, text: str) -> tuple[Object, list[dict[str, Any]], bool]:
        """Run one command on top of a state.

        Returns:
            The state after it, what Lean says, and whether the text was parsed without an error as
            that one command.
        """
        context = self.input(text)
        reference = keep(
            self._reference(self.make(0, [state, self._start, box(0), self.empty_array()]))
        )
        _value(self._command(context, reference))
        after = self._get(reference)
        parser = field(after, 1)
        end, is_recovering = field(parser, 0) >> 1, ctypes.c_uint8.from_address(parser + 16).value
        state = keep(field(after, 0))
        is_one = end == len(text.encode(errors="replace")) and not is_recovering
        return state, self.messages(field(state, 1)), is_one

    def messages(self, log: Object) -> list[dict[str, Any]]:
        """Return what is in a log of messages, as Lean writes it with ``--json``."""
        found = []
        for message in items(self._messages(keep(log))):
            written = self._message(keep(message))
            string = written if tag(written) == 249 else self._compress(written)
            found.append(json.loads(text_of(string)))
        return found

    def constant(self, environment: Object, name: Object) -> Object | None:
        """Return the ``ConstantInfo`` of a name; None if there is none."""
        found = self.find(keep(environment), keep(name), 0)
        return None if found & 1 else keep(field(found, 0))

    def add(self, environment: Object, info: Object) -> Object | None:
        """Have the kernel check a constant and add it; None if it refuses it."""
        declaration = self.make(tag(info), [keep(field(info, 0))])
        result = self._add(keep(environment), 0, 0, declaration, box(0))
        return keep(field(result, 0)) if tag(result) == 1 else None

    def name(self, text: str) -> Object:
        """Return a name object for a dotted name."""
        name = box(0)
        for part in text.split("."):
            data = part.encode()
            name = self._extend(name, self._string(data, len(data), len(part)))
        return keep(name)


def _value(result: Object) -> Object:
    """Return what an ``IO`` function returned."""
    if tag(result) != 0:
        raise RuntimeError("Lean raised an error of input or output")
    return field(result, 0)
