/-
Operators that are associative, commutative, idempotent or have a neutral element, and the
normalisation that `ac_rfl` proves equalities with.

The frontend builds terms of `Lean.Data.AC.Expr` and a `Context`; the shape of these types is
Lean's. The normal form is ours: variables in a list, neutral ones dropped, sorted when the operator
commutes, neighbours merged when it is idempotent.
-/
prelude
import Init.Arith
set_option autoImplicit false
set_option linter.all false
universe u v w

namespace Std
class Associative {α : Sort u} (op : α → α → α) : Prop where
  assoc : (a b c : α) → op (op a b) c = op a (op b c)
class Commutative {α : Sort u} (op : α → α → α) : Prop where
  comm : (a b : α) → op a b = op b a
class IdempotentOp {α : Sort u} (op : α → α → α) : Prop where
  idempotent : (x : α) → op x x = x
class LeftIdentity {α : Sort u} {β : Sort v} (op : α → β → β) (o : outParam α) : Prop
class LawfulLeftIdentity {α : Sort u} {β : Sort v} (op : α → β → β) (o : outParam α) : Prop
    extends LeftIdentity op o where
  left_id : ∀ a, op o a = a
class RightIdentity {α : Sort u} {β : Sort v} (op : α → β → α) (o : outParam β) : Prop
class LawfulRightIdentity {α : Sort u} {β : Sort v} (op : α → β → α) (o : outParam β) : Prop
    extends RightIdentity op o where
  right_id : ∀ a, op a o = a
class Identity {α : Sort u} (op : α → α → α) (o : outParam α) : Prop
    extends LeftIdentity op o, RightIdentity op o
class LawfulIdentity {α : Sort u} (op : α → α → α) (o : outParam α) : Prop
    extends Identity op o, LawfulLeftIdentity op o, LawfulRightIdentity op o
end Std

namespace Lean.Data.AC
inductive Expr where
  | var (x : Nat)
  | op (lhs rhs : Expr)
structure Variable {α : Sort u} (op : α → α → α) : Type u where
  value : α
  neutral : Option (PLift (Std.LawfulIdentity op value))
structure Context (α : Sort u) where
  op : α → α → α
  assoc : Std.Associative op
  comm : Option (PLift (Std.Commutative op))
  idem : Option (PLift (Std.IdempotentOp op))
  vars : List (Variable op)
  arbitrary : α

variable {α : Sort u}

/-- The value of variable `n`; those beyond the list have none of their own. -/
def lookup {op : α → α → α} (arbitrary : α) : List (Variable op) → Nat → α
  | [], _ => arbitrary
  | v :: _, 0 => v.value
  | _ :: vs, n + 1 => lookup arbitrary vs n
def isNeutral {op : α → α → α} : List (Variable op) → Nat → Bool
  | [], _ => false
  | v :: _, 0 => v.neutral.isSome
  | _ :: vs, n + 1 => isNeutral vs n
def eval (ctx : Context α) : Expr → α
  | .var x => lookup ctx.arbitrary ctx.vars x
  | .op l r => ctx.op (eval ctx l) (eval ctx r)
/-- The values, and a neutral element for the empty list, since the operator may have none. -/
inductive WithUnit (α : Sort u) : Type u where
  | unit
  | value (a : α)
def combine (op : α → α → α) : WithUnit α → WithUnit α → WithUnit α
  | .unit, b => b
  | .value a, .unit => .value a
  | .value a, .value b => .value (op a b)
def value (ctx : Context α) (x : Nat) : WithUnit α := .value (lookup ctx.arbitrary ctx.vars x)
def evalList (ctx : Context α) : List Nat → WithUnit α
  | [] => .unit
  | x :: xs => combine ctx.op (value ctx x) (evalList ctx xs)
def toList : Expr → List Nat
  | .var x => [x]
  | .op l r => toList l ++ toList r

def insert (x : Nat) : List Nat → List Nat
  | [] => [x]
  | y :: ys => if x ≤ y then x :: y :: ys else y :: insert x ys
def sort : List Nat → List Nat
  | [] => []
  | x :: xs => insert x (sort xs)
def push (x : Nat) : List Nat → List Nat
  | [] => [x]
  | y :: ys => if x = y then y :: ys else x :: y :: ys
def merge : List Nat → List Nat
  | [] => []
  | x :: xs => push x (merge xs)
/-- Drop neutral variables, but never the last one. -/
def pushIfNeeded (neutral : Nat → Bool) (x : Nat) : List Nat → List Nat
  | [] => [x]
  | y :: ys =>
    if neutral x = true then y :: ys
    else if neutral y = true then x :: ys
    else x :: y :: ys
def dropNeutral (neutral : Nat → Bool) : List Nat → List Nat
  | [] => []
  | x :: xs => pushIfNeeded neutral x (dropNeutral neutral xs)
def norm (ctx : Context α) (e : Expr) : List Nat :=
  let xs := dropNeutral (isNeutral ctx.vars) (toList e)
  let xs := if ctx.comm.isSome = true then sort xs else xs
  if ctx.idem.isSome = true then merge xs else xs

theorem combine_none {op : α → α → α} (a : WithUnit α) : combine op a .unit = a := by cases a <;> rfl
theorem combine_assoc {op : α → α → α} (h : Std.Associative op) (a b c : WithUnit α) :
    combine op (combine op a b) c = combine op a (combine op b c) := by
  cases a <;> cases b <;> cases c <;> try rfl
  exact congrArg WithUnit.value (h.assoc _ _ _)
theorem combine_left_comm {op : α → α → α} (h : Std.Associative op) (k : Std.Commutative op)
    (a b c : WithUnit α) : combine op a (combine op b c) = combine op b (combine op a c) := by
  rw [← combine_assoc h, ← combine_assoc h]
  cases a <;> cases b <;> try rfl
  exact congrArg (fun x => combine op (.value x) c) (k.comm _ _)
theorem evalList_append (ctx : Context α) (xs ys : List Nat) :
    evalList ctx (xs ++ ys) = combine ctx.op (evalList ctx xs) (evalList ctx ys) := by
  induction xs with
  | nil => rfl
  | cons x xs ih => rw [List.cons_append, evalList, ih, evalList, combine_assoc ctx.assoc]
theorem evalList_toList (ctx : Context α) (e : Expr) : evalList ctx (toList e) = .value (eval ctx e) := by
  induction e with
  | var x => rfl
  | op l r ihl ihr => rw [toList, evalList_append, ihl, ihr, combine, eval]
theorem evalList_insert (ctx : Context α) (h : Std.Commutative ctx.op) (x : Nat) (xs : List Nat) :
    evalList ctx (insert x xs) = combine ctx.op (value ctx x) (evalList ctx xs) := by
  induction xs with
  | nil => rfl
  | cons y ys ih =>
    rw [insert]
    split
    · rfl
    · rw [evalList, ih, evalList, combine_left_comm ctx.assoc h]
theorem evalList_sort (ctx : Context α) (h : Std.Commutative ctx.op) (xs : List Nat) :
    evalList ctx (sort xs) = evalList ctx xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih => rw [sort, evalList_insert ctx h, ih, evalList]
theorem evalList_push (ctx : Context α) (h : Std.IdempotentOp ctx.op) (x : Nat) (xs : List Nat) :
    evalList ctx (push x xs) = combine ctx.op (value ctx x) (evalList ctx xs) := by
  cases xs with
  | nil => rfl
  | cons y ys =>
    rw [push]
    split
    next e =>
      rw [e, evalList, ← combine_assoc ctx.assoc]
      exact congrArg (fun a => combine ctx.op (.value a) _) (h.idempotent _).symm
    next => rfl
theorem evalList_merge (ctx : Context α) (h : Std.IdempotentOp ctx.op) (xs : List Nat) :
    evalList ctx (merge xs) = evalList ctx xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih => rw [merge, evalList_push ctx h, ih, evalList]
theorem isNeutral_spec {op : α → α → α} (arbitrary : α) (vars : List (Variable op)) (x : Nat)
    (h : isNeutral vars x = true) : Std.LawfulIdentity op (lookup arbitrary vars x) := by
  induction vars generalizing x with
  | nil => exact absurd h Bool.false_ne_true
  | cons v vs ih =>
    cases x with
    | zero =>
      cases e : v.neutral with
      | none => rw [isNeutral, e] at h; exact absurd h Bool.false_ne_true
      | some i => exact i.down
    | succ x => exact ih x h
theorem combine_neutral_left (ctx : Context α) {x : Nat} (h : isNeutral ctx.vars x = true)
    (y : Nat) (a : WithUnit α) :
    combine ctx.op (value ctx x) (combine ctx.op (value ctx y) a) = combine ctx.op (value ctx y) a := by
  rw [← combine_assoc ctx.assoc]
  exact congrArg (fun b => combine ctx.op (.value b) a) ((isNeutral_spec ctx.arbitrary _ _ h).left_id _)
theorem combine_neutral_right (ctx : Context α) {y : Nat} (h : isNeutral ctx.vars y = true)
    (x : Nat) (a : WithUnit α) :
    combine ctx.op (value ctx x) (combine ctx.op (value ctx y) a) = combine ctx.op (value ctx x) a := by
  rw [← combine_assoc ctx.assoc]
  exact congrArg (fun b => combine ctx.op (.value b) a) ((isNeutral_spec ctx.arbitrary _ _ h).right_id _)
theorem evalList_dropNeutral (ctx : Context α) (xs : List Nat) :
    evalList ctx (dropNeutral (isNeutral ctx.vars) xs) = evalList ctx xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    rw [dropNeutral, evalList, ← ih]
    cases dropNeutral (isNeutral ctx.vars) xs with
    | nil => rfl
    | cons y ys =>
      rw [pushIfNeeded]
      split
      next h => rw [evalList, combine_neutral_left ctx h]
      next =>
        split
        next h => rw [evalList, evalList, combine_neutral_right ctx h]
        next => rfl
theorem evalList_norm (ctx : Context α) (e : Expr) : evalList ctx (norm ctx e) = .value (eval ctx e) := by
  have merged (xs : List Nat) :
      evalList ctx (if ctx.idem.isSome = true then merge xs else xs) = evalList ctx xs := by
    cases ctx.idem with
    | none => rfl
    | some h => exact evalList_merge ctx h.down xs
  have sorted (xs : List Nat) :
      evalList ctx (if ctx.comm.isSome = true then sort xs else xs) = evalList ctx xs := by
    cases ctx.comm with
    | none => rfl
    | some h => exact evalList_sort ctx h.down xs
  rw [norm, merged, sorted, evalList_dropNeutral, evalList_toList]
theorem Context.eq_of_norm (ctx : Context α) (a b : Expr) (h : (norm ctx a == norm ctx b) = true) :
    eval ctx a = eval ctx b :=
  WithUnit.value.inj ((evalList_norm ctx a).symm.trans
    ((congrArg (evalList ctx) (of_decide_eq_true h)).trans (evalList_norm ctx b)))
end Lean.Data.AC

/-! ## The operators of this library -/

instance : Std.Associative (α := Nat) (· + ·) := ⟨Nat.add_assoc⟩
instance : Std.Commutative (α := Nat) (· + ·) := ⟨Nat.add_comm⟩
instance : Std.LawfulIdentity (α := Nat) (· + ·) 0 where
  left_id := Nat.zero_add
  right_id := Nat.add_zero
instance : Std.Associative (α := Nat) (· * ·) := ⟨Nat.mul_assoc⟩
instance : Std.Commutative (α := Nat) (· * ·) := ⟨Nat.mul_comm⟩
instance : Std.LawfulIdentity (α := Nat) (· * ·) 1 where
  left_id := Nat.one_mul
  right_id := Nat.mul_one
instance : Std.Associative And := ⟨fun _ _ _ => propext and_assoc⟩
instance : Std.Commutative And := ⟨fun _ _ => propext and_comm⟩
instance : Std.IdempotentOp And := ⟨and_self⟩
instance : Std.Associative Or := ⟨fun _ _ _ => propext or_assoc⟩
instance : Std.Commutative Or := ⟨fun _ _ => propext or_comm⟩
instance : Std.IdempotentOp Or := ⟨or_self⟩
instance : Std.Associative and := ⟨Bool.and_assoc⟩
instance : Std.Commutative and := ⟨Bool.and_comm⟩
instance : Std.Associative or := ⟨Bool.or_assoc⟩
instance : Std.Commutative or := ⟨Bool.or_comm⟩
instance {α : Type u} : Std.Associative (α := List α) (· ++ ·) := ⟨List.append_assoc⟩
