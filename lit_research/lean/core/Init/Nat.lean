/-
Natural numbers: induction, arithmetic, order, subtraction, divisibility, division.

Statements and names are those of Lean's `Init.Prelude`, `Init.Data.Nat.Basic` and
`Init.Data.Nat.Lemmas`.
-/
prelude
import Init.Logic
set_option autoImplicit false
set_option linter.all false
universe u v w

/-! ## Induction and case analysis with `0` and `n + 1` -/

namespace Nat
@[elab_as_elim, induction_eliminator] protected def recAux {motive : Nat → Sort u}
    (zero : motive 0) (succ : ∀ n, motive n → motive (n + 1)) (t : Nat) : motive t :=
  match t with
  | .zero => zero
  | .succ n => succ n (Nat.recAux zero succ n)
@[elab_as_elim, cases_eliminator] protected abbrev casesAuxOn {motive : Nat → Sort u} (t : Nat)
    (zero : motive 0) (succ : ∀ n, motive (n + 1)) : motive t :=
  Nat.casesOn t zero succ

/-! ## Addition -/

@[simp] theorem zero_eq : Nat.zero = 0 := rfl
@[simp] theorem add_eq {x y : Nat} : Nat.add x y = x + y := rfl
@[simp] theorem mul_eq {x y : Nat} : Nat.mul x y = x * y := rfl
@[simp] theorem sub_eq {x y : Nat} : Nat.sub x y = x - y := rfl
@[simp] theorem lt_eq {x y : Nat} : Nat.lt x y = (x < y) := rfl
@[simp] theorem le_eq {x y : Nat} : Nat.le x y = (x ≤ y) := rfl
@[simp] theorem succ_eq_add_one (n : Nat) : succ n = n + 1 := rfl
@[simp] protected theorem add_zero (n : Nat) : n + 0 = n := rfl
theorem add_succ (n m : Nat) : n + succ m = succ (n + m) := rfl
theorem add_one (n : Nat) : n + 1 = succ n := rfl
theorem succ_eq_one_add (n : Nat) : n.succ = 1 + n := by
  induction n with
  | zero => rfl
  | succ n ih => exact congrArg succ ih
@[simp] protected theorem zero_add (n : Nat) : 0 + n = n := by
  induction n with
  | zero => rfl
  | succ n ih => exact congrArg succ ih
theorem succ_add (n m : Nat) : succ n + m = succ (n + m) := by
  induction m with
  | zero => rfl
  | succ m ih => exact congrArg succ ih
theorem succ_add_eq_add_succ (a b : Nat) : succ a + b = a + succ b := succ_add a b
protected theorem add_comm (n m : Nat) : n + m = m + n := by
  induction m with
  | zero => exact (Nat.zero_add n).symm
  | succ m ih => exact (congrArg succ ih).trans (succ_add m n).symm
protected theorem add_assoc (n m k : Nat) : (n + m) + k = n + (m + k) := by
  induction k with
  | zero => rfl
  | succ k ih => exact congrArg succ ih
protected theorem add_left_comm (n m k : Nat) : n + (m + k) = m + (n + k) := by
  rw [← Nat.add_assoc, Nat.add_comm n m, Nat.add_assoc]
protected theorem add_right_comm (n m k : Nat) : (n + m) + k = (n + k) + m := by
  rw [Nat.add_assoc, Nat.add_comm m k, Nat.add_assoc]
protected theorem add_add_add_comm (a b c d : Nat) : (a + b) + (c + d) = (a + c) + (b + d) := by
  rw [Nat.add_assoc, Nat.add_assoc, Nat.add_left_comm b]
theorem one_add (n : Nat) : 1 + n = succ n := Nat.add_comm 1 n
theorem succ_inj {a b : Nat} : a.succ = b.succ ↔ a = b := ⟨succ.inj, congrArg succ⟩
theorem add_one_inj {a b : Nat} : a + 1 = b + 1 ↔ a = b := succ_inj
theorem succ_ne_zero (n : Nat) : succ n ≠ 0 := fun h => nomatch h
theorem add_one_ne_zero (n : Nat) : n + 1 ≠ 0 := succ_ne_zero n
theorem zero_ne_add_one (n : Nat) : 0 ≠ n + 1 := (succ_ne_zero n).symm
theorem zero_ne_one : 0 ≠ (1 : Nat) := zero_ne_add_one 0
theorem one_ne_zero : 1 ≠ (0 : Nat) := succ_ne_zero 0
theorem succ_ne_self (n : Nat) : succ n ≠ n := by
  induction n with
  | zero => exact succ_ne_zero 0
  | succ n ih => exact fun h => ih (succ.inj h)
theorem add_one_ne_self (n : Nat) : n + 1 ≠ n := succ_ne_self n
theorem exists_eq_succ_of_ne_zero {n : Nat} (h : n ≠ 0) : ∃ k, n = succ k := by
  cases n with
  | zero => exact absurd rfl h
  | succ k => exact ⟨k, rfl⟩
theorem eq_zero_or_eq_succ_pred (n : Nat) : n = 0 ∨ n = succ (pred n) := by
  cases n with
  | zero => exact .inl rfl
  | succ n => exact .inr rfl
@[simp] theorem pred_zero : pred 0 = 0 := rfl
@[simp] theorem pred_succ (n : Nat) : pred n.succ = n := rfl
theorem pred_eq_sub_one {n : Nat} : pred n = n - 1 := rfl
theorem succ_pred {a : Nat} (h : a ≠ 0) : a.pred.succ = a := by
  cases a with
  | zero => exact absurd rfl h
  | succ a => rfl
protected theorem add_left_cancel {n m k : Nat} (h : n + m = n + k) : m = k := by
  induction n with
  | zero => rw [Nat.zero_add, Nat.zero_add] at h; exact h
  | succ n ih => exact ih (succ.inj ((succ_add n m).symm.trans (h.trans (succ_add n k))))
protected theorem add_right_cancel {n m k : Nat} (h : n + m = k + m) : n = k :=
  Nat.add_left_cancel (n := m) (by rw [Nat.add_comm m n, Nat.add_comm m k]; exact h)
@[simp] protected theorem add_left_cancel_iff {m k n : Nat} : n + m = n + k ↔ m = k :=
  ⟨Nat.add_left_cancel, congrArg (n + ·)⟩
@[simp] protected theorem add_right_cancel_iff {m k n : Nat} : m + n = k + n ↔ m = k :=
  ⟨Nat.add_right_cancel, congrArg (· + n)⟩
protected theorem eq_zero_of_add_eq_zero_left {n m : Nat} (h : n + m = 0) : m = 0 := by
  cases m with
  | zero => rfl
  | succ m => exact absurd h (succ_ne_zero (n + m))
protected theorem eq_zero_of_add_eq_zero_right {n m : Nat} (h : n + m = 0) : n = 0 :=
  Nat.eq_zero_of_add_eq_zero_left (n := m) ((Nat.add_comm m n).trans h)
protected theorem eq_zero_of_add_eq_zero {n m : Nat} (h : n + m = 0) : n = 0 ∧ m = 0 :=
  ⟨Nat.eq_zero_of_add_eq_zero_right h, Nat.eq_zero_of_add_eq_zero_left h⟩
protected theorem add_eq_zero_iff {n m : Nat} : n + m = 0 ↔ n = 0 ∧ m = 0 :=
  ⟨Nat.eq_zero_of_add_eq_zero, fun ⟨h₁, h₂⟩ => by rw [h₁, h₂]⟩

/-! ## Multiplication and powers -/

@[simp] protected theorem mul_zero (n : Nat) : n * 0 = 0 := rfl
theorem mul_succ (n m : Nat) : n * succ m = n * m + n := rfl
theorem mul_add_one (a b : Nat) : a * (b + 1) = a * b + a := rfl
@[simp] protected theorem zero_mul (n : Nat) : 0 * n = 0 := by
  induction n with
  | zero => rfl
  | succ n ih => exact ih
theorem succ_mul (n m : Nat) : succ n * m = n * m + m := by
  induction m with
  | zero => rfl
  | succ m ih =>
    rw [mul_add_one, ih, mul_add_one, succ_eq_add_one]
    rw [← Nat.add_assoc, ← Nat.add_assoc, Nat.add_right_comm (n * m)]
theorem add_one_mul (a b : Nat) : (a + 1) * b = a * b + b := succ_mul a b
protected theorem mul_comm (n m : Nat) : n * m = m * n := by
  induction m with
  | zero => exact (Nat.zero_mul n).symm
  | succ m ih => rw [mul_add_one, ih, add_one_mul]
@[simp] protected theorem mul_one (n : Nat) : n * 1 = n := Nat.zero_add n
@[simp] protected theorem one_mul (n : Nat) : 1 * n = n := (Nat.mul_comm 1 n).trans (Nat.mul_one n)
protected theorem left_distrib (n m k : Nat) : n * (m + k) = n * m + n * k := by
  induction k with
  | zero => rfl
  | succ k ih => rw [← Nat.add_assoc, mul_add_one, ih, mul_add_one, Nat.add_assoc]
protected theorem mul_add (n m k : Nat) : n * (m + k) = n * m + n * k := Nat.left_distrib n m k
protected theorem right_distrib (n m k : Nat) : (n + m) * k = n * k + m * k := by
  rw [Nat.mul_comm, Nat.mul_add, Nat.mul_comm k n, Nat.mul_comm k m]
protected theorem add_mul (n m k : Nat) : (n + m) * k = n * k + m * k := Nat.right_distrib n m k
protected theorem mul_assoc (n m k : Nat) : (n * m) * k = n * (m * k) := by
  induction k with
  | zero => rfl
  | succ k ih => rw [mul_add_one, ih, mul_add_one, Nat.mul_add]
protected theorem mul_left_comm (n m k : Nat) : n * (m * k) = m * (n * k) := by
  rw [← Nat.mul_assoc, Nat.mul_comm n m, Nat.mul_assoc]
protected theorem mul_right_comm (n m k : Nat) : n * m * k = n * k * m := by
  rw [Nat.mul_assoc, Nat.mul_comm m k, Nat.mul_assoc]
protected theorem mul_mul_mul_comm (a b c d : Nat) : (a * b) * (c * d) = (a * c) * (b * d) := by
  rw [Nat.mul_assoc, Nat.mul_assoc, Nat.mul_left_comm b]
protected theorem mul_two (n : Nat) : n * 2 = n + n := by rw [Nat.mul_succ, Nat.mul_one]
protected theorem two_mul (n : Nat) : 2 * n = n + n := (Nat.mul_comm 2 n).trans (Nat.mul_two n)
protected theorem mul_eq_zero : {m n : Nat} → n * m = 0 ↔ n = 0 ∨ m = 0
  | 0, _ => ⟨fun _ => .inr rfl, fun _ => rfl⟩
  | m + 1, n => ⟨fun h => .inl (Nat.eq_zero_of_add_eq_zero_left h),
      fun h => h.elim (fun e => by rw [e, Nat.zero_mul]) fun e => absurd e (succ_ne_zero m)⟩
@[simp] protected theorem pow_zero (b : Nat) : b ^ 0 = 1 := rfl
protected theorem pow_succ (b n : Nat) : b ^ (n + 1) = b ^ n * b := rfl
protected theorem pow_add_one (b n : Nat) : b ^ (n + 1) = b ^ n * b := rfl
protected theorem pow_succ' {m n : Nat} : m ^ n.succ = m * m ^ n := Nat.mul_comm ..
@[simp] protected theorem pow_one (a : Nat) : a ^ 1 = a := Nat.one_mul a
protected theorem pow_two (b : Nat) : b ^ 2 = b * b := by rw [Nat.pow_succ, Nat.pow_one]
@[simp] protected theorem one_pow (n : Nat) : 1 ^ n = 1 := by
  induction n with
  | zero => rfl
  | succ n ih => rw [Nat.pow_succ, ih]
protected theorem zero_pow_succ {n : Nat} : 0 ^ (n + 1) = 0 := rfl
protected theorem pow_add (a m n : Nat) : a ^ (m + n) = a ^ m * a ^ n := by
  induction n with
  | zero => exact (Nat.mul_one _).symm
  | succ n ih => rw [← Nat.add_assoc, Nat.pow_succ, ih, Nat.pow_succ, Nat.mul_assoc]
protected theorem mul_pow (a b n : Nat) : (a * b) ^ n = a ^ n * b ^ n := by
  induction n with
  | zero => rfl
  | succ n ih => rw [Nat.pow_succ, ih, Nat.pow_succ, Nat.pow_succ, Nat.mul_mul_mul_comm]
protected theorem pow_mul (a m n : Nat) : a ^ (m * n) = (a ^ m) ^ n := by
  induction n with
  | zero => rfl
  | succ n ih => rw [mul_add_one, Nat.pow_add, ih, Nat.pow_succ]

/-! ## Order: reflexive, transitive, antisymmetric, total -/

@[simp] protected theorem le_refl (n : Nat) : n ≤ n := Nat.le.refl
protected theorem le_rfl {n : Nat} : n ≤ n := Nat.le.refl
attribute [refl] Nat.le_refl
@[simp] theorem zero_le (n : Nat) : 0 ≤ n := by
  induction n with
  | zero => exact Nat.le.refl
  | succ n ih => exact Nat.le.step ih
protected theorem le_trans {n m k : Nat} (h₁ : n ≤ m) (h₂ : m ≤ k) : n ≤ k := by
  induction h₂ with
  | refl => exact h₁
  | step _ ih => exact Nat.le.step ih
theorem succ_le_succ {n m : Nat} (h : n ≤ m) : succ n ≤ succ m := by
  induction h with
  | refl => exact Nat.le.refl
  | step _ ih => exact Nat.le.step ih
theorem pred_le_pred {n m : Nat} (h : n ≤ m) : pred n ≤ pred m := by
  cases h with
  | refl => exact Nat.le.refl
  | step k =>
    cases n with
    | zero => exact k
    | succ n => exact Nat.le_trans (Nat.le.step Nat.le.refl) k
theorem le_of_succ_le_succ {n m : Nat} (h : succ n ≤ succ m) : n ≤ m := pred_le_pred h
theorem le_of_lt_succ {m n : Nat} (h : m < succ n) : m ≤ n := le_of_succ_le_succ h
theorem lt_succ_of_le {n m : Nat} (h : n ≤ m) : n < succ m := succ_le_succ h
theorem le_of_lt_add_one {n m : Nat} (h : n < m + 1) : n ≤ m := le_of_succ_le_succ h
theorem lt_add_one_of_le {n m : Nat} (h : n ≤ m) : n < m + 1 := succ_le_succ h
theorem lt_of_succ_lt_succ {n m : Nat} (h : succ n < succ m) : n < m := le_of_succ_le_succ h
theorem succ_lt_succ {n m : Nat} (h : n < m) : succ n < succ m := succ_le_succ h
theorem le_succ (n : Nat) : n ≤ succ n := Nat.le.step Nat.le.refl
@[simp] theorem le_add_one (n : Nat) : n ≤ n + 1 := le_succ n
theorem le_succ_of_le {n m : Nat} (h : n ≤ m) : n ≤ succ m := Nat.le.step h
theorem le_add_one_of_le {n m : Nat} (h : n ≤ m) : n ≤ m + 1 := Nat.le.step h
theorem le_of_succ_le {n m : Nat} (h : succ n ≤ m) : n ≤ m := Nat.le_trans (le_succ n) h
protected theorem le_of_lt {n m : Nat} (h : n < m) : n ≤ m := le_of_succ_le h
theorem succ_le_of_lt {n m : Nat} (h : n < m) : succ n ≤ m := h
theorem add_one_le_of_lt {n m : Nat} (h : n < m) : n + 1 ≤ m := h
theorem lt_of_succ_le {n m : Nat} (h : succ n ≤ m) : n < m := h
theorem lt_of_add_one_le {n m : Nat} (h : n + 1 ≤ m) : n < m := h
theorem succ_le_iff {m n : Nat} : succ m ≤ n ↔ m < n := Iff.rfl
theorem add_one_le_iff {m n : Nat} : m + 1 ≤ n ↔ m < n := Iff.rfl
theorem lt_iff_add_one_le {m n : Nat} : m < n ↔ m + 1 ≤ n := Iff.rfl
theorem lt_succ_iff {m n : Nat} : m < succ n ↔ m ≤ n := ⟨le_of_lt_succ, lt_succ_of_le⟩
theorem lt_add_one_iff {m n : Nat} : m < n + 1 ↔ m ≤ n := ⟨le_of_lt_succ, lt_succ_of_le⟩
protected theorem succ_le_succ_iff {a b : Nat} : succ a ≤ succ b ↔ a ≤ b := ⟨le_of_succ_le_succ, succ_le_succ⟩
protected theorem succ_lt_succ_iff {a b : Nat} : succ a < succ b ↔ a < b := ⟨lt_of_succ_lt_succ, succ_lt_succ⟩
@[simp] protected theorem lt_add_one (n : Nat) : n < n + 1 := Nat.le.refl
theorem lt_succ_self (n : Nat) : n < succ n := Nat.le.refl
protected theorem le_of_eq {n m : Nat} (p : n = m) : n ≤ m := p ▸ Nat.le_refl n
theorem not_succ_le_zero (n : Nat) : ¬succ n ≤ 0 := fun h => nomatch h
@[simp] theorem not_lt_zero (n : Nat) : ¬n < 0 := not_succ_le_zero n
theorem not_add_one_le_zero (n : Nat) : ¬n + 1 ≤ 0 := not_succ_le_zero n
theorem not_succ_le_self (n : Nat) : ¬succ n ≤ n := by
  induction n with
  | zero => exact not_succ_le_zero 0
  | succ n ih => exact fun h => ih (le_of_succ_le_succ h)
theorem not_add_one_le_self (n : Nat) : ¬n + 1 ≤ n := not_succ_le_self n
@[simp] protected theorem lt_irrefl (n : Nat) : ¬n < n := not_succ_le_self n
@[simp] theorem zero_lt_succ (n : Nat) : 0 < succ n := succ_le_succ (zero_le n)
@[simp] theorem zero_lt_add_one (n : Nat) : 0 < n + 1 := zero_lt_succ n
theorem succ_pos (n : Nat) : 0 < succ n := zero_lt_succ n
theorem add_one_pos (n : Nat) : 0 < n + 1 := zero_lt_succ n
protected theorem zero_lt_one : 0 < (1 : Nat) := zero_lt_succ 0
protected theorem one_pos : 0 < (1 : Nat) := Nat.zero_lt_one
protected theorem two_pos : 0 < (2 : Nat) := zero_lt_succ 1
theorem eq_zero_of_le_zero {n : Nat} (h : n ≤ 0) : n = 0 := by
  cases h with
  | refl => rfl
@[simp] protected theorem le_zero_eq (a : Nat) : (a ≤ 0) = (a = 0) :=
  propext ⟨eq_zero_of_le_zero, Nat.le_of_eq⟩
protected theorem le_zero {n : Nat} : n ≤ 0 ↔ n = 0 := ⟨eq_zero_of_le_zero, Nat.le_of_eq⟩
protected theorem eq_or_lt_of_le {n m : Nat} (h : n ≤ m) : n = m ∨ n < m := by
  cases h with
  | refl => exact .inl rfl
  | step k => exact .inr (succ_le_succ k)
protected theorem lt_or_eq_of_le {n m : Nat} (h : n ≤ m) : n < m ∨ n = m := (Nat.eq_or_lt_of_le h).symm
protected theorem lt_or_ge (n m : Nat) : n < m ∨ n ≥ m := by
  induction m with
  | zero => exact .inr (zero_le n)
  | succ m ih =>
    cases ih with
    | inl h => exact .inl (le_succ_of_le h)
    | inr h =>
      cases Nat.eq_or_lt_of_le h with
      | inl e => exact .inl (e ▸ Nat.le.refl)
      | inr k => exact .inr k
protected theorem le_total (m n : Nat) : m ≤ n ∨ n ≤ m :=
  (Nat.lt_or_ge m n).imp_left Nat.le_of_lt
protected theorem lt_of_lt_of_le {n m k : Nat} (h₁ : n < m) (h₂ : m ≤ k) : n < k := Nat.le_trans h₁ h₂
protected theorem lt_of_le_of_lt {n m k : Nat} (h₁ : n ≤ m) (h₂ : m < k) : n < k :=
  Nat.le_trans (succ_le_succ h₁) h₂
protected theorem lt_trans {n m k : Nat} (h₁ : n < m) (h₂ : m < k) : n < k :=
  Nat.lt_of_lt_of_le h₁ (Nat.le_of_lt h₂)
protected theorem lt_of_lt_of_eq {n m k : Nat} (h₁ : n < m) (h₂ : m = k) : n < k := h₂ ▸ h₁
protected theorem lt_of_eq_of_lt {n m k : Nat} (h₁ : n = m) (h₂ : m < k) : n < k := h₁ ▸ h₂
protected theorem le_antisymm {n m : Nat} (h₁ : n ≤ m) (h₂ : m ≤ n) : n = m :=
  (Nat.eq_or_lt_of_le h₁).elim id fun h => absurd (Nat.lt_of_lt_of_le h h₂) (Nat.lt_irrefl n)
protected theorem le_antisymm_iff {a b : Nat} : a = b ↔ a ≤ b ∧ b ≤ a :=
  ⟨fun h => ⟨Nat.le_of_eq h, Nat.le_of_eq h.symm⟩, fun h => Nat.le_antisymm h.1 h.2⟩
protected theorem lt_asymm {n m : Nat} (h : n < m) : ¬m < n := fun k => Nat.lt_irrefl n (Nat.lt_trans h k)
protected theorem ne_of_gt {a b : Nat} (h : b < a) : a ≠ b := fun e => Nat.lt_irrefl a (e ▸ h : a < a)
protected theorem ne_of_lt {a b : Nat} (h : a < b) : a ≠ b := fun e => Nat.lt_irrefl b (e ▸ h : b < b)
protected theorem not_le_of_gt {n m : Nat} (h : n > m) : ¬n ≤ m := fun k => Nat.lt_irrefl m (Nat.lt_of_lt_of_le h k)
protected theorem not_le_of_lt {a b : Nat} (h : a < b) : ¬b ≤ a := Nat.not_le_of_gt h
protected theorem not_lt_of_ge {n m : Nat} (h : n ≥ m) : ¬n < m := fun k => Nat.not_le_of_gt k h
protected theorem not_lt_of_le {a b : Nat} (h : a ≤ b) : ¬b < a := Nat.not_lt_of_ge h
protected theorem gt_of_not_le {n m : Nat} (h : ¬n ≤ m) : n > m := (Nat.lt_or_ge m n).resolve_right h
protected theorem lt_of_not_ge {n m : Nat} (h : ¬n ≥ m) : n < m := Nat.gt_of_not_le h
protected theorem lt_of_not_le {a b : Nat} (h : ¬a ≤ b) : b < a := Nat.gt_of_not_le h
protected theorem ge_of_not_lt {n m : Nat} (h : ¬n < m) : n ≥ m := (Nat.lt_or_ge n m).resolve_left h
protected theorem le_of_not_lt {a b : Nat} (h : ¬a < b) : b ≤ a := Nat.ge_of_not_lt h
protected theorem le_of_not_gt {a b : Nat} (h : ¬b > a) : b ≤ a := Nat.ge_of_not_lt h
protected theorem le_of_not_le {a b : Nat} (h : ¬b ≤ a) : a ≤ b := Nat.le_of_lt (Nat.gt_of_not_le h)
@[simp] protected theorem not_le {n m : Nat} : ¬n ≤ m ↔ m < n := ⟨Nat.gt_of_not_le, Nat.not_le_of_gt⟩
@[simp] protected theorem not_lt {n m : Nat} : ¬n < m ↔ m ≤ n := ⟨Nat.ge_of_not_lt, Nat.not_lt_of_ge⟩
protected theorem lt_iff_le_not_le {m n : Nat} : m < n ↔ m ≤ n ∧ ¬n ≤ m :=
  ⟨fun h => ⟨Nat.le_of_lt h, Nat.not_le_of_gt h⟩, fun h => Nat.gt_of_not_le h.2⟩
protected theorem lt_or_gt_of_ne {a b : Nat} (h : a ≠ b) : a < b ∨ a > b :=
  (Nat.lt_or_ge a b).imp_right fun k => (Nat.eq_or_lt_of_le k).resolve_left h.symm
protected theorem lt_trichotomy (a b : Nat) : a < b ∨ a = b ∨ b < a :=
  (Nat.lt_or_ge a b).imp_right fun h => (Nat.eq_or_lt_of_le h).imp_left Eq.symm
protected theorem ne_iff_lt_or_gt {a b : Nat} : a ≠ b ↔ a < b ∨ b < a :=
  ⟨Nat.lt_or_gt_of_ne, fun h => h.elim Nat.ne_of_lt Nat.ne_of_gt⟩
protected theorem lt_or_gt {a b : Nat} : a ≠ b ↔ a < b ∨ b < a := Nat.ne_iff_lt_or_gt
protected theorem lt_of_le_of_ne {n m : Nat} (h₁ : n ≤ m) (h₂ : ¬n = m) : n < m :=
  (Nat.eq_or_lt_of_le h₁).resolve_left h₂
protected theorem le_iff_lt_or_eq {n m : Nat} : n ≤ m ↔ n < m ∨ n = m :=
  ⟨Nat.lt_or_eq_of_le, fun h => h.elim Nat.le_of_lt Nat.le_of_eq⟩
protected theorem lt_iff_le_and_ne {m n : Nat} : m < n ↔ m ≤ n ∧ m ≠ n :=
  ⟨fun h => ⟨Nat.le_of_lt h, Nat.ne_of_lt h⟩, fun h => Nat.lt_of_le_of_ne h.1 h.2⟩
theorem lt_or_eq_of_lt_succ {m n : Nat} (h : m < succ n) : m < n ∨ m = n := Nat.lt_or_eq_of_le (le_of_lt_succ h)
theorem le_or_eq_of_le_succ {m n : Nat} (h : m ≤ succ n) : m ≤ n ∨ m = succ n :=
  (Nat.lt_or_eq_of_le h).imp_left le_of_lt_succ
protected theorem pos_of_ne_zero {n : Nat} (h : n ≠ 0) : 0 < n :=
  (eq_zero_or_eq_succ_pred n).elim (absurd · h) fun e => e ▸ zero_lt_succ _
protected theorem pos_iff_ne_zero {n : Nat} : 0 < n ↔ n ≠ 0 := ⟨Nat.ne_of_gt, Nat.pos_of_ne_zero⟩
protected theorem ne_zero_iff_zero_lt {n : Nat} : n ≠ 0 ↔ 0 < n := Nat.pos_iff_ne_zero.symm
theorem eq_zero_or_pos (n : Nat) : n = 0 ∨ 0 < n := (Nat.eq_or_lt_of_le (zero_le n)).imp_left Eq.symm
theorem ne_zero_of_lt {a b : Nat} (h : b < a) : a ≠ 0 := Nat.ne_of_gt (Nat.lt_of_le_of_lt (zero_le b) h)
theorem lt_one_iff {n : Nat} : n < 1 ↔ n = 0 := lt_succ_iff.trans Nat.le_zero
attribute [simp] lt_one_iff
protected theorem pos_of_lt {n m : Nat} (h : n < m) : 0 < m := Nat.lt_of_le_of_lt (zero_le n) h
protected theorem lt_of_succ_lt {n m : Nat} (h : succ n < m) : n < m := Nat.le_of_lt h
theorem pred_lt : {n : Nat} → n ≠ 0 → pred n < n
  | 0, h => absurd rfl h
  | succ n, _ => lt_succ_self n
theorem pred_le : (n : Nat) → pred n ≤ n
  | 0 => Nat.le.refl
  | succ n => le_succ n

/-! ## Order and arithmetic -/

@[simp] theorem le_add_right (n k : Nat) : n ≤ n + k := by
  induction k with
  | zero => exact Nat.le.refl
  | succ k ih => exact Nat.le.step ih
@[simp] theorem le_add_left (n m : Nat) : n ≤ m + n := Nat.add_comm n m ▸ le_add_right n m
theorem le_add_right_of_le {n m k : Nat} (h : n ≤ m) : n ≤ m + k := Nat.le_trans h (le_add_right m k)
theorem le_add_left_of_le {n m k : Nat} (h : n ≤ m) : n ≤ k + m := Nat.le_trans h (le_add_left m k)
theorem lt_add_right {a b : Nat} (c : Nat) (h : a < b) : a < b + c := Nat.lt_of_lt_of_le h (le_add_right b c)
theorem lt_add_left {a b : Nat} (c : Nat) (h : a < b) : a < c + b := Nat.lt_of_lt_of_le h (le_add_left b c)
theorem lt_add_of_pos_right {k n : Nat} (h : 0 < k) : n < n + k := by
  cases k with
  | zero => exact absurd h (Nat.lt_irrefl 0)
  | succ k => exact succ_le_succ (le_add_right n k)
theorem lt_add_of_pos_left {k n : Nat} (h : 0 < k) : n < k + n := Nat.add_comm n k ▸ lt_add_of_pos_right h
@[simp] protected theorem lt_add_right_iff_pos {n k : Nat} : n < n + k ↔ 0 < k :=
  ⟨fun h => Nat.pos_of_ne_zero fun e => Nat.lt_irrefl n (by rw [e, Nat.add_zero] at h; exact h), lt_add_of_pos_right⟩
@[simp] protected theorem lt_add_left_iff_pos {n k : Nat} : n < k + n ↔ 0 < k := by
  rw [Nat.add_comm, Nat.lt_add_right_iff_pos]
theorem le.dest {n m : Nat} (h : n ≤ m) : ∃ k, n + k = m := by
  induction h with
  | refl => exact ⟨0, rfl⟩
  | step _ ih => exact ih.elim fun k e => ⟨k + 1, congrArg succ e⟩
theorem le.intro {n m k : Nat} (h : n + k = m) : n ≤ m := h ▸ le_add_right n k
theorem exists_eq_add_of_le {m n : Nat} (h : m ≤ n) : ∃ k : Nat, n = m + k :=
  (le.dest h).imp fun _ => Eq.symm
theorem exists_eq_add_of_le' {m n : Nat} (h : m ≤ n) : ∃ k : Nat, n = k + m :=
  (le.dest h).imp fun k e => e.symm.trans (Nat.add_comm m k)
theorem exists_eq_add_of_lt {m n : Nat} (h : m < n) : ∃ k : Nat, n = m + k + 1 :=
  (le.dest h).imp fun k e => e.symm.trans (succ_add m k)
theorem exists_eq_add_one_of_ne_zero {n : Nat} (h : n ≠ 0) : ∃ k, n = k + 1 := exists_eq_succ_of_ne_zero h
protected theorem add_le_add_left {n m : Nat} (h : n ≤ m) (k : Nat) : k + n ≤ k + m := by
  induction h with
  | refl => exact Nat.le.refl
  | step _ ih => exact Nat.le.step ih
protected theorem add_le_add_right {n m : Nat} (h : n ≤ m) (k : Nat) : n + k ≤ m + k := by
  rw [Nat.add_comm n k, Nat.add_comm m k]
  exact Nat.add_le_add_left h k
protected theorem add_le_add {a b c d : Nat} (h₁ : a ≤ b) (h₂ : c ≤ d) : a + c ≤ b + d :=
  Nat.le_trans (Nat.add_le_add_right h₁ c) (Nat.add_le_add_left h₂ b)
protected theorem add_lt_add_left {n m : Nat} (h : n < m) (k : Nat) : k + n < k + m := Nat.add_le_add_left h k
protected theorem add_lt_add_right {n m : Nat} (h : n < m) (k : Nat) : n + k < m + k := by
  rw [Nat.add_comm n k, Nat.add_comm m k]
  exact Nat.add_lt_add_left h k
protected theorem add_lt_add_of_le_of_lt {a b c d : Nat} (h₁ : a ≤ b) (h₂ : c < d) : a + c < b + d :=
  Nat.lt_of_le_of_lt (Nat.add_le_add_right h₁ c) (Nat.add_lt_add_left h₂ b)
protected theorem add_lt_add_of_lt_of_le {a b c d : Nat} (h₁ : a < b) (h₂ : c ≤ d) : a + c < b + d :=
  Nat.lt_of_le_of_lt (Nat.add_le_add_left h₂ a) (Nat.add_lt_add_right h₁ d)
protected theorem add_lt_add {a b c d : Nat} (h₁ : a < b) (h₂ : c < d) : a + c < b + d :=
  Nat.add_lt_add_of_lt_of_le h₁ (Nat.le_of_lt h₂)
protected theorem le_of_add_le_add_left {a b c : Nat} (h : a + b ≤ a + c) : b ≤ c := by
  induction a with
  | zero => rw [Nat.zero_add, Nat.zero_add] at h; exact h
  | succ a ih => exact ih (le_of_succ_le_succ (succ_add a b ▸ succ_add a c ▸ h))
protected theorem le_of_add_le_add_right {a b c : Nat} (h : a + b ≤ c + b) : a ≤ c := by
  rw [Nat.add_comm a b, Nat.add_comm c b] at h
  exact Nat.le_of_add_le_add_left h
protected theorem lt_of_add_lt_add_left {k n m : Nat} (h : k + n < k + m) : n < m := Nat.le_of_add_le_add_left (a := k) h
protected theorem lt_of_add_lt_add_right {k n m : Nat} (h : n + k < m + k) : n < m := by
  rw [Nat.add_comm n k, Nat.add_comm m k] at h
  exact Nat.lt_of_add_lt_add_left h
@[simp] protected theorem add_le_add_iff_left {m k n : Nat} : n + m ≤ n + k ↔ m ≤ k :=
  ⟨Nat.le_of_add_le_add_left, fun h => Nat.add_le_add_left h n⟩
@[simp] protected theorem add_le_add_iff_right {m k n : Nat} : m + n ≤ k + n ↔ m ≤ k :=
  ⟨Nat.le_of_add_le_add_right, fun h => Nat.add_le_add_right h n⟩
@[simp] protected theorem add_lt_add_iff_left {k n m : Nat} : k + n < k + m ↔ n < m :=
  ⟨Nat.lt_of_add_lt_add_left, fun h => Nat.add_lt_add_left h k⟩
@[simp] protected theorem add_lt_add_iff_right {k n m : Nat} : n + k < m + k ↔ n < m :=
  ⟨Nat.lt_of_add_lt_add_right, fun h => Nat.add_lt_add_right h k⟩
protected theorem le_of_add_right_le {n m k : Nat} (h : n + k ≤ m) : n ≤ m := Nat.le_trans (le_add_right n k) h
protected theorem le_of_add_left_le {n m k : Nat} (h : n + m ≤ k) : m ≤ k := Nat.le_trans (le_add_left m n) h
protected theorem add_pos_left {m : Nat} (h : 0 < m) (n : Nat) : 0 < m + n := lt_add_right n h
protected theorem add_pos_right {n : Nat} (m : Nat) (h : 0 < n) : 0 < m + n := lt_add_left m h
protected theorem mul_le_mul_left {m n : Nat} (k : Nat) (h : m ≤ n) : k * m ≤ k * n :=
  (le.dest h).elim fun j e => e ▸ Nat.mul_add k m j ▸ le_add_right (k * m) (k * j)
protected theorem mul_le_mul_right {m n : Nat} (k : Nat) (h : m ≤ n) : m * k ≤ n * k := by
  rw [Nat.mul_comm m k, Nat.mul_comm n k]
  exact Nat.mul_le_mul_left k h
protected theorem mul_le_mul {p q m n : Nat} (h₁ : p ≤ m) (h₂ : q ≤ n) : p * q ≤ m * n :=
  Nat.le_trans (Nat.mul_le_mul_right q h₁) (Nat.mul_le_mul_left m h₂)
protected theorem mul_pos : {m n : Nat} → m > 0 → n > 0 → m * n > 0
  | m, n + 1, hm, _ => lt_add_left (m * n) hm
  | _, 0, _, h => absurd h (Nat.lt_irrefl 0)
protected theorem mul_lt_mul_of_pos_left {n m k : Nat} (h : n < m) (hk : k > 0) : k * n < k * m :=
  Nat.lt_of_lt_of_le (lt_add_of_pos_right hk) (mul_add_one k n ▸ Nat.mul_le_mul_left k h)
protected theorem eq_of_mul_eq_mul_left {m k n : Nat} (ha : 0 < n) (h : n * m = n * k) : m = k := by
  cases Nat.lt_trichotomy m k with
  | inl hlt => exact absurd h (Nat.ne_of_lt (Nat.mul_lt_mul_of_pos_left hlt ha))
  | inr k => exact k.elim id fun hgt => absurd h (Nat.ne_of_gt (Nat.mul_lt_mul_of_pos_left hgt ha))
protected theorem eq_of_mul_eq_mul_right {n m k : Nat} (ha : 0 < m) (h : n * m = k * m) : n = k := by
  rw [Nat.mul_comm n m, Nat.mul_comm k m] at h
  exact Nat.eq_of_mul_eq_mul_left ha h
theorem pow_le_pow_left {m n : Nat} (h : m ≤ n) (i : Nat) : m ^ i ≤ n ^ i := by
  induction i with
  | zero => exact Nat.le.refl
  | succ i ih => exact Nat.mul_le_mul ih h
protected theorem pow_pos {p : Nat} (hp : 0 < p) {n : Nat} : 0 < p ^ n := by
  induction n with
  | zero => exact Nat.zero_lt_one
  | succ n ih => exact Nat.mul_pos ih hp
protected theorem pos_pow_of_pos {b : Nat} (n : Nat) (h : 0 < b) : 0 < b ^ n := Nat.pow_pos h

/-! ## Decidable order -/

theorem ble_self_eq_true : (n : Nat) → Nat.ble n n = true
  | 0 => rfl
  | succ n => ble_self_eq_true n
theorem ble_succ_eq_true : {n m : Nat} → Nat.ble n m = true → Nat.ble n (succ m) = true
  | 0, _, _ => rfl
  | succ n, succ m, h => ble_succ_eq_true (n := n) (m := m) h
theorem ble_eq_true_of_le {n m : Nat} (h : n ≤ m) : Nat.ble n m = true := by
  induction h with
  | refl => exact ble_self_eq_true n
  | step _ ih => exact ble_succ_eq_true ih
theorem le_of_ble_eq_true : {n m : Nat} → Nat.ble n m = true → n ≤ m
  | 0, m, _ => zero_le m
  | succ n, succ m, h => succ_le_succ (le_of_ble_eq_true (n := n) (m := m) h)
theorem not_le_of_not_ble_eq_true {n m : Nat} (h : ¬Nat.ble n m = true) : ¬n ≤ m :=
  fun h' => h (ble_eq_true_of_le h')
@[simp] theorem ble_eq {x y : Nat} : (Nat.ble x y = true) = (x ≤ y) :=
  propext ⟨le_of_ble_eq_true, ble_eq_true_of_le⟩
@[extern "lean_nat_dec_le"] instance decLe (n m : Nat) : Decidable (n ≤ m) :=
  dite (Nat.ble n m = true) (fun h => isTrue (le_of_ble_eq_true h)) fun h => isFalse (not_le_of_not_ble_eq_true h)
@[extern "lean_nat_dec_lt"] instance decLt (n m : Nat) : Decidable (n < m) := decLe (succ n) m

/-! ## Subtraction -/

@[simp] protected theorem sub_zero (n : Nat) : n - 0 = n := rfl
theorem sub_succ (n m : Nat) : n - succ m = pred (n - m) := rfl
theorem sub_one (n : Nat) : n - 1 = pred n := rfl
theorem sub_add_eq (a b c : Nat) : a - (b + c) = a - b - c := by
  induction c with
  | zero => rfl
  | succ c ih => exact congrArg pred ih
protected theorem sub_sub (n m k : Nat) : n - m - k = n - (m + k) := (sub_add_eq n m k).symm
theorem succ_sub_succ_eq_sub (n m : Nat) : succ n - succ m = n - m := by
  induction m with
  | zero => rfl
  | succ m ih => exact congrArg pred ih
theorem succ_sub_succ (n m : Nat) : succ n - succ m = n - m := succ_sub_succ_eq_sub n m
@[simp] protected theorem sub_self (n : Nat) : n - n = 0 := by
  induction n with
  | zero => rfl
  | succ n ih => exact (succ_sub_succ_eq_sub n n).trans ih
@[simp] protected theorem zero_sub (n : Nat) : 0 - n = 0 := by
  induction n with
  | zero => rfl
  | succ n ih => exact congrArg pred ih
@[simp] protected theorem add_sub_add_right (n k m : Nat) : (n + k) - (m + k) = n - m := by
  induction k with
  | zero => rfl
  | succ k ih => exact (succ_sub_succ_eq_sub (n + k) (m + k)).trans ih
@[simp] protected theorem add_sub_add_left (k n m : Nat) : (k + n) - (k + m) = n - m := by
  rw [Nat.add_comm k n, Nat.add_comm k m, Nat.add_sub_add_right]
@[simp] protected theorem add_sub_cancel (n m : Nat) : n + m - m = n := by
  have h := Nat.add_sub_add_right n m 0
  rw [Nat.zero_add] at h
  exact h
@[simp] protected theorem add_sub_cancel_left (n m : Nat) : n + m - n = m := by
  rw [Nat.add_comm, Nat.add_sub_cancel]
@[simp] theorem add_one_sub_one (n : Nat) : n + 1 - 1 = n := rfl
@[simp] theorem sub_le (n m : Nat) : n - m ≤ n := by
  induction m with
  | zero => exact Nat.le.refl
  | succ m ih => exact Nat.le_trans (pred_le (n - m)) ih
theorem sub_lt : {n m : Nat} → 0 < n → 0 < m → n - m < n
  | 0, _, h, _ => absurd h (Nat.lt_irrefl 0)
  | succ n, 0, _, h => absurd h (Nat.lt_irrefl 0)
  | succ n, succ m, _, _ => by
    rw [succ_sub_succ_eq_sub]
    exact lt_succ_of_le (sub_le n m)
protected theorem sub_eq_zero_of_le {n m : Nat} (h : n ≤ m) : n - m = 0 :=
  (le.dest h).elim fun k e => by rw [← e, ← Nat.sub_sub, Nat.sub_self, Nat.zero_sub]
theorem add_sub_of_le {a b : Nat} (h : a ≤ b) : a + (b - a) = b :=
  (le.dest h).elim fun k e => by rw [← e, Nat.add_sub_cancel_left]
@[simp] protected theorem sub_add_cancel {n m : Nat} (h : m ≤ n) : n - m + m = n := by
  rw [Nat.add_comm, add_sub_of_le h]
protected theorem le_of_sub_eq_zero {n m : Nat} (h : n - m = 0) : n ≤ m :=
  (Nat.le_total n m).elim id fun k => by
    have e := Nat.sub_add_cancel k
    rw [h, Nat.zero_add] at e
    exact Nat.le_of_eq e.symm
protected theorem sub_eq_zero_iff_le {n m : Nat} : n - m = 0 ↔ n ≤ m :=
  ⟨Nat.le_of_sub_eq_zero, Nat.sub_eq_zero_of_le⟩
protected theorem add_sub_assoc {m k : Nat} (h : k ≤ m) (n : Nat) : n + m - k = n + (m - k) :=
  (le.dest h).elim fun j e => by
    rw [← e, Nat.add_sub_cancel_left, Nat.add_left_comm, Nat.add_sub_cancel_left]
protected theorem eq_add_of_sub_eq {a b c : Nat} (h : b ≤ a) (e : a - b = c) : a = c + b :=
  e ▸ (Nat.sub_add_cancel h).symm
protected theorem sub_eq_of_eq_add {a b c : Nat} (h : a = c + b) : a - b = c := by
  rw [h, Nat.add_sub_cancel]
protected theorem sub_eq_iff_eq_add {c a b : Nat} (h : b ≤ a) : a - b = c ↔ a = c + b :=
  ⟨Nat.eq_add_of_sub_eq h, Nat.sub_eq_of_eq_add⟩
protected theorem sub_le_sub_right {n m : Nat} (h : n ≤ m) (k : Nat) : n - k ≤ m - k := by
  induction k with
  | zero => exact h
  | succ k ih => exact pred_le_pred ih
protected theorem sub_le_sub_left {n m : Nat} (h : n ≤ m) (k : Nat) : k - m ≤ k - n :=
  (le.dest h).elim fun j e => by rw [← e, ← Nat.sub_sub]; exact sub_le (k - n) j
protected theorem sub_pos_of_lt {m n : Nat} (h : m < n) : 0 < n - m :=
  Nat.pos_of_ne_zero fun e => Nat.not_le_of_gt h (Nat.le_of_sub_eq_zero e)
protected theorem lt_of_sub_pos {m n : Nat} (h : 0 < n - m) : m < n :=
  Nat.gt_of_not_le fun k => Nat.ne_of_gt h (Nat.sub_eq_zero_of_le k)
protected theorem sub_pos_iff_lt {m n : Nat} : 0 < n - m ↔ m < n := ⟨Nat.lt_of_sub_pos, Nat.sub_pos_of_lt⟩
protected theorem sub_right_comm (m n k : Nat) : m - n - k = m - k - n := by
  rw [Nat.sub_sub, Nat.sub_sub, Nat.add_comm]
protected theorem sub_le_iff_le_add {a b c : Nat} : a - b ≤ c ↔ a ≤ c + b := by
  constructor
  · intro h
    cases Nat.le_total a b with
    | inl k => exact le_add_left_of_le k
    | inr k => exact Nat.sub_add_cancel k ▸ Nat.add_le_add_right h b
  · intro h
    exact Nat.add_sub_cancel c b ▸ Nat.sub_le_sub_right h b
protected theorem sub_mul (n m k : Nat) : (n - m) * k = n * k - m * k := by
  cases Nat.le_total m n with
  | inl h =>
    exact (le.dest h).elim fun j e => by
      rw [← e, Nat.add_sub_cancel_left, Nat.add_mul, Nat.add_sub_cancel_left]
  | inr h => rw [Nat.sub_eq_zero_of_le h, Nat.sub_eq_zero_of_le (Nat.mul_le_mul_right k h), Nat.zero_mul]
protected theorem mul_sub (k m n : Nat) : k * (m - n) = k * m - k * n := by
  rw [Nat.mul_comm, Nat.sub_mul, Nat.mul_comm m k, Nat.mul_comm n k]

/-! ## Literals: what `simp` calls to compare sums with a literal in them -/

namespace Simproc
theorem sub_add_eq_comm (a b c : Nat) : a - (b + c) = a - c - b := by
  rw [Nat.add_comm b c, ← Nat.sub_sub]
theorem add_sub_add_le (a c : Nat) {b d : Nat} (h : b ≤ d) : a + b - (c + d) = a - (c + (d - b)) := by
  cases exists_eq_add_of_le' h with
  | intro k e => rw [e, Nat.add_sub_cancel, ← Nat.add_assoc, Nat.add_sub_add_right]
theorem add_sub_add_ge (a c : Nat) {b d : Nat} (h : b ≥ d) : a + b - (c + d) = a + (b - d) - c := by
  cases exists_eq_add_of_le' h with
  | intro k e => rw [e, Nat.add_sub_cancel, ← Nat.add_assoc, Nat.add_sub_add_right]
theorem add_sub_le (a : Nat) {b c : Nat} (h : b ≤ c) : a + b - c = a - (c - b) := by
  cases exists_eq_add_of_le' h with
  | intro k e => rw [e, Nat.add_sub_cancel, Nat.add_sub_add_right]
theorem add_eq_gt (a : Nat) {b c : Nat} (h : b > c) : (a + b = c) = False :=
  eq_false (Nat.ne_of_gt (Nat.lt_of_lt_of_le h (le_add_left b a)))
theorem eq_add_gt (a : Nat) {b c : Nat} (h : c > a) : (a = b + c) = False :=
  eq_false (Nat.ne_of_lt (Nat.lt_of_lt_of_le h (le_add_left c b)))
theorem add_eq_add_le (a c : Nat) {b d : Nat} (h : b ≤ d) : (a + b = c + d) = (a = c + (d - b)) := by
  cases exists_eq_add_of_le' h with
  | intro k e => rw [e, Nat.add_sub_cancel, ← Nat.add_assoc, Nat.add_right_cancel_iff.eq]
theorem add_eq_add_ge (a c : Nat) {b d : Nat} (h : b ≥ d) : (a + b = c + d) = (a + (b - d) = c) := by
  cases exists_eq_add_of_le' h with
  | intro k e => rw [e, Nat.add_sub_cancel, ← Nat.add_assoc, Nat.add_right_cancel_iff.eq]
theorem add_eq_le (a : Nat) {b c : Nat} (h : b ≤ c) : (a + b = c) = (a = c - b) := by
  cases exists_eq_add_of_le' h with
  | intro k e => rw [e, Nat.add_sub_cancel, Nat.add_right_cancel_iff.eq]
theorem eq_add_le {a : Nat} (b : Nat) {c : Nat} (h : c ≤ a) : (a = b + c) = (b = a - c) := by
  cases exists_eq_add_of_le' h with
  | intro k e =>
    rw [e, Nat.add_sub_cancel, Nat.add_right_cancel_iff.eq]
    exact propext eq_comm
theorem beqEqOfEqEq {a b c d : Nat} (p : (a = b) = (c = d)) : (a == b) = (c == d) := by
  cases Decidable.em (a = b) with
  | inl h => exact (decide_eq_true h).trans (decide_eq_true (p ▸ h : c = d)).symm
  | inr h => exact (decide_eq_false h).trans (decide_eq_false (p ▸ h : ¬c = d)).symm
theorem beqFalseOfEqFalse {a b : Nat} (p : (a = b) = False) : (a == b) = false :=
  decide_eq_false (of_eq_false p)
theorem bneEqOfEqEq {a b c d : Nat} (p : (a = b) = (c = d)) : (a != b) = (c != d) :=
  congrArg Bool.not (beqEqOfEqEq p)
theorem bneTrueOfEqFalse {a b : Nat} (p : (a = b) = False) : (a != b) = true :=
  congrArg Bool.not (beqFalseOfEqFalse p)
theorem add_le_add_le (a c : Nat) {b d : Nat} (h : b ≤ d) : (a + b ≤ c + d) = (a ≤ c + (d - b)) := by
  cases exists_eq_add_of_le' h with
  | intro k e => rw [e, Nat.add_sub_cancel, ← Nat.add_assoc, Nat.add_le_add_iff_right.eq]
theorem add_le_add_ge (a c : Nat) {b d : Nat} (h : b ≥ d) : (a + b ≤ c + d) = (a + (b - d) ≤ c) := by
  cases exists_eq_add_of_le' h with
  | intro k e => rw [e, Nat.add_sub_cancel, ← Nat.add_assoc, Nat.add_le_add_iff_right.eq]
theorem add_le_le (a : Nat) {b c : Nat} (h : b ≤ c) : (a + b ≤ c) = (a ≤ c - b) := by
  cases exists_eq_add_of_le' h with
  | intro k e => rw [e, Nat.add_sub_cancel, Nat.add_le_add_iff_right.eq]
theorem add_le_gt (a : Nat) {b c : Nat} (h : b > c) : (a + b ≤ c) = False :=
  eq_false (Nat.not_le_of_gt (Nat.lt_of_lt_of_le h (le_add_left b a)))
theorem le_add_le (a : Nat) {b c : Nat} (h : a ≤ c) : (a ≤ b + c) = True := eq_true (le_add_left_of_le h)
theorem le_add_ge (a : Nat) {b c : Nat} (h : a ≥ c) : (a ≤ b + c) = (a - c ≤ b) := by
  cases exists_eq_add_of_le' h with
  | intro k e => rw [e, Nat.add_sub_cancel, Nat.add_le_add_iff_right.eq]
end Simproc
@[simp] protected theorem add_eq_left {a b : Nat} : a + b = a ↔ b = 0 := Nat.add_left_cancel_iff (k := 0)
@[simp] protected theorem add_eq_right {a b : Nat} : a + b = b ↔ a = 0 := by
  rw [Nat.add_comm, Nat.add_eq_left]
@[simp] protected theorem left_eq_add {a b : Nat} : a = a + b ↔ b = 0 := eq_comm.trans Nat.add_eq_left
@[simp] protected theorem right_eq_add {a b : Nat} : b = a + b ↔ a = 0 := eq_comm.trans Nat.add_eq_right

/-! ## Statements about all, or some, numbers below a bound are decided by trying them -/

theorem forall_lt_succ_right {p : Nat → Prop} {n : Nat} :
    (∀ m, m < n + 1 → p m) ↔ (∀ m, m < n → p m) ∧ p n :=
  ⟨fun h => ⟨fun m k => h m (le_succ_of_le k), h n (Nat.lt_add_one n)⟩,
   fun ⟨h, hn⟩ m k => (Nat.lt_or_eq_of_le (le_of_lt_succ k)).elim (h m) fun e => e ▸ hn⟩
theorem exists_lt_succ_right {p : Nat → Prop} {n : Nat} :
    (∃ m, m < n + 1 ∧ p m) ↔ (∃ m, m < n ∧ p m) ∨ p n :=
  ⟨fun ⟨m, k, h⟩ => (Nat.lt_or_eq_of_le (le_of_lt_succ k)).elim (fun l => .inl ⟨m, l, h⟩) fun e => .inr (e ▸ h),
   fun h => h.elim (fun ⟨m, k, h⟩ => ⟨m, le_succ_of_le k, h⟩) fun h => ⟨n, Nat.lt_add_one n, h⟩⟩
instance decidableBallLT : (n : Nat) → (P : (k : Nat) → k < n → Prop) →
    [∀ n h, Decidable (P n h)] → Decidable (∀ n h, P n h)
  | 0, _, _ => isTrue fun n h => absurd h (not_lt_zero n)
  | n + 1, P, H =>
    match decidableBallLT n (P := fun k h => P k (le_succ_of_le h)) with
    | isFalse h => isFalse fun k => h fun m l => k m (le_succ_of_le l)
    | isTrue h =>
      if p : P n (Nat.lt_add_one n) then
        isTrue fun m l => (Nat.lt_or_eq_of_le (le_of_lt_succ l)).elim (h m) fun e => by subst e; exact p
      else isFalse fun k => p (k n (Nat.lt_add_one n))
instance decidableBallLE (n : Nat) (P : (k : Nat) → k ≤ n → Prop) [∀ n h, Decidable (P n h)] :
    Decidable (∀ n h, P n h) :=
  match decidableBallLT (n + 1) (P := fun k h => P k (le_of_lt_succ h)) with
  | isTrue h => isTrue fun m l => h m (lt_succ_of_le l)
  | isFalse h => isFalse fun k => h fun m l => k m (le_of_lt_succ l)
instance decidableExistsLT {p : Nat → Prop} [h : DecidablePred p] :
    DecidablePred (fun n => ∃ m : Nat, m < n ∧ p m)
  | 0 => isFalse fun ⟨m, k, _⟩ => not_lt_zero m k
  | n + 1 =>
    match decidableExistsLT (p := p) n, h n with
    | isTrue h, _ => isTrue (exists_lt_succ_right.2 (.inl h))
    | isFalse _, isTrue h => isTrue (exists_lt_succ_right.2 (.inr h))
    | isFalse h, isFalse k => isFalse fun e => (exists_lt_succ_right.1 e).elim h k
instance decidableExistsLE {p : Nat → Prop} [DecidablePred p] :
    DecidablePred (fun n => ∃ m : Nat, m ≤ n ∧ p m) := fun n =>
  match decidableExistsLT (p := p) (n + 1) with
  | isTrue h => isTrue (h.elim fun m k => ⟨m, le_of_lt_succ k.1, k.2⟩)
  | isFalse h => isFalse fun ⟨m, k, l⟩ => h ⟨m, lt_succ_of_le k, l⟩

/-! ## Minimum and maximum -/

end Nat
instance instMinNat : Min Nat := ⟨fun a b => if a ≤ b then a else b⟩
instance instMaxNat : Max Nat := ⟨fun a b => if a ≤ b then b else a⟩
namespace Nat
protected theorem min_def {n m : Nat} : min n m = if n ≤ m then n else m := rfl
protected theorem max_def {n m : Nat} : max n m = if n ≤ m then m else n := rfl
protected theorem min_eq_left {a b : Nat} (h : a ≤ b) : min a b = a := if_pos h
protected theorem max_eq_right {a b : Nat} (h : a ≤ b) : max a b = b := if_pos h
protected theorem min_eq_right {a b : Nat} (h : b ≤ a) : min a b = b := by
  cases Nat.eq_or_lt_of_le h with
  | inl e => rw [e]; exact Nat.min_eq_left Nat.le.refl
  | inr k => exact if_neg (Nat.not_le_of_gt k)
protected theorem max_eq_left {a b : Nat} (h : b ≤ a) : max a b = a := by
  cases Nat.eq_or_lt_of_le h with
  | inl e => rw [e]; exact Nat.max_eq_right Nat.le.refl
  | inr k => exact if_neg (Nat.not_le_of_gt k)
protected theorem min_comm (a b : Nat) : min a b = min b a :=
  (Nat.le_total a b).elim (fun h => (Nat.min_eq_left h).trans (Nat.min_eq_right h).symm)
    fun h => (Nat.min_eq_right h).trans (Nat.min_eq_left h).symm
protected theorem max_comm (a b : Nat) : max a b = max b a :=
  (Nat.le_total a b).elim (fun h => (Nat.max_eq_right h).trans (Nat.max_eq_left h).symm)
    fun h => (Nat.max_eq_left h).trans (Nat.max_eq_right h).symm
protected theorem min_le_left (a b : Nat) : min a b ≤ a :=
  (Nat.le_total a b).elim (fun h => Nat.le_of_eq (Nat.min_eq_left h)) fun h => (Nat.min_eq_right h).symm ▸ h
protected theorem min_le_right (a b : Nat) : min a b ≤ b := Nat.min_comm b a ▸ Nat.min_le_left b a
protected theorem le_max_left (a b : Nat) : a ≤ max a b :=
  (Nat.le_total a b).elim (fun h => (Nat.max_eq_right h).symm ▸ h) fun h => Nat.le_of_eq (Nat.max_eq_left h).symm
protected theorem le_max_right (a b : Nat) : b ≤ max a b := Nat.max_comm b a ▸ Nat.le_max_left b a
protected theorem le_min {a b c : Nat} : a ≤ min b c ↔ a ≤ b ∧ a ≤ c := by
  constructor
  · exact fun h => ⟨Nat.le_trans h (Nat.min_le_left b c), Nat.le_trans h (Nat.min_le_right b c)⟩
  · intro h
    cases Nat.le_total b c with
    | inl k => rw [Nat.min_eq_left k]; exact h.1
    | inr k => rw [Nat.min_eq_right k]; exact h.2
protected theorem max_le {a b c : Nat} : max a b ≤ c ↔ a ≤ c ∧ b ≤ c := by
  constructor
  · exact fun h => ⟨Nat.le_trans (Nat.le_max_left a b) h, Nat.le_trans (Nat.le_max_right a b) h⟩
  · intro h
    cases Nat.le_total a b with
    | inl k => rw [Nat.max_eq_right k]; exact h.2
    | inr k => rw [Nat.max_eq_left k]; exact h.1
@[simp] protected theorem min_self (a : Nat) : min a a = a := Nat.min_eq_left Nat.le.refl
@[simp] protected theorem max_self (a : Nat) : max a a = a := Nat.max_eq_right Nat.le.refl
@[simp] protected theorem zero_min (a : Nat) : min 0 a = 0 := Nat.min_eq_left (zero_le a)
@[simp] protected theorem min_zero (a : Nat) : min a 0 = 0 := Nat.min_eq_right (zero_le a)
@[simp] protected theorem zero_max (a : Nat) : max 0 a = a := Nat.max_eq_right (zero_le a)
@[simp] protected theorem max_zero (a : Nat) : max a 0 = a := Nat.max_eq_left (zero_le a)

/-! ## Divisibility -/

@[simp] protected theorem dvd_refl (a : Nat) : a ∣ a := ⟨1, (Nat.mul_one a).symm⟩
@[simp] protected theorem dvd_zero (a : Nat) : a ∣ 0 := ⟨0, rfl⟩
@[simp] protected theorem one_dvd (n : Nat) : 1 ∣ n := ⟨n, (Nat.one_mul n).symm⟩
@[simp] protected theorem dvd_mul_left (a b : Nat) : a ∣ b * a := ⟨b, Nat.mul_comm b a⟩
@[simp] protected theorem dvd_mul_right (a b : Nat) : a ∣ a * b := ⟨b, rfl⟩
protected theorem dvd_trans {a b c : Nat} (h₁ : a ∣ b) (h₂ : b ∣ c) : a ∣ c :=
  match h₁, h₂ with
  | ⟨d, hd⟩, ⟨e, he⟩ => ⟨d * e, by rw [he, hd, Nat.mul_assoc]⟩
protected theorem dvd_mul_left_of_dvd {a b : Nat} (h : a ∣ b) (c : Nat) : a ∣ c * b := Nat.dvd_trans h (Nat.dvd_mul_left b c)
protected theorem dvd_mul_right_of_dvd {a b : Nat} (h : a ∣ b) (c : Nat) : a ∣ b * c := Nat.dvd_trans h (Nat.dvd_mul_right b c)
protected theorem eq_zero_of_zero_dvd {a : Nat} (h : 0 ∣ a) : a = 0 := h.elim fun c e => e.trans (Nat.zero_mul c)
@[simp] protected theorem zero_dvd {n : Nat} : 0 ∣ n ↔ n = 0 :=
  ⟨Nat.eq_zero_of_zero_dvd, fun h => h ▸ Nat.dvd_zero 0⟩
protected theorem dvd_add {a b c : Nat} (h₁ : a ∣ b) (h₂ : a ∣ c) : a ∣ b + c :=
  match h₁, h₂ with
  | ⟨d, hd⟩, ⟨e, he⟩ => ⟨d + e, by rw [hd, he, Nat.mul_add]⟩
protected theorem dvd_sub {k m n : Nat} (h₁ : k ∣ m) (h₂ : k ∣ n) : k ∣ m - n :=
  match h₁, h₂ with
  | ⟨d, hd⟩, ⟨e, he⟩ => ⟨d - e, by rw [hd, he, Nat.mul_sub]⟩
protected theorem dvd_add_right {m k : Nat} (h : k ∣ m) {n : Nat} : k ∣ m + n ↔ k ∣ n :=
  ⟨fun h' => Nat.add_sub_cancel_left m n ▸ Nat.dvd_sub h' h, Nat.dvd_add h⟩
protected theorem mul_dvd_mul {a b c d : Nat} (h₁ : a ∣ b) (h₂ : c ∣ d) : a * c ∣ b * d :=
  match h₁, h₂ with
  | ⟨e, he⟩, ⟨f, hf⟩ => ⟨e * f, by rw [he, hf, Nat.mul_mul_mul_comm]⟩
theorem le_of_dvd {m n : Nat} (h₁ : 0 < n) (h₂ : m ∣ n) : m ≤ n :=
  h₂.elim fun k e => by
    cases k with
    | zero => exact absurd e (Nat.ne_of_gt h₁)
    | succ k => rw [e, mul_add_one]; exact le_add_left m (m * k)
protected theorem dvd_antisymm : {m n : Nat} → m ∣ n → n ∣ m → m = n
  | _, 0, _, h₂ => Nat.eq_zero_of_zero_dvd h₂
  | 0, _, h₁, _ => (Nat.eq_zero_of_zero_dvd h₁).symm
  | succ _, succ _, h₁, h₂ =>
    Nat.le_antisymm (le_of_dvd (zero_lt_succ _) h₁) (le_of_dvd (zero_lt_succ _) h₂)
end Nat

instance : Trans (α := Nat) (β := Nat) (γ := Nat) (· < ·) (· < ·) (· < ·) := ⟨Nat.lt_trans⟩
instance : Trans (α := Nat) (β := Nat) (γ := Nat) (· ≤ ·) (· ≤ ·) (· ≤ ·) := ⟨Nat.le_trans⟩
instance : Trans (α := Nat) (β := Nat) (γ := Nat) (· < ·) (· ≤ ·) (· < ·) := ⟨Nat.lt_of_lt_of_le⟩
instance : Trans (α := Nat) (β := Nat) (γ := Nat) (· ≤ ·) (· < ·) (· < ·) := ⟨Nat.lt_of_le_of_lt⟩
instance : Trans (α := Nat) (β := Nat) (γ := Nat) (· ≥ ·) (· ≥ ·) (· ≥ ·) := ⟨fun h₁ h₂ => Nat.le_trans h₂ h₁⟩
instance : Trans (α := Nat) (β := Nat) (γ := Nat) (· > ·) (· > ·) (· > ·) := ⟨fun h₁ h₂ => Nat.lt_trans h₂ h₁⟩
instance : Trans (α := Nat) (β := Nat) (γ := Nat) (· ∣ ·) (· ∣ ·) (· ∣ ·) := ⟨Nat.dvd_trans⟩
