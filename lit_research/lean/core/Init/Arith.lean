/-
Well-founded recursion, strong induction, division with remainder, and the arithmetic that the
kernel speeds up.

The kernel evaluates `Nat.div`, `Nat.gcd`, `Nat.land` and their like with big numbers wherever both
arguments are literals, whoever defines them. So each of them is defined here, as what the kernel
computes, and no file can give the name another meaning.
-/
prelude
import Init.List
set_option autoImplicit false
set_option linter.all false
universe u v w

/-! ## Well-founded recursion -/

inductive Acc {α : Sort u} (r : α → α → Prop) : α → Prop where
  | intro (x : α) (h : (y : α) → r y x → Acc r y) : Acc r x
inductive WellFounded {α : Sort u} (r : α → α → Prop) : Prop where
  | intro (h : ∀ a, Acc r a) : WellFounded r
class WellFoundedRelation (α : Sort u) where
  rel : α → α → Prop
  wf : WellFounded rel
theorem Acc.inv {α : Sort u} {r : α → α → Prop} {x y : α} (h₁ : Acc r x) (h₂ : r y x) : Acc r y :=
  match h₁ with
  | .intro _ h => h y h₂
theorem WellFounded.apply {α : Sort u} {r : α → α → Prop} (wf : WellFounded r) (a : α) : Acc r a :=
  match wf with
  | .intro h => h a
theorem WellFounded.induction {α : Sort u} {r : α → α → Prop} (hwf : WellFounded r) {C : α → Prop}
    (a : α) (h : ∀ x, (∀ y, r y x → C y) → C x) : C a := by
  induction hwf.apply a with
  | intro x _ ih => exact h x ih
noncomputable def WellFounded.fixF {α : Sort u} {r : α → α → Prop} {C : α → Sort v}
    (F : ∀ x, (∀ y, r y x → C y) → C x) (x : α) (a : Acc r x) : C x :=
  Acc.rec (motive := fun x _ => C x) (fun x _ ih => F x ih) a
theorem WellFounded.fixF_eq {α : Sort u} {r : α → α → Prop} {C : α → Sort v}
    (F : ∀ x, (∀ y, r y x → C y) → C x) (x : α) (acx : Acc r x) :
    fixF F x acx = F x (fun (y : α) (p : r y x) => fixF F y (Acc.inv acx p)) := by
  cases acx with
  | intro x r => exact rfl
noncomputable def WellFounded.fix {α : Sort u} {C : α → Sort v} {r : α → α → Prop}
    (hwf : WellFounded r) (F : ∀ x, (∀ y, r y x → C y) → C x) (x : α) : C x :=
  fixF F x (hwf.apply x)
theorem WellFounded.fix_eq {α : Sort u} {C : α → Sort v} {r : α → α → Prop} (hwf : WellFounded r)
    (F : ∀ x, (∀ y, r y x → C y) → C x) (x : α) :
    fix hwf F x = F x (fun y _ => fix hwf F y) := fixF_eq F x (hwf.apply x)
theorem Subrelation.accessible {α : Sort u} {r q : α → α → Prop} {a : α}
    (h₁ : ∀ {x y}, q x y → r x y) (ac : Acc r a) : Acc q a := by
  induction ac with
  | intro x _ ih => exact .intro x fun y h => ih y (h₁ h)
abbrev InvImage {α : Sort u} {β : Sort v} (r : β → β → Prop) (f : α → β) : α → α → Prop :=
  fun a₁ a₂ => r (f a₁) (f a₂)
theorem InvImage.accAux {α : Sort u} {β : Sort v} {r : β → β → Prop} (f : α → β) {b : β}
    (ac : Acc r b) : (x : α) → f x = b → Acc (InvImage r f) x := by
  induction ac with
  | intro x _ ih => exact fun z e => .intro z fun y h => ih (f y) (e ▸ h) y rfl
theorem InvImage.wf {α : Sort u} {β : Sort v} {r : β → β → Prop} (f : α → β) (h : WellFounded r) :
    WellFounded (InvImage r f) := ⟨fun a => InvImage.accAux f (h.apply (f a)) a rfl⟩
@[reducible] def invImage {α : Sort u} {β : Sort v} (f : α → β) (h : WellFoundedRelation β) :
    WellFoundedRelation α where
  rel := InvImage h.rel f
  wf := InvImage.wf f h.wf

namespace Nat
theorem lt_wf_acc (n : Nat) : Acc (fun a b : Nat => a < b) n := by
  induction n with
  | zero => exact .intro 0 fun y h => absurd h (Nat.not_lt_zero y)
  | succ n ih =>
    exact .intro _ fun y h => (Nat.lt_or_eq_of_le (Nat.le_of_lt_succ h)).elim ih.inv fun e => e ▸ ih
end Nat
protected theorem Nat.lt_wfRel.wf : WellFounded (fun a b : Nat => a < b) := ⟨Nat.lt_wf_acc⟩
instance Nat.lt_wfRel : WellFoundedRelation Nat where
  rel := (· < ·)
  wf := Nat.lt_wfRel.wf
abbrev measure {α : Sort u} (f : α → Nat) : WellFoundedRelation α := invImage f Nat.lt_wfRel

namespace Nat
@[elab_as_elim] protected noncomputable def strongRecOn {motive : Nat → Sort u} (n : Nat)
    (ind : ∀ n, (∀ m, m < n → motive m) → motive n) : motive n :=
  Nat.lt_wfRel.wf.fix ind n
@[elab_as_elim] protected theorem strong_induction_on {p : Nat → Prop} (n : Nat)
    (h : ∀ n, (∀ m, m < n → p m) → p n) : p n := Nat.strongRecOn n h
@[elab_as_elim] protected theorem case_strong_induction_on {p : Nat → Prop} (a : Nat) (hz : p 0)
    (hi : ∀ n, (∀ m, m ≤ n → p m) → p (succ n)) : p a :=
  Nat.strongRecOn a fun
    | 0, _ => hz
    | n + 1, h => hi n fun m k => h m (lt_succ_of_le k)
@[elab_as_elim] theorem le_induction {m : Nat} {P : (n : Nat) → m ≤ n → Prop}
    (base : P m Nat.le.refl) (succ : ∀ (n : Nat) (hmn : m ≤ n), P n hmn → P (n + 1) (Nat.le.step hmn))
    (n : Nat) (hmn : m ≤ n) : P n hmn := by
  induction hmn with
  | refl => exact base
  | step h ih => exact succ _ h ih

/-! ## Division with remainder

The recursion has a second argument, "fuel", that bounds its depth; the dividend is always enough. -/

def div.go (y : Nat) : (fuel x : Nat) → Nat
  | 0, _ => 0
  | fuel + 1, x => if y ≤ x then div.go y fuel (x - y) + 1 else 0
@[extern "lean_nat_div"] protected def div (x y : Nat) : Nat :=
  match y with
  | 0 => 0
  | y + 1 => div.go (y + 1) x x
def modCore.go (y : Nat) : (fuel x : Nat) → Nat
  | 0, x => x
  | fuel + 1, x => if y ≤ x then modCore.go y fuel (x - y) else x
@[extern "lean_nat_mod"] protected def mod (x y : Nat) : Nat :=
  match y with
  | 0 => x
  | y + 1 => modCore.go (y + 1) x x
instance instDivNat : Div Nat := ⟨Nat.div⟩
instance instModNat : Mod Nat := ⟨Nat.mod⟩
/-- One step more fuel than is needed changes nothing. -/
theorem div.go_fuel {y : Nat} (hy : 0 < y) (fuel : Nat) : ∀ {fuel' x : Nat}, x ≤ fuel → x ≤ fuel' →
    div.go y fuel x = div.go y fuel' x := by
  have none (x fuel : Nat) (h : x = 0) : div.go y fuel x = 0 := by
    cases fuel with
    | zero => rfl
    | succ k => rw [h, div.go, if_neg (Nat.not_le_of_gt hy)]
  induction fuel with
  | zero => exact fun h _ => by rw [none _ _ (eq_zero_of_le_zero h), none _ _ (eq_zero_of_le_zero h)]
  | succ fuel ih =>
    intro fuel' x h h'
    cases fuel' with
    | zero => rw [none _ _ (eq_zero_of_le_zero h'), none _ _ (eq_zero_of_le_zero h')]
    | succ fuel' =>
      rw [div.go, div.go]
      cases Decidable.em (y ≤ x) with
      | inr k => rw [if_neg k, if_neg k]
      | inl k =>
        have less : x - y < x := sub_lt (Nat.lt_of_lt_of_le hy k) hy
        rw [if_pos k, if_pos k, ih (le_of_lt_succ (Nat.lt_of_lt_of_le less h))
          (le_of_lt_succ (Nat.lt_of_lt_of_le less h'))]
theorem modCore.go_fuel {y : Nat} (hy : 0 < y) (fuel : Nat) : ∀ {fuel' x : Nat}, x ≤ fuel →
    x ≤ fuel' → modCore.go y fuel x = modCore.go y fuel' x := by
  have none (x fuel : Nat) (h : x = 0) : modCore.go y fuel x = 0 := by
    cases fuel with
    | zero => exact h
    | succ k => rw [h, modCore.go, if_neg (Nat.not_le_of_gt hy)]
  induction fuel with
  | zero => exact fun h _ => by rw [none _ _ (eq_zero_of_le_zero h), none _ _ (eq_zero_of_le_zero h)]
  | succ fuel ih =>
    intro fuel' x h h'
    cases fuel' with
    | zero => rw [none _ _ (eq_zero_of_le_zero h'), none _ _ (eq_zero_of_le_zero h')]
    | succ fuel' =>
      rw [modCore.go, modCore.go]
      cases Decidable.em (y ≤ x) with
      | inr k => rw [if_neg k, if_neg k]
      | inl k =>
        have less : x - y < x := sub_lt (Nat.lt_of_lt_of_le hy k) hy
        rw [if_pos k, if_pos k, ih (le_of_lt_succ (Nat.lt_of_lt_of_le less h))
          (le_of_lt_succ (Nat.lt_of_lt_of_le less h'))]
theorem div_eq (x y : Nat) : x / y = if 0 < y ∧ y ≤ x then (x - y) / y + 1 else 0 := by
  cases y with
  | zero => exact (if_neg fun h => Nat.lt_irrefl 0 h.1).symm
  | succ y =>
    have hy : 0 < y + 1 := zero_lt_succ y
    show div.go (y + 1) x x = if 0 < y + 1 ∧ y + 1 ≤ x then div.go (y + 1) (x - (y + 1)) (x - (y + 1)) + 1 else 0
    rw [div.go_fuel hy x (Nat.le_refl x) (le_succ x), div.go]
    cases Decidable.em (y + 1 ≤ x) with
    | inl k => rw [if_pos k, if_pos ⟨hy, k⟩, div.go_fuel hy x (sub_le _ _) (Nat.le_refl _)]
    | inr k => rw [if_neg k, if_neg fun h => k h.2]
theorem mod_eq (x y : Nat) : x % y = if 0 < y ∧ y ≤ x then (x - y) % y else x := by
  cases y with
  | zero => exact (if_neg fun h => Nat.lt_irrefl 0 h.1).symm
  | succ y =>
    have hy : 0 < y + 1 := zero_lt_succ y
    show modCore.go (y + 1) x x = if 0 < y + 1 ∧ y + 1 ≤ x then modCore.go (y + 1) (x - (y + 1)) (x - (y + 1)) else x
    rw [modCore.go_fuel hy x (Nat.le_refl x) (le_succ x), modCore.go]
    cases Decidable.em (y + 1 ≤ x) with
    | inl k => rw [if_pos k, if_pos ⟨hy, k⟩, modCore.go_fuel hy x (sub_le _ _) (Nat.le_refl _)]
    | inr k => rw [if_neg k, if_neg fun h => k h.2]
theorem div_eq_of_lt {a b : Nat} (h₀ : a < b) : a / b = 0 := by
  rw [div_eq, if_neg fun h => Nat.not_le_of_gt h₀ h.2]
theorem mod_eq_of_lt {a b : Nat} (h : a < b) : a % b = a := by
  rw [mod_eq, if_neg fun k => Nat.not_le_of_gt h k.2]
theorem div_eq_sub_div {b a : Nat} (h₁ : 0 < b) (h₂ : b ≤ a) : a / b = (a - b) / b + 1 := by
  rw [div_eq a, if_pos ⟨h₁, h₂⟩]
theorem mod_eq_sub_mod {a b : Nat} (h : a ≥ b) : a % b = (a - b) % b := by
  cases eq_zero_or_pos b with
  | inl e => rw [e, Nat.sub_zero]
  | inr k => rw [mod_eq a, if_pos ⟨k, h⟩]
@[simp] protected theorem div_zero (b : Nat) : b / 0 = 0 := rfl
@[simp] theorem mod_zero (a : Nat) : a % 0 = a := rfl
@[simp] protected theorem zero_div (b : Nat) : 0 / b = 0 := by cases b <;> rfl
@[simp] theorem zero_mod (b : Nat) : 0 % b = 0 := by cases b <;> rfl
theorem mod_lt (x : Nat) {y : Nat} (hy : y > 0) : x % y < y := by
  induction x using Nat.strongRecOn with
  | ind x ih =>
    cases Nat.lt_or_ge x y with
    | inl h => rw [mod_eq_of_lt h]; exact h
    | inr h => rw [mod_eq_sub_mod h]; exact ih _ (sub_lt (Nat.lt_of_lt_of_le hy h) hy)
theorem div_add_mod (m n : Nat) : n * (m / n) + m % n = m := by
  cases eq_zero_or_pos n with
  | inl e => rw [e, Nat.zero_mul, Nat.zero_add, mod_zero]
  | inr hn =>
    induction m using Nat.strongRecOn with
    | ind m ih =>
      cases Nat.lt_or_ge m n with
      | inl h => rw [div_eq_of_lt h, mod_eq_of_lt h, Nat.mul_zero, Nat.zero_add]
      | inr h =>
        rw [div_eq_sub_div hn h, mod_eq_sub_mod h, mul_add_one, Nat.add_right_comm]
        rw [ih _ (sub_lt (Nat.lt_of_lt_of_le hn h) hn), Nat.sub_add_cancel h]
theorem mod_add_div (m k : Nat) : m % k + k * (m / k) = m := (Nat.add_comm _ _).trans (div_add_mod m k)
theorem div_mul_le_self (m n : Nat) : m / n * n ≤ m :=
  le.intro (k := m % n) (Nat.mul_comm n (m / n) ▸ div_add_mod m n)
theorem mod_le (x y : Nat) : x % y ≤ x := le.intro (k := y * (x / y)) (mod_add_div x y)
@[simp] theorem add_mod_right (x z : Nat) : (x + z) % z = x % z := by
  rw [mod_eq_sub_mod (le_add_left z x), Nat.add_sub_cancel]
@[simp] theorem add_mod_left (x z : Nat) : (x + z) % x = z % x := by rw [Nat.add_comm, add_mod_right]
@[simp] theorem mod_self (n : Nat) : n % n = 0 := by
  rw [mod_eq_sub_mod (Nat.le_refl n), Nat.sub_self, zero_mod]
@[simp] theorem mul_mod_right (m n : Nat) : (m * n) % m = 0 := by
  induction n with
  | zero => rw [Nat.mul_zero, zero_mod]
  | succ n ih => rw [mul_add_one, add_mod_right, ih]
@[simp] theorem mul_mod_left (m n : Nat) : (m * n) % n = 0 := by rw [Nat.mul_comm, mul_mod_right]
@[simp] theorem add_div_right (x : Nat) {z : Nat} (H : 0 < z) : (x + z) / z = (x / z) + 1 := by
  rw [div_eq_sub_div H (le_add_left z x), Nat.add_sub_cancel]
theorem mul_div_right (n : Nat) {m : Nat} (H : 0 < m) : m * n / m = n := by
  induction n with
  | zero => rw [Nat.mul_zero, Nat.zero_div]
  | succ n ih => rw [mul_add_one, add_div_right _ H, ih]
theorem mul_div_left (m : Nat) {n : Nat} (H : 0 < n) : m * n / n = m := by
  rw [Nat.mul_comm, mul_div_right _ H]
@[simp] protected theorem div_one (n : Nat) : n / 1 = n := by
  have h := mul_div_left n Nat.zero_lt_one
  rw [Nat.mul_one] at h
  exact h
theorem mod_one (x : Nat) : x % 1 = 0 := lt_one_iff.1 (mod_lt x Nat.zero_lt_one)
@[simp] protected theorem div_self {n : Nat} (h : 0 < n) : n / n = 1 := by
  have k := mul_div_left 1 h
  rw [Nat.one_mul] at k
  exact k
theorem mod_two_eq_zero_or_one (n : Nat) : n % 2 = 0 ∨ n % 2 = 1 :=
  (Nat.lt_or_eq_of_le (le_of_lt_succ (mod_lt n Nat.two_pos))).imp_left lt_one_iff.1
theorem dvd_of_mod_eq_zero {k n : Nat} (h : n % k = 0) : k ∣ n :=
  ⟨n / k, by
    have e := div_add_mod n k
    rw [h, Nat.add_zero] at e
    exact e.symm⟩
theorem mod_eq_zero_of_dvd {k n : Nat} (h : k ∣ n) : n % k = 0 := h.elim fun c e => by
  rw [e, mul_mod_right]
theorem dvd_iff_mod_eq_zero {k n : Nat} : k ∣ n ↔ n % k = 0 := ⟨mod_eq_zero_of_dvd, dvd_of_mod_eq_zero⟩
protected theorem mul_div_cancel_left' {n m : Nat} (h : n ∣ m) : n * (m / n) = m := by
  have e := div_add_mod m n
  rw [mod_eq_zero_of_dvd h, Nat.add_zero] at e
  exact e
theorem dvd_eq_true_of_mod_eq_zero {m n : Nat} (h : (n % m == 0) = true) : (m ∣ n) = True :=
  eq_true (dvd_of_mod_eq_zero (of_decide_eq_true h))
theorem dvd_eq_false_of_mod_ne_zero {m n : Nat} (h : (n % m != 0) = true) : (m ∣ n) = False :=
  eq_false fun k => by
    rw [bne, mod_eq_zero_of_dvd k] at h
    exact absurd h (by decide)
instance decidable_dvd {m n : Nat} : Decidable (m ∣ n) :=
  if h : n % m = 0 then isTrue (dvd_of_mod_eq_zero h) else isFalse fun k => h (mod_eq_zero_of_dvd k)

/-! ## What else the kernel speeds up -/

def gcd.go : (fuel m n : Nat) → Nat
  | 0, _, n => n
  | fuel + 1, m, n => if m = 0 then n else gcd.go fuel (n % m) m
@[extern "lean_nat_gcd"] def gcd (m n : Nat) : Nat := gcd.go m m n
def bitwise.go (f : Bool → Bool → Bool) : (fuel n m : Nat) → Nat
  | 0, _, m => if f false true = true then m else 0
  | fuel + 1, n, m =>
    if n = 0 then (if f false true = true then m else 0)
    else if m = 0 then (if f true false = true then n else 0)
    else
      let r := bitwise.go f fuel (n / 2) (m / 2)
      if f (decide (n % 2 = 1)) (decide (m % 2 = 1)) = true then r + r + 1 else r + r
def bitwise (f : Bool → Bool → Bool) (n m : Nat) : Nat := bitwise.go f n n m
@[extern "lean_nat_land"] def land : Nat → Nat → Nat := bitwise and
@[extern "lean_nat_lor"] def lor : Nat → Nat → Nat := bitwise or
@[extern "lean_nat_lxor"] def xor : Nat → Nat → Nat := bitwise bne
@[extern "lean_nat_shiftl"] def shiftLeft : Nat → Nat → Nat
  | n, 0 => n
  | n, m + 1 => shiftLeft (2 * n) m
@[extern "lean_nat_shiftr"] def shiftRight : Nat → Nat → Nat
  | n, 0 => n
  | n, m + 1 => shiftRight n m / 2
def log2.go : (fuel n : Nat) → Nat
  | 0, _ => 0
  | fuel + 1, n => if 2 ≤ n then log2.go fuel (n / 2) + 1 else 0
@[extern "lean_nat_log2"] def log2 (n : Nat) : Nat := log2.go n n
end Nat
