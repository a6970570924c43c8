"""The part of lean-dojo's interface in use here, for one small file, over a real Lean."""

from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace

from tests.lean import repl_double

FILE = """\
import Init
namespace Small
variable (p q : Prop)

theorem both (h : p ∧ q) : q ∧ p := by
  exact ⟨h.2, h.1⟩

/-- In words. -/
@[simp] theorem twice (h : p ∧ q) : (p ∧ q) ∧ p := by constructor
                                                      exact h
                                                      exact h.1

open Classical in
theorem wrapped : p \u2228 ¬p := by
  exact em p

theorem plain (n : Nat) : n = n := rfl

end Small

theorem plain (n : Nat) : n = n := rfl
"""


@dataclass(frozen=True, order=True)
class Pos:
    line_nb: int
    column_nb: int


class LeanFile:
    start_pos = Pos(1, 1)

    def __init__(self, text):
        self.text = text
        self.end_pos = self.pos(len(text))

    def pos(self, offset):
        before = self.text[:offset]
        return Pos(before.count("\n") + 1, offset - before.rfind("\n"))

    def offset(self, pos):
        lines = self.text.split("\n")
        return sum(len(x) + 1 for x in lines[: pos.line_nb - 1]) + pos.column_nb - 1

    def __getitem__(self, key):
        return self.text[self.offset(key.start) : self.offset(key.stop)]


@dataclass(frozen=True)
class Repo:
    url: str
    commit: str


@dataclass
class Traced:
    """A theorem, found by its position in the text."""

    theorem: SimpleNamespace
    start: Pos
    end: Pos
    proof: Pos
    traced_file: SimpleNamespace
    repo: Repo
    file_path: Path = Path("Small.lean")

    def get_theorem_statement(self):
        return self.traced_file.lean_file[self.start : self.proof].strip()

    def get_tactic_proof(self):
        text = self.traced_file.lean_file[self.proof : self.end]
        return text if text.startswith("by") else None

    def locate_proof(self):
        return self.proof, self.end

    def get_premise_full_names(self):
        return ["And", "And.right", "And"]


@dataclass(frozen=True)
class CommandState:
    id: int
    message: str | None = None


@dataclass(frozen=True)
class LeanError:
    error: str


class DojoCrashError(Exception):
    is_out_of_memory = False


class DojoTacticTimeoutError(Exception):
    pass


def traced_theorems(repo, file):
    found, offset = [], 0
    commands = []
    for command in file.text.split("\n\n"):
        length = len(command.rstrip("\n"))
        node = SimpleNamespace(start=file.pos(offset), end=file.pos(offset + length))
        commands.append(node)
        if "theorem" in command:
            at = command.index("theorem")
            name = command[at:].split()[1]
            found.append((node, offset + at, offset + command.index(":=") + 3, name))
        offset += len(command) + 2
    traced_file = SimpleNamespace(lean_file=file, ast=SimpleNamespace(children=commands))
    for node, at, proof, name in found:
        theorem = SimpleNamespace(
            repo=repo, file_path=Path("Small.lean"), full_name=name, uid=f"small:{name}"
        )
        yield Traced(theorem, file.pos(at), node.end, file.pos(proof), traced_file, repo)


@dataclass
class Log:
    opened: list = field(default_factory=list)
    closed: int = 0
    traced: int = 0


def module(toolchain):
    """Return a module with lean-dojo's interface for one repository of one file, and its log."""
    file, log = LeanFile(FILE), Log()

    class Dojo:
        def __init__(self, entry, timeout=600, additional_imports=(), build_deps=True):
            self.entry = entry
            log.opened.append(entry)

        def __enter__(self):
            if isinstance(self.entry, tuple):
                self.sources = [file[file.start_pos : Pos(self.entry[2], 1)]]
            return self, CommandState(0)

        def __exit__(self, *error):
            log.closed += 1

        def run_cmd(self, state, command):
            if "times_out" in command:
                raise DojoTacticTimeoutError
            if "crashes" in command:
                raise DojoCrashError("Unexpected exit code: 139")
            self.sources.append(f"{self.sources[state.id]}\n{command}")
            said = repl_double.lean(toolchain, self.sources[-1])
            errors = [m["data"] for m in said if m["severity"] == "error"]
            others = [m["data"] for m in said if m["severity"] != "error"]
            if errors:
                return LeanError("\n".join(errors).strip())
            return CommandState(len(self.sources) - 1, "\n".join(others))

    def trace(repo, dst_dir=None, build_deps=True):
        log.traced += 1
        if repo.commit == "unknown":
            raise RuntimeError("no such commit")
        theorems = [*traced_theorems(repo, file)]
        other = Repo("https://example.org/other", "1")
        theorems += [*traced_theorems(other, LeanFile("theorem o (p : Prop) : p → p := by simp"))]
        return SimpleNamespace(get_traced_theorems=lambda: theorems)

    made = ModuleType("lean_dojo")
    for thing in (CommandState, LeanError, DojoCrashError, DojoTacticTimeoutError, Dojo, trace):
        setattr(made, thing.__name__, thing)
    made.LeanGitRepo = Repo
    return made, log
