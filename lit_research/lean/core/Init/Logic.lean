/-
Propositional and predicate logic: the lemmas of Lean's `Init.Core`, `Init.SimpLemmas`,
`Init.PropLemmas` and `Init.Classical`.
-/
prelude
import Init.Notation
set_option autoImplicit false
set_option linter.all false
universe u v w

section
variable {a b c d p q r : Prop}

/-! ## Implication and negation -/

theorem mt {a b : Prop} (h₁ : a → b) (h₂ : ¬b) : ¬a := fun ha => h₂ (h₁ ha)
theorem not_not_intro {p : Prop} (h : p) : ¬¬p := fun k => k h
theorem not_false : ¬False := id
@[simp] theorem not_true_eq_false : (¬True) = False := eq_false (fun h => h trivial)
@[simp] theorem not_false_eq_true : (¬False) = True := eq_true id
theorem not_true : ¬True ↔ False := ⟨fun h => h trivial, False.elim⟩
@[simp] theorem not_false_iff : ¬False ↔ True := ⟨fun _ => trivial, fun _ => id⟩
theorem not_imp_of_and_not : a ∧ ¬b → ¬(a → b) := fun ⟨ha, hb⟩ h => hb (h ha)
theorem imp_not_comm : (a → ¬b) ↔ (b → ¬a) := ⟨fun h hb ha => h ha hb, fun h ha hb => h hb ha⟩
abbrev Not.elim {α : Sort u} (h₁ : ¬a) (h₂ : a) : α := absurd h₂ h₁
theorem Not.imp (h₂ : ¬b) (h₁ : a → b) : ¬a := mt h₁ h₂
theorem not_congr (h : a ↔ b) : ¬a ↔ ¬b := ⟨mt h.2, mt h.1⟩
theorem not_not_not : ¬¬¬a ↔ ¬a := ⟨mt not_not_intro, not_not_intro⟩
theorem not_iff_false_intro (h : a) : ¬a ↔ False := ⟨fun n => n h, False.elim⟩
theorem iff_true_intro (h : a) : a ↔ True := ⟨fun _ => trivial, fun _ => h⟩
theorem iff_false_intro (h : ¬a) : a ↔ False := ⟨h, False.elim⟩
theorem of_iff_true (h : a ↔ True) : a := h.2 trivial
theorem not_of_iff_false : (p ↔ False) → ¬p := Iff.mp
@[simp] theorem imp_false : (a → False) ↔ ¬a := Iff.rfl
@[simp] theorem false_imp_iff (a : Prop) : (False → a) ↔ True := iff_true_intro False.elim
@[simp] theorem true_imp_iff {α : Prop} : (True → α) ↔ α := ⟨fun h => h trivial, fun h _ => h⟩
@[simp] theorem imp_self : (a → a) ↔ True := iff_true_intro id
@[simp] theorem implies_true (α : Sort u) : (α → True) = True := eq_true fun _ => trivial
@[simp] theorem true_implies (p : Prop) : (True → p) = p := propext true_imp_iff
@[simp] theorem false_implies (p : Prop) : (False → p) = True := eq_true False.elim
theorem imp_intro {α β : Prop} (h : α) : β → α := fun _ => h
theorem imp_imp_imp (h₀ : c → a) (h₁ : b → d) : (a → b) → (c → d) := fun h hc => h₁ (h (h₀ hc))
theorem imp_iff_right {a : Prop} (ha : a) : (a → b) ↔ b := ⟨fun h => h ha, imp_intro⟩
theorem imp_iff_not (hb : ¬b) : (a → b) ↔ ¬a := ⟨fun h ha => hb (h ha), fun h ha => absurd ha h⟩
theorem imp.swap : (a → b → c) ↔ (b → a → c) := ⟨fun h hb ha => h ha hb, fun h ha hb => h hb ha⟩
theorem imp_congr_left (h : a ↔ b) : (a → c) ↔ (b → c) := ⟨fun k hb => k (h.2 hb), fun k ha => k (h.1 ha)⟩
theorem imp_congr_right (h : a → (b ↔ c)) : (a → b) ↔ (a → c) :=
  ⟨fun k ha => (h ha).1 (k ha), fun k ha => (h ha).2 (k ha)⟩
theorem imp_congr_ctx (h₁ : a ↔ c) (h₂ : c → (b ↔ d)) : (a → b) ↔ (c → d) :=
  (imp_congr_left h₁).trans (imp_congr_right h₂)
theorem imp_congr (h₁ : a ↔ c) (h₂ : b ↔ d) : (a → b) ↔ (c → d) := imp_congr_ctx h₁ fun _ => h₂

/-! ## Equivalence -/

@[simp] theorem iff_self (p : Prop) : (p ↔ p) = True := eq_true Iff.rfl
theorem Iff.comm : (a ↔ b) ↔ (b ↔ a) := ⟨Iff.symm, Iff.symm⟩
theorem iff_comm : (a ↔ b) ↔ (b ↔ a) := Iff.comm
theorem Iff.of_eq (h : a = b) : a ↔ b := h ▸ Iff.rfl
theorem Iff.eq (h : a ↔ b) : a = b := propext h
theorem iff_iff_eq : (a ↔ b) ↔ a = b := ⟨propext, Iff.of_eq⟩
@[simp] theorem eq_iff_iff : (p = q) = (p ↔ q) := propext ⟨Iff.of_eq, propext⟩
theorem iff_of_true (ha : a) (hb : b) : a ↔ b := ⟨fun _ => hb, fun _ => ha⟩
theorem iff_of_false (ha : ¬a) (hb : ¬b) : a ↔ b := ⟨fun h => absurd h ha, fun h => absurd h hb⟩
theorem eq_of_true (ha : a) (hb : b) : a = b := propext (iff_of_true ha hb)
@[simp] theorem iff_true (p : Prop) : (p ↔ True) = p := propext ⟨of_iff_true, iff_true_intro⟩
@[simp] theorem true_iff (p : Prop) : (True ↔ p) = p := propext ⟨fun h => h.1 trivial, fun h => (iff_true_intro h).symm⟩
@[simp] theorem iff_false (p : Prop) : (p ↔ False) = ¬p := propext ⟨Iff.mp, iff_false_intro⟩
@[simp] theorem false_iff (p : Prop) : (False ↔ p) = ¬p := propext ⟨Iff.mpr, fun h => (iff_false_intro h).symm⟩
@[simp] theorem iff_not_self : ¬(a ↔ ¬a) := fun h => have hn : ¬a := fun ha => h.1 ha ha; hn (h.2 hn)
@[simp] theorem not_iff_self : ¬(¬a ↔ a) := fun h => iff_not_self h.symm
theorem iff_congr (h₁ : a ↔ c) (h₂ : b ↔ d) : (a ↔ b) ↔ (c ↔ d) :=
  ⟨fun h => h₁.symm.trans (h.trans h₂), fun h => h₁.trans (h.trans h₂.symm)⟩

/-! ## Conjunction -/

theorem And.imp (f : a → c) (g : b → d) (h : a ∧ b) : c ∧ d := ⟨f h.1, g h.2⟩
theorem And.imp_left (h : a → b) : a ∧ c → b ∧ c := .imp h id
theorem And.imp_right (h : a → b) : c ∧ a → c ∧ b := .imp id h
abbrev And.elim {α : Sort u} (f : a → b → α) (h : a ∧ b) : α := f h.1 h.2
theorem And.comm : a ∧ b ↔ b ∧ a := ⟨And.symm, And.symm⟩
theorem And.rotate : a ∧ b ∧ c → b ∧ c ∧ a := fun ⟨ha, hb, hc⟩ => ⟨hb, hc, ha⟩
theorem And.congr (h₁ : a ↔ c) (h₂ : b ↔ d) : a ∧ b ↔ c ∧ d := ⟨And.imp h₁.1 h₂.1, And.imp h₁.2 h₂.2⟩
theorem and_congr (h₁ : a ↔ c) (h₂ : b ↔ d) : a ∧ b ↔ c ∧ d := And.congr h₁ h₂
theorem and_congr_left' (h : a ↔ b) : a ∧ c ↔ b ∧ c := and_congr h .rfl
theorem and_congr_right' (h : b ↔ c) : a ∧ b ↔ a ∧ c := and_congr .rfl h
theorem and_congr_right (h : a → (b ↔ c)) : a ∧ b ↔ a ∧ c :=
  ⟨fun ⟨ha, hb⟩ => ⟨ha, (h ha).1 hb⟩, fun ⟨ha, hc⟩ => ⟨ha, (h ha).2 hc⟩⟩
theorem and_congr_left (h : c → (a ↔ b)) : a ∧ c ↔ b ∧ c :=
  ⟨fun ⟨ha, hc⟩ => ⟨(h hc).1 ha, hc⟩, fun ⟨hb, hc⟩ => ⟨(h hc).2 hb, hc⟩⟩
@[simp] theorem and_congr_right_iff : (a ∧ b ↔ a ∧ c) ↔ (a → (b ↔ c)) :=
  ⟨fun h ha => ⟨fun hb => (h.1 ⟨ha, hb⟩).2, fun hc => (h.2 ⟨ha, hc⟩).2⟩, and_congr_right⟩
theorem and_comm : a ∧ b ↔ b ∧ a := And.comm
theorem and_assoc : (a ∧ b) ∧ c ↔ a ∧ (b ∧ c) :=
  ⟨fun ⟨⟨ha, hb⟩, hc⟩ => ⟨ha, hb, hc⟩, fun ⟨ha, hb, hc⟩ => ⟨⟨ha, hb⟩, hc⟩⟩
theorem and_left_comm : a ∧ (b ∧ c) ↔ b ∧ (a ∧ c) :=
  ⟨fun ⟨ha, hb, hc⟩ => ⟨hb, ha, hc⟩, fun ⟨hb, ha, hc⟩ => ⟨ha, hb, hc⟩⟩
theorem and_right_comm : (a ∧ b) ∧ c ↔ (a ∧ c) ∧ b :=
  ⟨fun ⟨⟨ha, hb⟩, hc⟩ => ⟨⟨ha, hc⟩, hb⟩, fun ⟨⟨ha, hc⟩, hb⟩ => ⟨⟨ha, hb⟩, hc⟩⟩
theorem and_rotate : a ∧ b ∧ c ↔ b ∧ c ∧ a := ⟨And.rotate, fun ⟨hb, hc, ha⟩ => ⟨ha, hb, hc⟩⟩
theorem and_and_left : a ∧ (b ∧ c) ↔ (a ∧ b) ∧ a ∧ c :=
  ⟨fun ⟨ha, hb, hc⟩ => ⟨⟨ha, hb⟩, ha, hc⟩, fun ⟨⟨ha, hb⟩, _, hc⟩ => ⟨ha, hb, hc⟩⟩
theorem and_and_right : (a ∧ b) ∧ c ↔ (a ∧ c) ∧ b ∧ c :=
  ⟨fun ⟨⟨ha, hb⟩, hc⟩ => ⟨⟨ha, hc⟩, hb, hc⟩, fun ⟨⟨ha, hc⟩, hb, _⟩ => ⟨⟨ha, hb⟩, hc⟩⟩
theorem and_iff_left (hb : b) : a ∧ b ↔ a := ⟨And.left, fun ha => ⟨ha, hb⟩⟩
theorem and_iff_right (ha : a) : a ∧ b ↔ b := ⟨And.right, fun hb => ⟨ha, hb⟩⟩
theorem and_iff_left_of_imp (h : a → b) : (a ∧ b) ↔ a := ⟨And.left, fun ha => ⟨ha, h ha⟩⟩
theorem and_iff_right_of_imp (h : b → a) : (a ∧ b) ↔ b := ⟨And.right, fun hb => ⟨h hb, hb⟩⟩
@[simp] theorem and_imp : (a ∧ b → c) ↔ (a → b → c) := ⟨fun h ha hb => h ⟨ha, hb⟩, fun h ⟨ha, hb⟩ => h ha hb⟩
@[simp] theorem and_not_self : ¬(a ∧ ¬a) := fun ⟨ha, hn⟩ => hn ha
@[simp] theorem not_and_self : ¬(¬a ∧ a) := fun ⟨hn, ha⟩ => hn ha
theorem and_self_iff : a ∧ a ↔ a := ⟨And.left, fun h => ⟨h, h⟩⟩
@[simp] theorem not_and : ¬(a ∧ b) ↔ (a → ¬b) := and_imp
theorem not_and' : ¬(a ∧ b) ↔ b → ¬a := not_and.trans imp_not_comm
theorem not_and_of_not_left (b : Prop) : ¬a → ¬(a ∧ b) := mt And.left
theorem not_and_of_not_right (a : Prop) {b : Prop} : ¬b → ¬(a ∧ b) := mt And.right
@[simp] theorem true_and (p : Prop) : (True ∧ p) = p := propext ⟨And.right, fun h => ⟨trivial, h⟩⟩
@[simp] theorem and_true (p : Prop) : (p ∧ True) = p := propext ⟨And.left, fun h => ⟨h, trivial⟩⟩
@[simp] theorem false_and (p : Prop) : (False ∧ p) = False := eq_false fun h => h.1
@[simp] theorem and_false (p : Prop) : (p ∧ False) = False := eq_false fun h => h.2
@[simp] theorem and_self (p : Prop) : (p ∧ p) = p := propext and_self_iff

/-! ## Disjunction -/

theorem Or.intro_left (b : Prop) (h : a) : a ∨ b := .inl h
theorem Or.intro_right (a : Prop) {b : Prop} (h : b) : a ∨ b := .inr h
theorem Or.symm : a ∨ b → b ∨ a
  | .inl h => .inr h
  | .inr h => .inl h
theorem Or.imp (f : a → c) (g : b → d) (h : a ∨ b) : c ∨ d := h.elim (.inl ∘ f) (.inr ∘ g)
theorem Or.imp_left (f : a → b) : a ∨ c → b ∨ c := .imp f id
theorem Or.imp_right (f : b → c) : a ∨ b → a ∨ c := .imp id f
theorem Or.comm : a ∨ b ↔ b ∨ a := ⟨Or.symm, Or.symm⟩
theorem Or.rotate : a ∨ b ∨ c → b ∨ c ∨ a
  | .inl ha => .inr (.inr ha)
  | .inr (.inl hb) => .inl hb
  | .inr (.inr hc) => .inr (.inl hc)
theorem Or.resolve_left (h : a ∨ b) (na : ¬a) : b := h.elim (absurd · na) id
theorem Or.resolve_right (h : a ∨ b) (nb : ¬b) : a := h.elim id (absurd · nb)
theorem Or.neg_resolve_left (h : ¬a ∨ b) (ha : a) : b := h.elim (absurd ha) id
theorem Or.neg_resolve_right (h : a ∨ ¬b) (hb : b) : a := h.elim id (absurd hb)
theorem or_congr (h₁ : a ↔ c) (h₂ : b ↔ d) : a ∨ b ↔ c ∨ d := ⟨.imp h₁.1 h₂.1, .imp h₁.2 h₂.2⟩
theorem or_congr_left (h : a ↔ b) : a ∨ c ↔ b ∨ c := or_congr h .rfl
theorem or_congr_right (h : b ↔ c) : a ∨ b ↔ a ∨ c := or_congr .rfl h
theorem or_comm : a ∨ b ↔ b ∨ a := Or.comm
theorem or_assoc : (a ∨ b) ∨ c ↔ a ∨ (b ∨ c) :=
  ⟨fun | .inl (.inl h) => .inl h | .inl (.inr h) => .inr (.inl h) | .inr h => .inr (.inr h),
   fun | .inl h => .inl (.inl h) | .inr (.inl h) => .inl (.inr h) | .inr (.inr h) => .inr h⟩
theorem or_left_comm : a ∨ (b ∨ c) ↔ b ∨ (a ∨ c) :=
  or_assoc.symm.trans ((or_congr_left or_comm).trans or_assoc)
theorem or_right_comm : (a ∨ b) ∨ c ↔ (a ∨ c) ∨ b :=
  or_assoc.trans ((or_congr_right or_comm).trans or_assoc.symm)
theorem or_rotate : a ∨ b ∨ c ↔ b ∨ c ∨ a := ⟨Or.rotate, Or.rotate ∘ Or.rotate⟩
theorem or_or_or_comm : (a ∨ b) ∨ c ∨ d ↔ (a ∨ c) ∨ b ∨ d :=
  or_assoc.trans ((or_congr_right or_left_comm).trans or_assoc.symm)
theorem or_self_iff : a ∨ a ↔ a := ⟨fun h => h.elim id id, .inl⟩
theorem or_imp : (a ∨ b → c) ↔ (a → c) ∧ (b → c) :=
  ⟨fun h => ⟨h ∘ .inl, h ∘ .inr⟩, fun ⟨ha, hb⟩ h => h.elim ha hb⟩
@[simp] theorem not_or : ¬(p ∨ q) ↔ ¬p ∧ ¬q := or_imp
theorem not_or_intro {a b : Prop} (ha : ¬a) (hb : ¬b) : ¬(a ∨ b) := (·.elim ha hb)
theorem or_iff_right_of_imp (ha : a → b) : (a ∨ b) ↔ b := ⟨fun h => h.elim ha id, .inr⟩
theorem or_iff_left_of_imp (hb : b → a) : (a ∨ b) ↔ a := ⟨fun h => h.elim id hb, .inl⟩
theorem or_iff_left (hb : ¬b) : a ∨ b ↔ a := or_iff_left_of_imp hb.elim
theorem or_iff_right (ha : ¬a) : a ∨ b ↔ b := or_iff_right_of_imp ha.elim
@[simp] theorem true_or (p : Prop) : (True ∨ p) = True := eq_true (.inl trivial)
@[simp] theorem or_true (p : Prop) : (p ∨ True) = True := eq_true (.inr trivial)
@[simp] theorem false_or (p : Prop) : (False ∨ p) = p := propext (or_iff_right id)
@[simp] theorem or_false (p : Prop) : (p ∨ False) = p := propext (or_iff_left id)
@[simp] theorem or_self (p : Prop) : (p ∨ p) = p := propext or_self_iff

@[simp] theorem or_iff_left_iff_imp : (a ∨ b ↔ a) ↔ (b → a) := ⟨fun h hb => h.1 (.inr hb), or_iff_left_of_imp⟩
@[simp] theorem or_iff_right_iff_imp : (a ∨ b ↔ b) ↔ (a → b) := ⟨fun h ha => h.1 (.inl ha), or_iff_right_of_imp⟩
@[simp] theorem and_iff_left_iff_imp : (a ∧ b ↔ a) ↔ (a → b) := ⟨fun h ha => (h.2 ha).2, and_iff_left_of_imp⟩
@[simp] theorem and_iff_right_iff_imp : (a ∧ b ↔ b) ↔ (b → a) := ⟨fun h hb => (h.2 hb).1, and_iff_right_of_imp⟩
@[simp] theorem imp_not_self : (a → ¬a) ↔ ¬a := ⟨fun h ha => h ha ha, fun h _ => h⟩

/-! ## Distribution -/

theorem and_or_left : a ∧ (b ∨ c) ↔ (a ∧ b) ∨ (a ∧ c) :=
  ⟨fun ⟨ha, h⟩ => h.imp (⟨ha, ·⟩) (⟨ha, ·⟩), fun h => h.elim (.imp_right .inl) (.imp_right .inr)⟩
theorem or_and_right : (a ∨ b) ∧ c ↔ (a ∧ c) ∨ (b ∧ c) :=
  and_comm.trans (and_or_left.trans (or_congr and_comm and_comm))
theorem or_and_left : a ∨ (b ∧ c) ↔ (a ∨ b) ∧ (a ∨ c) :=
  ⟨fun h => h.elim (fun ha => ⟨.inl ha, .inl ha⟩) (.imp .inr .inr),
   fun ⟨h₁, h₂⟩ => h₁.elim .inl fun hb => h₂.imp_right fun hc => ⟨hb, hc⟩⟩
theorem and_or_right : (a ∧ b) ∨ c ↔ (a ∨ c) ∧ (b ∨ c) :=
  or_comm.trans (or_and_left.trans (and_congr or_comm or_comm))
theorem imp_and {α : Sort u} : (α → b ∧ c) ↔ (α → b) ∧ (α → c) :=
  ⟨fun h => ⟨fun ha => (h ha).1, fun ha => (h ha).2⟩, fun h ha => ⟨h.1 ha, h.2 ha⟩⟩
@[simp] theorem and_self_left : a ∧ a ∧ b ↔ a ∧ b := ⟨fun h => h.2, fun h => ⟨h.1, h⟩⟩
@[simp] theorem and_self_right : (a ∧ b) ∧ b ↔ a ∧ b := ⟨fun h => h.1, fun h => ⟨h, h.2⟩⟩
end

/-! ## Quantifiers -/

section
variable {α : Sort u} {β : Sort v} {p q : α → Prop} {a b : Prop}

theorem Exists.elim {p : α → Prop} {b : Prop} (h₁ : ∃ x, p x) (h₂ : ∀ a, p a → b) : b :=
  match h₁ with
  | ⟨a, h⟩ => h₂ a h
theorem Exists.imp (h : ∀ a, p a → q a) : (∃ a, p a) → ∃ a, q a
  | ⟨a, hp⟩ => ⟨a, h a hp⟩
theorem exists_imp : ((∃ x, p x) → b) ↔ ∀ x, p x → b := ⟨fun h x hx => h ⟨x, hx⟩, fun h ⟨x, hx⟩ => h x hx⟩
@[simp] theorem forall_exists_index {q : (∃ x, p x) → Prop} :
    (∀ h, q h) ↔ ∀ x (h : p x), q ⟨x, h⟩ := ⟨fun h x hx => h ⟨x, hx⟩, fun h ⟨x, hx⟩ => h x hx⟩
@[simp] theorem forall_eq_or_imp {a' : α} : (∀ a, a = a' ∨ q a → p a) ↔ p a' ∧ ∀ a, q a → p a :=
  ⟨fun h => ⟨h a' (.inl rfl), fun a k => h a (.inr k)⟩,
   fun ⟨h₁, h₂⟩ a k => k.elim (fun e => e ▸ h₁) (h₂ a)⟩
@[simp] theorem exists_eq_or_imp {a' : α} : (∃ a, (a = a' ∨ q a) ∧ p a) ↔ p a' ∨ ∃ a, q a ∧ p a :=
  ⟨fun ⟨a, h, k⟩ => h.elim (fun e => .inl (e ▸ k)) fun h => .inr ⟨a, h, k⟩,
   fun h => h.elim (fun k => ⟨a', .inl rfl, k⟩) fun ⟨a, h, k⟩ => ⟨a, .inr h, k⟩⟩
theorem forall_imp (h : ∀ a, p a → q a) : (∀ a, p a) → ∀ a, q a := fun hp a => h a (hp a)
theorem exists_congr (h : ∀ a, p a ↔ q a) : (∃ a, p a) ↔ ∃ a, q a :=
  ⟨.imp fun x => (h x).1, .imp fun x => (h x).2⟩
theorem exists_prop_congr {p p' : Prop} {q q' : p → Prop} (h : ∀ h, q h ↔ q' h) (hp : p ↔ p') :
    Exists q ↔ ∃ h : p', q' (hp.2 h) :=
  ⟨fun ⟨_, hq⟩ => ⟨hp.1 ‹_›, (h _).1 hq⟩, fun ⟨_, hq⟩ => ⟨_, (h _).2 hq⟩⟩
theorem forall_congr' (h : ∀ a, p a ↔ q a) : (∀ a, p a) ↔ ∀ a, q a :=
  ⟨fun H a => (h a).1 (H a), fun H a => (h a).2 (H a)⟩
@[simp] theorem exists_prop : (∃ _h : a, b) ↔ a ∧ b := ⟨fun ⟨ha, hb⟩ => ⟨ha, hb⟩, fun ⟨ha, hb⟩ => ⟨ha, hb⟩⟩
@[simp] theorem exists_false : ¬(∃ _a : α, False) := fun ⟨_, h⟩ => h
@[simp] theorem forall_const (α : Sort u) [i : Nonempty α] : (α → b) ↔ b :=
  ⟨fun h => match i with | ⟨x⟩ => h x, fun h _ => h⟩
@[simp] theorem exists_const (α : Sort u) [i : Nonempty α] : (∃ _ : α, b) ↔ b :=
  ⟨fun ⟨_, h⟩ => h, fun h => match i with | ⟨x⟩ => ⟨x, h⟩⟩
@[simp] theorem not_exists : (¬∃ x, p x) ↔ ∀ x, ¬p x := exists_imp
theorem not_forall_of_exists_not : (∃ x, ¬p x) → ¬∀ x, p x
  | ⟨x, hn⟩, h => hn (h x)
theorem forall_and : (∀ x, p x ∧ q x) ↔ (∀ x, p x) ∧ (∀ x, q x) :=
  ⟨fun h => ⟨fun x => (h x).1, fun x => (h x).2⟩, fun ⟨h₁, h₂⟩ x => ⟨h₁ x, h₂ x⟩⟩
theorem exists_or : (∃ x, p x ∨ q x) ↔ (∃ x, p x) ∨ ∃ x, q x :=
  ⟨fun | ⟨x, .inl h⟩ => .inl ⟨x, h⟩ | ⟨x, .inr h⟩ => .inr ⟨x, h⟩,
   fun | .inl ⟨x, h⟩ => ⟨x, .inl h⟩ | .inr ⟨x, h⟩ => ⟨x, .inr h⟩⟩
@[simp] theorem exists_and_left : (∃ x, b ∧ p x) ↔ b ∧ (∃ x, p x) :=
  ⟨fun ⟨x, h₁, h₂⟩ => ⟨h₁, x, h₂⟩, fun ⟨h₁, x, h₂⟩ => ⟨x, h₁, h₂⟩⟩
@[simp] theorem exists_and_right : (∃ x, p x ∧ b) ↔ (∃ x, p x) ∧ b :=
  ⟨fun ⟨x, h₁, h₂⟩ => ⟨⟨x, h₁⟩, h₂⟩, fun ⟨⟨x, h₁⟩, h₂⟩ => ⟨x, h₁, h₂⟩⟩
@[simp] theorem forall_eq {p : α → Prop} {a' : α} : (∀ a, a = a' → p a) ↔ p a' :=
  ⟨fun h => h a' rfl, fun h _ e => e.symm ▸ h⟩
@[simp] theorem forall_eq' {p : α → Prop} {a' : α} : (∀ a, a' = a → p a) ↔ p a' :=
  ⟨fun h => h a' rfl, fun h _ e => e ▸ h⟩
@[simp] theorem exists_eq {a' : α} : ∃ a, a = a' := ⟨_, rfl⟩
@[simp] theorem exists_eq' {a' : α} : ∃ a, a' = a := ⟨_, rfl⟩
@[simp] theorem exists_eq_left {p : α → Prop} {a' : α} : (∃ a, a = a' ∧ p a) ↔ p a' :=
  ⟨fun ⟨_, e, h⟩ => e ▸ h, fun h => ⟨_, rfl, h⟩⟩
@[simp] theorem exists_eq_right {p : α → Prop} {a' : α} : (∃ a, p a ∧ a = a') ↔ p a' :=
  ⟨fun ⟨_, h, e⟩ => e ▸ h, fun h => ⟨_, h, rfl⟩⟩
theorem exists_comm {p : α → β → Prop} : (∃ a b, p a b) ↔ ∃ b a, p a b :=
  ⟨fun ⟨a, b, h⟩ => ⟨b, a, h⟩, fun ⟨b, a, h⟩ => ⟨a, b, h⟩⟩
theorem forall_comm {p : α → β → Prop} : (∀ a b, p a b) ↔ ∀ b a, p a b :=
  ⟨fun h b a => h a b, fun h a b => h b a⟩
end

/-! ## Decidable propositions -/

namespace Decidable
theorem em (p : Prop) [d : Decidable p] : p ∨ ¬p :=
  match d with
  | .isTrue h => .inl h
  | .isFalse h => .inr h
theorem byContradiction {p : Prop} [d : Decidable p] (h : ¬p → False) : p :=
  match d with
  | .isTrue y => y
  | .isFalse n => (h n).elim
theorem of_not_not {p : Prop} [Decidable p] (h : ¬¬p) : p := byContradiction h
theorem not_not {p : Prop} [Decidable p] : ¬¬p ↔ p := ⟨of_not_not, not_not_intro⟩
theorem not_and_iff_or_not_not {p q : Prop} [Decidable p] : ¬(p ∧ q) ↔ ¬p ∨ ¬q :=
  ⟨fun h => (em p).elim (fun hp => .inr fun hq => h ⟨hp, hq⟩) .inl, fun h ⟨hp, hq⟩ => h.elim (· hp) (· hq)⟩
theorem not_imp_iff_and_not {a b : Prop} [Decidable a] : ¬(a → b) ↔ a ∧ ¬b :=
  ⟨fun h => ⟨byContradiction fun ha => h fun k => absurd k ha, fun hb => h fun _ => hb⟩, not_imp_of_and_not⟩
theorem imp_iff_not_or {a b : Prop} [Decidable a] : (a → b) ↔ (¬a ∨ b) :=
  ⟨fun h => (em a).elim (fun ha => .inr (h ha)) .inl, fun h ha => h.elim (absurd ha) id⟩
theorem not_imp_not {a b : Prop} [Decidable a] : (¬a → ¬b) ↔ (b → a) :=
  ⟨fun h hb => byContradiction fun ha => h ha hb, mt⟩
end Decidable
@[simp] theorem decide_eq_true_eq {p : Prop} [Decidable p] : (decide p = true) = p :=
  propext ⟨of_decide_eq_true, decide_eq_true⟩
@[simp] theorem decide_eq_false_iff_not {p : Prop} [Decidable p] : decide p = false ↔ ¬p :=
  ⟨of_decide_eq_false, decide_eq_false⟩
theorem decide_eq_true_iff {p : Prop} [Decidable p] : decide p = true ↔ p := decide_eq_true_eq.to_iff
@[simp] theorem decide_true (h : Decidable True) : @decide True h = true := decide_eq_true trivial
@[simp] theorem decide_false (h : Decidable False) : @decide False h = false := decide_eq_false id

theorem ite_congr {α : Sort u} {b c : Prop} {x y u v : α} {s : Decidable b} [Decidable c]
    (h₁ : b = c) (h₂ : c → x = u) (h₃ : ¬c → y = v) : ite b x y = ite c u v := by
  cases Decidable.em c with
  | inl h => rw [if_pos h]; subst b; rw [if_pos h]; exact h₂ h
  | inr h => rw [if_neg h]; subst b; rw [if_neg h]; exact h₃ h
@[simp] theorem if_true {α : Sort u} {_ : Decidable True} (t e : α) : ite True t e = t := if_pos trivial
@[simp] theorem if_false {α : Sort u} {_ : Decidable False} (t e : α) : ite False t e = e := if_neg id
@[simp] theorem ite_self {α : Sort u} {c : Prop} {d : Decidable c} (a : α) : ite c a a = a := by
  cases Decidable.em c with
  | inl h => rw [if_pos h]
  | inr h => rw [if_neg h]
@[simp] theorem ite_eq_left_iff {α : Sort u} {p : Prop} [Decidable p] {x y : α} :
    (if p then x else y) = x ↔ ¬p → y = x := by
  cases Decidable.em p with
  | inl h => exact iff_of_true (if_pos h) fun n => absurd h n
  | inr h => rw [if_neg h]; exact ⟨fun e _ => e, fun e => e h⟩
@[simp] theorem ite_eq_right_iff {α : Sort u} {p : Prop} [Decidable p] {x y : α} :
    (if p then x else y) = y ↔ p → x = y := by
  cases Decidable.em p with
  | inl h => rw [if_pos h]; exact ⟨fun e _ => e, fun e => e h⟩
  | inr h => exact iff_of_true (if_neg h) fun k => absurd k h

/-! ## Classical logic -/

namespace Classical
/-- Excluded middle, by choosing from two predicates that agree exactly when `p` holds. -/
theorem em (p : Prop) : p ∨ ¬p :=
  let U : Prop → Prop := fun x => x = True ∨ p
  let V : Prop → Prop := fun x => x = False ∨ p
  have exU : Nonempty {x // U x} := ⟨⟨True, Or.inl rfl⟩⟩
  have exV : Nonempty {x // V x} := ⟨⟨False, Or.inl rfl⟩⟩
  let u := choice exU
  let v := choice exV
  have ne_or : u.val ≠ v.val ∨ p :=
    match u.property, v.property with
    | .inr h, _ => .inr h
    | _, .inr h => .inr h
    | .inl hu, .inl hv => .inl fun e => (hv.symm.trans (e.symm.trans hu)).mpr trivial
  have same : p → u.val = v.val := fun hp =>
    have UV : U = V := funext fun x => propext ⟨fun _ => .inr hp, fun _ => .inr hp⟩
    have aux : ∀ (W : Prop → Prop) (e : U = W) (a : Nonempty {x // U x}) (b : Nonempty {x // W x}),
        (choice a).val = (choice b).val :=
      fun W e => e ▸ fun _ _ => rfl
    aux V UV exU exV
  ne_or.elim (fun ne => .inr fun hp => ne (same hp)) .inl
theorem byContradiction {p : Prop} (h : ¬p → False) : p := (em p).elim id fun n => (h n).elim
theorem byCases {p q : Prop} (hpq : p → q) (hnpq : ¬p → q) : q := (em p).elim hpq hnpq
theorem of_not_not {a : Prop} (h : ¬¬a) : a := byContradiction h
@[instance_reducible] noncomputable def propDecidable (a : Prop) : Decidable a :=
  choice <| match em a with
    | .inl h => ⟨.isTrue h⟩
    | .inr h => ⟨.isFalse h⟩
attribute [scoped instance low] propDecidable
noncomputable def choose {α : Sort u} {p : α → Prop} (h : ∃ x, p x) : α :=
  (choice (show Nonempty {x // p x} from match h with | ⟨x, hx⟩ => ⟨⟨x, hx⟩⟩)).val
theorem choose_spec {α : Sort u} {p : α → Prop} (h : ∃ x, p x) : p (choose h) :=
  (choice (show Nonempty {x // p x} from match h with | ⟨x, hx⟩ => ⟨⟨x, hx⟩⟩)).property
@[simp] theorem not_not {a : Prop} : ¬¬a ↔ a := ⟨of_not_not, not_not_intro⟩
@[simp] theorem not_forall {α : Sort u} {p : α → Prop} : (¬∀ x, p x) ↔ ∃ x, ¬p x :=
  ⟨fun h => byContradiction fun hn => h fun x => byContradiction fun hx => hn ⟨x, hx⟩,
   not_forall_of_exists_not⟩
theorem not_exists_not {α : Sort u} {p : α → Prop} : (¬∃ x, ¬p x) ↔ ∀ x, p x :=
  ⟨fun h x => byContradiction fun hx => h ⟨x, hx⟩, fun h ⟨x, hx⟩ => hx (h x)⟩
theorem forall_or_exists_not {α : Sort u} (P : α → Prop) : (∀ a, P a) ∨ ∃ a, ¬P a :=
  (em _).imp_right not_forall.1
theorem exists_or_forall_not {α : Sort u} (P : α → Prop) : (∃ a, P a) ∨ ∀ a, ¬P a :=
  (em _).imp_right _root_.not_exists.1
theorem or_iff_not_imp_left {a b : Prop} : a ∨ b ↔ (¬a → b) :=
  ⟨fun h na => h.resolve_left na, fun h => (em a).elim .inl fun na => .inr (h na)⟩
theorem or_iff_not_imp_right {a b : Prop} : a ∨ b ↔ (¬b → a) := or_comm.trans or_iff_not_imp_left
theorem not_imp_iff_and_not {a b : Prop} : ¬(a → b) ↔ a ∧ ¬b := Decidable.not_imp_iff_and_not
@[simp] theorem not_imp {a b : Prop} : ¬(a → b) ↔ a ∧ ¬b := not_imp_iff_and_not
theorem not_and_iff_not_or_not {a b : Prop} : ¬(a ∧ b) ↔ ¬a ∨ ¬b := Decidable.not_and_iff_or_not_not
theorem imp_iff_not_or {a b : Prop} : (a → b) ↔ (¬a ∨ b) := Decidable.imp_iff_not_or
theorem imp_iff_or_not {a b : Prop} : b → a ↔ a ∨ ¬b := imp_iff_not_or.trans or_comm
theorem not_iff {a b : Prop} : ¬(a ↔ b) ↔ (¬a ↔ b) := by
  cases em a with
  | inl ha => simp [ha]
  | inr ha => simp [ha]
theorem not_imp_not {a b : Prop} : (¬a → ¬b) ↔ (b → a) := Decidable.not_imp_not
theorem peirce {a b : Prop} : ((a → b) → a) → a := fun h => (em a).elim id fun na => h fun ha => absurd ha na
end Classical
theorem not_forall {α : Sort u} {p : α → Prop} : (¬∀ x, p x) ↔ ∃ x, ¬p x := Classical.not_forall
theorem not_imp {a b : Prop} : ¬(a → b) ↔ a ∧ ¬b := Classical.not_imp

/-! ## Booleans -/

namespace Bool
@[simp] theorem false_eq_true : (false = true) = False := eq_false Bool.false_ne_true
@[simp] theorem true_eq_false : (true = false) = False := eq_false fun h => Bool.false_ne_true h.symm
@[simp] theorem not_eq_true (b : Bool) : (¬(b = true)) = (b = false) := by cases b <;> simp
@[simp] theorem not_eq_false (b : Bool) : (¬(b = false)) = (b = true) := by cases b <;> simp
@[simp] theorem not_not (b : Bool) : (!!b) = b := by cases b <;> rfl
@[simp] theorem and_true (b : Bool) : (b && true) = b := by cases b <;> rfl
@[simp] theorem true_and (b : Bool) : (true && b) = b := rfl
@[simp] theorem and_false (b : Bool) : (b && false) = false := by cases b <;> rfl
@[simp] theorem false_and (b : Bool) : (false && b) = false := rfl
@[simp] theorem or_true (b : Bool) : (b || true) = true := by cases b <;> rfl
@[simp] theorem true_or (b : Bool) : (true || b) = true := rfl
@[simp] theorem or_false (b : Bool) : (b || false) = b := by cases b <;> rfl
@[simp] theorem false_or (b : Bool) : (false || b) = b := rfl
@[simp] theorem and_self (b : Bool) : (b && b) = b := by cases b <;> rfl
@[simp] theorem or_self (b : Bool) : (b || b) = b := by cases b <;> rfl
theorem and_comm (x y : Bool) : (x && y) = (y && x) := by cases x <;> cases y <;> rfl
theorem or_comm (x y : Bool) : (x || y) = (y || x) := by cases x <;> cases y <;> rfl
theorem and_assoc (x y z : Bool) : ((x && y) && z) = (x && (y && z)) := by cases x <;> rfl
theorem or_assoc (x y z : Bool) : ((x || y) || z) = (x || (y || z)) := by cases x <;> rfl
@[simp] theorem not_and (x y : Bool) : (!(x && y)) = (!x || !y) := by cases x <;> rfl
@[simp] theorem not_or (x y : Bool) : (!(x || y)) = (!x && !y) := by cases x <;> rfl
@[simp] theorem and_eq_true (a b : Bool) : ((a && b) = true) = (a = true ∧ b = true) := by
  cases a <;> cases b <;> simp
@[simp] theorem or_eq_true (a b : Bool) : ((a || b) = true) = (a = true ∨ b = true) := by
  cases a <;> cases b <;> simp
end Bool
