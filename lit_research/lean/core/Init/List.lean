/-
Lists: notation, append, length, map, reverse, membership, filter, folds.

Statements and names are those of Lean's `Init.Prelude`, `Init.Data.List.Basic` and
`Init.Data.List.Lemmas`.
-/
prelude
import Init.Nat
set_option autoImplicit false
set_option linter.all false
universe u v w

variable {α : Type u} {β : Type v} {γ : Type w}

/-! ## Functions -/

namespace List
instance instInhabited : Inhabited (List α) := ⟨.nil⟩
def length : List α → Nat
  | nil => 0
  | cons _ as => length as + 1
protected def append : (xs ys : List α) → List α
  | nil, bs => bs
  | cons a as, bs => cons a (List.append as bs)
instance : Append (List α) := ⟨List.append⟩
def map (f : α → β) : (l : List α) → List β
  | [] => []
  | a :: as => f a :: map f as
def filter (p : α → Bool) : (l : List α) → List α
  | [] => []
  | a :: as => match p a with
    | true => a :: filter p as
    | false => filter p as
def foldl (f : β → α → β) : (init : β) → List α → β
  | b, [] => b
  | b, a :: as => foldl f (f b a) as
def foldr (f : α → β → β) (init : β) : (l : List α) → β
  | [] => init
  | a :: as => f a (foldr f init as)
def reverseAux : List α → List α → List α
  | [], r => r
  | a :: l, r => reverseAux l (a :: r)
def reverse (as : List α) : List α := reverseAux as []
def flatten : List (List α) → List α
  | [] => []
  | l :: L => l ++ flatten L
def replicate : (n : Nat) → (a : α) → List α
  | 0, _ => []
  | n + 1, a => a :: replicate n a
def take : (n : Nat) → (xs : List α) → List α
  | 0, _ => []
  | _ + 1, [] => []
  | n + 1, a :: as => a :: take n as
def drop : (n : Nat) → (xs : List α) → List α
  | 0, as => as
  | _ + 1, [] => []
  | n + 1, _ :: as => drop n as
def head? : List α → Option α
  | [] => none
  | a :: _ => some a
def tail : List α → List α
  | [] => []
  | _ :: as => as
def sum [Add α] [OfNat α 0] : List α → α := foldr (· + ·) 0
inductive Mem (a : α) : List α → Prop where
  | head (as : List α) : Mem a (a :: as)
  | tail (b : α) {as : List α} : Mem a as → Mem a (b :: as)
instance : Membership α (List α) := ⟨fun l a => Mem a l⟩
protected def hasDecEq [DecidableEq α] : (a b : List α) → Decidable (a = b)
  | [], [] => isTrue rfl
  | _ :: _, [] => isFalse fun h => nomatch h
  | [], _ :: _ => isFalse fun h => nomatch h
  | a :: as, b :: bs =>
    if h₁ : a = b then
      match List.hasDecEq as bs with
      | isTrue h₂ => isTrue (h₁ ▸ h₂ ▸ rfl)
      | isFalse n => isFalse fun h => n (List.cons.inj h).2
    else isFalse fun h => h₁ (List.cons.inj h).1
attribute [instance_reducible] List.hasDecEq
instance instDecidableEq [DecidableEq α] : DecidableEq (List α) := List.hasDecEq

/-! ## Length and append -/

@[simp] theorem length_nil : length ([] : List α) = 0 := rfl
@[simp] theorem length_singleton {a : α} : length [a] = 1 := rfl
@[simp] theorem length_cons {a : α} {as : List α} : (a :: as).length = as.length + 1 := rfl
@[simp] theorem nil_append (as : List α) : [] ++ as = as := rfl
@[simp] theorem cons_append {a : α} {as bs : List α} : (a :: as) ++ bs = a :: (as ++ bs) := rfl
@[simp] theorem append_nil (as : List α) : as ++ [] = as := by
  induction as with
  | nil => rfl
  | cons a as ih => rw [cons_append, ih]
@[simp] theorem append_eq {as bs : List α} : List.append as bs = as ++ bs := rfl
@[simp] theorem append_assoc (as bs cs : List α) : (as ++ bs) ++ cs = as ++ (bs ++ cs) := by
  induction as with
  | nil => rfl
  | cons a as ih => rw [cons_append, cons_append, cons_append, ih]
theorem append_cons (as : List α) (b : α) (bs : List α) : as ++ b :: bs = as ++ [b] ++ bs := by
  rw [append_assoc, cons_append, nil_append]
@[simp] theorem singleton_append {x : α} {l : List α} : [x] ++ l = x :: l := rfl
@[simp] theorem length_append {as bs : List α} : (as ++ bs).length = as.length + bs.length := by
  induction as with
  | nil => rw [nil_append, length_nil, Nat.zero_add]
  | cons a as ih => rw [cons_append, length_cons, ih, length_cons, Nat.add_right_comm]
theorem cons_ne_nil (a : α) (l : List α) : a :: l ≠ [] := fun h => nomatch h
theorem cons_ne_self (a : α) (l : List α) : a :: l ≠ l :=
  fun h => Nat.add_one_ne_self l.length (congrArg length h)
theorem head_eq_of_cons_eq {h₁ h₂ : α} {t₁ t₂ : List α} (H : h₁ :: t₁ = h₂ :: t₂) : h₁ = h₂ := (List.cons.inj H).1
theorem tail_eq_of_cons_eq {h₁ h₂ : α} {t₁ t₂ : List α} (H : h₁ :: t₁ = h₂ :: t₂) : t₁ = t₂ := (List.cons.inj H).2
theorem cons_inj_right (a : α) {l l' : List α} : a :: l = a :: l' ↔ l = l' := ⟨tail_eq_of_cons_eq, congrArg _⟩
theorem eq_nil_of_length_eq_zero {l : List α} (h : l.length = 0) : l = [] :=
  match l with
  | [] => rfl
  | _ :: _ => nomatch h
@[simp] theorem length_eq_zero_iff {l : List α} : l.length = 0 ↔ l = [] :=
  ⟨eq_nil_of_length_eq_zero, fun h => h ▸ rfl⟩
theorem length_pos_of_ne_nil {l : List α} (h : l ≠ []) : 0 < l.length :=
  Nat.pos_of_ne_zero fun e => h (eq_nil_of_length_eq_zero e)
theorem ne_nil_of_length_eq_add_one {l : List α} {n : Nat} (h : l.length = n + 1) : l ≠ [] :=
  fun e => Nat.zero_ne_add_one n ((congrArg length e).symm.trans h)
@[simp] theorem append_eq_nil_iff {p q : List α} : p ++ q = [] ↔ p = [] ∧ q = [] := by
  cases p with
  | nil => exact ⟨fun h => ⟨rfl, h⟩, fun h => h.2⟩
  | cons a p => exact ⟨fun h => (nomatch h), fun h => nomatch h.1⟩
theorem append_cancel_left {as bs cs : List α} (h : as ++ bs = as ++ cs) : bs = cs := by
  induction as with
  | nil => exact h
  | cons a as ih => exact ih (tail_eq_of_cons_eq h)
@[simp] theorem append_cancel_left_eq (as bs cs : List α) : (as ++ bs = as ++ cs) = (bs = cs) :=
  propext ⟨append_cancel_left, congrArg (as ++ ·)⟩

/-! ## Map -/

@[simp] theorem map_nil {f : α → β} : map f [] = [] := rfl
@[simp] theorem map_cons {f : α → β} {a : α} {l : List α} : map f (a :: l) = f a :: map f l := rfl
@[simp] theorem length_map {as : List α} (f : α → β) : (as.map f).length = as.length := by
  induction as with
  | nil => rfl
  | cons a as ih => rw [map_cons, length_cons, ih, length_cons]
@[simp] theorem map_append {f : α → β} {l₁ l₂ : List α} : map f (l₁ ++ l₂) = map f l₁ ++ map f l₂ := by
  induction l₁ with
  | nil => rfl
  | cons a l ih => rw [cons_append, map_cons, ih, map_cons, cons_append]
@[simp] theorem map_map {g : β → γ} {f : α → β} {l : List α} : map g (map f l) = map (g ∘ f) l := by
  induction l with
  | nil => rfl
  | cons a l ih => rw [map_cons, map_cons, ih, map_cons]
@[simp] theorem map_id_fun : map (id : α → α) = id := by
  funext l
  induction l with
  | nil => rfl
  | cons a l ih => exact congrArg (a :: ·) ih
theorem map_id (l : List α) : map (id : α → α) l = l := congrFun map_id_fun l
theorem map_id'' {f : α → α} (h : ∀ x, f x = x) (l : List α) : map f l = l := by
  rw [show f = id from funext h, map_id]
@[simp] theorem map_eq_nil_iff {f : α → β} {l : List α} : map f l = [] ↔ l = [] := by
  cases l with
  | nil => exact ⟨fun _ => rfl, fun _ => rfl⟩
  | cons a l => exact ⟨fun h => (nomatch h), fun h => nomatch h⟩

/-! ## Reverse -/

@[simp] theorem reverse_nil : reverse ([] : List α) = [] := rfl
theorem reverseAux_eq_append {as bs : List α} : reverseAux as bs = reverseAux as [] ++ bs := by
  induction as generalizing bs with
  | nil => rfl
  | cons a as ih =>
    show reverseAux as (a :: bs) = reverseAux as [a] ++ bs
    rw [ih, ih (bs := [a]), append_assoc, singleton_append]
theorem reverseAux_eq {as bs : List α} : reverseAux as bs = reverse as ++ bs := reverseAux_eq_append
@[simp] theorem reverse_cons {a : α} {as : List α} : reverse (a :: as) = reverse as ++ [a] :=
  reverseAux_eq_append (as := as) (bs := [a])
theorem reverse_singleton (a : α) : reverse [a] = [a] := rfl
attribute [simp] reverse_singleton
@[simp] theorem reverse_append {as bs : List α} : (as ++ bs).reverse = bs.reverse ++ as.reverse := by
  induction as with
  | nil => rw [nil_append, reverse_nil, append_nil]
  | cons a as ih => rw [cons_append, reverse_cons, ih, append_assoc, reverse_cons]
@[simp] theorem reverse_reverse (as : List α) : as.reverse.reverse = as := by
  induction as with
  | nil => rfl
  | cons a as ih => rw [reverse_cons, reverse_append, ih, reverse_singleton, singleton_append]
@[simp] theorem length_reverse {as : List α} : (as.reverse).length = as.length := by
  induction as with
  | nil => rfl
  | cons a as ih => rw [reverse_cons, length_append, ih, length_singleton, length_cons]
theorem map_reverse {f : α → β} {l : List α} : l.reverse.map f = (l.map f).reverse := by
  induction l with
  | nil => rfl
  | cons a l ih => rw [reverse_cons, map_append, ih, map_cons, map_cons, map_nil, reverse_cons]
attribute [simp] map_reverse
@[simp] theorem reverse_eq_nil_iff {xs : List α} : xs.reverse = [] ↔ xs = [] :=
  ⟨fun h => eq_nil_of_length_eq_zero (length_reverse.symm.trans (congrArg length h)), fun h => h.symm ▸ rfl⟩
theorem reverse_inj {xs ys : List α} : xs.reverse = ys.reverse ↔ xs = ys :=
  ⟨fun h => (reverse_reverse xs).symm.trans ((congrArg reverse h).trans (reverse_reverse ys)), congrArg _⟩
attribute [simp] reverse_inj

/-! ## Membership -/

@[simp] theorem not_mem_nil {a : α} : ¬a ∈ [] := fun h => nomatch h
@[simp] theorem mem_cons {a b : α} {l : List α} : a ∈ b :: l ↔ a = b ∨ a ∈ l :=
  ⟨fun h => match h with
    | .head _ => .inl rfl
    | .tail _ h => .inr h,
   fun h => match h with
    | .inl e => e ▸ .head l
    | .inr h => .tail b h⟩
theorem mem_cons_self {a : α} {l : List α} : a ∈ a :: l := .head l
attribute [simp] mem_cons_self
theorem mem_cons_of_mem (y : α) {a : α} {l : List α} (h : a ∈ l) : a ∈ y :: l := .tail y h
theorem eq_or_mem_of_mem_cons {a b : α} {l : List α} (h : a ∈ b :: l) : a = b ∨ a ∈ l := mem_cons.1 h
theorem mem_singleton {a b : α} : a ∈ [b] ↔ a = b := mem_cons.trans (or_iff_left not_mem_nil)
@[simp] theorem mem_append {a : α} {s t : List α} : a ∈ s ++ t ↔ a ∈ s ∨ a ∈ t := by
  induction s with
  | nil => exact (or_iff_right not_mem_nil).symm
  | cons b s ih => rw [cons_append, mem_cons, ih, mem_cons, or_assoc]
theorem mem_append_left {a : α} {as : List α} (bs : List α) (h : a ∈ as) : a ∈ as ++ bs := mem_append.2 (.inl h)
theorem mem_append_right {b : α} {bs : List α} (as : List α) (h : b ∈ bs) : b ∈ as ++ bs := mem_append.2 (.inr h)
theorem mem_map {f : α → β} {l : List α} {b : β} : b ∈ l.map f ↔ ∃ a, a ∈ l ∧ f a = b := by
  induction l with
  | nil => exact ⟨fun h => (nomatch h), fun ⟨_, h, _⟩ => (nomatch h)⟩
  | cons x l ih =>
    rw [map_cons, mem_cons, ih]
    constructor
    · intro h
      cases h with
      | inl e => exact ⟨x, mem_cons_self, e.symm⟩
      | inr h => exact h.elim fun a k => ⟨a, mem_cons_of_mem x k.1, k.2⟩
    · intro ⟨a, h, e⟩
      cases mem_cons.1 h with
      | inl k => exact .inl (k ▸ e.symm)
      | inr k => exact .inr ⟨a, k, e⟩
attribute [simp] mem_map
theorem mem_map_of_mem {a : α} {l : List α} {f : α → β} (h : a ∈ l) : f a ∈ map f l := mem_map.2 ⟨a, h, rfl⟩
@[simp] theorem mem_reverse {x : α} {as : List α} : x ∈ as.reverse ↔ x ∈ as := by
  induction as with
  | nil => exact Iff.rfl
  | cons a as ih => rw [reverse_cons, mem_append, ih, mem_singleton, mem_cons, or_comm]
theorem ne_nil_of_mem {a : α} {l : List α} (h : a ∈ l) : l ≠ [] := fun e => not_mem_nil (e ▸ h)
theorem append_of_mem {a : α} {l : List α} (h : a ∈ l) : ∃ s t : List α, l = s ++ a :: t := by
  induction h with
  | head as => exact ⟨[], as, rfl⟩
  | tail b _ ih =>
    exact ih.elim fun s h => h.elim fun t e => ⟨b :: s, t, congrArg (b :: ·) e⟩
theorem eq_nil_iff_forall_not_mem {l : List α} : l = [] ↔ ∀ a, ¬a ∈ l := by
  cases l with
  | nil => exact ⟨fun _ _ => not_mem_nil, fun _ => rfl⟩
  | cons a l => exact ⟨fun h => (nomatch h), fun h => absurd mem_cons_self (h a)⟩
@[simp] theorem forall_mem_cons {p : α → Prop} {a : α} {l : List α} :
    (∀ x, x ∈ a :: l → p x) ↔ p a ∧ ∀ x, x ∈ l → p x :=
  ⟨fun h => ⟨h a mem_cons_self, fun x k => h x (mem_cons_of_mem a k)⟩,
   fun ⟨h₁, h₂⟩ x k => (mem_cons.1 k).elim (fun e => e ▸ h₁) (h₂ x)⟩
instance decidableMem [DecidableEq α] (a : α) : (l : List α) → Decidable (a ∈ l)
  | [] => isFalse not_mem_nil
  | b :: l =>
    match decEq a b with
    | isTrue h => isTrue (mem_cons.2 (.inl h))
    | isFalse h =>
      match decidableMem a l with
      | isTrue k => isTrue (mem_cons.2 (.inr k))
      | isFalse k => isFalse fun m => (mem_cons.1 m).elim h k

/-! ## Filter, folds, replicate, take and drop -/

@[simp] theorem filter_nil {p : α → Bool} : filter p [] = [] := rfl
@[simp] theorem filter_cons_of_pos {p : α → Bool} {a : α} {l : List α} (pa : p a = true) :
    filter p (a :: l) = a :: filter p l := by
  rw [filter, pa]
@[simp] theorem filter_cons_of_neg {p : α → Bool} {a : α} {l : List α} (pa : ¬p a = true) :
    filter p (a :: l) = filter p l := by
  rw [filter, eq_false_of_ne_true pa]
@[simp] theorem filter_append {p : α → Bool} (l₁ l₂ : List α) :
    filter p (l₁ ++ l₂) = filter p l₁ ++ filter p l₂ := by
  induction l₁ with
  | nil => rfl
  | cons a l ih =>
    cases h : p a with
    | true => rw [cons_append, filter_cons_of_pos h, ih, filter_cons_of_pos h, cons_append]
    | false =>
      have k : ¬p a = true := ne_true_of_eq_false h
      rw [cons_append, filter_cons_of_neg k, ih, filter_cons_of_neg k]
@[simp] theorem length_filter_le (p : α → Bool) (l : List α) : (l.filter p).length ≤ l.length := by
  induction l with
  | nil => exact Nat.le_refl 0
  | cons a l ih =>
    cases h : p a with
    | true => rw [filter_cons_of_pos h]; exact Nat.succ_le_succ ih
    | false => rw [filter_cons_of_neg (ne_true_of_eq_false h)]; exact Nat.le_succ_of_le ih
@[simp] theorem mem_filter {p : α → Bool} {as : List α} {x : α} : x ∈ as.filter p ↔ x ∈ as ∧ p x = true := by
  induction as with
  | nil => exact ⟨fun h => (nomatch h), fun h => nomatch h.1⟩
  | cons a as ih =>
    cases h : p a with
    | true =>
      rw [filter_cons_of_pos h, mem_cons, ih, mem_cons, or_and_right]
      exact or_congr_left ⟨fun e => ⟨e, e ▸ h⟩, And.left⟩
    | false =>
      rw [filter_cons_of_neg (ne_true_of_eq_false h), ih, mem_cons, or_and_right]
      exact (or_iff_right fun (k : x = a ∧ p x = true) => ne_true_of_eq_false h (k.1 ▸ k.2)).symm
@[simp] theorem foldr_nil {f : α → β → β} {b : β} : [].foldr f b = b := rfl
@[simp] theorem foldr_cons {a : α} {as : List α} {f : α → β → β} {b : β} :
    (a :: as).foldr f b = f a (as.foldr f b) := rfl
@[simp] theorem foldl_nil {f : β → α → β} {b : β} : [].foldl f b = b := rfl
@[simp] theorem foldl_cons {a : α} {as : List α} {f : β → α → β} {b : β} :
    (a :: as).foldl f b = as.foldl f (f b a) := rfl
@[simp] theorem foldr_append {f : α → β → β} {b : β} {l l' : List α} :
    (l ++ l').foldr f b = l.foldr f (l'.foldr f b) := by
  induction l with
  | nil => rfl
  | cons a l ih => rw [cons_append, foldr_cons, ih, foldr_cons]
@[simp] theorem foldl_append {f : β → α → β} {b : β} {l l' : List α} :
    (l ++ l').foldl f b = l'.foldl f (l.foldl f b) := by
  induction l generalizing b with
  | nil => rfl
  | cons a l ih => rw [cons_append, foldl_cons, ih, foldl_cons]
@[simp] theorem flatten_nil : ([] : List (List α)).flatten = [] := rfl
@[simp] theorem flatten_cons {l : List α} {L : List (List α)} : (l :: L).flatten = l ++ L.flatten := rfl
@[simp] theorem replicate_zero {a : α} : replicate 0 a = [] := rfl
theorem replicate_succ {a : α} {n : Nat} : replicate (n + 1) a = a :: replicate n a := rfl
@[simp] theorem length_replicate {n : Nat} {a : α} : (replicate n a).length = n := by
  induction n with
  | zero => rfl
  | succ n ih => exact congrArg Nat.succ ih
@[simp] theorem take_zero {l : List α} : l.take 0 = [] := rfl
@[simp] theorem take_nil {i : Nat} : ([] : List α).take i = [] := by cases i <;> rfl
@[simp] theorem take_succ_cons {a : α} {as : List α} {i : Nat} : (a :: as).take (i + 1) = a :: as.take i := rfl
@[simp] theorem drop_zero {l : List α} : l.drop 0 = l := rfl
@[simp] theorem drop_nil {i : Nat} : ([] : List α).drop i = [] := by cases i <;> rfl
@[simp] theorem drop_succ_cons {a : α} {l : List α} {i : Nat} : (a :: l).drop (i + 1) = l.drop i := rfl
@[simp] theorem take_append_drop (i : Nat) (l : List α) : l.take i ++ l.drop i = l := by
  induction i generalizing l with
  | zero => rfl
  | succ i ih =>
    cases l with
    | nil => rfl
    | cons a l => rw [take_succ_cons, drop_succ_cons, cons_append, ih]
@[simp] theorem head?_nil : ([] : List α).head? = none := rfl
@[simp] theorem head?_cons {a : α} {l : List α} : (a :: l).head? = some a := rfl
@[simp] theorem tail_nil : ([] : List α).tail = [] := rfl
@[simp] theorem tail_cons {a : α} {as : List α} : (a :: as).tail = as := rfl
@[simp] theorem sum_nil [Add α] [OfNat α 0] : [].sum = (0 : α) := rfl
@[simp] theorem sum_cons [Add α] [OfNat α 0] {a : α} {l : List α} : (a :: l).sum = a + l.sum := rfl
end List

/-! ## Options -/

namespace Option
def map (f : α → β) : Option α → Option β
  | some x => some (f x)
  | none => none
def isSome : Option α → Bool
  | some _ => true
  | none => false
def getD (opt : Option α) (dflt : α) : α := match opt with
  | some x => x
  | none => dflt
theorem some_ne_none (x : α) : some x ≠ none := fun h => nomatch h
attribute [simp] some_ne_none
theorem some_inj {a b : α} : some a = some b ↔ a = b := ⟨Option.some.inj, congrArg some⟩
@[simp] theorem map_none (f : α → β) : map f none = none := rfl
@[simp] theorem map_some (a : α) (f : α → β) : map f (some a) = some (f a) := rfl
@[simp] theorem getD_none (a : α) : getD none a = a := rfl
@[simp] theorem getD_some (a b : α) : getD (some a) b = a := rfl
@[simp] theorem isSome_none : isSome (none : Option α) = false := rfl
@[simp] theorem isSome_some (a : α) : isSome (some a) = true := rfl
end Option
