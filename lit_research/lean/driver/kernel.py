"""The second check of a proof, by the kernel, in an environment that no proof has touched."""

from __future__ import annotations

from .library import Lean
from .objects import Object, elements, field, keep, tag, written

# Constructors of `ConstantInfo`, and of the `Declaration` that adds such a constant.
AXIOM, DEFINITION, THEOREM, OPAQUE = range(4)
NO_NAMES: frozenset[str] = frozenset()


def parts_of(info: Object) -> tuple[Object, Object | None]:
    """Return the type and the value of a constant; None where it has no value."""
    own = field(info, 0)
    kind = tag(info)
    common = field(own, 0)
    return field(common, 2), field(own, 1) if kind in (DEFINITION, THEOREM, OPAQUE) else None


class Checker:
    """Checks what proofs declared on top of one environment, and collects axioms.

    Args:
        lean: the library.
        environment: the header's.
    """

    def __init__(self, lean: Lean, environment: Object) -> None:
        self._lean, self._base = lean, keep(environment)
        self._kernel = keep(lean.kernel_environment(self._base))
        self._axioms: dict[str, frozenset[str]] = {}

    def check(self, environment: Object, name: Object) -> tuple[str, list[str]]:
        """Return why the kernel refuses a theorem, empty if it does not, and its axioms."""
        new, axioms = self._collect(environment, name)
        kernel = self._kernel
        for info in new:
            if tag(info) not in (DEFINITION, THEOREM, OPAQUE):
                return "it declares what no proof declares", []
            added = self._lean.add(kernel, info)
            if added is None:
                return "the kernel refuses it", []
            kernel = added
        return "", sorted(axioms)

    def _collect(self, environment: Object, name: Object) -> tuple[list[Object], set[str]]:
        """Return what the environment adds for a constant, in order, and the axioms it rests on."""
        new: list[Object] = []
        axioms: set[str] = set()
        seen: set[str] = set()
        stack: list[tuple[Object, Object | None]] = [(name, None)]
        while stack:
            name, ready = stack.pop()
            if ready is not None:
                new.append(ready)
                continue
            key = written(name)
            if key in seen:
                continue
            seen.add(key)
            if (known := self._axioms.get(key)) is not None:
                axioms |= known
                continue
            if self._lean.constant(self._base, name) is not None:
                axioms |= self._axioms_of(name, key)
                continue
            info = self._lean.constant(environment, name)
            if info is None:
                raise RuntimeError(f"Lean does not know {key!r}")
            stack.append((name, info))
            stack += [(used, None) for used in self._used(info)]
        return new, axioms

    def _used(self, info: Object) -> list[Object]:
        return [
            name
            for part in parts_of(info)
            if part is not None
            for name in elements(self._lean.used(keep(part)))
        ]

    def _axioms_of(self, name: Object, key: str) -> frozenset[str]:
        """Return the axioms that a constant of the header's environment rests on."""
        if key in self._axioms:
            return self._axioms[key]
        found: set[str] = set()
        seen, stack = {key}, [(name, key)]
        while stack:
            name, place = stack.pop()
            if (known := self._axioms.get(place)) is not None:
                found |= known
                continue
            info = self._lean.constant(self._base, name)
            if info is None:
                raise RuntimeError(f"Lean does not know {place!r}")
            if tag(info) == AXIOM:
                found.add(place)
            for used in self._used(info):
                other = written(used)
                if other not in seen:
                    seen.add(other)
                    stack.append((used, other))
        result = frozenset(found) if found else NO_NAMES
        self._axioms[key] = result
        if not result:  # then none of what it uses rests on one either
            self._axioms |= dict.fromkeys(seen, NO_NAMES)
        return result
