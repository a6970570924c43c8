"""A process of ``MathVerifier``: it compares final answers with keys by math-verify.

A program of its own (see ``WorkerPool``), which imports nothing of this package: it starts in a
second. It runs on the main thread, where the alarm of the soft limit can be; an item's soft limit
is CPU time, so that a busy machine changes no verdict.
"""

import json
import os
import random
import sys
from typing import Any


class OutOfTimeError(BaseException):
    """The soft limit of an item; no ``except Exception`` of a library stops it."""


def main() -> None:
    """Read lists of (key, final) and write an outcome with its reason for each."""
    sys.path.pop(0)  # the folder of this file, whose names are not those of libraries
    settings = json.loads(sys.argv[1])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    import logging
    import resource
    import signal

    limit = settings["memory_mb"] << 20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    logging.disable(logging.CRITICAL)
    from math_verify import parse  # noqa: F401

    is_armed = False

    def stop(*_: object) -> None:
        if is_armed:  # else the signal came when the item was done
            raise OutOfTimeError

    signal.signal(signal.SIGPROF, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print(json.dumps("ready"), file=answers, flush=True)
    for line in sys.stdin:
        for key, final in json.loads(line):
            # This one has no handler: it ends the process if its owner is dead and cannot.
            signal.setitimer(signal.ITIMER_VIRTUAL, settings["timeout_s"] + 5.0)
            signal.setitimer(signal.ITIMER_PROF, settings["cpu_s"], settings["cpu_s"])
            try:
                is_armed = True
                verdict = compare(key, final, settings)
                is_armed = False
            except OutOfTimeError:
                verdict = ("cannot tell", f"timeout: over {settings['cpu_s']:g} s of CPU time")
            except MemoryError:
                verdict = ("cannot tell", f"memory: over {settings['memory_mb']} MB")
            except Exception as error:
                verdict = ("cannot tell", f"error: {type(error).__name__}")
            is_armed = False
            signal.setitimer(signal.ITIMER_PROF, 0)
            print(json.dumps(verdict), file=answers, flush=True)


def compare(key: str, final: str, settings: dict[str, Any]) -> tuple[str, str]:
    """Return the outcome for a final answer, and a reason if it cannot be told."""
    from math_verify import verify
    from sympy.core.random import seed

    random.seed(0)
    seed(0)  # of sympy's numerical tests of an equation
    expected, found = read(key), read(final)
    if not expected or not found:
        which = "final answer" if expected else "key"
        return "cannot tell", f"unparsed: the {which}"
    is_right = verify(
        expected,
        found,
        float_rounding=settings["float_rounding"],
        strict=True,
        allow_set_relation_comp=True,
        timeout_seconds=None,
        raise_on_error=True,
    )
    if not is_right:
        return "wrong", ""
    if "%" not in key + final and differ(expected[0], found[0]):
        return "cannot tell", f"rounding: equal to {settings['float_rounding']} decimals only"
    return "right", ""


def read(text: str) -> list[Any]:
    """Return the expression in a text as a list, which is empty if it is none.

    As LaTeX alone: of a text that is none, math-verify would else take a number that is in it.
    """
    from math_verify import LatexExtractionConfig, parse

    return parse(
        f"${text}$",
        [LatexExtractionConfig()],
        fallback_mode="no_fallback",
        parsing_timeout=None,
        raise_on_error=True,
    )


def differ(expected: object, found: object) -> bool:
    """Return whether two numbers that rounding makes equal differ by over a thousandth."""
    from sympy import Expr

    if not (isinstance(expected, Expr) and isinstance(found, Expr)):
        return False
    if not (expected.is_number and found.is_number):
        return False
    a, b = complex(expected.evalf()), complex(found.evalf())
    return abs(a - b) > 1e-3 * max(abs(a), abs(b))


if __name__ == "__main__":
    main()
