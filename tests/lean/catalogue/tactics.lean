/-
One theorem for every tactic and notation that the library advertises. A comment `-- fails: TEXT`
before a declaration means that Lean must refuse it with an error that contains TEXT.
-/
set_option linter.all false

/-! ## Introducing, applying, finishing -/

theorem intro_exact (p : Prop) : p → p := by
  intro h
  exact h
theorem intro_pattern (p q : Prop) : p ∧ q → q := by
  intro ⟨_, hq⟩
  exact hq
theorem intros_assumption (p q : Prop) : p → q → p := by
  intros
  assumption
theorem apply_chain (p q r : Prop) (f : p → q) (g : q → r) (h : p) : r := by
  apply g
  apply f
  exact h
theorem refine_hole (p q : Prop) (hp : p) (hq : q) : p ∧ q := by
  refine ⟨?_, hq⟩
  exact hp
theorem constructor_bullets (p q : Prop) (hp : p) (hq : q) : p ∧ q := by
  constructor
  · exact hp
  · exact hq
theorem and_intros_all (p q r : Prop) (hp : p) (hq : q) (hr : r) : p ∧ q ∧ r := by
  and_intros <;> assumption
theorem left_right (p q : Prop) (h : p ∨ q) : q ∨ p := by
  cases h with
  | inl h => right; exact h
  | inr h => left; exact h
theorem exists_witness : ∃ n : Nat, n + 2 = 5 := by exists 3
theorem anonymous_constructor : ∃ n : Nat, n * n = 9 := ⟨3, rfl⟩
theorem two_binders : ∃ a b : Nat, a < b := ⟨0, 1, by decide⟩
theorem bounded_binders (n : Nat) (h : ∀ m < n, m ≠ 3) (k : 3 < n) : ∃ x > n, x = x :=
  absurd rfl (h 3 k)
theorem trivial_truth : True := by trivial
theorem show_from (a : Nat) : a + 0 = a := by
  show a = a
  rfl
theorem change_goal (a : Nat) : a + 1 = Nat.succ a := by
  change a + 1 = a + 1
  rfl
theorem have_local (p q : Prop) (hp : p) (f : p → q) : q := by
  have hq : q := f hp
  exact hq
theorem suffices_from (p q : Prop) (hp : p) (f : p → q) : q := by
  suffices h : p from f h
  exact hp
theorem let_value : ∃ n : Nat, n = 2 := by
  let n := 2
  exact ⟨n, rfl⟩
theorem specialize_hyp (p q : Prop) (f : p → q) (h : p) : q := by
  specialize f h
  exact f
theorem exfalso_contradiction (p q : Prop) (h : p) (k : ¬p) : q := by
  exfalso
  contradiction
theorem contradiction_constructors (h : (1 : Nat) = 2) : False := by contradiction
theorem absurd_term (p q : Prop) (h : p) (k : ¬p) : q := absurd h k
theorem french_quotes (p q : Prop) (hq : q) : p ∨ q := Or.inr ‹q›
theorem next_case (p q : Prop) (hp : p) (hq : q) : p ∧ q := by
  constructor
  case left => exact hp
  next => exact hq
theorem rename_i_name : ∀ n : Nat, n = n := by
  intro
  rename_i n
  exact Eq.refl n
theorem revert_clear (a b : Nat) (h : a = b) : b = a := by
  revert h
  intro h
  have k := h
  clear h
  exact k.symm
theorem solve_by_elim_hyps (p q r : Prop) (f : p → q) (g : q → r) (h : p) : r := by solve_by_elim
def infer_instance_dec : Decidable (1 < 2 ∧ 3 = 3) := by infer_instance

/-! ## Cases and induction -/

theorem rcases_or (p q r : Prop) (h : p ∧ (q ∨ r)) : (p ∧ q) ∨ (p ∧ r) := by
  rcases h with ⟨hp, hq | hr⟩
  · exact Or.inl ⟨hp, hq⟩
  · exact Or.inr ⟨hp, hr⟩
theorem obtain_exists (p : Nat → Prop) (h : ∃ n, p n ∧ 2 < n) : ∃ n, p n := by
  obtain ⟨n, hn, -⟩ := h
  exact ⟨n, hn⟩
theorem obtain_subst (a b : Nat) (h : a ≤ b) : ∃ c, b = a + c := by
  obtain ⟨c, rfl⟩ := Nat.exists_eq_add_of_le h
  exact ⟨c, rfl⟩
theorem rintro_pattern : ∀ p q : Prop, p ∨ q → q ∨ p := by
  rintro p q (h | h)
  · exact Or.inr h
  · exact Or.inl h
theorem rintro_typed (p q : Prop) : p ∧ q → p → q := by
  rintro (⟨_, hq⟩ : p ∧ q) (_ : p)
  exact hq
theorem induction_with (n : Nat) : 0 + n = n := by
  induction n with
  | zero => rfl
  | succ n ih => rw [← Nat.add_assoc, ih]
theorem induction_generalizing (n m : Nat) : n + m = m + n := by
  induction n generalizing m with
  | zero => simp
  | succ n ih => rw [Nat.add_right_comm, ih, Nat.add_assoc]
theorem strong_induction (n : Nat) : n < n + 1 := by
  induction n using Nat.strongRecOn with
  | ind n ih => exact Nat.lt_add_one n
theorem induction_order (a b : Nat) (h : a ≤ b) : a ≤ b + 1 := by
  induction h with
  | refl => exact Nat.le_succ a
  | step _ ih => exact Nat.le_succ_of_le ih
theorem recursor (n : Nat) : n * 0 = 0 := Nat.rec (motive := fun n => n * 0 = 0) rfl (fun _ h => h) n
theorem by_cases_em (p q : Prop) : ¬(p ∧ q) → ¬p ∨ ¬q := by
  intro h
  by_cases hp : p
  · exact Or.inr fun hq => h ⟨hp, hq⟩
  · exact Or.inl hp
theorem match_term (p q : Prop) (h : p ∨ q) : q ∨ p :=
  match h with
  | .inl h => .inr h
  | .inr h => .inl h
theorem equations_pattern (p q : Prop) : p ∧ q → q ∧ p
  | ⟨hp, hq⟩ => ⟨hq, hp⟩
theorem nomatch_false (h : False) : 1 = 2 := nomatch h
theorem nofun_empty : ¬(1 : Nat) = 2 := nofun
theorem injection_succ (a b : Nat) (h : Nat.succ a = Nat.succ b) : a = b := by
  injection h
theorem split_if (a b : Nat) (h : a = b) : (if a = b then 1 else 2) = 1 := by
  split
  · rfl
  · contradiction
theorem split_match (n : Nat) : (match n with | 0 => 0 | _ + 1 => 0) = 0 := by
  split <;> rfl

/-! ## Equality -/

theorem rw_forward (a b c : Nat) (h : a = b) (k : b = c) : a = c := by rw [h, k]
theorem rw_backward (a b : Nat) (h : a = b) : b = a := by rw [← h]
theorem rw_at (a b c : Nat) (h : a = b) (k : a = c) : b = c := by
  rw [h] at k
  exact k
theorem rwa_at (a b c : Nat) (h : a = b) (k : a = c) : b = c := by rwa [h] at k
theorem subst_var (a b : Nat) (h : a = b) : b = a := by
  subst h
  rfl
theorem symm_goal (a b : Nat) (h : a = b) : b = a := by
  symm
  exact h
theorem congr_fun_arg (f : Nat → Nat) (a b : Nat) (h : a = b) : f a = f b := by congr
theorem triangle (a b : Nat) (h : a = b) (k : 0 < a) : 0 < b := h ▸ k
theorem funext_tactic (f : Nat → Nat) (h : ∀ x, f x = x) : f = fun x => x := by
  funext x
  exact h x
theorem ext_function : (fun x : Nat => x + 0) = id := by
  ext x
  rfl
theorem calc_mixed (a b c d : Nat) (h : a = b) (k : b < c) (l : c ≤ d) : a < d :=
  calc a = b := h
    _ < c := k
    _ ≤ d := l
theorem generalize_term (a b : Nat) : a + b = a + b := by
  generalize a + b = x
  rfl
theorem unfold_id (a : Nat) : id a = a := by
  unfold id
  rfl
theorem conv_side (a b : Nat) : a + b = b + a := by conv => lhs; rw [Nat.add_comm]
theorem ac_rfl_add (a b c : Nat) : a + b + c = c + b + a := by ac_rfl
theorem ac_rfl_mul (a b c : Nat) : a * b * c = c * (b * 1) * a := by ac_rfl
theorem ac_rfl_and (p q r : Prop) : (p ∧ q ∧ r) = (r ∧ q ∧ p ∧ p) := by ac_rfl
theorem ac_rfl_append (xs ys zs : List Nat) : xs ++ (ys ++ zs) = xs ++ ys ++ zs := by ac_rfl

/-! ## Simplification and decision -/

theorem simp_lemmas (n : Nat) : n * 1 + 0 = 0 + n := by simp
theorem simp_hyp (p q : Prop) (h : p) : (p ∧ True) ∨ q := by simp [h]
theorem simp_only_at (a b c : Nat) (h : a + (b + c) = 0) : a + b + c = 0 := by
  simp only [← Nat.add_assoc] at h
  exact h
theorem simpa_using (p : Prop) (h : p ∧ True) : p := by simpa using h
theorem simp_all_hyps (p q : Prop) (h : p → q) (hp : p) : q := by simp_all
theorem dsimp_definition (f : Nat → Nat) : (fun x => f x) 1 = f 1 := by dsimp
theorem simp_literals (n m : Nat) (h : n + 5 = m + 3) (k : n + 3 ≤ 5) : n + 2 = m ∧ n ≤ 2 := by
  simp at h k
  exact ⟨h, k⟩
theorem simp_if_eq (a b : Nat) (h : (if a = b then 1 else 2) = 1) : a = b := by
  simp at h
  exact h
theorem simp_if (a : Nat) (h : a > 3) : (if a > 3 then 1 else 2) = 1 := by simp [h]
theorem simp_record (n : Nat) : n + 0 = n := by simp (config := { decide := true })
theorem dsimp_record (f : Nat → Nat) : (fun x => f x) 1 = f 1 := by dsimp (config := {})
theorem rw_record (a b : Nat) (h : a = b) : a + a = b + a := by rw (occs := .pos [1]) [h]
theorem erw_unfolds (f : Nat → Nat) (h : ∀ x, f x = id x) (n : Nat) : f n = n := by
  erw [h n]
  rfl
theorem decide_arithmetic : 123456789 * 987654321 = 121932631112635269 := by decide
theorem decide_order : ¬7 ≤ 5 ∧ 3 < 4 ∧ 3 ∣ 12 ∧ ¬3 ∣ 13 := by decide
theorem decide_bounded : (∀ x, x < 8 → x * x ≤ 49) ∧ ∃ x, x < 8 ∧ x * x = 49 := by decide
theorem decide_lists : [1, 2] ++ [3] = [1, 2, 3] ∧ 2 ∈ [1, 2] ∧ ¬3 ∈ [1, 2] := by decide
theorem decide_division : 17 / 5 = 3 ∧ 17 % 5 = 2 ∧ 17 / 0 = 0 ∧ 17 % 0 = 17 := by decide
theorem rfl_compute : [1, 2, 3].reverse.map (· + 1) = [4, 3, 2] := rfl

/-! ## Combinators -/

theorem first_alternative (p q : Prop) (hp : p) (hq : q) : p ∧ q := by
  first | contradiction | exact ⟨hp, hq⟩
theorem repeat_all_goals (p q r : Prop) (hp : p) (hq : q) (hr : r) : p ∧ q ∧ r := by
  repeat' constructor
  all_goals assumption
theorem try_any_goals (p q : Prop) (hp : p) (hq : q) : p ∧ q := by
  constructor
  any_goals try exact hp
  exact hq
theorem focus_dot (p q : Prop) (hp : p) (hq : q) : p ∧ q := by
  apply And.intro <;> assumption
theorem if_then_else (p : Prop) [Decidable p] : p ∨ ¬p := by
  if h : p then exact Or.inl h else exact Or.inr h

/-! ## Definitions by recursion, structures, own inductive types -/

def double : Nat → Nat
  | 0 => 0
  | n + 1 => double n + 2
theorem double_eq (n : Nat) : double n = n + n := by
  induction n with
  | zero => rfl
  | succ n ih => rw [double, ih, Nat.add_add_add_comm]
theorem double_three : double 3 = 6 := by simp [double]
inductive Tree where
  | leaf
  | node (left right : Tree)
deriving DecidableEq
def Tree.mirror : Tree → Tree
  | leaf => leaf
  | node l r => node r.mirror l.mirror
theorem Tree.mirror_mirror (t : Tree) : t.mirror.mirror = t := by
  induction t with
  | leaf => rfl
  | node l r ihl ihr => simp [mirror, ihl, ihr]
theorem Tree.leaf_ne (l r : Tree) : leaf ≠ node l r := by simp
theorem map_length (f : Nat → Nat) (xs : List Nat) : (xs.map f).length = xs.length := by
  induction xs with
  | nil => rfl
  | cons x xs ih => simp
theorem reverse_append' {α : Type} (xs ys : List α) : (xs ++ ys).reverse = ys.reverse ++ xs.reverse := by
  induction xs with
  | nil => simp
  | cons x xs ih => simp
theorem member_append {α : Type} (a : α) (xs ys : List α) (h : a ∈ ys) : a ∈ xs ++ ys := by
  simp [h]

/-! ## What must fail -/

-- fails: Type mismatch
theorem wrong_hypothesis (p q : Prop) (h : p) : q := by exact h
-- fails: unsolved goals
theorem half_done (p q : Prop) (hp : p) (hq : q) : p ∧ q := by
  constructor
  · exact hp
  · skip
-- fails: is false
theorem two_and_two : 2 + 2 = 5 := by decide
-- fails: not definitionally equal
theorem not_by_rfl (a b : Nat) : a + b = b + a := by rfl
-- fails: not definitionally equal
theorem not_by_ac (a b c : Nat) : a + b + c = c + b + b := by ac_rfl
-- fails: Unknown constant
theorem unknown_lemma (a : Nat) : a = a := by exact Nat.no_such_lemma a
-- fails: DecideConfig
theorem no_decide_record : 1 = 1 := by decide (config := { native := true })
-- fails: unknown tactic
theorem no_native (h : 1 = 1) : 1 = 1 := by native_decide
-- fails: unknown tactic
theorem no_omega (a b : Nat) (h : a < b) : a + 1 ≤ b := by omega
-- fails: unknown tactic
theorem no_run_tac : 1 = 1 := by run_tac pure ()
