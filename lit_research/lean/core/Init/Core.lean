/-
Operators, extensionality, choice, and the lemmas out of which tactics build their proofs.

The names here are the ones that `simp`, `rw`, `split`, `congr`, `calc` and `cases` look up.
-/
prelude
import Init.Grammar
set_option autoImplicit false
set_option linter.all false
universe u v w u₁ u₂ u₃

/-! ## Operators -/

class HAdd (α : Type u) (β : Type v) (γ : outParam (Type w)) where
  hAdd : α → β → γ
class HSub (α : Type u) (β : Type v) (γ : outParam (Type w)) where
  hSub : α → β → γ
class HMul (α : Type u) (β : Type v) (γ : outParam (Type w)) where
  hMul : α → β → γ
class HDiv (α : Type u) (β : Type v) (γ : outParam (Type w)) where
  hDiv : α → β → γ
class HMod (α : Type u) (β : Type v) (γ : outParam (Type w)) where
  hMod : α → β → γ
class HPow (α : Type u) (β : Type v) (γ : outParam (Type w)) where
  hPow : α → β → γ
class HAppend (α : Type u) (β : Type v) (γ : outParam (Type w)) where
  hAppend : α → β → γ
class Add (α : Type u) where
  add : α → α → α
class Sub (α : Type u) where
  sub : α → α → α
class Mul (α : Type u) where
  mul : α → α → α
class Div (α : Type u) where
  div : α → α → α
class Mod (α : Type u) where
  mod : α → α → α
class Neg (α : Type u) where
  neg : α → α
class Pow (α : Type u) (β : Type v) where
  pow : α → β → α
class NatPow (α : Type u) where
  pow : α → Nat → α
class Append (α : Type u) where
  append : α → α → α
class Dvd (α : Type u) where
  dvd : α → α → Prop
class LE (α : Type u) where
  le : α → α → Prop
class LT (α : Type u) where
  lt : α → α → Prop
class Min (α : Type u) where
  min : α → α → α
export Min (min)
class Max (α : Type u) where
  max : α → α → α
export Max (max)
class BEq (α : Type u) where
  beq : α → α → Bool
class Membership (α : outParam (Type u)) (γ : Type v) where
  mem : γ → α → Prop
abbrev GE.ge {α : Type u} [LE α] (a b : α) : Prop := LE.le b a
abbrev GT.gt {α : Type u} [LT α] (a b : α) : Prop := LT.lt b a

@[default_instance] instance instHAdd {α : Type u} [Add α] : HAdd α α α := ⟨fun a b => Add.add a b⟩
@[default_instance] instance instHSub {α : Type u} [Sub α] : HSub α α α := ⟨fun a b => Sub.sub a b⟩
@[default_instance] instance instHMul {α : Type u} [Mul α] : HMul α α α := ⟨fun a b => Mul.mul a b⟩
@[default_instance] instance instHDiv {α : Type u} [Div α] : HDiv α α α := ⟨fun a b => Div.div a b⟩
@[default_instance] instance instHMod {α : Type u} [Mod α] : HMod α α α := ⟨fun a b => Mod.mod a b⟩
@[default_instance] instance instHPow {α : Type u} {β : Type v} [Pow α β] : HPow α β α :=
  ⟨fun a b => Pow.pow a b⟩
@[default_instance high] instance instPowNat {α : Type u} [NatPow α] : Pow α Nat :=
  ⟨fun a n => NatPow.pow a n⟩
@[default_instance] instance instHAppendOfAppend {α : Type u} [Append α] : HAppend α α α :=
  ⟨fun a b => Append.append a b⟩
attribute [match_pattern] Add.add HAdd.hAdd Mul.mul HMul.hMul Neg.neg

/-! ## Arithmetic: by recursion here, by the kernel's big numbers when both arguments are literals -/

@[extern "lean_nat_add", match_pattern] protected def Nat.add : Nat → Nat → Nat
  | n, .zero => n
  | n, .succ m => .succ (Nat.add n m)
instance instAddNat : Add Nat := ⟨Nat.add⟩
@[extern "lean_nat_mul"] protected def Nat.mul : Nat → Nat → Nat
  | _, .zero => 0
  | n, .succ m => Nat.add (Nat.mul n m) n
instance instMulNat : Mul Nat := ⟨Nat.mul⟩
@[extern "lean_nat_pred"] def Nat.pred : Nat → Nat
  | .zero => .zero
  | .succ n => n
@[extern "lean_nat_sub"] protected def Nat.sub : Nat → Nat → Nat
  | n, .zero => n
  | n, .succ m => Nat.pred (Nat.sub n m)
instance instSubNat : Sub Nat := ⟨Nat.sub⟩
attribute [gen_constructor_elims] Nat Bool Decidable
@[extern "lean_nat_pow"] protected def Nat.pow (m : Nat) : Nat → Nat
  | .zero => 1
  | .succ n => Nat.mul (Nat.pow m n) m
instance instNatPowNat : NatPow Nat := ⟨Nat.pow⟩
protected inductive Nat.le (n : Nat) : Nat → Prop where
  | refl : Nat.le n n
  | step {m : Nat} : Nat.le n m → Nat.le n (.succ m)
protected abbrev Nat.lt (n m : Nat) : Prop := Nat.le (n + 1) m
instance instLENat : LE Nat := ⟨Nat.le⟩
instance instLTNat : LT Nat := ⟨Nat.lt⟩
instance Nat.instDvd : Dvd Nat := ⟨fun a b => Exists (fun c => b = a * c)⟩

/-! ## Extensionality and choice: the three axioms of Lean -/

axiom propext {a b : Prop} : (a ↔ b) → a = b
axiom Quot.sound {α : Sort u} {r : α → α → Prop} {a b : α} : r a b → Quot.mk r a = Quot.mk r b
axiom Classical.choice {α : Sort u} : Nonempty α → α

theorem funext {α : Sort u} {β : α → Sort v} {f g : (x : α) → β x} (h : ∀ x, f x = g x) : f = g :=
  let r : ((x : α) → β x) → ((x : α) → β x) → Prop := fun f g => ∀ x, f x = g x
  let ap : Quot r → (x : α) → β x :=
    fun q x => Quot.lift (fun k : (x : α) → β x => k x) (fun _ _ h => h x) q
  show ap (Quot.mk r f) = ap (Quot.mk r g) from congrArg ap (Quot.sound h)

/-! ## Equivalence and equality of propositions -/

@[refl] theorem Iff.refl (a : Prop) : a ↔ a := ⟨fun h => h, fun h => h⟩
protected theorem Iff.rfl {a : Prop} : a ↔ a := Iff.refl a
@[symm] theorem Iff.symm {a b : Prop} (h : a ↔ b) : b ↔ a := ⟨h.2, h.1⟩
theorem Iff.trans {a b c : Prop} (h₁ : a ↔ b) (h₂ : b ↔ c) : a ↔ c :=
  ⟨fun x => h₂.1 (h₁.1 x), fun x => h₁.2 (h₂.2 x)⟩
theorem Eq.to_iff {a b : Prop} (h : a = b) : a ↔ b :=
  Eq.mp (congrArg (fun x => a ↔ x) h) Iff.rfl
theorem iff_of_eq {a b : Prop} (h : a = b) : a ↔ b := h.to_iff
attribute [symm] Eq.symm
@[symm] theorem Ne.symm {α : Sort u} {a b : α} (h : a ≠ b) : b ≠ a := fun e => h e.symm
@[symm] theorem HEq.symm {α β : Sort u} {a : α} {b : β} (h : HEq a b) : HEq b a :=
  HEq.rec (motive := fun {_} x _ => HEq x a) (HEq.refl a) h
theorem Eq.propIntro {a b : Prop} (h₁ : a → b) (h₂ : b → a) : a = b := propext ⟨h₁, h₂⟩

theorem of_eq_true {p : Prop} (h : p = True) : p := Eq.mpr h trivial
theorem eq_true {p : Prop} (h : p) : p = True := propext ⟨fun _ => trivial, fun _ => h⟩
theorem of_eq_false {p : Prop} (h : p = False) : ¬p := fun hp => Eq.mp h hp
theorem eq_false {p : Prop} (h : ¬p) : p = False := propext ⟨fun x => h x, fun x => False.elim x⟩
theorem eq_false' {p : Prop} (h : p → False) : p = False := eq_false h
theorem eq_true_of_decide {p : Prop} [Decidable p] (h : decide p = true) : p = True :=
  eq_true (of_decide_eq_true h)
theorem eq_false_of_decide {p : Prop} [Decidable p] (h : decide p = false) : p = False :=
  eq_false (of_decide_eq_false h)
@[simp] theorem eq_self {α : Sort u} (a : α) : (a = a) = True := eq_true rfl
@[simp] theorem ne_eq {α : Sort u} (a b : α) : (a ≠ b) = ¬(a = b) := rfl
theorem heq_self_eq {α : Sort u} (a : α) : HEq a a = True := eq_true HEq.rfl
theorem Eq.comm {α : Sort u} {a b : α} : a = b ↔ b = a := ⟨Eq.symm, Eq.symm⟩
theorem eq_comm {α : Sort u} {a b : α} : a = b ↔ b = a := ⟨Eq.symm, Eq.symm⟩
theorem ne_comm {α : Sort u} {a b : α} : a ≠ b ↔ b ≠ a := ⟨Ne.symm, Ne.symm⟩
theorem Ne.elim {α : Sort u} {a b : α} (h : a ≠ b) : a = b → False := h
theorem ne_of_apply_ne {α : Sort u} {β : Sort v} (f : α → β) {x y : α} (h : f x ≠ f y) : x ≠ y :=
  fun e => h (congrArg f e)
theorem congr_arg {α : Sort u} {β : Sort v} {a₁ a₂ : α} (f : α → β) (h : a₁ = a₂) :
    f a₁ = f a₂ := congrArg f h

attribute [ext] funext propext

/-! ## Congruence: how `simp` rewrites under binders and connectives -/

theorem implies_congr {p₁ p₂ : Sort u} {q₁ q₂ : Sort v} (h₁ : p₁ = p₂) (h₂ : q₁ = q₂) :
    (p₁ → q₁) = (p₂ → q₂) :=
  Eq.ndrec (motive := fun p => (p₁ → q₁) = (p → q₂))
    (Eq.ndrec (motive := fun q => (p₁ → q₁) = (p₁ → q)) rfl h₂) h₁
theorem implies_congr_ctx {p₁ p₂ q₁ q₂ : Prop} (h₁ : p₁ = p₂) (h₂ : p₂ → q₁ = q₂) :
    (p₁ → q₁) = (p₂ → q₂) :=
  propext ⟨fun f hp => Eq.mp (h₂ hp) (f (Eq.mpr h₁ hp)),
    fun f hp => Eq.mpr (h₂ (Eq.mp h₁ hp)) (f (Eq.mp h₁ hp))⟩
theorem implies_dep_congr_ctx {p₁ p₂ q₁ : Prop} (h₁ : p₁ = p₂) {q₂ : p₂ → Prop}
    (h₂ : (h : p₂) → q₁ = q₂ h) : (p₁ → q₁) = ((h : p₂) → q₂ h) :=
  propext ⟨fun f hp => Eq.mp (h₂ hp) (f (Eq.mpr h₁ hp)),
    fun f hp => Eq.mpr (h₂ (Eq.mp h₁ hp)) (f (Eq.mp h₁ hp))⟩
theorem forall_congr {α : Sort u} {p q : α → Prop} (h : ∀ a, p a = q a) :
    (∀ a, p a) = (∀ a, q a) :=
  propext ⟨fun f a => Eq.mp (h a) (f a), fun f a => Eq.mpr (h a) (f a)⟩
theorem forall_prop_congr_dom {p₁ p₂ : Prop} (h : p₁ = p₂) (q : p₁ → Prop) :
    ((a : p₁) → q a) = ((a : p₂) → q (Eq.mpr h a)) :=
  propext ⟨fun f a => f _, fun f a => f (Eq.mp h a)⟩
theorem let_congr {α : Sort u} {β : Sort v} {a a' : α} {b b' : α → β} (h₁ : a = a')
    (h₂ : ∀ x, b x = b' x) : (let x := a; b x) = (let x := a'; b' x) :=
  Eq.trans (congrArg b h₁) (h₂ a')

/-! ## `if`, decidable connectives, unique values -/

theorem ite_eq_left {c : Prop} {inst : Decidable c} (hc : c) {α : Sort u} {t e : α} :
    ite c t e = t :=
  match inst with
  | .isTrue _ => rfl
  | .isFalse n => absurd hc n
theorem ite_eq_right {c : Prop} {inst : Decidable c} (hc : ¬c) {α : Sort u} {t e : α} :
    ite c t e = e :=
  match inst with
  | .isTrue y => absurd y hc
  | .isFalse _ => rfl
theorem dite_eq_left {c : Prop} {inst : Decidable c} (hc : c) {α : Sort u} {t : c → α}
    {e : ¬c → α} : dite c t e = t hc :=
  match inst with
  | .isTrue _ => rfl
  | .isFalse n => absurd hc n
theorem dite_eq_right {c : Prop} {inst : Decidable c} (hc : ¬c) {α : Sort u} {t : c → α}
    {e : ¬c → α} : dite c t e = e hc :=
  match inst with
  | .isTrue y => absurd y hc
  | .isFalse _ => rfl
theorem if_pos {c : Prop} {h : Decidable c} (hc : c) {α : Sort u} {t e : α} : ite c t e = t :=
  ite_eq_left hc
theorem if_neg {c : Prop} {h : Decidable c} (hnc : ¬c) {α : Sort u} {t e : α} : ite c t e = e :=
  ite_eq_right hnc
theorem dif_pos {c : Prop} {h : Decidable c} (hc : c) {α : Sort u} {t : c → α} {e : ¬c → α} :
    dite c t e = t hc := dite_eq_left hc
theorem dif_neg {c : Prop} {h : Decidable c} (hnc : ¬c) {α : Sort u} {t : c → α} {e : ¬c → α} :
    dite c t e = e hnc := dite_eq_right hnc

theorem ite_eq_left_of_eq_true {α : Sort u} {c : Prop} {h : Decidable c} {t e : α} (hc : c = True) :
    ite c t e = t := ite_eq_left (of_eq_true hc)
theorem ite_eq_right_of_eq_false {α : Sort u} {c : Prop} {h : Decidable c} {t e : α}
    (hc : c = False) : ite c t e = e := ite_eq_right (of_eq_false hc)
theorem dite_eq_left_of_eq_true {α : Sort u} {c : Prop} {h : Decidable c} {t : c → α}
    {e : ¬c → α} (hc : c = True) : dite c t e = t (of_eq_true hc) := dite_eq_left _
theorem dite_eq_right_of_eq_false {α : Sort u} {c : Prop} {h : Decidable c} {t : c → α}
    {e : ¬c → α} (hc : c = False) : dite c t e = e (of_eq_false hc) := dite_eq_right _

theorem And.symm {a b : Prop} (h : a ∧ b) : b ∧ a := ⟨h.2, h.1⟩
theorem Or.elim {a b c : Prop} (h : a ∨ b) (left : a → c) (right : b → c) : c :=
  match h with
  | .inl h => left h
  | .inr h => right h
instance instDecidableTrue : Decidable True := .isTrue trivial
instance instDecidableFalse : Decidable False := .isFalse (fun h => h)
instance instDecidableAnd {p q : Prop} [Decidable p] [Decidable q] : Decidable (p ∧ q) :=
  if hp : p then
    if hq : q then .isTrue ⟨hp, hq⟩ else .isFalse fun h => hq h.2
  else .isFalse fun h => hp h.1
instance instDecidableOr {p q : Prop} [Decidable p] [Decidable q] : Decidable (p ∨ q) :=
  if hp : p then .isTrue (.inl hp)
  else if hq : q then .isTrue (.inr hq) else .isFalse fun h => h.elim hp hq
instance instDecidableNot {p : Prop} [Decidable p] : Decidable (¬p) :=
  if hp : p then .isFalse fun h => h hp else .isTrue hp
instance instDecidableForall {p q : Prop} [Decidable p] [Decidable q] : Decidable (p → q) :=
  if hp : p then
    if hq : q then .isTrue fun _ => hq else .isFalse fun h => hq (h hp)
  else .isTrue fun h => absurd h hp
instance instDecidableIff {p q : Prop} [Decidable p] [Decidable q] : Decidable (p ↔ q) :=
  if hp : p then
    if hq : q then .isTrue ⟨fun _ => hq, fun _ => hp⟩ else .isFalse fun h => hq (h.1 hp)
  else if hq : q then .isFalse fun h => hp (h.2 hq)
  else .isTrue ⟨fun h => absurd h hp, fun h => absurd h hq⟩
instance instBEqOfDecidableEq {α : Type u} [DecidableEq α] : BEq α := ⟨fun a b => decide (a = b)⟩

class Subsingleton (α : Sort u) : Prop where
  intro ::
  allEq : (a b : α) → a = b
protected theorem Subsingleton.elim {α : Sort u} [h : Subsingleton α] : (a b : α) → a = b :=
  h.allEq
protected theorem Subsingleton.helim {α β : Sort u} [h₁ : Subsingleton α] (h₂ : α = β) (a : α)
    (b : β) : HEq a b := by
  subst h₂
  exact heq_of_eq (Subsingleton.elim a b)
instance (p : Prop) : Subsingleton p := ⟨fun _ _ => rfl⟩
instance instSubsingletonDecidable (p : Prop) : Subsingleton (Decidable p) := ⟨fun a b =>
  match a, b with
  | .isTrue _, .isTrue _ => rfl
  | .isFalse _, .isFalse _ => rfl
  | .isTrue h, .isFalse k => absurd h k
  | .isFalse h, .isTrue k => absurd k h⟩

/-! ## Chains of `calc` -/

@[univ_out_params a₃] class Trans.{a₁, a₂, a₃, b₁, b₂, b₃} {α : Sort b₁} {β : Sort b₂}
    {γ : Sort b₃} (r : α → β → Sort a₁) (s : β → γ → Sort a₂)
    (t : outParam (α → γ → Sort a₃)) where
  trans : {a : α} → {b : β} → {c : γ} → r a b → s b c → t a c
instance {α : Sort u} {γ : Sort v} (r : α → γ → Sort w) : Trans Eq r r := ⟨fun h₁ h₂ => h₁ ▸ h₂⟩
instance {α : Sort u} {β : Sort v} (r : α → β → Sort w) : Trans r Eq r := ⟨fun h₁ h₂ => h₂ ▸ h₁⟩
instance : Trans Iff Iff Iff := ⟨Iff.trans⟩

/-! ## Booleans, functions, injectivity of constructors -/

def Bool.or (x y : Bool) : Bool := match x with
  | true => true
  | false => y
def Bool.and (x y : Bool) : Bool := match x with
  | false => false
  | true => y
def Bool.not : Bool → Bool
  | true => false
  | false => true
export Bool (or and not)
abbrev decEq {α : Sort u} [inst : DecidableEq α] (a b : α) : Decidable (a = b) := inst a b
def bne {α : Type u} [BEq α] (a b : α) : Bool := !(a == b)

theorem Function.comp_apply {α : Sort u} {β : Sort v} {δ : Sort w} {f : β → δ} {g : α → β} {x : α} :
    Function.comp f g x = f (g x) := rfl
attribute [simp] Function.comp_apply
@[simp] theorem id_eq {α : Sort u} (a : α) : id a = a := rfl

instance {α : Type u} {β : Type v} [DecidableEq α] [DecidableEq β] : DecidableEq (Prod α β) :=
  fun ⟨a, b⟩ ⟨a', b'⟩ =>
    if h₁ : a = a' then
      if h₂ : b = b' then .isTrue (h₁ ▸ h₂ ▸ rfl)
      else .isFalse fun e => h₂ (congrArg Prod.snd e)
    else .isFalse fun e => h₁ (congrArg Prod.fst e)
/-- What the injectivity of constructors with several fields is stated with. -/
theorem Lean.injEq_helper {P Q R : Prop} : (P → Q → R) → (P ∧ Q → R) := fun h hpq => h hpq.1 hpq.2
gen_injective_theorems% Prod
gen_injective_theorems% PProd
gen_injective_theorems% Subtype
gen_injective_theorems% Sum
gen_injective_theorems% Option
gen_injective_theorems% List
gen_injective_theorems% Nat
