"""The functions of Lean that add declarations unchecked, overwritten by those that check.

Lean has an option, ``debug.skipKernelTC``, with which declarations are added unchecked, so that
``1 = 2`` is proved and rests on no axiom. The guard refuses every text that sets an option, and
what a proof declares is checked once more; here the option is made to do nothing. (The library
binds its own calls, so no preloaded function could take their place.)
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys

# unchecked(env, decl) becomes checked(env, 0, 0, decl, none): the same owned environment and
# borrowed declaration, no limit on heartbeats and depth beyond the process's own, no token to
# cancel it. x86-64, System V: mov rcx, rsi; xor esi, esi; xor edx, edx; mov r8d, 1; movabs rax, ...
BEFORE = bytes.fromhex("4889f1 31f6 31d2 41b801000000 48b8")
AFTER = bytes.fromhex("ffe0")  # jmp rax
CHECKED = ("lean_elab_add_decl", "lean_add_decl")
COMPLAINT = "lean: this machine lets no program change its own code, so the kernel could be skipped"


def always_check(library: ctypes.CDLL) -> None:
    """Overwrite the functions of ``CHECKED`` that do not check, before Lean starts.

    Raises:
        SystemExit: the machine forbids it.
    """
    libc = ctypes.CDLL(None)
    for name in CHECKED:
        to, place = (
            ctypes.cast(getattr(library, name + end), ctypes.c_void_p).value or 0
            for end in ("", "_without_checking")
        )
        code = BEFORE + to.to_bytes(8, "little") + AFTER
        start = place // mmap.PAGESIZE * mmap.PAGESIZE
        part = ctypes.c_void_p(start), ctypes.c_size_t(place + len(code) - start)
        if libc.mprotect(*part, mmap.PROT_READ | mmap.PROT_WRITE):
            sys.exit(COMPLAINT)
        ctypes.memmove(place, code, len(code))
        if libc.mprotect(*part, mmap.PROT_READ | mmap.PROT_EXEC):
            sys.exit(COMPLAINT)


def main() -> None:
    """Be ``lean``, for machines without a C compiler: hand the arguments to the library."""
    words = [os.fsencode(word) for word in ["lean", *sys.argv[2:]]]
    library = ctypes.CDLL(sys.argv[1], mode=ctypes.RTLD_GLOBAL)
    libc = ctypes.CDLL(None)  # messages are to come line by line, also through a pipe
    stdout = ctypes.c_void_p.in_dll(libc, "stdout")
    libc.setvbuf(stdout, None, 1, ctypes.c_size_t(1 << 16))
    always_check(library)
    sys.exit(library.lean_main(len(words), (ctypes.c_char_p * (len(words) + 1))(*words)))
