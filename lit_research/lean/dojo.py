"""Theorems, proofs and premises of a Lean repository, and verdicts in it, through lean-dojo.

Written against lean-dojo 4.20, whose names and parameters the tests check. The tests run it over a
stand-in with the real Lean underneath; it has not been run on a traced repository, which takes a
Lean toolchain, GitHub and, for one like Mathlib, hours.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lit_research.errors import UserError
from lit_research.lean.audit import AuditedServer, refuted
from lit_research.lean.guards import Guards, block
from lit_research.lean.records import Attempt, Verdict
from lit_research.lean.statements import Statement
from lit_research.lean.traced import Place, TracedRecord, place_of
from lit_research.ranges import POSITIVE, check_range

if TYPE_CHECKING:
    from types import ModuleType

_SORRY = re.compile(r"declaration uses ['`]?sorry")


class LeanDojoServer(AuditedServer):
    """The theorems of a repository, each proved again at its own place in its file.

    An attempt is a record's ``theorem`` with a new proof; its header may be the record's or empty.
    What stands before the theorem in its file (imports, namespaces, variables, earlier lemmas) is
    there for the proof, the theorem itself is not. Lean gets four commands: the statement alone, as
    an axiom; the statement with the proof; a theorem of the type of the first by the second; and
    the question for its axioms, which would name the first one too.

    Attempts run one after another: lean-dojo changes the working folder of the whole process.

    Args:
        repository: its address, or a folder with a git repository.
        commit: the hash of a commit, or a tag.
        build_deps: trace the repository's dependencies too.
        timeout_s: wall time for a command; lean-dojo takes whole seconds.
        axioms: what a proof may rest on; those of Lean itself if None.
        guards: which text is shown to Lean at all; the default ones if None.
    """

    def __init__(
        self,
        repository: str,
        commit: str,
        build_deps: bool = True,
        timeout_s: int = 600,
        axioms: list[str] | None = None,
        guards: Guards | None = None,
    ) -> None:
        super().__init__(axioms, guards)
        check_range(POSITIVE, "in LeanDojoServer", timeout_s=timeout_s)
        self.repository, self.commit = repository, commit
        self.build_deps, self.timeout_s = build_deps, timeout_s
        self._lock = threading.Lock()
        self._theorems: dict[str, list[Place]] | None = None

    @property
    def description(self) -> str:
        """Which Lean with which library, in words."""
        return f"the Lean of {self.repository} at {self.commit}, through lean-dojo"

    def traced_theorems(self) -> Iterator[TracedRecord]:
        """Yield the repository's own theorems; those whose statement cannot be read are left out.

        Raises:
            UserError: the repository could not be traced.
        """
        with self._lock:
            places = self._trace()
        for same in places.values():
            yield from (place.record() for place in same)

    def check(self) -> None:
        """Prove a theorem of the repository with its own proof, and fail to prove it with none.

        Raises:
            UserError: the server does not tell them apart, or the repository has no such theorem.
        """
        for record in self.traced_theorems():
            theorem, header = record["theorem"], record["header"]
            tries = [Attempt(theorem, proof, header) for proof in [*record["proofs"], "skip"]]
            if len(tries) == 2 and not any(map(self._refusal, tries)):
                right, wrong = self.verify(tries)
                if right.proved and not wrong.proved:
                    return
                raise UserError(
                    f"{theorem!r} gets {right.reason or 'proved'!r} for the repository's own proof "
                    f"and {wrong.reason or 'proved'!r} for none, in LeanDojoServer "
                    f"({self.description}); trace the repository again, with the Lean it asks for"
                )
        raise UserError(
            f"{self.repository!r} at {self.commit!r} has no theorem with a proof by tactics that "
            "can be tried again, in LeanDojoServer; must be a repository that has one"
        )

    def interact(self, record: TracedRecord) -> Any:
        """Return lean-dojo's ``Dojo`` for a theorem: ``with`` it, its state and ``run_tac``."""
        with self._lock:
            self._trace()
            place = self._find(Attempt(record["theorem"], "", record["header"]))
        if isinstance(place, str):
            raise UserError(f"no place for {record['theorem']!r}, in LeanDojoServer; {place}")
        return _lean_dojo().Dojo(
            place.traced.theorem, timeout=self.timeout_s, build_deps=self.build_deps
        )

    def _refusal(self, attempt: Attempt) -> str | None:
        # The header is not shown to Lean: the file is.
        return self.guards.statement_refusal(attempt.statement) or self.guards.proof_refusal(
            attempt.proof
        )

    def _run(self, attempts: list[Attempt]) -> list[Verdict]:
        with self._lock:
            self._trace()
            verdicts: dict[int, Verdict] = {}
            groups: dict[int, tuple[Place, list[int]]] = {}
            for number, attempt in enumerate(attempts):
                place = self._find(attempt)
                if isinstance(place, str):
                    verdicts[number] = refuted(f"statement: {place}")
                else:
                    groups.setdefault(id(place), (place, []))[1].append(number)
            for place, numbers in groups.values():
                found = self._at(place, [attempts[n].proof for n in numbers])
                verdicts |= dict(zip(numbers, found, strict=True))
        return [verdicts[number] for number in range(len(attempts))]

    def _find(self, attempt: Attempt) -> Place | str:
        """Return the place of an attempt's theorem, or why there is none."""
        asked = attempt.parsed.text if attempt.parsed else ""
        same = (self._theorems or {}).get(asked, [])
        if attempt.header:
            same = [place for place in same if place.header() == attempt.header]
        if not same:
            return f"it is not a theorem of {self.repository} at {self.commit}, header included"
        if len(same) > 1:
            return "several theorems read like this; give the record's header, too"
        if same[0].is_wrapped():
            return "it stands under a command with 'in', which cannot be repeated"
        return same[0]

    def _at(self, place: Place, proofs: list[str]) -> list[Verdict]:
        """Return the verdicts on proofs of one theorem; a lost process is replaced."""
        dojo = _lean_dojo()
        entry = (place.traced.repo, place.traced.file_path, place.line)
        left, verdicts = deque(proofs), list[Verdict]()
        while left:
            try:
                self._count(starts=1)
                with dojo.Dojo(entry, timeout=self.timeout_s, build_deps=self.build_deps) as (
                    process,
                    state,
                ):
                    is_well = True
                    while left and is_well:
                        verdict, is_well = self._prove(process, state, place, left[0])
                        verdicts.append(verdict)
                        left.popleft()
                    self._count(lost=not is_well)
            except Exception as error:  # what cannot be opened, or closed, will not be next time
                reason = f"server: {type(error).__name__}: {error}"
                verdicts += [refuted(reason)] * len(left)
                break
        return verdicts

    def _prove(self, process: Any, state: Any, place: Place, proof: str) -> tuple[Verdict, bool]:
        """Return the verdict on a proof, and whether the process can continue."""
        dojo = _lean_dojo()
        started = time.monotonic()
        reason, is_well = "", True
        try:
            reason = self._commands(process, state, place.statement, proof)
        except Exception as error:
            is_well, kind = False, f"server: {type(error).__name__}"
            if isinstance(error, dojo.DojoTacticTimeoutError):
                kind = f"timeout: no answer within {self.timeout_s} s"
            elif isinstance(error, dojo.DojoCrashError):
                kind = "memory" if error.is_out_of_memory else "crashed"
            reason = f"{kind}: {error}"
        seconds = time.monotonic() - started
        return (refuted(reason, seconds) if reason else Verdict(True, "", seconds)), is_well

    def _commands(self, process: Any, state: Any, statement: Statement, proof: str) -> str:
        """Return why the four commands do not prove the statement; empty if they do."""
        error_type = _lean_dojo().LeanError
        suffix = secrets.token_hex(8)
        # Names are looked up in the namespace of the theorem's own name: it stays. What starts with
        # `_` is internal: no tactic that searches the library finds it.
        space, dot, name = statement.name.rpartition(".")
        asked, proved, check = (f"{space}{dot}_{x}_{suffix}" for x in ("asked", "proved", "check"))
        steps = {
            "statement": statement.renamed(asked).text.replace("theorem", "axiom", 1),
            "error": f"{statement.renamed(proved).text} := (by\n{block(proof)}\n)",
            "statement: not what was asked": f"theorem {check} : type_of% @{asked} := @{proved}",
            "server": f"#print axioms {check}",
        }
        said = ""
        for kind, command in steps.items():
            state = process.run_cmd(state, command)
            if isinstance(state, error_type):
                text = re.sub(rf"_(?:asked|proved|check)_{suffix}", name, state.error)
                is_open = kind == "error" and text.startswith("unsolved goals")
                return text.replace("\n", ": ", 1) if is_open else f"{kind}: {text}"
            said = state.message or ""
            if _SORRY.search(said):
                return "sorry: the proof has holes"
            if kind == "error" and "failed" in said:
                return f"error: a warning says: {said}"
        return self._axioms_reason(said, f"_check_{suffix}")

    def _axioms_reason(self, said: str, name: str) -> str:
        found = re.search(
            rf"{name}' (does not depend on any axioms|depends on axioms: \[([^]]*)\])", said
        )
        if found is None:
            return f"server: no list of axioms but: {said}"
        others = sorted({*re.findall(r"[^\s,]+", found[2] or "")} - set(self.axioms))
        if "sorryAx" in others:
            return "sorry: the proof has holes"
        return f"axioms: {', '.join(others)}" if others else ""

    def _trace(self) -> dict[str, list[Place]]:
        """Return the theorems by their statements; the first time, trace the repository."""
        if self._theorems is None:
            dojo = _lean_dojo()
            try:
                repo = dojo.LeanGitRepo(self.repository, self.commit)
                traced = dojo.trace(repo, build_deps=self.build_deps).get_traced_theorems()
            except Exception as error:
                raise UserError(
                    f"the repository {self.repository!r} at {self.commit!r} could not be traced: "
                    f"{type(error).__name__}: {error}, in LeanDojoServer; lean-dojo needs git, "
                    "elan with the repository's Lean, the network, and for GitHub a token in "
                    "GITHUB_ACCESS_TOKEN"
                ) from error
            own = [t for t in traced if (t.repo.url, t.repo.commit) == (repo.url, repo.commit)]
            theorems: dict[str, list[Place]] = {}
            for place in filter(None, map(place_of, own)):
                theorems.setdefault(place.statement.text, []).append(place)
            self._theorems = theorems
        return self._theorems


def _lean_dojo() -> ModuleType:
    try:
        import lean_dojo
    except Exception as error:  # it looks for git while it is imported
        raise UserError(
            f"lean-dojo cannot be imported ({type(error).__name__}: {error}), for LeanDojoServer; "
            "pip install 'lit_research[lean]', and install git"
        ) from error
    return lean_dojo
