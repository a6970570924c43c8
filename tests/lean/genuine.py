# ruff: noqa: RUF001, E501 - Lean's symbols
"""Proofs as people and models write them: none may be refused, all are right."""

from __future__ import annotations

from itertools import pairwise, permutations, product

from lit_research.lean.records import Attempt

_BY_HAND = r"""
(p q : Prop) : p ∧ q → q ∧ p | intro h ; exact ⟨h.2, h.1⟩
(p q : Prop) (h : p ∧ q) : q ∧ p | exact And.intro h.right h.left
(p q : Prop) (h : p ∧ q) : q ∧ p | obtain ⟨a, b⟩ := h ; exact ⟨b, a⟩
(p q : Prop) (h : p ∧ q) : q ∧ p | rcases h with ⟨a, b⟩ ; constructor <;> assumption
(p q : Prop) (h : p ∧ q) : q ∧ p | refine ⟨?_, ?_⟩ ; · exact h.2 ; · exact h.1
(p q : Prop) (h : p ∧ q) : q ∧ p | refine ⟨?second, ?first⟩ ; case first => exact h.1 ; case second => exact h.2
(p q : Prop) (h : p ∧ q) : q ∧ p | match h with ; | ⟨a, b⟩ => exact ⟨b, a⟩
(p q : Prop) (h : p ∧ q) : q ∧ p | exact match h with | ⟨a, b⟩ => ⟨b, a⟩
(p q : Prop) (h : p ∧ q) : q ∧ p | exact (by exact ⟨h.2, h.1⟩)
(p q : Prop) (h : p ∧ q) : q ∧ p | have a : p := h.1 ; have b : q := by ;   exact h.2 ; exact ⟨b, a⟩
(p q : Prop) (h : p ∧ q) : q ∧ p | exact ⟨‹p ∧ q›.2, (‹_› : p ∧ q).1⟩
(p q : Prop) (h : p ∧ q) : q ∧ p | let a := h.1 ; exact ⟨h.2, a⟩
(p q : Prop) (h : p ∧ q) : q ∧ p | suffices a : q by exact ⟨a, h.1⟩ ; exact h.2
(p q : Prop) (h : p ∧ q) : q ∧ p | -- turn it round ; exact ⟨h.2, /- and -/ h.1⟩
(p q : Prop) : p ∨ q → q ∨ p | intro h ; cases h with ; | inl h => exact Or.inr h ; | inr h => exact Or.inl h
(p q : Prop) : p ∨ q → q ∨ p | rintro (h | h) ; · right ;   exact h ; · left ;   exact h
(p q : Prop) (h : p ∨ q) : q ∨ p | rcases h with h | h ; · exact .inr h ; · exact .inl h
(p q : Prop) (h : p ∨ q) : q ∨ p | exact h.elim (fun a => Or.inr a) fun b => Or.inl b
(p q : Prop) (h : p ∨ q) : q ∨ p | first | exact h | exact h.elim Or.inr Or.inl
(p q : Prop) (hp : p) (h : p → q) : q | apply h ; assumption
(p q : Prop) (hp : p) (h : p → q) : q | exact h <| hp
(p q : Prop) (hp : p) (h : p → q) : q | specialize h hp ; exact h
(p q : Prop) (hp : p) (h : p → q) : q | exact show q from h hp
(p q r : Prop) (f : p → q) (g : q → r) : p → r | exact g ∘ f
(p q r : Prop) (f : p → q) (g : q → r) : p → r | intro hp ; have hq := f hp ; exact g hq
(p q r : Prop) (f : p → q) (g : q → r) : p → r | exact fun hp => hp |> f |> g
(p : Prop) (h : p) (n : ¬p) : 1 = 2 | exact absurd h n
(p : Prop) (h : p) (n : ¬p) : 1 = 2 | exfalso ; exact n h
(p : Prop) (h : p) (n : ¬p) : 1 = 2 | contradiction
(p : Prop) (h : False) : p | exact nomatch h
(p : Prop) (h : False) : p | cases h
(p : Prop) (h : False) : p | exact h.elim
(p : Prop) : p → ¬¬p | intro h n ; exact n h
(p : Prop) [Decidable p] : p ∨ ¬p | by_cases h : p ; · exact Or.inl h ; · exact Or.inr h
(p : Prop) [Decidable p] : p ∨ ¬p | exact if h : p then Or.inl h else Or.inr h
(p : Prop) : p ∨ ¬p | exact Classical.em p
(p q : Prop) : p ∧ q ↔ q ∧ p | constructor <;> intro h <;> exact ⟨h.2, h.1⟩
(p q : Prop) (h : p ↔ q) (a : p) : q | rw [← h] ; exact a
(p q : Prop) (h : p ↔ q) (a : p) : q | exact h.mp a
(p q : Prop) (h : p) : (p ∧ True) ∨ q | simp [h]
(p q : Prop) (h : p ∧ True) : p | simp at h ; exact h
(p q : Prop) (h : p ∧ True) : p ∨ q | simp_all
(a b : Nat) (h : a = b) : b = a | exact h.symm
(a b : Nat) (h : a = b) : b = a | exact h ▸ rfl
(a b : Nat) (h : a = b) : b = a | subst h ; rfl
(a b : Nat) (h : a = b) : b = a | symm ; exact h
(a b c : Nat) (h : a = b) (k : b = c) : a = c | rw [h, k]
(a b c : Nat) (h : a = b) (k : b = c) : a = c | calc a ;   _ = b := h ;   _ = c := k
(a b c : Nat) (h : a = b) (k : b = c) : a = c | exact (h.trans k : a = c)
(a b : Nat) (f : Nat → Nat) (h : a = b) : f a = f b | exact congrArg f h
(a b : Nat) (f : Nat → Nat) (h : a = b) : f a = f b | congr
(m n : Nat) (h : Nat.succ m = Nat.succ n) : m = n | injection h
(f g : Nat → Nat) (h : ∀ x, f x = g x) : f = g | funext x ; exact h x
(f g : Nat → Nat) (h : ∀ x, f x = g x) : f = g | exact funext (fun x => @h x)
(n : Nat) : 0 + n = n | induction n with ; | zero => rfl ; | succ n ih => rw [Nat.add_succ, ih]
(n : Nat) : n + 0 = n | show n = n ; rfl
(a b : Nat) : a + b = b + a | exact Nat.add_comm a b
(a b c : Nat) : a + b + c = a + (b + c) | rw [Nat.add_assoc]
: ∃ n : Nat, n * n = 9 | exists 3
: ∃ n : Nat, n + 2 = 5 | exact ⟨3, rfl⟩
: ∃ n : Nat, n + 2 = 5 | refine Exists.intro (w := 3) ?_ ; decide
(p : Nat → Prop) (h : ∃ n, p n) : ∃ m, p m | obtain ⟨n, hn⟩ := h ; exact ⟨_, hn⟩
(p : Nat → Prop) (h : ∀ n, p n) : p 3 | exact h _
(a b c : Nat) (h : a ≤ b) (k : b ≤ c) : a ≤ c | exact Nat.le_trans h k
(a b c : Nat) (h : a ≤ b) (k : b ≤ c) : a ≤ c | apply Nat.le_trans ; all_goals assumption
(a b : Nat) (h : a < b) : a + 1 ≤ b | exact h
(a : Nat) : a ≤ a | exact Nat.le_refl a
: [1, 2] ++ [3] = [1, 2, 3] | rfl
(a : Nat) (xs : List Nat) : a :: xs ≠ [] | intro h ; cases h
(a b : Nat) (xs ys : List Nat) (h : a :: xs = b :: ys) : a = b ∧ xs = ys | cases h ; exact ⟨rfl, rfl⟩
(xs : List Nat) : [] ++ xs = xs | rfl
(p q r : Prop) : p ∧ (q ∨ r) → p ∧ q ∨ p ∧ r | rintro ⟨hp, hq | hr⟩ ; · exact Or.inl ⟨hp, hq⟩ ; · exact Or.inr ⟨hp, hr⟩
(p q : Prop) (h : ¬(p ∨ q)) : ¬p ∧ ¬q | exact ⟨fun a => h (Or.inl a), fun b => h (Or.inr b)⟩
(a b c d : Nat) (h : a = b) (k : c = d) : a + c = b + d | rw [h, k]
(a b : Nat) (h : a = b) (f : Nat → Nat) (k : f a = 3) : f b = 3 | rw [h] at k ; exact k
"""


def _made() -> list[Attempt]:
    """Return proofs made by rule."""
    found = []
    for order in permutations("pqrs"):
        names = ", ".join(f"h{x}" for x in order)
        found.append(
            Attempt(
                f"theorem made (p q r s : Prop) (h : p ∧ q ∧ r ∧ s) : {' ∧ '.join(order)}",
                f"obtain ⟨hp, hq, hr, hs⟩ := h\nexact ⟨{names}⟩",
            )
        )
    for order in permutations("pqr"):
        found.append(
            Attempt(
                f"theorem made (p q r : Prop) : p ∨ q ∨ r → {' ∨ '.join(order)}",
                "rintro (h | h | h)\n· simp [h]\n· simp [h]\n· simp [h]",
            )
        )
    for order in permutations("abc"):
        left = " + ".join(order)
        found.append(
            Attempt(
                f"theorem made (a b c : Nat) : {left} = a + b + c",
                "simp only [Nat.add_comm, Nat.add_left_comm, Nat.add_assoc]",
            )
        )
    for a, b in product(range(6), repeat=2):
        found.append(Attempt(f"theorem made : {a} * {b} + {a} = {a * b + a}", "decide"))
        found.append(Attempt(f"theorem made : {a} ≤ {a} + {b}", "decide"))
    for length in range(2, 12):
        names = [f"x{i}" for i in range(length)]
        pairs = list(pairwise(names))
        equal = " ".join(f"({a}{b} : {a} = {b})" for a, b in pairs)
        less = " ".join(f"({a}{b} : {a} ≤ {b})" for a, b in pairs)
        steps = "\n".join(f"  _ = {b} := {a}{b}" for a, b in pairs)
        chain = f"Nat.le_refl {names[0]}"
        for a, b in pairs:
            chain = f"Nat.le_trans ({chain}) {a}{b}"
        head = f"theorem made ({' '.join(names)} : Nat)"
        found.append(
            Attempt(f"{head} {equal} : {names[0]} = {names[-1]}", f"calc {names[0]}\n{steps}")
        )
        found.append(Attempt(f"{head} {less} : {names[0]} ≤ {names[-1]}", f"exact {chain}"))
    return found


def every() -> list[Attempt]:
    """Return all of them."""
    found = []
    for line in _BY_HAND.strip().splitlines():
        cut = line.index(" | ")
        statement, proof = line[:cut], line[cut + 3 :]
        found.append(Attempt(f"theorem genuine {statement}", proof.replace(" ; ", "\n")))
    return found + _made()
