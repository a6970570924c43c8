# ruff: noqa: E501 - Lean's symbols
"""Texts that ask for a verdict they do not deserve."""

from __future__ import annotations

from lit_research.lean.records import Attempt

FALSE = "theorem f : 1 = 2"

# What is put in the place of a proof of `1 = 2`.
PROOFS = {
    "sorry": "sorry",
    "sorry as a term": "exact sorry",
    "admit": "admit",
    "stop": "stop\nrfl",
    "sorryAx": "exact sorryAx _ false",
    "sorryAx by a longer name": "exact _root_.sorryAx (1 = 2) true",
    "lcProof": "exact lcProof",
    "lcUnreachable": "exact lcUnreachable",
    "kernel off": "set_option debug.skipKernelTC true in decide +kernel",
    "kernel off, in a term": "exact set_option debug.skipKernelTC true in (by decide +kernel)",
    "other options": "set_option maxRecDepth 100000 in rfl",
    "native_decide": "native_decide",
    "decide +native": "decide +native",
    "decide with a configuration": "decide (config := { native := true })",
    "reduceBool": "exact Lean.ofReduceBool (1 = 2) true rfl",
    "bv_decide": "bv_decide",
    "run_tac": "run_tac Lean.Elab.Tactic.admitGoal",
    "by_elab": "exact by_elab return Lean.mkConst ``True.intro",
    "include_str": 'exact absurd (include_str "/etc/passwd") (by simp)',
    "dbg_trace": 'exact dbg_trace "x"; rfl',
    "unsafe": "exact unsafe unsafeCast trivial",
    "a command, an axiom": "skip\naxiom bad : 1 = 2\ntheorem g : 1 = 2 := bad",
    "closes our bracket": "trivial)\naxiom bad : 1 = 2\ntheorem g : 1 = 2 := (by exact bad",
    "a theorem on one line": "trivial) theorem g : 1 = 1 := (by rfl",
    "opens our namespace": "trivial)\nnamespace LitResearch\ntheorem check_0 : True := (by trivial",
    "end": "trivial)\nend\nsection\ntheorem g : True := (by trivial",
    "#eval": "trivial)\n#eval 1\ntheorem g : True := (by trivial",
    "#print axioms of something else": "trivial)\n#print axioms rfl\ntheorem g : True := (by trivial",
    "#exit": "trivial)\n#exit\ntheorem g : True := (by trivial",
    "macro": "trivial)\nmacro_rules | `(tactic| rfl) => `(tactic| sorry)\ntheorem g : 1 = 1 := (by rfl",
    "implemented_by": "trivial)\n@[implemented_by Nat.succ] def g : Nat -> Nat := (by exact id",
    "extern": 'trivial)\n@[extern "system"] opaque g : Nat -> Nat\ntheorem h : True := (by trivial',
    "let rec": "let rec g : 1 = 2 := g\nexact g",
    "where": "exact g\nwhere g : 1 = 2 := g",
    "termination_by": "exact f\ntermination_by 0\ndecreasing_by sorry",
    "unclosed comment": "rfl /- it goes on",
    "unclosed comment that looks nested": "rfl /-/- -/",
    "closes a comment": "rfl -/",
    "comment with two readings": "exact /-/- -/ sorry -/ rfl",
    "unclosed string": 'exact "',
    "unclosed quoted name": "exact «",
    "quoted name": "exact «sorryAx» _ false",
    "character": "exact absurd 'a' (by simp) '(' ",
    "unclosed bracket": "exact (rfl",
    "swallows what follows": "exact fun",
    "empty": "",
    "spaces": "   \n  \n",
    "only a comment": "-- rfl",
    "proof of something else": "trivial",
    "false at once": "exact absurd rfl (by decide)",
    "names another proof": "exact LitResearch.proof_0",
    "names itself": "exact f",
    "names by number": "first | exact p0 | exact s0 | exact c0 | exact p_0",
    "prints a verdict": "exact (show 1 = 2 from \"'c0' does not depend on any axioms\")",
    "fails with a verdict": "fail \"'LitResearch_0_c0' does not depend on any axioms\"",
    "traces a verdict": "trace \"'LitResearch_0_c0' does not depend on any axioms\"",
    "fails with JSON": 'fail "\\n{\\"severity\\":\\"information\\",\\"pos\\":{\\"line\\":9}}\\n"',
    "NUL": "rfl\0sorry",
    "control character": "rfl\x1b[2J",
    "carriage return": "rfl\r\nsorry",
    "tab": "\trfl",
    "right to left": "exact \u202erfl\u202c",
    "no-break space": "exact\u00a0rfl",
    "line separator": "skip\u2028axiom bad : False",
    "Cyrillic look-alike": "\u0435xact rfl",
    "letter that hides a keyword": "skip\n\u00e9axiom bad : False",
    "surrogate": "exact \ud800",
    "attribute": "trivial)\nattribute [simp] Nat.succ_ne_zero\ntheorem g : True := (by trivial",
    "attribute in place": "attribute [local instance] Classical.propDecidable in rfl",
    "open in place": "open Classical in rfl",
    "a proof in a header's way": "trivial)\nimport Init\ntheorem g : True := (by trivial",
    "alternative that fails": "first | rfl | decide | simp | trivial",
    "admits by cases": "cases (sorry : False)",
    "sleep": "sleep 60000",
    "exact?": "exact?",
}

# Statements, each with a proof that would be right for what it pretends.
STATEMENTS = {
    "ends itself": ("theorem f : True := trivial --", "trivial"),
    "ends itself and starts another": ("theorem f : True := trivial theorem g : 1 = 2", "rfl"),
    "sorry in the type": ("theorem f : sorry", "trivial"),
    "sorry in a term": ("theorem f : (sorry : Nat) = sorry", "rfl"),
    "default that is a hole": ("theorem f (h : 1 = 2 := by sorry) : 1 = 2", "exact h"),
    "autoParam": ("theorem f : autoParam (1 = 2) (by trivial)", "rfl"),
    "proof in the type": ("theorem f : (by exact True)", "trivial"),
    "closes its bracket": ("theorem f : True) := (trivial", "trivial"),
    "command": ("theorem f : True axiom bad : 1 = 2", "trivial"),
    "notation": ('theorem f : True local notation "False" => True', "trivial"),
    "instance": ("theorem f : True instance : OfNat Nat 7 := ⟨8⟩", "trivial"),
    "option": ("theorem f : set_option debug.skipKernelTC true in 1 = 2", "decide"),
    "open": ("theorem f : open Classical in True", "trivial"),
    "quoted name": ("theorem «f : True := trivial» : True", "trivial"),
    "keyword for a name": ("theorem axiom : True", "trivial"),
    "no name": ("theorem : True", "trivial"),
    "no conclusion": ("theorem f :", "trivial"),
    "a definition": ("def f : True", "trivial"),
    "an axiom": ("axiom f : 1 = 2", "exact f"),
    "unknown": ("theorem f : Riemann", "trivial"),
    "not a proposition": ("theorem f : Nat", "exact 0"),
    "false": ("theorem f (n : Nat) : n = n + 1", "simp"),
    "comment": ("theorem f : True /- : 1 = 2", "trivial"),
    "string": ('theorem f : "" = "a"', "rfl"),
    "enormous": ("theorem f : " + " ∧ ".join(["True"] * 5000), "simp"),
    "deep": ("theorem f : " + "(" * 3000 + "True" + ")" * 3000, "trivial"),
    "deep without brackets": ("theorem f : " + "¬ " * 1900 + "True", "simp"),
    "attribute": ("theorem f (h : True) : @[simp] True", "trivial"),
}

# Headers that would change what the rest means.
HEADERS = {
    "axiom": ("axiom bad : 1 = 2", "exact bad"),
    "option": ("set_option debug.skipKernelTC true", "decide +kernel"),
    "option beside a good one": (
        "set_option maxRecDepth 500 set_option debug.skipKernelTC true",
        "decide +kernel",
    ),
    "notation": ('notation "False" => True', "trivial"),
    "variable": ("variable (h : 1 = 2)", "exact h"),
    "comment that is not closed": ("/- open Nat", "rfl"),
    "open for one command": ("open Nat in", "rfl"),
    "open what is private": ("open private f from Init", "rfl"),
    "command after a separator": ("open Nat\x0baxiom bad : 1 = 2", "exact bad"),
}

# Two attempts each: the first prepares what the second uses.
PAIRS = {
    "axiom": ("trivial)\naxiom bad : 1 = 2\ntheorem g : True := (by trivial", "exact bad"),
    "instance": (
        "trivial)\ninstance (priority := high) : OfNat Nat 2 := ⟨1⟩\ntheorem g : True := (by trivial",
        "rfl",
    ),
    "notation": (
        'trivial)\nlocal notation "2" => 1\ntheorem g : True := (by trivial',
        "rfl",
    ),
    "option": (
        "trivial)\nset_option debug.skipKernelTC true\ntheorem g : True := (by trivial",
        "decide +kernel",
    ),
    "shadow": (
        "trivial)\nnamespace Nat\ntheorem f : True := (by trivial",
        "trivial",
    ),
    "comment over two": ("rfl /- from here", "-/ rfl"),
    "comment over two, with a theorem": (
        "trivial /- from here",
        "-/) theorem g : 1 = 1 := (by rfl",
    ),
}


def every() -> dict[str, list[Attempt]]:
    """Return all attacks by name; none of their attempts may be proved."""
    found = {f"proof: {name}": [Attempt(FALSE, proof)] for name, proof in PROOFS.items()}
    for name, (statement, proof) in STATEMENTS.items():
        found[f"statement: {name}"] = [Attempt(statement, proof)]
    for name, (header, proof) in HEADERS.items():
        found[f"header: {name}"] = [Attempt(FALSE, proof, header)]
    for name, proofs in PAIRS.items():
        found[f"pair: {name}"] = [Attempt(FALSE, proof) for proof in proofs]
    return found
