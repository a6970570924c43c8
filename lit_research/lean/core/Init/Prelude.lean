/-
The first module: everything that Lean's frontend asks for by name before any notation exists.

Names, types and the order of constructors are those of Lean's own `Init.Prelude`, since the
frontend, the kernel and the compiled code rely on them. Statements are written without notation
(`Eq a b`, not `a = b`), because the grammar only comes with the next module.
-/
prelude
set_option autoImplicit false
set_option linter.all false
-- `Nat` and `noConfusion` need each other: the helpers are made later, by `gen_constructor_elims`.
set_option genCtorIdx false
set_option bootstrap.inductiveCheckResultingUniverse false
universe u v w u₁ u₂ u₃

/-! ## Markers of the code generator

They are `unsafe`, so the kernel refuses every theorem that mentions one. -/

unsafe axiom lcErased : Type
unsafe axiom lcAny : Type
unsafe axiom lcVoid : Type
unsafe axiom lcProof {α : Prop} : α
unsafe axiom lcUnreachable {α : Sort u} : α
unsafe axiom lcCast {α : Sort u} {β : Sort v} (a : α) : β

/-! ## Functions and annotations -/

abbrev optParam (α : Sort u) (_ : α) : Sort u := α
abbrev outParam (α : Sort u) : Sort u := α
abbrev semiOutParam (α : Sort u) : Sort u := α
abbrev namedPattern {α : Sort u} (x a : α) : α := a

/-- Asks the kernel to evaluate its argument at once. -/
def eagerReduce {α : Sort u} (a : α) : α := a
def id {α : Sort u} (a : α) : α := a
set_option checkBinderAnnotations false in
abbrev inferInstance {α : Sort u} [i : α] : α := i
abbrev Function.comp {α : Sort u} {β : Sort v} {δ : Sort w} (f : β → δ) (g : α → β) : α → δ :=
  fun x => f (g x)
abbrev Function.const {α : Sort u} (β : Sort v) (a : α) : β → α := fun _ => a

/-! ## Truth, falsehood, negation -/

inductive PUnit : Sort u where
  | unit : PUnit
abbrev Unit : Type := PUnit
@[match_pattern] abbrev Unit.unit : Unit := PUnit.unit
inductive True : Prop where
  | intro : True
inductive False : Prop
inductive Empty : Type
inductive PEmpty : Sort u
def Not (a : Prop) : Prop := a → False
def False.elim {C : Sort u} (h : False) : C := False.rec (fun _ => C) h
def absurd {a : Prop} {b : Sort v} (h₁ : a) (h₂ : Not a) : b := False.elim (h₂ h₁)
theorem trivial : True := True.intro

/-! ## Coercions: only what the elaborator looks up -/

class CoeT (α : Sort u) (_ : α) (β : Sort v) where
  coe : β
class CoeFun (α : Sort u) (γ : outParam (α → Sort v)) where
  coe : (f : α) → γ f
class CoeSort (α : Sort u) (β : outParam (Sort v)) where
  coe : α → β

/-! ## Equality -/

inductive Eq {α : Sort u} : α → α → Prop where
  | refl (a : α) : Eq a a
-- Quotients must be announced in a module without imports.
init_quot
@[match_pattern] def rfl {α : Sort u} {a : α} : Eq a a := Eq.refl a
abbrev Eq.ndrec {α : Sort u₂} {a : α} {motive : α → Sort u₁} (m : motive a) {b : α}
    (h : Eq a b) : motive b :=
  Eq.rec (motive := fun x _ => motive x) m h
theorem Eq.subst {α : Sort u} {motive : α → Prop} {a b : α} (h₁ : Eq a b) (h₂ : motive a) :
    motive b :=
  Eq.ndrec h₂ h₁
theorem Eq.symm {α : Sort u} {a b : α} (h : Eq a b) : Eq b a :=
  Eq.ndrec (motive := fun x => Eq x a) rfl h
theorem Eq.trans {α : Sort u} {a b c : α} (h₁ : Eq a b) (h₂ : Eq b c) : Eq a c := Eq.ndrec h₁ h₂
def cast {α β : Sort u} (h : Eq α β) (a : α) : β := Eq.rec (motive := fun x _ => x) a h
def Eq.mp {α β : Sort u} (h : Eq α β) (a : α) : β := Eq.rec (motive := fun x _ => x) a h
def Eq.mpr {α β : Sort u} (h : Eq α β) (b : β) : α := Eq.rec (motive := fun x _ => x) b (Eq.symm h)
theorem congrArg {α : Sort u} {β : Sort v} {a₁ a₂ : α} (f : α → β) (h : Eq a₁ a₂) :
    Eq (f a₁) (f a₂) :=
  Eq.ndrec (motive := fun x => Eq (f a₁) (f x)) rfl h
theorem congr {α : Sort u} {β : Sort v} {f₁ f₂ : α → β} {a₁ a₂ : α} (h₁ : Eq f₁ f₂)
    (h₂ : Eq a₁ a₂) : Eq (f₁ a₁) (f₂ a₂) :=
  Eq.rec (motive := fun (g : α → β) _ => Eq (f₁ a₁) (g a₂)) (congrArg f₁ h₂) h₁
theorem congrFun {α : Sort u} {β : α → Sort v} {f g : (x : α) → β x} (h : Eq f g) (a : α) :
    Eq (f a) (g a) :=
  Eq.rec (motive := fun (k : (x : α) → β x) _ => Eq (f a) (k a)) rfl h
theorem congrFun' {α : Sort u} {β : Sort v} {f g : α → β} (h : Eq f g) (a : α) : Eq (f a) (g a) :=
  congrFun h a

inductive HEq : {α : Sort u} → α → {β : Sort u} → β → Prop where
  | refl {α : Sort u} (a : α) : HEq a a
@[match_pattern] def HEq.rfl {α : Sort u} {a : α} : HEq a a := HEq.refl a
theorem eq_of_heq {α : Sort u} {a a' : α} (h : HEq a a') : Eq a a' :=
  have aux : (β : Sort u) → (b : β) → HEq a b → (e : Eq α β) → Eq (cast e a) b :=
    fun _ _ h₁ =>
      HEq.rec (motive := fun {β} b _ => (e : Eq α β) → Eq (cast e a) b) (fun _ => Eq.refl a) h₁
  aux α a' h (Eq.refl α)
abbrev HEq.homo_ndrec {α : Sort u₂} {a : α} {motive : α → Sort u₁} (m : motive a) {b : α}
    (h : HEq a b) : motive b :=
  Eq.ndrec m (eq_of_heq h)
theorem heq_of_eq {α : Sort u} {a a' : α} (h : Eq a a') : HEq a a' :=
  Eq.rec (motive := fun x _ => HEq a x) (HEq.refl a) h

/-! ## Connectives and data -/

structure Prod (α : Type u) (β : Type v) where
  mk ::
  fst : α
  snd : β
structure PProd (α : Sort u) (β : Sort v) where
  mk ::
  fst : α
  snd : β
structure MProd (α β : Type u) where
  mk ::
  fst : α
  snd : β
structure And (a b : Prop) : Prop where
  intro ::
  left : a
  right : b
inductive Or (a b : Prop) : Prop where
  | inl (h : a) : Or a b
  | inr (h : b) : Or a b
structure Iff (a b : Prop) : Prop where
  intro ::
  mp : a → b
  mpr : b → a
inductive Exists {α : Sort u} (p : α → Prop) : Prop where
  | intro (w : α) (h : p w) : Exists p
structure Subtype {α : Sort u} (p : α → Prop) where
  val : α
  property : p val
structure Sigma {α : Type u} (β : α → Type v) where
  mk ::
  fst : α
  snd : β fst
structure PSigma {α : Sort u} (β : α → Sort v) where
  mk ::
  fst : α
  snd : β fst
structure PULift.{r, s} (α : Sort s) : Sort (max s 1 r) where
  up ::
  down : α
structure PLift (α : Sort u) : Type u where
  up ::
  down : α
structure ULift (α : Type u) : Type (max u v) where
  up ::
  down : α
inductive Bool : Type where
  | false : Bool
  | true : Bool
export Bool (false true)
inductive Nat where
  | zero : Nat
  | succ (n : Nat) : Nat
abbrev cond {α : Sort u} (c : Bool) (x y : α) : α := match c with
  | Bool.true => x
  | Bool.false => y
abbrev Ne {α : Sort u} (a b : α) : Prop := Not (Eq a b)

/-! ## Decidable propositions, and equality of booleans and numbers -/

class inductive Decidable (p : Prop) where
  | isFalse (h : Not p) : Decidable p
  | isTrue (h : p) : Decidable p
@[extern "lean_nat_dec_eq"] def Nat.beq : Nat → Nat → Bool
  | Nat.zero, Nat.zero => Bool.true
  | Nat.zero, Nat.succ _ => Bool.false
  | Nat.succ _, Nat.zero => Bool.false
  | Nat.succ n, Nat.succ m => Nat.beq n m
@[extern "lean_nat_dec_le"] def Nat.ble : Nat → Nat → Bool
  | Nat.zero, _ => Bool.true
  | Nat.succ _, Nat.zero => Bool.false
  | Nat.succ n, Nat.succ m => Nat.ble n m
theorem Bool.false_ne_true : Not (Eq Bool.false Bool.true) := fun h =>
  Eq.mp (congrArg (fun (b : Bool) => @cond.{1} Prop b False True) h) trivial
theorem ne_true_of_eq_false : {b : Bool} → Eq b Bool.false → Not (Eq b Bool.true)
  | Bool.true, h => fun _ => Bool.false_ne_true (Eq.symm h)
  | Bool.false, _ => Bool.false_ne_true
theorem ne_false_of_eq_true : {b : Bool} → Eq b Bool.true → Not (Eq b Bool.false)
  | Bool.true, _ => fun h => Bool.false_ne_true (Eq.symm h)
  | Bool.false, h => fun _ => Bool.false_ne_true h
theorem eq_false_of_ne_true : {b : Bool} → Not (Eq b Bool.true) → Eq b Bool.false
  | Bool.true, h => False.elim (h rfl)
  | Bool.false, _ => rfl
theorem eq_true_of_ne_false : {b : Bool} → Not (Eq b Bool.false) → Eq b Bool.true
  | Bool.true, _ => rfl
  | Bool.false, h => False.elim (h rfl)
theorem Nat.eq_of_beq_eq_true : (n m : Nat) → Eq (Nat.beq n m) Bool.true → Eq n m
  | Nat.zero, Nat.zero, _ => rfl
  | Nat.zero, Nat.succ _, h => False.elim (Bool.false_ne_true h)
  | Nat.succ _, Nat.zero, h => False.elim (Bool.false_ne_true h)
  | Nat.succ n, Nat.succ m, h => congrArg Nat.succ (Nat.eq_of_beq_eq_true n m h)
theorem Nat.beq_self : (n : Nat) → Eq (Nat.beq n n) Bool.true
  | Nat.zero => rfl
  | Nat.succ n => Nat.beq_self n
theorem Nat.ne_of_beq_eq_false {n m : Nat} (h : Eq (Nat.beq n m) Bool.false) : Not (Eq n m) :=
  fun e =>
    Bool.false_ne_true (Eq.trans (Eq.symm h)
      (Eq.rec (motive := fun (k : Nat) _ => Eq (Nat.beq n k) Bool.true) (Nat.beq_self n) e))
/-- How the constructors of any inductive type are told apart: by their numbers. -/
theorem noConfusion_of_Nat {α : Sort u} (f : α → Nat) {a b : α} (h : Eq a b) :
    Bool.rec (motive := fun _ => Prop) False True (Nat.beq (f a) (f b)) :=
  Eq.rec
    (motive := fun (x : α) _ => Bool.rec (motive := fun _ => Prop) False True (Nat.beq (f a) (f x)))
    (Eq.mpr (congrArg (Bool.rec (motive := fun _ => Prop) False True) (Nat.beq_self (f a))) trivial)
    h
abbrev DecidableEq (α : Sort u) := (a b : α) → Decidable (Eq a b)
abbrev DecidablePred {α : Sort u} (r : α → Prop) := (a : α) → Decidable (r a)
abbrev DecidableRel {α : Sort u} {β : Sort v} (r : α → β → Prop) :=
  (a : α) → (b : β) → Decidable (r a b)
@[implicit_reducible] def Bool.decEq : (a b : Bool) → Decidable (Eq a b)
  | Bool.false, Bool.false => .isTrue rfl
  | Bool.false, Bool.true => .isFalse Bool.false_ne_true
  | Bool.true, Bool.false => .isFalse (fun h => Bool.false_ne_true (Eq.symm h))
  | Bool.true, Bool.true => .isTrue rfl
instance : DecidableEq Bool := Bool.decEq
@[extern "lean_nat_dec_eq"] def Nat.decEq (n m : Nat) : Decidable (Eq n m) :=
  match h : Nat.beq n m with
  | Bool.true => .isTrue (Nat.eq_of_beq_eq_true n m h)
  | Bool.false => .isFalse (Nat.ne_of_beq_eq_false h)
instance instDecidableEqNat : DecidableEq Nat := Nat.decEq
def dite {α : Sort u} (c : Prop) [h : Decidable c] (t : c → α) (e : Not c → α) : α :=
  match h with
  | .isTrue h => t h
  | .isFalse h => e h
def ite {α : Sort u} (c : Prop) [h : Decidable c] (t e : α) : α :=
  match h with
  | .isTrue _ => t
  | .isFalse _ => e
def Decidable.decide (p : Prop) [h : Decidable p] : Bool :=
  match h with
  | .isTrue _ => true
  | .isFalse _ => false
export Decidable (isTrue isFalse decide)
theorem of_decide_eq_true {p : Prop} [inst : Decidable p] : Eq (decide p) true → p := fun h =>
  match inst, h with
  | .isTrue h₁, _ => h₁
  | .isFalse _, h => False.elim (Bool.false_ne_true h)
theorem of_decide_eq_false {p : Prop} [inst : Decidable p] : Eq (decide p) false → Not p := fun h =>
  match inst, h with
  | .isTrue _, h => False.elim (Bool.false_ne_true (Eq.symm h))
  | .isFalse h₁, _ => h₁
theorem decide_eq_true {p : Prop} [inst : Decidable p] (h : p) : Eq (decide p) true :=
  match inst with
  | .isTrue _ => rfl
  | .isFalse h' => absurd h h'
theorem decide_eq_false {p : Prop} [inst : Decidable p] (h : Not p) : Eq (decide p) false :=
  match inst with
  | .isTrue h' => absurd h' h
  | .isFalse _ => rfl
set_option genCtorIdx true

/-! ## Literals, inhabited types, containers -/

class OfNat (α : Type u) (_ : Nat) where
  ofNat : α
@[default_instance 100] instance instOfNatNat (n : Nat) : OfNat Nat n := ⟨n⟩
class Inhabited (α : Sort u) where
  default : α
export Inhabited (default)
class inductive Nonempty (α : Sort u) : Prop where
  | intro (val : α) : Nonempty α
instance : Inhabited Nat := ⟨Nat.zero⟩
instance : Inhabited Bool := ⟨Bool.false⟩
inductive Option (α : Type u) where
  | none : Option α
  | some (val : α) : Option α
export Option (none some)
inductive List (α : Type u) where
  | nil : List α
  | cons (head : α) (tail : List α) : List α
inductive Sum (α : Type u) (β : Type v) where
  | inl (val : α) : Sum α β
  | inr (val : β) : Sum α β
/-- Text exists for the grammar alone; nothing can be proved about it. -/
opaque String : Type := Unit
/-- What stands for a missing proof; `#print axioms` shows it. -/
axiom sorryAx (α : Sort u) (synthetic : Bool) : α

/-! ## What the grammar's native code is made of

Values of the opaque types are touched by native code alone. `extern` here only says that the native
code comes from the library, under the declaration's own name. -/

namespace Lean
inductive Name where
  | anonymous : Name
  | str (pre : Name) (str : String)
  | num (pre : Name) (i : Nat)
@[extern "x"] def Name.mkStr (p : Name) (s : String) : Name := Name.str p s
@[extern "x"] def Name.mkNum (p : Name) (s : Nat) : Name := Name.num p s
@[extern "x"] def Name.mkSimple (a : String) : Name := Name.str .anonymous a
@[extern "x"] def Name.mkStr1 (a : String) : Name := Name.str .anonymous a
@[extern "x"] def Name.mkStr2 (a b : String) : Name := Name.str (Name.mkStr1 a) b
@[extern "x"] def Name.mkStr3 (a b c : String) : Name := Name.str (Name.mkStr2 a b) c
@[extern "x"] def Name.mkStr4 (a b c d : String) : Name := Name.str (Name.mkStr3 a b c) d
@[extern "x"] def Name.mkStr5 (a b c d e : String) : Name := Name.str (Name.mkStr4 a b c d) e
inductive ParserDescr where
  | const  (name : Name)
  | unary  (name : Name) (p : ParserDescr)
  | binary (name : Name) (p₁ p₂ : ParserDescr)
  | node   (kind : Name) (prec : Nat) (p : ParserDescr)
  | trailingNode (kind : Name) (prec lhsPrec : Nat) (p : ParserDescr)
  | symbol (val : String)
  | nonReservedSymbol (val : String) (includeIdent : Bool)
  | cat (catName : Name) (rbp : Nat)
  | parser (declName : Name)
  | nodeWithAntiquot (name : String) (kind : Name) (p : ParserDescr)
  | sepBy (p : ParserDescr) (sep : String) (psep : ParserDescr) (allowTrailingSep : Bool)
  | sepBy1 (p : ParserDescr) (sep : String) (psep : ParserDescr) (allowTrailingSep : Bool)
  | unicodeSymbol (val asciiVal : String) (preserveForPP : Bool)
abbrev TrailingParserDescr : Type := ParserDescr
opaque Syntax : Type := Unit
opaque Macro.Context : Type := Unit
opaque Macro.State : Type := Unit
/-- Stands for the result of a macro; the native code knows better. -/
abbrev MacroResult : Type := Syntax
def Macro : Type := Syntax → Macro.Context → Macro.State → MacroResult
namespace PrettyPrinter
def Unexpander : Type := Syntax → Syntax → Unit → MacroResult
end PrettyPrinter
structure Parser.Category where

/-! The kernel evaluates these two by running compiled code, whoever declares them. Taking the names
here, as unsafe constants, keeps that door shut: no theorem can mention them. -/
unsafe axiom reduceBool (b : Bool) : Bool
unsafe axiom reduceNat (n : Nat) : Nat
end Lean

abbrev autoParam (α : Sort u) (_ : Lean.Syntax) : Sort u := α
