"""The program ``lean`` around the library's ``lean_main``, in which the kernel checks everything.

Lean has an option, ``debug.skipKernelTC``, with which declarations are added unchecked, so that
``1 = 2`` is proved and rests on no axiom. The guard refuses every text that sets an option; here
the option is made to do nothing, so that a verdict does not rest on a reading of text. The two
functions that add without checking are overwritten, before Lean starts, with a jump to those that
check. (The library binds its own calls, so no preloaded function could take their place.)
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

# unchecked(env, decl) becomes checked(env, 0, 0, decl, none): the same owned environment and
# borrowed declaration, no limit on heartbeats and depth beyond the process's own, no token to
# cancel it. x86-64, System V: mov rcx, rsi; xor esi, esi; xor edx, edx; mov r8d, 1; movabs rax, ...
_BEFORE = bytes.fromhex("4889f1 31f6 31d2 41b801000000 48b8")
_AFTER = bytes.fromhex("ffe0")  # jmp rax
_COMPLAINT = (
    "lean: this machine lets no program change its own code, so the kernel could be skipped"
)

# Messages are to come line by line, also through a pipe.
_WRAPPER = r"""#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
int lean_main(int, char **);
static int check(const char *checked, const char *unchecked) {
  const unsigned char before[] = {BEFORE}, after[] = {AFTER};
  void *to = dlsym(RTLD_DEFAULT, checked);
  char *from = dlsym(RTLD_DEFAULT, unchecked);
  if (!to || !from) return 0;
  uintptr_t page = sysconf(_SC_PAGESIZE), start = (uintptr_t)from / page * page;
  size_t length = (uintptr_t)from + sizeof before + sizeof to + sizeof after - start;
  if (mprotect((void *)start, length, PROT_READ | PROT_WRITE)) return 0;
  memcpy(from, before, sizeof before);
  memcpy(from + sizeof before, &to, sizeof to);
  memcpy(from + sizeof before + sizeof to, after, sizeof after);
  return !mprotect((void *)start, length, PROT_READ | PROT_EXEC);
}
int main(int n, char **v) {
  setvbuf(stdout, 0, _IOLBF, 1 << 16);
  if (!check("lean_elab_add_decl", "lean_elab_add_decl_without_checking") ||
      !check("lean_add_decl", "lean_add_decl_without_checking")) {
    fputs(COMPLAINT "\n", stderr);
    return 70;
  }
  return lean_main(n, v);
}
"""

# The same without a compiler: a Python that hands its arguments to the library.
_LAUNCHER = f"""import ctypes, mmap, os, sys
words = [os.fsencode(word) for word in ["lean", *sys.argv[2:]]]
library = ctypes.CDLL(sys.argv[1], mode=ctypes.RTLD_GLOBAL)
libc = ctypes.CDLL(None)
libc.setvbuf(ctypes.c_void_p.in_dll(libc, "stdout"), None, 1, ctypes.c_size_t(1 << 16))
for name in "lean_elab_add_decl", "lean_add_decl":
    to, place = (
        ctypes.cast(getattr(library, name + end), ctypes.c_void_p).value
        for end in ("", "_without_checking")
    )
    code = {_BEFORE!r} + to.to_bytes(8, "little") + {_AFTER!r}
    start = place // mmap.PAGESIZE * mmap.PAGESIZE
    part = ctypes.c_void_p(start), ctypes.c_size_t(place + len(code) - start)
    if libc.mprotect(*part, mmap.PROT_READ | mmap.PROT_WRITE):
        sys.exit({_COMPLAINT!r})
    ctypes.memmove(place, code, len(code))
    if libc.mprotect(*part, mmap.PROT_READ | mmap.PROT_EXEC):
        sys.exit({_COMPLAINT!r})
sys.exit(library.lean_main(len(words), (ctypes.c_char_p * (len(words) + 1))(*words)))
"""


def build_program(target: Path, library: Path) -> list[str]:
    """Compile the program to ``target``; return the words that start it.

    Args:
        target: where it goes. Without a C compiler nothing is written, and Python is the program.
        library: Lean's shared library.
    """
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler:
        options = [f"-L{library.parent}", "-lleanshared", f"-Wl,-rpath,{library.parent}"]
        command = [compiler, "-O1", "-x", "c", "-", "-o", str(target), *options]
        command += [
            "-Wl,--allow-shlib-undefined",
            f"-DBEFORE={','.join(map(str, _BEFORE))}",
            f"-DAFTER={','.join(map(str, _AFTER))}",
            f'-DCOMPLAINT="{_COMPLAINT}"',
        ]
        done = subprocess.run(command, input=_WRAPPER, text=True, capture_output=True, check=False)
        if done.returncode == 0 and target.exists():
            return [str(target)]
        target.unlink(missing_ok=True)
    return python_program(library)


def python_program(library: Path) -> list[str]:
    """Return the words that start the program through this Python."""
    return [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(library)]
