"""The program ``lean`` around the library's ``lean_main``, in which the kernel checks everything.

It compiles the core library and answers ``--version``; proofs are the driver's. What makes the
kernel check everything is in :mod:`lit_research.lean.driver.checked`, here once more in C.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from lit_research.lean.driver.checked import AFTER, BEFORE, COMPLAINT

DRIVER = Path(__file__).parent / "driver"

# Messages must come line by line, through a pipe too.
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


def clean_environment() -> dict[str, str]:
    """Return this process's environment without variables that load other code into a program.

    The build goes into a cache: it must neither hold nor come from a library that somebody's
    ``LD_PRELOAD``, ``LD_LIBRARY_PATH`` or ``LEAN_PATH`` names.
    """
    compiler = ("GCC_EXEC_PREFIX", "COMPILER_PATH", "LIBRARY_PATH", "CPATH", "C_INCLUDE_PATH")
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LD_", "LEAN_")) and name not in compiler
    }


def build_program(target: Path, library: Path) -> list[str]:
    """Compile the program to ``target``; return the command line that starts it.

    Args:
        target: path to write. Without a C compiler nothing is written, and Python is the program.
        library: Lean's shared library.
    """
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler:
        options = [f"-L{library.parent}", "-lleanshared", f"-Wl,-rpath,{library.parent}"]
        command = [compiler, "-O1", "-x", "c", "-", "-o", str(target), *options]
        command += [
            "-Wl,--allow-shlib-undefined",
            f"-DBEFORE={','.join(map(str, BEFORE))}",
            f"-DAFTER={','.join(map(str, AFTER))}",
            f'-DCOMPLAINT="{COMPLAINT}"',
        ]
        done = subprocess.run(
            command,
            input=_WRAPPER,
            text=True,
            capture_output=True,
            check=False,
            env=clean_environment(),
        )
        if done.returncode == 0 and target.exists():
            return [str(target)]
        target.unlink(missing_ok=True)
    return python_program(library)


def python_program(library: Path) -> list[str]:
    """Return the command line that starts the program through this Python."""
    return start_python("checked", str(library))


def start_python(module: str, *arguments: str) -> list[str]:
    """Return the command line that runs a module of the driver, which is a separate package."""
    code = f"import sys; sys.path.append(sys.argv.pop(1)); from driver.{module} import main; main()"
    return [sys.executable, "-I", "-S", "-c", code, str(DRIVER.parent), *arguments]
