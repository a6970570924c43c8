/-
Every theorem of the core library with its statement, as Lean prints it: a change of a name or a
statement shows here, and provers read it as the list of what they have.
-/
universe u_1 u_2 u_3 u_4
set_option linter.all false

/-! ## Init.Prelude -/

example : True := @trivial
example : ∀ {α : Sort u_1} {motive : α → Prop} {a b : α}, a = b → motive a → motive b := @Eq.subst
example : ∀ {α : Sort u_1} {a b : α}, a = b → b = a := @Eq.symm
example : ∀ {α : Sort u_1} {a b c : α}, a = b → b = c → a = c := @Eq.trans
example : ∀ {α : Sort u_1} {β : Sort u_2} {a₁ a₂ : α} (f : α → β), a₁ = a₂ → f a₁ = f a₂ := @congrArg
example : ∀ {α : Sort u_1} {β : Sort u_2} {f₁ f₂ : α → β} {a₁ a₂ : α}, f₁ = f₂ → a₁ = a₂ → f₁ a₁ = f₂ a₂ := @congr
example : ∀ {α : Sort u_1} {β : α → Sort u_2} {f g : (x : α) → β x}, f = g → ∀ (a : α), f a = g a := @congrFun
example : ∀ {α : Sort u_1} {β : Sort u_2} {f g : α → β}, f = g → ∀ (a : α), f a = g a := @congrFun'
example : ∀ {α : Sort u_1} {a a' : α}, a ≍ a' → a = a' := @eq_of_heq
example : ∀ {α : Sort u_1} {a a' : α}, a = a' → a ≍ a' := @heq_of_eq
example : ¬false = true := @Bool.false_ne_true
example : ∀ {b : Bool}, b = false → ¬b = true := @ne_true_of_eq_false
example : ∀ {b : Bool}, b = true → ¬b = false := @ne_false_of_eq_true
example : ∀ {b : Bool}, ¬b = true → b = false := @eq_false_of_ne_true
example : ∀ {b : Bool}, ¬b = false → b = true := @eq_true_of_ne_false
example : ∀ (n m : Nat), Nat.beq n m = true → n = m := @Nat.eq_of_beq_eq_true
example : ∀ (n : Nat), Nat.beq n n = true := @Nat.beq_self
example : ∀ {n m : Nat}, Nat.beq n m = false → ¬n = m := @Nat.ne_of_beq_eq_false
example : ∀ {α : Sort u_1} (f : α → Nat) {a b : α}, a = b → Bool.rec False True (Nat.beq (f a) (f b)) := @noConfusion_of_Nat
example : ∀ {p : Prop} [inst : Decidable p], decide p = true → p := @of_decide_eq_true
example : ∀ {p : Prop} [inst : Decidable p], decide p = false → ¬p := @of_decide_eq_false
example : ∀ {p : Prop} [inst : Decidable p], p → decide p = true := @decide_eq_true
example : ∀ {p : Prop} [inst : Decidable p], ¬p → decide p = false := @decide_eq_false

/-! ## Init.Core -/

example : ∀ {α : Sort u_1} {β : α → Sort u_2} {f g : (x : α) → β x}, (∀ (x : α), f x = g x) → f = g := @funext
example : ∀ (a : Prop), a ↔ a := @Iff.refl
example : ∀ {a : Prop}, a ↔ a := @Iff.rfl
example : ∀ {a b : Prop}, (a ↔ b) → (b ↔ a) := @Iff.symm
example : ∀ {a b c : Prop}, (a ↔ b) → (b ↔ c) → (a ↔ c) := @Iff.trans
example : ∀ {a b : Prop}, a = b → (a ↔ b) := @Eq.to_iff
example : ∀ {a b : Prop}, a = b → (a ↔ b) := @iff_of_eq
example : ∀ {α : Sort u_1} {a b : α}, a ≠ b → b ≠ a := @Ne.symm
example : ∀ {α β : Sort u_1} {a : α} {b : β}, a ≍ b → b ≍ a := @HEq.symm
example : ∀ {a b : Prop}, (a → b) → (b → a) → a = b := @Eq.propIntro
example : ∀ {p : Prop}, p = True → p := @of_eq_true
example : ∀ {p : Prop}, p → p = True := @eq_true
example : ∀ {p : Prop}, p = False → ¬p := @of_eq_false
example : ∀ {p : Prop}, ¬p → p = False := @eq_false
example : ∀ {p : Prop}, (p → False) → p = False := @eq_false'
example : ∀ {p : Prop} [inst : Decidable p], decide p = true → p = True := @eq_true_of_decide
example : ∀ {p : Prop} [inst : Decidable p], decide p = false → p = False := @eq_false_of_decide
example : ∀ {α : Sort u_1} (a : α), (a = a) = True := @eq_self
example : ∀ {α : Sort u_1} (a b : α), (a ≠ b) = ¬a = b := @ne_eq
example : ∀ {α : Sort u_1} (a : α), (a ≍ a) = True := @heq_self_eq
example : ∀ {α : Sort u_1} {a b : α}, a = b ↔ b = a := @Eq.comm
example : ∀ {α : Sort u_1} {a b : α}, a = b ↔ b = a := @eq_comm
example : ∀ {α : Sort u_1} {a b : α}, a ≠ b ↔ b ≠ a := @ne_comm
example : ∀ {α : Sort u_1} {a b : α}, a ≠ b → a = b → False := @Ne.elim
example : ∀ {α : Sort u_1} {β : Sort u_2} (f : α → β) {x y : α}, f x ≠ f y → x ≠ y := @ne_of_apply_ne
example : ∀ {α : Sort u_1} {β : Sort u_2} {a₁ a₂ : α} (f : α → β), a₁ = a₂ → f a₁ = f a₂ := @congr_arg
example : ∀ {p₁ p₂ : Sort u_1} {q₁ q₂ : Sort u_2}, p₁ = p₂ → q₁ = q₂ → (p₁ → q₁) = (p₂ → q₂) := @implies_congr
example : ∀ {p₁ p₂ q₁ q₂ : Prop}, p₁ = p₂ → (p₂ → q₁ = q₂) → (p₁ → q₁) = (p₂ → q₂) := @implies_congr_ctx
example : ∀ {p₁ p₂ q₁ : Prop}, p₁ = p₂ → ∀ {q₂ : p₂ → Prop}, (∀ (h : p₂), q₁ = q₂ h) → (p₁ → q₁) = ∀ (h : p₂), q₂ h := @implies_dep_congr_ctx
example : ∀ {α : Sort u_1} {p q : α → Prop}, (∀ (a : α), p a = q a) → (∀ (a : α), p a) = ∀ (a : α), q a := @forall_congr
example : ∀ {p₁ p₂ : Prop} (h : p₁ = p₂) (q : p₁ → Prop), (∀ (a : p₁), q a) = ∀ (a : p₂), q (Eq.mpr h a) := @forall_prop_congr_dom
example : ∀ {α : Sort u_1} {β : Sort u_2} {a a' : α} {b b' : α → β}, a = a' → (∀ (x : α), b x = b' x) → (have x := a; b x) = have x := a'; b' x := @let_congr
example : ∀ {c : Prop} {inst : Decidable c}, c → ∀ {α : Sort u_1} {t e : α}, (if c then t else e) = t := @ite_eq_left
example : ∀ {c : Prop} {inst : Decidable c}, ¬c → ∀ {α : Sort u_1} {t e : α}, (if c then t else e) = e := @ite_eq_right
example : ∀ {c : Prop} {inst : Decidable c} (hc : c) {α : Sort u_1} {t : c → α} {e : ¬c → α}, dite c t e = t hc := @dite_eq_left
example : ∀ {c : Prop} {inst : Decidable c} (hc : ¬c) {α : Sort u_1} {t : c → α} {e : ¬c → α}, dite c t e = e hc := @dite_eq_right
example : ∀ {c : Prop} {h : Decidable c}, c → ∀ {α : Sort u_1} {t e : α}, (if c then t else e) = t := @if_pos
example : ∀ {c : Prop} {h : Decidable c}, ¬c → ∀ {α : Sort u_1} {t e : α}, (if c then t else e) = e := @if_neg
example : ∀ {c : Prop} {h : Decidable c} (hc : c) {α : Sort u_1} {t : c → α} {e : ¬c → α}, dite c t e = t hc := @dif_pos
example : ∀ {c : Prop} {h : Decidable c} (hnc : ¬c) {α : Sort u_1} {t : c → α} {e : ¬c → α}, dite c t e = e hnc := @dif_neg
example : ∀ {α : Sort u_1} {c : Prop} {h : Decidable c} {t e : α}, c = True → (if c then t else e) = t := @ite_eq_left_of_eq_true
example : ∀ {α : Sort u_1} {c : Prop} {h : Decidable c} {t e : α}, c = False → (if c then t else e) = e := @ite_eq_right_of_eq_false
example : ∀ {α : Sort u_1} {c : Prop} {h : Decidable c} {t : c → α} {e : ¬c → α} (hc : c = True), dite c t e = t (of_eq_true hc) := @dite_eq_left_of_eq_true
example : ∀ {α : Sort u_1} {c : Prop} {h : Decidable c} {t : c → α} {e : ¬c → α} (hc : c = False), dite c t e = e (of_eq_false hc) := @dite_eq_right_of_eq_false
example : ∀ {a b : Prop}, a ∧ b → b ∧ a := @And.symm
example : ∀ {a b c : Prop}, a ∨ b → (a → c) → (b → c) → c := @Or.elim
example : ∀ {α : Sort u_1} [h : Subsingleton α] (a b : α), a = b := @Subsingleton.elim
example : ∀ {α β : Sort u_1} [h₁ : Subsingleton α], α = β → ∀ (a : α) (b : β), a ≍ b := @Subsingleton.helim
example : ∀ {α : Sort u_1} {β : Sort u_2} {δ : Sort u_3} {f : β → δ} {g : α → β} {x : α}, (f ∘ g) x = f (g x) := @Function.comp_apply
example : ∀ {α : Sort u_1} (a : α), id a = a := @id_eq

/-! ## Init.Logic -/

example : ∀ {a b : Prop}, (a → b) → ¬b → ¬a := @mt
example : ∀ {p : Prop}, p → ¬¬p := @not_not_intro
example : ¬False := @not_false
example : (¬True) = False := @not_true_eq_false
example : (¬False) = True := @not_false_eq_true
example : ¬True ↔ False := @not_true
example : ¬False ↔ True := @not_false_iff
example : ∀ {a b : Prop}, a ∧ ¬b → ¬(a → b) := @not_imp_of_and_not
example : ∀ {a b : Prop}, a → ¬b ↔ b → ¬a := @imp_not_comm
example : ∀ {a b : Prop}, ¬b → (a → b) → ¬a := @Not.imp
example : ∀ {a b : Prop}, (a ↔ b) → (¬a ↔ ¬b) := @not_congr
example : ∀ {a : Prop}, ¬¬¬a ↔ ¬a := @not_not_not
example : ∀ {a : Prop}, a → (¬a ↔ False) := @not_iff_false_intro
example : ∀ {a : Prop}, a → (a ↔ True) := @iff_true_intro
example : ∀ {a : Prop}, ¬a → (a ↔ False) := @iff_false_intro
example : ∀ {a : Prop}, (a ↔ True) → a := @of_iff_true
example : ∀ {p : Prop}, (p ↔ False) → ¬p := @not_of_iff_false
example : ∀ {a : Prop}, a → False ↔ ¬a := @imp_false
example : ∀ (a : Prop), False → a ↔ True := @false_imp_iff
example : ∀ {α : Prop}, True → α ↔ α := @true_imp_iff
example : ∀ {a : Prop}, a → a ↔ True := @imp_self
example : ∀ (α : Sort u_1), (∀ (a : α), True) = True := @implies_true
example : ∀ (p : Prop), (True → p) = p := @true_implies
example : ∀ (p : Prop), (False → p) = True := @false_implies
example : ∀ {α β : Prop}, α → β → α := @imp_intro
example : ∀ {a b c d : Prop}, (c → a) → (b → d) → (a → b) → c → d := @imp_imp_imp
example : ∀ {b a : Prop}, a → (a → b ↔ b) := @imp_iff_right
example : ∀ {a b : Prop}, ¬b → (a → b ↔ ¬a) := @imp_iff_not
example : ∀ {a b c : Prop}, a → b → c ↔ b → a → c := @imp.swap
example : ∀ {a b c : Prop}, (a ↔ b) → (a → c ↔ b → c) := @imp_congr_left
example : ∀ {a b c : Prop}, (a → (b ↔ c)) → (a → b ↔ a → c) := @imp_congr_right
example : ∀ {a b c d : Prop}, (a ↔ c) → (c → (b ↔ d)) → (a → b ↔ c → d) := @imp_congr_ctx
example : ∀ {a b c d : Prop}, (a ↔ c) → (b ↔ d) → (a → b ↔ c → d) := @imp_congr
example : ∀ (p : Prop), (p ↔ p) = True := @iff_self
example : ∀ {a b : Prop}, (a ↔ b) ↔ (b ↔ a) := @Iff.comm
example : ∀ {a b : Prop}, (a ↔ b) ↔ (b ↔ a) := @iff_comm
example : ∀ {a b : Prop}, a = b → (a ↔ b) := @Iff.of_eq
example : ∀ {a b : Prop}, (a ↔ b) → a = b := @Iff.eq
example : ∀ {a b : Prop}, (a ↔ b) ↔ a = b := @iff_iff_eq
example : ∀ {p q : Prop}, (p = q) = (p ↔ q) := @eq_iff_iff
example : ∀ {a b : Prop}, a → b → (a ↔ b) := @iff_of_true
example : ∀ {a b : Prop}, ¬a → ¬b → (a ↔ b) := @iff_of_false
example : ∀ {a b : Prop}, a → b → a = b := @eq_of_true
example : ∀ (p : Prop), (p ↔ True) = p := @iff_true
example : ∀ (p : Prop), (True ↔ p) = p := @true_iff
example : ∀ (p : Prop), (p ↔ False) = ¬p := @iff_false
example : ∀ (p : Prop), (False ↔ p) = ¬p := @false_iff
example : ∀ {a : Prop}, ¬(a ↔ ¬a) := @iff_not_self
example : ∀ {a : Prop}, ¬(¬a ↔ a) := @not_iff_self
example : ∀ {a b c d : Prop}, (a ↔ c) → (b ↔ d) → ((a ↔ b) ↔ (c ↔ d)) := @iff_congr
example : ∀ {a b c d : Prop}, (a → c) → (b → d) → a ∧ b → c ∧ d := @And.imp
example : ∀ {a b c : Prop}, (a → b) → a ∧ c → b ∧ c := @And.imp_left
example : ∀ {a b c : Prop}, (a → b) → c ∧ a → c ∧ b := @And.imp_right
example : ∀ {a b : Prop}, a ∧ b ↔ b ∧ a := @And.comm
example : ∀ {a b c : Prop}, a ∧ b ∧ c → b ∧ c ∧ a := @And.rotate
example : ∀ {a b c d : Prop}, (a ↔ c) → (b ↔ d) → (a ∧ b ↔ c ∧ d) := @And.congr
example : ∀ {a b c d : Prop}, (a ↔ c) → (b ↔ d) → (a ∧ b ↔ c ∧ d) := @and_congr
example : ∀ {a b c : Prop}, (a ↔ b) → (a ∧ c ↔ b ∧ c) := @and_congr_left'
example : ∀ {a b c : Prop}, (b ↔ c) → (a ∧ b ↔ a ∧ c) := @and_congr_right'
example : ∀ {a b c : Prop}, (a → (b ↔ c)) → (a ∧ b ↔ a ∧ c) := @and_congr_right
example : ∀ {a b c : Prop}, (c → (a ↔ b)) → (a ∧ c ↔ b ∧ c) := @and_congr_left
example : ∀ {a b c : Prop}, (a ∧ b ↔ a ∧ c) ↔ a → (b ↔ c) := @and_congr_right_iff
example : ∀ {a b : Prop}, a ∧ b ↔ b ∧ a := @and_comm
example : ∀ {a b c : Prop}, (a ∧ b) ∧ c ↔ a ∧ b ∧ c := @and_assoc
example : ∀ {a b c : Prop}, a ∧ b ∧ c ↔ b ∧ a ∧ c := @and_left_comm
example : ∀ {a b c : Prop}, (a ∧ b) ∧ c ↔ (a ∧ c) ∧ b := @and_right_comm
example : ∀ {a b c : Prop}, a ∧ b ∧ c ↔ b ∧ c ∧ a := @and_rotate
example : ∀ {a b c : Prop}, a ∧ b ∧ c ↔ (a ∧ b) ∧ a ∧ c := @and_and_left
example : ∀ {a b c : Prop}, (a ∧ b) ∧ c ↔ (a ∧ c) ∧ b ∧ c := @and_and_right
example : ∀ {a b : Prop}, b → (a ∧ b ↔ a) := @and_iff_left
example : ∀ {a b : Prop}, a → (a ∧ b ↔ b) := @and_iff_right
example : ∀ {a b : Prop}, (a → b) → (a ∧ b ↔ a) := @and_iff_left_of_imp
example : ∀ {a b : Prop}, (b → a) → (a ∧ b ↔ b) := @and_iff_right_of_imp
example : ∀ {a b c : Prop}, a ∧ b → c ↔ a → b → c := @and_imp
example : ∀ {a : Prop}, ¬(a ∧ ¬a) := @and_not_self
example : ∀ {a : Prop}, ¬(¬a ∧ a) := @not_and_self
example : ∀ {a : Prop}, a ∧ a ↔ a := @and_self_iff
example : ∀ {a b : Prop}, ¬(a ∧ b) ↔ a → ¬b := @not_and
example : ∀ {a b : Prop}, ¬(a ∧ b) ↔ b → ¬a := @not_and'
example : ∀ {a : Prop} (b : Prop), ¬a → ¬(a ∧ b) := @not_and_of_not_left
example : ∀ (a : Prop) {b : Prop}, ¬b → ¬(a ∧ b) := @not_and_of_not_right
example : ∀ (p : Prop), (True ∧ p) = p := @true_and
example : ∀ (p : Prop), (p ∧ True) = p := @and_true
example : ∀ (p : Prop), (False ∧ p) = False := @false_and
example : ∀ (p : Prop), (p ∧ False) = False := @and_false
example : ∀ (p : Prop), (p ∧ p) = p := @and_self
example : ∀ {a : Prop} (b : Prop), a → a ∨ b := @Or.intro_left
example : ∀ (a : Prop) {b : Prop}, b → a ∨ b := @Or.intro_right
example : ∀ {a b : Prop}, a ∨ b → b ∨ a := @Or.symm
example : ∀ {a b c d : Prop}, (a → c) → (b → d) → a ∨ b → c ∨ d := @Or.imp
example : ∀ {a b c : Prop}, (a → b) → a ∨ c → b ∨ c := @Or.imp_left
example : ∀ {a b c : Prop}, (b → c) → a ∨ b → a ∨ c := @Or.imp_right
example : ∀ {a b : Prop}, a ∨ b ↔ b ∨ a := @Or.comm
example : ∀ {a b c : Prop}, a ∨ b ∨ c → b ∨ c ∨ a := @Or.rotate
example : ∀ {a b : Prop}, a ∨ b → ¬a → b := @Or.resolve_left
example : ∀ {a b : Prop}, a ∨ b → ¬b → a := @Or.resolve_right
example : ∀ {a b : Prop}, ¬a ∨ b → a → b := @Or.neg_resolve_left
example : ∀ {a b : Prop}, a ∨ ¬b → b → a := @Or.neg_resolve_right
example : ∀ {a b c d : Prop}, (a ↔ c) → (b ↔ d) → (a ∨ b ↔ c ∨ d) := @or_congr
example : ∀ {a b c : Prop}, (a ↔ b) → (a ∨ c ↔ b ∨ c) := @or_congr_left
example : ∀ {a b c : Prop}, (b ↔ c) → (a ∨ b ↔ a ∨ c) := @or_congr_right
example : ∀ {a b : Prop}, a ∨ b ↔ b ∨ a := @or_comm
example : ∀ {a b c : Prop}, (a ∨ b) ∨ c ↔ a ∨ b ∨ c := @or_assoc
example : ∀ {a b c : Prop}, a ∨ b ∨ c ↔ b ∨ a ∨ c := @or_left_comm
example : ∀ {a b c : Prop}, (a ∨ b) ∨ c ↔ (a ∨ c) ∨ b := @or_right_comm
example : ∀ {a b c : Prop}, a ∨ b ∨ c ↔ b ∨ c ∨ a := @or_rotate
example : ∀ {a b c d : Prop}, (a ∨ b) ∨ c ∨ d ↔ (a ∨ c) ∨ b ∨ d := @or_or_or_comm
example : ∀ {a : Prop}, a ∨ a ↔ a := @or_self_iff
example : ∀ {a b c : Prop}, a ∨ b → c ↔ (a → c) ∧ (b → c) := @or_imp
example : ∀ {p q : Prop}, ¬(p ∨ q) ↔ ¬p ∧ ¬q := @not_or
example : ∀ {a b : Prop}, ¬a → ¬b → ¬(a ∨ b) := @not_or_intro
example : ∀ {a b : Prop}, (a → b) → (a ∨ b ↔ b) := @or_iff_right_of_imp
example : ∀ {a b : Prop}, (b → a) → (a ∨ b ↔ a) := @or_iff_left_of_imp
example : ∀ {a b : Prop}, ¬b → (a ∨ b ↔ a) := @or_iff_left
example : ∀ {a b : Prop}, ¬a → (a ∨ b ↔ b) := @or_iff_right
example : ∀ (p : Prop), (True ∨ p) = True := @true_or
example : ∀ (p : Prop), (p ∨ True) = True := @or_true
example : ∀ (p : Prop), (False ∨ p) = p := @false_or
example : ∀ (p : Prop), (p ∨ False) = p := @or_false
example : ∀ (p : Prop), (p ∨ p) = p := @or_self
example : ∀ {a b : Prop}, (a ∨ b ↔ a) ↔ b → a := @or_iff_left_iff_imp
example : ∀ {a b : Prop}, (a ∨ b ↔ b) ↔ a → b := @or_iff_right_iff_imp
example : ∀ {a b : Prop}, (a ∧ b ↔ a) ↔ a → b := @and_iff_left_iff_imp
example : ∀ {a b : Prop}, (a ∧ b ↔ b) ↔ b → a := @and_iff_right_iff_imp
example : ∀ {a : Prop}, a → ¬a ↔ ¬a := @imp_not_self
example : ∀ {a b c : Prop}, a ∧ (b ∨ c) ↔ a ∧ b ∨ a ∧ c := @and_or_left
example : ∀ {a b c : Prop}, (a ∨ b) ∧ c ↔ a ∧ c ∨ b ∧ c := @or_and_right
example : ∀ {a b c : Prop}, a ∨ b ∧ c ↔ (a ∨ b) ∧ (a ∨ c) := @or_and_left
example : ∀ {a b c : Prop}, a ∧ b ∨ c ↔ (a ∨ c) ∧ (b ∨ c) := @and_or_right
example : ∀ {b c : Prop} {α : Sort u_1}, (∀ (a : α), b ∧ c) ↔ (∀ (a : α), b) ∧ ∀ (a : α), c := @imp_and
example : ∀ {a b : Prop}, a ∧ a ∧ b ↔ a ∧ b := @and_self_left
example : ∀ {a b : Prop}, (a ∧ b) ∧ b ↔ a ∧ b := @and_self_right
example : ∀ {α : Sort u_1} {p : α → Prop} {b : Prop}, (∃ (x : α), p x) → (∀ (a : α), p a → b) → b := @Exists.elim
example : ∀ {α : Sort u_1} {p q : α → Prop}, (∀ (a : α), p a → q a) → (∃ (a : α), p a) → ∃ (a : α), q a := @Exists.imp
example : ∀ {α : Sort u_1} {p : α → Prop} {b : Prop}, (∃ (x : α), p x) → b ↔ ∀ (x : α), p x → b := @exists_imp
example : ∀ {α : Sort u_1} {p : α → Prop} {q : (∃ (x : α), p x) → Prop}, (∀ (h : ∃ (x : α), p x), q h) ↔ ∀ (x : α) (h : p x), q (Exists.intro x h) := @forall_exists_index
example : ∀ {α : Sort u_1} {p q : α → Prop} {a' : α}, (∀ (a : α), a = a' ∨ q a → p a) ↔ p a' ∧ ∀ (a : α), q a → p a := @forall_eq_or_imp
example : ∀ {α : Sort u_1} {p q : α → Prop} {a' : α}, (∃ (a : α), (a = a' ∨ q a) ∧ p a) ↔ p a' ∨ ∃ (a : α), q a ∧ p a := @exists_eq_or_imp
example : ∀ {α : Sort u_1} {p q : α → Prop}, (∀ (a : α), p a → q a) → (∀ (a : α), p a) → ∀ (a : α), q a := @forall_imp
example : ∀ {α : Sort u_1} {p q : α → Prop}, (∀ (a : α), p a ↔ q a) → ((∃ (a : α), p a) ↔ ∃ (a : α), q a) := @exists_congr
example : ∀ {p p' : Prop} {q q' : p → Prop}, (∀ (h : p), q h ↔ q' h) → ∀ (hp : p ↔ p'), Exists q ↔ ∃ (h : p'), q' (Iff.mpr hp h) := @exists_prop_congr
example : ∀ {α : Sort u_1} {p q : α → Prop}, (∀ (a : α), p a ↔ q a) → ((∀ (a : α), p a) ↔ ∀ (a : α), q a) := @forall_congr'
example : ∀ {a b : Prop}, (∃ (_h : a), b) ↔ a ∧ b := @exists_prop
example : ∀ {α : Sort u_1}, ¬∃ (_a : α), False := @exists_false
example : ∀ {b : Prop} (α : Sort u_1) [i : Nonempty α], (∀ (a : α), b) ↔ b := @forall_const
example : ∀ {b : Prop} (α : Sort u_1) [i : Nonempty α], (∃ (x : α), b) ↔ b := @exists_const
example : ∀ {α : Sort u_1} {p : α → Prop}, (¬∃ (x : α), p x) ↔ ∀ (x : α), ¬p x := @not_exists
example : ∀ {α : Sort u_1} {p : α → Prop}, (∃ (x : α), ¬p x) → ¬∀ (x : α), p x := @not_forall_of_exists_not
example : ∀ {α : Sort u_1} {p q : α → Prop}, (∀ (x : α), p x ∧ q x) ↔ (∀ (x : α), p x) ∧ ∀ (x : α), q x := @forall_and
example : ∀ {α : Sort u_1} {p q : α → Prop}, (∃ (x : α), p x ∨ q x) ↔ (∃ (x : α), p x) ∨ ∃ (x : α), q x := @exists_or
example : ∀ {α : Sort u_1} {p : α → Prop} {b : Prop}, (∃ (x : α), b ∧ p x) ↔ b ∧ ∃ (x : α), p x := @exists_and_left
example : ∀ {α : Sort u_1} {p : α → Prop} {b : Prop}, (∃ (x : α), p x ∧ b) ↔ (∃ (x : α), p x) ∧ b := @exists_and_right
example : ∀ {α : Sort u_1} {p : α → Prop} {a' : α}, (∀ (a : α), a = a' → p a) ↔ p a' := @forall_eq
example : ∀ {α : Sort u_1} {p : α → Prop} {a' : α}, (∀ (a : α), a' = a → p a) ↔ p a' := @forall_eq'
example : ∀ {α : Sort u_1} {a' : α}, ∃ (a : α), a = a' := @exists_eq
example : ∀ {α : Sort u_1} {a' : α}, ∃ (a : α), a' = a := @exists_eq'
example : ∀ {α : Sort u_1} {p : α → Prop} {a' : α}, (∃ (a : α), a = a' ∧ p a) ↔ p a' := @exists_eq_left
example : ∀ {α : Sort u_1} {p : α → Prop} {a' : α}, (∃ (a : α), p a ∧ a = a') ↔ p a' := @exists_eq_right
example : ∀ {α : Sort u_1} {β : Sort u_2} {p : α → β → Prop}, (∃ (a : α), ∃ (b : β), p a b) ↔ ∃ (b : β), ∃ (a : α), p a b := @exists_comm
example : ∀ {α : Sort u_1} {β : Sort u_2} {p : α → β → Prop}, (∀ (a : α) (b : β), p a b) ↔ ∀ (b : β) (a : α), p a b := @forall_comm
example : ∀ (p : Prop) [d : Decidable p], p ∨ ¬p := @Decidable.em
example : ∀ {p : Prop} [d : Decidable p], (¬p → False) → p := @Decidable.byContradiction
example : ∀ {p : Prop} [Decidable p], ¬¬p → p := @Decidable.of_not_not
example : ∀ {p : Prop} [Decidable p], ¬¬p ↔ p := @Decidable.not_not
example : ∀ {p q : Prop} [Decidable p], ¬(p ∧ q) ↔ ¬p ∨ ¬q := @Decidable.not_and_iff_or_not_not
example : ∀ {a b : Prop} [Decidable a], ¬(a → b) ↔ a ∧ ¬b := @Decidable.not_imp_iff_and_not
example : ∀ {a b : Prop} [Decidable a], a → b ↔ ¬a ∨ b := @Decidable.imp_iff_not_or
example : ∀ {a b : Prop} [Decidable a], ¬a → ¬b ↔ b → a := @Decidable.not_imp_not
example : ∀ {p : Prop} [inst : Decidable p], (decide p = true) = p := @decide_eq_true_eq
example : ∀ {p : Prop} [inst : Decidable p], decide p = false ↔ ¬p := @decide_eq_false_iff_not
example : ∀ {p : Prop} [inst : Decidable p], decide p = true ↔ p := @decide_eq_true_iff
example : ∀ (h : Decidable True), decide True = true := @decide_true
example : ∀ (h : Decidable False), decide False = false := @decide_false
example : ∀ {α : Sort u_1} {b c : Prop} {x y u v : α} {s : Decidable b} [inst : Decidable c], b = c → (c → x = u) → (¬c → y = v) → (if b then x else y) = if c then u else v := @ite_congr
example : ∀ {α : Sort u_1} {x : Decidable True} (t e : α), (if True then t else e) = t := @if_true
example : ∀ {α : Sort u_1} {x : Decidable False} (t e : α), (if False then t else e) = e := @if_false
example : ∀ {α : Sort u_1} {c : Prop} {d : Decidable c} (a : α), (if c then a else a) = a := @ite_self
example : ∀ {α : Sort u_1} {p : Prop} [inst : Decidable p] {x y : α}, (if p then x else y) = x ↔ ¬p → y = x := @ite_eq_left_iff
example : ∀ {α : Sort u_1} {p : Prop} [inst : Decidable p] {x y : α}, (if p then x else y) = y ↔ p → x = y := @ite_eq_right_iff
example : ∀ (p : Prop), p ∨ ¬p := @Classical.em
example : ∀ {p : Prop}, (¬p → False) → p := @Classical.byContradiction
example : ∀ {p q : Prop}, (p → q) → (¬p → q) → q := @Classical.byCases
example : ∀ {a : Prop}, ¬¬a → a := @Classical.of_not_not
example : ∀ {α : Sort u_1} {p : α → Prop} (h : ∃ (x : α), p x), p (Classical.choose h) := @Classical.choose_spec
example : ∀ {a : Prop}, ¬¬a ↔ a := @Classical.not_not
example : ∀ {α : Sort u_1} {p : α → Prop}, (¬∀ (x : α), p x) ↔ ∃ (x : α), ¬p x := @Classical.not_forall
example : ∀ {α : Sort u_1} {p : α → Prop}, (¬∃ (x : α), ¬p x) ↔ ∀ (x : α), p x := @Classical.not_exists_not
example : ∀ {α : Sort u_1} (P : α → Prop), (∀ (a : α), P a) ∨ ∃ (a : α), ¬P a := @Classical.forall_or_exists_not
example : ∀ {α : Sort u_1} (P : α → Prop), (∃ (a : α), P a) ∨ ∀ (a : α), ¬P a := @Classical.exists_or_forall_not
example : ∀ {a b : Prop}, a ∨ b ↔ ¬a → b := @Classical.or_iff_not_imp_left
example : ∀ {a b : Prop}, a ∨ b ↔ ¬b → a := @Classical.or_iff_not_imp_right
example : ∀ {a b : Prop}, ¬(a → b) ↔ a ∧ ¬b := @Classical.not_imp_iff_and_not
example : ∀ {a b : Prop}, ¬(a → b) ↔ a ∧ ¬b := @Classical.not_imp
example : ∀ {a b : Prop}, ¬(a ∧ b) ↔ ¬a ∨ ¬b := @Classical.not_and_iff_not_or_not
example : ∀ {a b : Prop}, a → b ↔ ¬a ∨ b := @Classical.imp_iff_not_or
example : ∀ {a b : Prop}, b → a ↔ a ∨ ¬b := @Classical.imp_iff_or_not
example : ∀ {a b : Prop}, ¬(a ↔ b) ↔ (¬a ↔ b) := @Classical.not_iff
example : ∀ {a b : Prop}, ¬a → ¬b ↔ b → a := @Classical.not_imp_not
example : ∀ {a b : Prop}, ((a → b) → a) → a := @Classical.peirce
example : ∀ {α : Sort u_1} {p : α → Prop}, (¬∀ (x : α), p x) ↔ ∃ (x : α), ¬p x := @not_forall
example : ∀ {a b : Prop}, ¬(a → b) ↔ a ∧ ¬b := @not_imp
example : (false = true) = False := @Bool.false_eq_true
example : (true = false) = False := @Bool.true_eq_false
example : ∀ (b : Bool), (¬b = true) = (b = false) := @Bool.not_eq_true
example : ∀ (b : Bool), (¬b = false) = (b = true) := @Bool.not_eq_false
example : ∀ (b : Bool), (!!b) = b := @Bool.not_not
example : ∀ (b : Bool), (b && true) = b := @Bool.and_true
example : ∀ (b : Bool), (true && b) = b := @Bool.true_and
example : ∀ (b : Bool), (b && false) = false := @Bool.and_false
example : ∀ (b : Bool), (false && b) = false := @Bool.false_and
example : ∀ (b : Bool), (b || true) = true := @Bool.or_true
example : ∀ (b : Bool), (true || b) = true := @Bool.true_or
example : ∀ (b : Bool), (b || false) = b := @Bool.or_false
example : ∀ (b : Bool), (false || b) = b := @Bool.false_or
example : ∀ (b : Bool), (b && b) = b := @Bool.and_self
example : ∀ (b : Bool), (b || b) = b := @Bool.or_self
example : ∀ (x y : Bool), (x && y) = (y && x) := @Bool.and_comm
example : ∀ (x y : Bool), (x || y) = (y || x) := @Bool.or_comm
example : ∀ (x y z : Bool), (x && y && z) = (x && (y && z)) := @Bool.and_assoc
example : ∀ (x y z : Bool), (x || y || z) = (x || (y || z)) := @Bool.or_assoc
example : ∀ (x y : Bool), (!(x && y)) = (!x || !y) := @Bool.not_and
example : ∀ (x y : Bool), (!(x || y)) = (!x && !y) := @Bool.not_or
example : ∀ (a b : Bool), ((a && b) = true) = (a = true ∧ b = true) := @Bool.and_eq_true
example : ∀ (a b : Bool), ((a || b) = true) = (a = true ∨ b = true) := @Bool.or_eq_true

/-! ## Init.Nat -/

example : Nat.zero = 0 := @Nat.zero_eq
example : ∀ {x y : Nat}, Nat.add x y = x + y := @Nat.add_eq
example : ∀ {x y : Nat}, Nat.mul x y = x * y := @Nat.mul_eq
example : ∀ {x y : Nat}, Nat.sub x y = x - y := @Nat.sub_eq
example : ∀ {x y : Nat}, Nat.lt x y = (x < y) := @Nat.lt_eq
example : ∀ {x y : Nat}, Nat.le x y = (x ≤ y) := @Nat.le_eq
example : ∀ (n : Nat), Nat.succ n = n + 1 := @Nat.succ_eq_add_one
example : ∀ (n : Nat), n + 0 = n := @Nat.add_zero
example : ∀ (n m : Nat), n + Nat.succ m = Nat.succ (n + m) := @Nat.add_succ
example : ∀ (n : Nat), n + 1 = Nat.succ n := @Nat.add_one
example : ∀ (n : Nat), Nat.succ n = 1 + n := @Nat.succ_eq_one_add
example : ∀ (n : Nat), 0 + n = n := @Nat.zero_add
example : ∀ (n m : Nat), Nat.succ n + m = Nat.succ (n + m) := @Nat.succ_add
example : ∀ (a b : Nat), Nat.succ a + b = a + Nat.succ b := @Nat.succ_add_eq_add_succ
example : ∀ (n m : Nat), n + m = m + n := @Nat.add_comm
example : ∀ (n m k : Nat), n + m + k = n + (m + k) := @Nat.add_assoc
example : ∀ (n m k : Nat), n + (m + k) = m + (n + k) := @Nat.add_left_comm
example : ∀ (n m k : Nat), n + m + k = n + k + m := @Nat.add_right_comm
example : ∀ (a b c d : Nat), a + b + (c + d) = a + c + (b + d) := @Nat.add_add_add_comm
example : ∀ (n : Nat), 1 + n = Nat.succ n := @Nat.one_add
example : ∀ {a b : Nat}, Nat.succ a = Nat.succ b ↔ a = b := @Nat.succ_inj
example : ∀ {a b : Nat}, a + 1 = b + 1 ↔ a = b := @Nat.add_one_inj
example : ∀ (n : Nat), Nat.succ n ≠ 0 := @Nat.succ_ne_zero
example : ∀ (n : Nat), n + 1 ≠ 0 := @Nat.add_one_ne_zero
example : ∀ (n : Nat), 0 ≠ n + 1 := @Nat.zero_ne_add_one
example : 0 ≠ 1 := @Nat.zero_ne_one
example : 1 ≠ 0 := @Nat.one_ne_zero
example : ∀ (n : Nat), Nat.succ n ≠ n := @Nat.succ_ne_self
example : ∀ (n : Nat), n + 1 ≠ n := @Nat.add_one_ne_self
example : ∀ {n : Nat}, n ≠ 0 → ∃ (k : Nat), n = Nat.succ k := @Nat.exists_eq_succ_of_ne_zero
example : ∀ (n : Nat), n = 0 ∨ n = Nat.succ (Nat.pred n) := @Nat.eq_zero_or_eq_succ_pred
example : Nat.pred 0 = 0 := @Nat.pred_zero
example : ∀ (n : Nat), Nat.pred (Nat.succ n) = n := @Nat.pred_succ
example : ∀ {n : Nat}, Nat.pred n = n - 1 := @Nat.pred_eq_sub_one
example : ∀ {a : Nat}, a ≠ 0 → Nat.succ (Nat.pred a) = a := @Nat.succ_pred
example : ∀ {n m k : Nat}, n + m = n + k → m = k := @Nat.add_left_cancel
example : ∀ {n m k : Nat}, n + m = k + m → n = k := @Nat.add_right_cancel
example : ∀ {m k n : Nat}, n + m = n + k ↔ m = k := @Nat.add_left_cancel_iff
example : ∀ {m k n : Nat}, m + n = k + n ↔ m = k := @Nat.add_right_cancel_iff
example : ∀ {n m : Nat}, n + m = 0 → m = 0 := @Nat.eq_zero_of_add_eq_zero_left
example : ∀ {n m : Nat}, n + m = 0 → n = 0 := @Nat.eq_zero_of_add_eq_zero_right
example : ∀ {n m : Nat}, n + m = 0 → n = 0 ∧ m = 0 := @Nat.eq_zero_of_add_eq_zero
example : ∀ {n m : Nat}, n + m = 0 ↔ n = 0 ∧ m = 0 := @Nat.add_eq_zero_iff
example : ∀ (n : Nat), n * 0 = 0 := @Nat.mul_zero
example : ∀ (n m : Nat), n * Nat.succ m = n * m + n := @Nat.mul_succ
example : ∀ (a b : Nat), a * (b + 1) = a * b + a := @Nat.mul_add_one
example : ∀ (n : Nat), 0 * n = 0 := @Nat.zero_mul
example : ∀ (n m : Nat), Nat.succ n * m = n * m + m := @Nat.succ_mul
example : ∀ (a b : Nat), (a + 1) * b = a * b + b := @Nat.add_one_mul
example : ∀ (n m : Nat), n * m = m * n := @Nat.mul_comm
example : ∀ (n : Nat), n * 1 = n := @Nat.mul_one
example : ∀ (n : Nat), 1 * n = n := @Nat.one_mul
example : ∀ (n m k : Nat), n * (m + k) = n * m + n * k := @Nat.left_distrib
example : ∀ (n m k : Nat), n * (m + k) = n * m + n * k := @Nat.mul_add
example : ∀ (n m k : Nat), (n + m) * k = n * k + m * k := @Nat.right_distrib
example : ∀ (n m k : Nat), (n + m) * k = n * k + m * k := @Nat.add_mul
example : ∀ (n m k : Nat), n * m * k = n * (m * k) := @Nat.mul_assoc
example : ∀ (n m k : Nat), n * (m * k) = m * (n * k) := @Nat.mul_left_comm
example : ∀ (n m k : Nat), n * m * k = n * k * m := @Nat.mul_right_comm
example : ∀ (a b c d : Nat), a * b * (c * d) = a * c * (b * d) := @Nat.mul_mul_mul_comm
example : ∀ (n : Nat), n * 2 = n + n := @Nat.mul_two
example : ∀ (n : Nat), 2 * n = n + n := @Nat.two_mul
example : ∀ {m n : Nat}, n * m = 0 ↔ n = 0 ∨ m = 0 := @Nat.mul_eq_zero
example : ∀ (b : Nat), b ^ 0 = 1 := @Nat.pow_zero
example : ∀ (b n : Nat), b ^ (n + 1) = b ^ n * b := @Nat.pow_succ
example : ∀ (b n : Nat), b ^ (n + 1) = b ^ n * b := @Nat.pow_add_one
example : ∀ {m n : Nat}, m ^ Nat.succ n = m * m ^ n := @Nat.pow_succ'
example : ∀ (a : Nat), a ^ 1 = a := @Nat.pow_one
example : ∀ (b : Nat), b ^ 2 = b * b := @Nat.pow_two
example : ∀ (n : Nat), 1 ^ n = 1 := @Nat.one_pow
example : ∀ {n : Nat}, 0 ^ (n + 1) = 0 := @Nat.zero_pow_succ
example : ∀ (a m n : Nat), a ^ (m + n) = a ^ m * a ^ n := @Nat.pow_add
example : ∀ (a b n : Nat), (a * b) ^ n = a ^ n * b ^ n := @Nat.mul_pow
example : ∀ (a m n : Nat), a ^ (m * n) = (a ^ m) ^ n := @Nat.pow_mul
example : ∀ (n : Nat), n ≤ n := @Nat.le_refl
example : ∀ {n : Nat}, n ≤ n := @Nat.le_rfl
example : ∀ (n : Nat), 0 ≤ n := @Nat.zero_le
example : ∀ {n m k : Nat}, n ≤ m → m ≤ k → n ≤ k := @Nat.le_trans
example : ∀ {n m : Nat}, n ≤ m → Nat.succ n ≤ Nat.succ m := @Nat.succ_le_succ
example : ∀ {n m : Nat}, n ≤ m → Nat.pred n ≤ Nat.pred m := @Nat.pred_le_pred
example : ∀ {n m : Nat}, Nat.succ n ≤ Nat.succ m → n ≤ m := @Nat.le_of_succ_le_succ
example : ∀ {m n : Nat}, m < Nat.succ n → m ≤ n := @Nat.le_of_lt_succ
example : ∀ {n m : Nat}, n ≤ m → n < Nat.succ m := @Nat.lt_succ_of_le
example : ∀ {n m : Nat}, n < m + 1 → n ≤ m := @Nat.le_of_lt_add_one
example : ∀ {n m : Nat}, n ≤ m → n < m + 1 := @Nat.lt_add_one_of_le
example : ∀ {n m : Nat}, Nat.succ n < Nat.succ m → n < m := @Nat.lt_of_succ_lt_succ
example : ∀ {n m : Nat}, n < m → Nat.succ n < Nat.succ m := @Nat.succ_lt_succ
example : ∀ (n : Nat), n ≤ Nat.succ n := @Nat.le_succ
example : ∀ (n : Nat), n ≤ n + 1 := @Nat.le_add_one
example : ∀ {n m : Nat}, n ≤ m → n ≤ Nat.succ m := @Nat.le_succ_of_le
example : ∀ {n m : Nat}, n ≤ m → n ≤ m + 1 := @Nat.le_add_one_of_le
example : ∀ {n m : Nat}, Nat.succ n ≤ m → n ≤ m := @Nat.le_of_succ_le
example : ∀ {n m : Nat}, n < m → n ≤ m := @Nat.le_of_lt
example : ∀ {n m : Nat}, n < m → Nat.succ n ≤ m := @Nat.succ_le_of_lt
example : ∀ {n m : Nat}, n < m → n + 1 ≤ m := @Nat.add_one_le_of_lt
example : ∀ {n m : Nat}, Nat.succ n ≤ m → n < m := @Nat.lt_of_succ_le
example : ∀ {n m : Nat}, n + 1 ≤ m → n < m := @Nat.lt_of_add_one_le
example : ∀ {m n : Nat}, Nat.succ m ≤ n ↔ m < n := @Nat.succ_le_iff
example : ∀ {m n : Nat}, m + 1 ≤ n ↔ m < n := @Nat.add_one_le_iff
example : ∀ {m n : Nat}, m < n ↔ m + 1 ≤ n := @Nat.lt_iff_add_one_le
example : ∀ {m n : Nat}, m < Nat.succ n ↔ m ≤ n := @Nat.lt_succ_iff
example : ∀ {m n : Nat}, m < n + 1 ↔ m ≤ n := @Nat.lt_add_one_iff
example : ∀ {a b : Nat}, Nat.succ a ≤ Nat.succ b ↔ a ≤ b := @Nat.succ_le_succ_iff
example : ∀ {a b : Nat}, Nat.succ a < Nat.succ b ↔ a < b := @Nat.succ_lt_succ_iff
example : ∀ (n : Nat), n < n + 1 := @Nat.lt_add_one
example : ∀ (n : Nat), n < Nat.succ n := @Nat.lt_succ_self
example : ∀ {n m : Nat}, n = m → n ≤ m := @Nat.le_of_eq
example : ∀ (n : Nat), ¬Nat.succ n ≤ 0 := @Nat.not_succ_le_zero
example : ∀ (n : Nat), ¬n < 0 := @Nat.not_lt_zero
example : ∀ (n : Nat), ¬n + 1 ≤ 0 := @Nat.not_add_one_le_zero
example : ∀ (n : Nat), ¬Nat.succ n ≤ n := @Nat.not_succ_le_self
example : ∀ (n : Nat), ¬n + 1 ≤ n := @Nat.not_add_one_le_self
example : ∀ (n : Nat), ¬n < n := @Nat.lt_irrefl
example : ∀ (n : Nat), 0 < Nat.succ n := @Nat.zero_lt_succ
example : ∀ (n : Nat), 0 < n + 1 := @Nat.zero_lt_add_one
example : ∀ (n : Nat), 0 < Nat.succ n := @Nat.succ_pos
example : ∀ (n : Nat), 0 < n + 1 := @Nat.add_one_pos
example : 0 < 1 := @Nat.zero_lt_one
example : 0 < 1 := @Nat.one_pos
example : 0 < 2 := @Nat.two_pos
example : ∀ {n : Nat}, n ≤ 0 → n = 0 := @Nat.eq_zero_of_le_zero
example : ∀ (a : Nat), (a ≤ 0) = (a = 0) := @Nat.le_zero_eq
example : ∀ {n : Nat}, n ≤ 0 ↔ n = 0 := @Nat.le_zero
example : ∀ {n m : Nat}, n ≤ m → n = m ∨ n < m := @Nat.eq_or_lt_of_le
example : ∀ {n m : Nat}, n ≤ m → n < m ∨ n = m := @Nat.lt_or_eq_of_le
example : ∀ (n m : Nat), n < m ∨ n ≥ m := @Nat.lt_or_ge
example : ∀ (m n : Nat), m ≤ n ∨ n ≤ m := @Nat.le_total
example : ∀ {n m k : Nat}, n < m → m ≤ k → n < k := @Nat.lt_of_lt_of_le
example : ∀ {n m k : Nat}, n ≤ m → m < k → n < k := @Nat.lt_of_le_of_lt
example : ∀ {n m k : Nat}, n < m → m < k → n < k := @Nat.lt_trans
example : ∀ {n m k : Nat}, n < m → m = k → n < k := @Nat.lt_of_lt_of_eq
example : ∀ {n m k : Nat}, n = m → m < k → n < k := @Nat.lt_of_eq_of_lt
example : ∀ {n m : Nat}, n ≤ m → m ≤ n → n = m := @Nat.le_antisymm
example : ∀ {a b : Nat}, a = b ↔ a ≤ b ∧ b ≤ a := @Nat.le_antisymm_iff
example : ∀ {n m : Nat}, n < m → ¬m < n := @Nat.lt_asymm
example : ∀ {a b : Nat}, b < a → a ≠ b := @Nat.ne_of_gt
example : ∀ {a b : Nat}, a < b → a ≠ b := @Nat.ne_of_lt
example : ∀ {n m : Nat}, n > m → ¬n ≤ m := @Nat.not_le_of_gt
example : ∀ {a b : Nat}, a < b → ¬b ≤ a := @Nat.not_le_of_lt
example : ∀ {n m : Nat}, n ≥ m → ¬n < m := @Nat.not_lt_of_ge
example : ∀ {a b : Nat}, a ≤ b → ¬b < a := @Nat.not_lt_of_le
example : ∀ {n m : Nat}, ¬n ≤ m → n > m := @Nat.gt_of_not_le
example : ∀ {n m : Nat}, ¬n ≥ m → n < m := @Nat.lt_of_not_ge
example : ∀ {a b : Nat}, ¬a ≤ b → b < a := @Nat.lt_of_not_le
example : ∀ {n m : Nat}, ¬n < m → n ≥ m := @Nat.ge_of_not_lt
example : ∀ {a b : Nat}, ¬a < b → b ≤ a := @Nat.le_of_not_lt
example : ∀ {a b : Nat}, ¬b > a → b ≤ a := @Nat.le_of_not_gt
example : ∀ {a b : Nat}, ¬b ≤ a → a ≤ b := @Nat.le_of_not_le
example : ∀ {n m : Nat}, ¬n ≤ m ↔ m < n := @Nat.not_le
example : ∀ {n m : Nat}, ¬n < m ↔ m ≤ n := @Nat.not_lt
example : ∀ {m n : Nat}, m < n ↔ m ≤ n ∧ ¬n ≤ m := @Nat.lt_iff_le_not_le
example : ∀ {a b : Nat}, a ≠ b → a < b ∨ a > b := @Nat.lt_or_gt_of_ne
example : ∀ (a b : Nat), a < b ∨ a = b ∨ b < a := @Nat.lt_trichotomy
example : ∀ {a b : Nat}, a ≠ b ↔ a < b ∨ b < a := @Nat.ne_iff_lt_or_gt
example : ∀ {a b : Nat}, a ≠ b ↔ a < b ∨ b < a := @Nat.lt_or_gt
example : ∀ {n m : Nat}, n ≤ m → ¬n = m → n < m := @Nat.lt_of_le_of_ne
example : ∀ {n m : Nat}, n ≤ m ↔ n < m ∨ n = m := @Nat.le_iff_lt_or_eq
example : ∀ {m n : Nat}, m < n ↔ m ≤ n ∧ m ≠ n := @Nat.lt_iff_le_and_ne
example : ∀ {m n : Nat}, m < Nat.succ n → m < n ∨ m = n := @Nat.lt_or_eq_of_lt_succ
example : ∀ {m n : Nat}, m ≤ Nat.succ n → m ≤ n ∨ m = Nat.succ n := @Nat.le_or_eq_of_le_succ
example : ∀ {n : Nat}, n ≠ 0 → 0 < n := @Nat.pos_of_ne_zero
example : ∀ {n : Nat}, 0 < n ↔ n ≠ 0 := @Nat.pos_iff_ne_zero
example : ∀ {n : Nat}, n ≠ 0 ↔ 0 < n := @Nat.ne_zero_iff_zero_lt
example : ∀ (n : Nat), n = 0 ∨ 0 < n := @Nat.eq_zero_or_pos
example : ∀ {a b : Nat}, b < a → a ≠ 0 := @Nat.ne_zero_of_lt
example : ∀ {n : Nat}, n < 1 ↔ n = 0 := @Nat.lt_one_iff
example : ∀ {n m : Nat}, n < m → 0 < m := @Nat.pos_of_lt
example : ∀ {n m : Nat}, Nat.succ n < m → n < m := @Nat.lt_of_succ_lt
example : ∀ {n : Nat}, n ≠ 0 → Nat.pred n < n := @Nat.pred_lt
example : ∀ (n : Nat), Nat.pred n ≤ n := @Nat.pred_le
example : ∀ (n k : Nat), n ≤ n + k := @Nat.le_add_right
example : ∀ (n m : Nat), n ≤ m + n := @Nat.le_add_left
example : ∀ {n m k : Nat}, n ≤ m → n ≤ m + k := @Nat.le_add_right_of_le
example : ∀ {n m k : Nat}, n ≤ m → n ≤ k + m := @Nat.le_add_left_of_le
example : ∀ {a b : Nat} (c : Nat), a < b → a < b + c := @Nat.lt_add_right
example : ∀ {a b : Nat} (c : Nat), a < b → a < c + b := @Nat.lt_add_left
example : ∀ {k n : Nat}, 0 < k → n < n + k := @Nat.lt_add_of_pos_right
example : ∀ {k n : Nat}, 0 < k → n < k + n := @Nat.lt_add_of_pos_left
example : ∀ {n k : Nat}, n < n + k ↔ 0 < k := @Nat.lt_add_right_iff_pos
example : ∀ {n k : Nat}, n < k + n ↔ 0 < k := @Nat.lt_add_left_iff_pos
example : ∀ {n m : Nat}, n ≤ m → ∃ (k : Nat), n + k = m := @Nat.le.dest
example : ∀ {n m k : Nat}, n + k = m → n ≤ m := @Nat.le.intro
example : ∀ {m n : Nat}, m ≤ n → ∃ (k : Nat), n = m + k := @Nat.exists_eq_add_of_le
example : ∀ {m n : Nat}, m ≤ n → ∃ (k : Nat), n = k + m := @Nat.exists_eq_add_of_le'
example : ∀ {m n : Nat}, m < n → ∃ (k : Nat), n = m + k + 1 := @Nat.exists_eq_add_of_lt
example : ∀ {n : Nat}, n ≠ 0 → ∃ (k : Nat), n = k + 1 := @Nat.exists_eq_add_one_of_ne_zero
example : ∀ {n m : Nat}, n ≤ m → ∀ (k : Nat), k + n ≤ k + m := @Nat.add_le_add_left
example : ∀ {n m : Nat}, n ≤ m → ∀ (k : Nat), n + k ≤ m + k := @Nat.add_le_add_right
example : ∀ {a b c d : Nat}, a ≤ b → c ≤ d → a + c ≤ b + d := @Nat.add_le_add
example : ∀ {n m : Nat}, n < m → ∀ (k : Nat), k + n < k + m := @Nat.add_lt_add_left
example : ∀ {n m : Nat}, n < m → ∀ (k : Nat), n + k < m + k := @Nat.add_lt_add_right
example : ∀ {a b c d : Nat}, a ≤ b → c < d → a + c < b + d := @Nat.add_lt_add_of_le_of_lt
example : ∀ {a b c d : Nat}, a < b → c ≤ d → a + c < b + d := @Nat.add_lt_add_of_lt_of_le
example : ∀ {a b c d : Nat}, a < b → c < d → a + c < b + d := @Nat.add_lt_add
example : ∀ {a b c : Nat}, a + b ≤ a + c → b ≤ c := @Nat.le_of_add_le_add_left
example : ∀ {a b c : Nat}, a + b ≤ c + b → a ≤ c := @Nat.le_of_add_le_add_right
example : ∀ {k n m : Nat}, k + n < k + m → n < m := @Nat.lt_of_add_lt_add_left
example : ∀ {k n m : Nat}, n + k < m + k → n < m := @Nat.lt_of_add_lt_add_right
example : ∀ {m k n : Nat}, n + m ≤ n + k ↔ m ≤ k := @Nat.add_le_add_iff_left
example : ∀ {m k n : Nat}, m + n ≤ k + n ↔ m ≤ k := @Nat.add_le_add_iff_right
example : ∀ {k n m : Nat}, k + n < k + m ↔ n < m := @Nat.add_lt_add_iff_left
example : ∀ {k n m : Nat}, n + k < m + k ↔ n < m := @Nat.add_lt_add_iff_right
example : ∀ {n m k : Nat}, n + k ≤ m → n ≤ m := @Nat.le_of_add_right_le
example : ∀ {n m k : Nat}, n + m ≤ k → m ≤ k := @Nat.le_of_add_left_le
example : ∀ {m : Nat}, 0 < m → ∀ (n : Nat), 0 < m + n := @Nat.add_pos_left
example : ∀ {n : Nat} (m : Nat), 0 < n → 0 < m + n := @Nat.add_pos_right
example : ∀ {m n : Nat} (k : Nat), m ≤ n → k * m ≤ k * n := @Nat.mul_le_mul_left
example : ∀ {m n : Nat} (k : Nat), m ≤ n → m * k ≤ n * k := @Nat.mul_le_mul_right
example : ∀ {p q m n : Nat}, p ≤ m → q ≤ n → p * q ≤ m * n := @Nat.mul_le_mul
example : ∀ {m n : Nat}, m > 0 → n > 0 → m * n > 0 := @Nat.mul_pos
example : ∀ {n m k : Nat}, n < m → k > 0 → k * n < k * m := @Nat.mul_lt_mul_of_pos_left
example : ∀ {m k n : Nat}, 0 < n → n * m = n * k → m = k := @Nat.eq_of_mul_eq_mul_left
example : ∀ {n m k : Nat}, 0 < m → n * m = k * m → n = k := @Nat.eq_of_mul_eq_mul_right
example : ∀ {m n : Nat}, m ≤ n → ∀ (i : Nat), m ^ i ≤ n ^ i := @Nat.pow_le_pow_left
example : ∀ {p : Nat}, 0 < p → ∀ {n : Nat}, 0 < p ^ n := @Nat.pow_pos
example : ∀ {b : Nat} (n : Nat), 0 < b → 0 < b ^ n := @Nat.pos_pow_of_pos
example : ∀ (n : Nat), Nat.ble n n = true := @Nat.ble_self_eq_true
example : ∀ {n m : Nat}, Nat.ble n m = true → Nat.ble n (Nat.succ m) = true := @Nat.ble_succ_eq_true
example : ∀ {n m : Nat}, n ≤ m → Nat.ble n m = true := @Nat.ble_eq_true_of_le
example : ∀ {n m : Nat}, Nat.ble n m = true → n ≤ m := @Nat.le_of_ble_eq_true
example : ∀ {n m : Nat}, ¬Nat.ble n m = true → ¬n ≤ m := @Nat.not_le_of_not_ble_eq_true
example : ∀ {x y : Nat}, (Nat.ble x y = true) = (x ≤ y) := @Nat.ble_eq
example : ∀ (n : Nat), n - 0 = n := @Nat.sub_zero
example : ∀ (n m : Nat), n - Nat.succ m = Nat.pred (n - m) := @Nat.sub_succ
example : ∀ (n : Nat), n - 1 = Nat.pred n := @Nat.sub_one
example : ∀ (a b c : Nat), a - (b + c) = a - b - c := @Nat.sub_add_eq
example : ∀ (n m k : Nat), n - m - k = n - (m + k) := @Nat.sub_sub
example : ∀ (n m : Nat), Nat.succ n - Nat.succ m = n - m := @Nat.succ_sub_succ_eq_sub
example : ∀ (n m : Nat), Nat.succ n - Nat.succ m = n - m := @Nat.succ_sub_succ
example : ∀ (n : Nat), n - n = 0 := @Nat.sub_self
example : ∀ (n : Nat), 0 - n = 0 := @Nat.zero_sub
example : ∀ (n k m : Nat), n + k - (m + k) = n - m := @Nat.add_sub_add_right
example : ∀ (k n m : Nat), k + n - (k + m) = n - m := @Nat.add_sub_add_left
example : ∀ (n m : Nat), n + m - m = n := @Nat.add_sub_cancel
example : ∀ (n m : Nat), n + m - n = m := @Nat.add_sub_cancel_left
example : ∀ (n : Nat), n + 1 - 1 = n := @Nat.add_one_sub_one
example : ∀ (n m : Nat), n - m ≤ n := @Nat.sub_le
example : ∀ {n m : Nat}, 0 < n → 0 < m → n - m < n := @Nat.sub_lt
example : ∀ {n m : Nat}, n ≤ m → n - m = 0 := @Nat.sub_eq_zero_of_le
example : ∀ {a b : Nat}, a ≤ b → a + (b - a) = b := @Nat.add_sub_of_le
example : ∀ {n m : Nat}, m ≤ n → n - m + m = n := @Nat.sub_add_cancel
example : ∀ {n m : Nat}, n - m = 0 → n ≤ m := @Nat.le_of_sub_eq_zero
example : ∀ {n m : Nat}, n - m = 0 ↔ n ≤ m := @Nat.sub_eq_zero_iff_le
example : ∀ {m k : Nat}, k ≤ m → ∀ (n : Nat), n + m - k = n + (m - k) := @Nat.add_sub_assoc
example : ∀ {a b c : Nat}, b ≤ a → a - b = c → a = c + b := @Nat.eq_add_of_sub_eq
example : ∀ {a b c : Nat}, a = c + b → a - b = c := @Nat.sub_eq_of_eq_add
example : ∀ {c a b : Nat}, b ≤ a → (a - b = c ↔ a = c + b) := @Nat.sub_eq_iff_eq_add
example : ∀ {n m : Nat}, n ≤ m → ∀ (k : Nat), n - k ≤ m - k := @Nat.sub_le_sub_right
example : ∀ {n m : Nat}, n ≤ m → ∀ (k : Nat), k - m ≤ k - n := @Nat.sub_le_sub_left
example : ∀ {m n : Nat}, m < n → 0 < n - m := @Nat.sub_pos_of_lt
example : ∀ {m n : Nat}, 0 < n - m → m < n := @Nat.lt_of_sub_pos
example : ∀ {m n : Nat}, 0 < n - m ↔ m < n := @Nat.sub_pos_iff_lt
example : ∀ (m n k : Nat), m - n - k = m - k - n := @Nat.sub_right_comm
example : ∀ {a b c : Nat}, a - b ≤ c ↔ a ≤ c + b := @Nat.sub_le_iff_le_add
example : ∀ (n m k : Nat), (n - m) * k = n * k - m * k := @Nat.sub_mul
example : ∀ (k m n : Nat), k * (m - n) = k * m - k * n := @Nat.mul_sub
example : ∀ (a b c : Nat), a - (b + c) = a - c - b := @Nat.Simproc.sub_add_eq_comm
example : ∀ (a c : Nat) {b d : Nat}, b ≤ d → a + b - (c + d) = a - (c + (d - b)) := @Nat.Simproc.add_sub_add_le
example : ∀ (a c : Nat) {b d : Nat}, b ≥ d → a + b - (c + d) = a + (b - d) - c := @Nat.Simproc.add_sub_add_ge
example : ∀ (a : Nat) {b c : Nat}, b ≤ c → a + b - c = a - (c - b) := @Nat.Simproc.add_sub_le
example : ∀ (a : Nat) {b c : Nat}, b > c → (a + b = c) = False := @Nat.Simproc.add_eq_gt
example : ∀ (a : Nat) {b c : Nat}, c > a → (a = b + c) = False := @Nat.Simproc.eq_add_gt
example : ∀ (a c : Nat) {b d : Nat}, b ≤ d → (a + b = c + d) = (a = c + (d - b)) := @Nat.Simproc.add_eq_add_le
example : ∀ (a c : Nat) {b d : Nat}, b ≥ d → (a + b = c + d) = (a + (b - d) = c) := @Nat.Simproc.add_eq_add_ge
example : ∀ (a : Nat) {b c : Nat}, b ≤ c → (a + b = c) = (a = c - b) := @Nat.Simproc.add_eq_le
example : ∀ {a : Nat} (b : Nat) {c : Nat}, c ≤ a → (a = b + c) = (b = a - c) := @Nat.Simproc.eq_add_le
example : ∀ {a b c d : Nat}, (a = b) = (c = d) → (a == b) = (c == d) := @Nat.Simproc.beqEqOfEqEq
example : ∀ {a b : Nat}, (a = b) = False → (a == b) = false := @Nat.Simproc.beqFalseOfEqFalse
example : ∀ {a b c d : Nat}, (a = b) = (c = d) → (a != b) = (c != d) := @Nat.Simproc.bneEqOfEqEq
example : ∀ {a b : Nat}, (a = b) = False → (a != b) = true := @Nat.Simproc.bneTrueOfEqFalse
example : ∀ (a c : Nat) {b d : Nat}, b ≤ d → (a + b ≤ c + d) = (a ≤ c + (d - b)) := @Nat.Simproc.add_le_add_le
example : ∀ (a c : Nat) {b d : Nat}, b ≥ d → (a + b ≤ c + d) = (a + (b - d) ≤ c) := @Nat.Simproc.add_le_add_ge
example : ∀ (a : Nat) {b c : Nat}, b ≤ c → (a + b ≤ c) = (a ≤ c - b) := @Nat.Simproc.add_le_le
example : ∀ (a : Nat) {b c : Nat}, b > c → (a + b ≤ c) = False := @Nat.Simproc.add_le_gt
example : ∀ (a : Nat) {b c : Nat}, a ≤ c → (a ≤ b + c) = True := @Nat.Simproc.le_add_le
example : ∀ (a : Nat) {b c : Nat}, a ≥ c → (a ≤ b + c) = (a - c ≤ b) := @Nat.Simproc.le_add_ge
example : ∀ {a b : Nat}, a + b = a ↔ b = 0 := @Nat.add_eq_left
example : ∀ {a b : Nat}, a + b = b ↔ a = 0 := @Nat.add_eq_right
example : ∀ {a b : Nat}, a = a + b ↔ b = 0 := @Nat.left_eq_add
example : ∀ {a b : Nat}, b = a + b ↔ a = 0 := @Nat.right_eq_add
example : ∀ {p : Nat → Prop} {n : Nat}, (∀ (m : Nat), m < n + 1 → p m) ↔ (∀ (m : Nat), m < n → p m) ∧ p n := @Nat.forall_lt_succ_right
example : ∀ {p : Nat → Prop} {n : Nat}, (∃ (m : Nat), m < n + 1 ∧ p m) ↔ (∃ (m : Nat), m < n ∧ p m) ∨ p n := @Nat.exists_lt_succ_right
example : ∀ {n m : Nat}, min n m = if n ≤ m then n else m := @Nat.min_def
example : ∀ {n m : Nat}, max n m = if n ≤ m then m else n := @Nat.max_def
example : ∀ {a b : Nat}, a ≤ b → min a b = a := @Nat.min_eq_left
example : ∀ {a b : Nat}, a ≤ b → max a b = b := @Nat.max_eq_right
example : ∀ {a b : Nat}, b ≤ a → min a b = b := @Nat.min_eq_right
example : ∀ {a b : Nat}, b ≤ a → max a b = a := @Nat.max_eq_left
example : ∀ (a b : Nat), min a b = min b a := @Nat.min_comm
example : ∀ (a b : Nat), max a b = max b a := @Nat.max_comm
example : ∀ (a b : Nat), min a b ≤ a := @Nat.min_le_left
example : ∀ (a b : Nat), min a b ≤ b := @Nat.min_le_right
example : ∀ (a b : Nat), a ≤ max a b := @Nat.le_max_left
example : ∀ (a b : Nat), b ≤ max a b := @Nat.le_max_right
example : ∀ {a b c : Nat}, a ≤ min b c ↔ a ≤ b ∧ a ≤ c := @Nat.le_min
example : ∀ {a b c : Nat}, max a b ≤ c ↔ a ≤ c ∧ b ≤ c := @Nat.max_le
example : ∀ (a : Nat), min a a = a := @Nat.min_self
example : ∀ (a : Nat), max a a = a := @Nat.max_self
example : ∀ (a : Nat), min 0 a = 0 := @Nat.zero_min
example : ∀ (a : Nat), min a 0 = 0 := @Nat.min_zero
example : ∀ (a : Nat), max 0 a = a := @Nat.zero_max
example : ∀ (a : Nat), max a 0 = a := @Nat.max_zero
example : ∀ (a : Nat), a ∣ a := @Nat.dvd_refl
example : ∀ (a : Nat), a ∣ 0 := @Nat.dvd_zero
example : ∀ (n : Nat), 1 ∣ n := @Nat.one_dvd
example : ∀ (a b : Nat), a ∣ b * a := @Nat.dvd_mul_left
example : ∀ (a b : Nat), a ∣ a * b := @Nat.dvd_mul_right
example : ∀ {a b c : Nat}, a ∣ b → b ∣ c → a ∣ c := @Nat.dvd_trans
example : ∀ {a b : Nat}, a ∣ b → ∀ (c : Nat), a ∣ c * b := @Nat.dvd_mul_left_of_dvd
example : ∀ {a b : Nat}, a ∣ b → ∀ (c : Nat), a ∣ b * c := @Nat.dvd_mul_right_of_dvd
example : ∀ {a : Nat}, 0 ∣ a → a = 0 := @Nat.eq_zero_of_zero_dvd
example : ∀ {n : Nat}, 0 ∣ n ↔ n = 0 := @Nat.zero_dvd
example : ∀ {a b c : Nat}, a ∣ b → a ∣ c → a ∣ b + c := @Nat.dvd_add
example : ∀ {k m n : Nat}, k ∣ m → k ∣ n → k ∣ m - n := @Nat.dvd_sub
example : ∀ {m k : Nat}, k ∣ m → ∀ {n : Nat}, k ∣ m + n ↔ k ∣ n := @Nat.dvd_add_right
example : ∀ {a b c d : Nat}, a ∣ b → c ∣ d → a * c ∣ b * d := @Nat.mul_dvd_mul
example : ∀ {m n : Nat}, 0 < n → m ∣ n → m ≤ n := @Nat.le_of_dvd
example : ∀ {m n : Nat}, m ∣ n → n ∣ m → m = n := @Nat.dvd_antisymm

/-! ## Init.List -/

example : ∀ {α : Type u_1}, List.length ([] : List α) = 0 := @List.length_nil
example : ∀ {α : Type u_1} {a : α}, List.length [a] = 1 := @List.length_singleton
example : ∀ {α : Type u_1} {a : α} {as : List α}, List.length (a :: as) = List.length as + 1 := @List.length_cons
example : ∀ {α : Type u_1} (as : List α), [] ++ as = as := @List.nil_append
example : ∀ {α : Type u_1} {a : α} {as bs : List α}, a :: as ++ bs = a :: (as ++ bs) := @List.cons_append
example : ∀ {α : Type u_1} (as : List α), as ++ [] = as := @List.append_nil
example : ∀ {α : Type u_1} {as bs : List α}, List.append as bs = as ++ bs := @List.append_eq
example : ∀ {α : Type u_1} (as bs cs : List α), as ++ bs ++ cs = as ++ (bs ++ cs) := @List.append_assoc
example : ∀ {α : Type u_1} (as : List α) (b : α) (bs : List α), as ++ b :: bs = as ++ [b] ++ bs := @List.append_cons
example : ∀ {α : Type u_1} {x : α} {l : List α}, [x] ++ l = x :: l := @List.singleton_append
example : ∀ {α : Type u_1} {as bs : List α}, List.length (as ++ bs) = List.length as + List.length bs := @List.length_append
example : ∀ {α : Type u_1} (a : α) (l : List α), a :: l ≠ [] := @List.cons_ne_nil
example : ∀ {α : Type u_1} (a : α) (l : List α), a :: l ≠ l := @List.cons_ne_self
example : ∀ {α : Type u_1} {h₁ h₂ : α} {t₁ t₂ : List α}, h₁ :: t₁ = h₂ :: t₂ → h₁ = h₂ := @List.head_eq_of_cons_eq
example : ∀ {α : Type u_1} {h₁ h₂ : α} {t₁ t₂ : List α}, h₁ :: t₁ = h₂ :: t₂ → t₁ = t₂ := @List.tail_eq_of_cons_eq
example : ∀ {α : Type u_1} (a : α) {l l' : List α}, a :: l = a :: l' ↔ l = l' := @List.cons_inj_right
example : ∀ {α : Type u_1} {l : List α}, List.length l = 0 → l = [] := @List.eq_nil_of_length_eq_zero
example : ∀ {α : Type u_1} {l : List α}, List.length l = 0 ↔ l = [] := @List.length_eq_zero_iff
example : ∀ {α : Type u_1} {l : List α}, l ≠ [] → 0 < List.length l := @List.length_pos_of_ne_nil
example : ∀ {α : Type u_1} {l : List α} {n : Nat}, List.length l = n + 1 → l ≠ [] := @List.ne_nil_of_length_eq_add_one
example : ∀ {α : Type u_1} {p q : List α}, p ++ q = [] ↔ p = [] ∧ q = [] := @List.append_eq_nil_iff
example : ∀ {α : Type u_1} {as bs cs : List α}, as ++ bs = as ++ cs → bs = cs := @List.append_cancel_left
example : ∀ {α : Type u_1} (as bs cs : List α), (as ++ bs = as ++ cs) = (bs = cs) := @List.append_cancel_left_eq
example : ∀ {α : Type u_1} {β : Type u_2} {f : α → β}, List.map f [] = [] := @List.map_nil
example : ∀ {α : Type u_1} {β : Type u_2} {f : α → β} {a : α} {l : List α}, List.map f (a :: l) = f a :: List.map f l := @List.map_cons
example : ∀ {α : Type u_1} {β : Type u_2} {as : List α} (f : α → β), List.length (List.map f as) = List.length as := @List.length_map
example : ∀ {α : Type u_1} {β : Type u_2} {f : α → β} {l₁ l₂ : List α}, List.map f (l₁ ++ l₂) = List.map f l₁ ++ List.map f l₂ := @List.map_append
example : ∀ {α : Type u_1} {β : Type u_2} {γ : Type u_3} {g : β → γ} {f : α → β} {l : List α}, List.map g (List.map f l) = List.map (g ∘ f) l := @List.map_map
example : ∀ {α : Type u_1}, List.map (id : α → α) = id := @List.map_id_fun
example : ∀ {α : Type u_1} (l : List α), List.map id l = l := @List.map_id
example : ∀ {α : Type u_1} {f : α → α}, (∀ (x : α), f x = x) → ∀ (l : List α), List.map f l = l := @List.map_id''
example : ∀ {α : Type u_1} {β : Type u_2} {f : α → β} {l : List α}, List.map f l = [] ↔ l = [] := @List.map_eq_nil_iff
example : ∀ {α : Type u_1}, List.reverse ([] : List α) = [] := @List.reverse_nil
example : ∀ {α : Type u_1} {as bs : List α}, List.reverseAux as bs = List.reverseAux as [] ++ bs := @List.reverseAux_eq_append
example : ∀ {α : Type u_1} {as bs : List α}, List.reverseAux as bs = List.reverse as ++ bs := @List.reverseAux_eq
example : ∀ {α : Type u_1} {a : α} {as : List α}, List.reverse (a :: as) = List.reverse as ++ [a] := @List.reverse_cons
example : ∀ {α : Type u_1} (a : α), List.reverse [a] = [a] := @List.reverse_singleton
example : ∀ {α : Type u_1} {as bs : List α}, List.reverse (as ++ bs) = List.reverse bs ++ List.reverse as := @List.reverse_append
example : ∀ {α : Type u_1} (as : List α), List.reverse (List.reverse as) = as := @List.reverse_reverse
example : ∀ {α : Type u_1} {as : List α}, List.length (List.reverse as) = List.length as := @List.length_reverse
example : ∀ {α : Type u_1} {β : Type u_2} {f : α → β} {l : List α}, List.map f (List.reverse l) = List.reverse (List.map f l) := @List.map_reverse
example : ∀ {α : Type u_1} {xs : List α}, List.reverse xs = [] ↔ xs = [] := @List.reverse_eq_nil_iff
example : ∀ {α : Type u_1} {xs ys : List α}, List.reverse xs = List.reverse ys ↔ xs = ys := @List.reverse_inj
example : ∀ {α : Type u_1} {a : α}, ¬a ∈ [] := @List.not_mem_nil
example : ∀ {α : Type u_1} {a b : α} {l : List α}, a ∈ b :: l ↔ a = b ∨ a ∈ l := @List.mem_cons
example : ∀ {α : Type u_1} {a : α} {l : List α}, a ∈ a :: l := @List.mem_cons_self
example : ∀ {α : Type u_1} (y : α) {a : α} {l : List α}, a ∈ l → a ∈ y :: l := @List.mem_cons_of_mem
example : ∀ {α : Type u_1} {a b : α} {l : List α}, a ∈ b :: l → a = b ∨ a ∈ l := @List.eq_or_mem_of_mem_cons
example : ∀ {α : Type u_1} {a b : α}, a ∈ [b] ↔ a = b := @List.mem_singleton
example : ∀ {α : Type u_1} {a : α} {s t : List α}, a ∈ s ++ t ↔ a ∈ s ∨ a ∈ t := @List.mem_append
example : ∀ {α : Type u_1} {a : α} {as : List α} (bs : List α), a ∈ as → a ∈ as ++ bs := @List.mem_append_left
example : ∀ {α : Type u_1} {b : α} {bs : List α} (as : List α), b ∈ bs → b ∈ as ++ bs := @List.mem_append_right
example : ∀ {α : Type u_1} {β : Type u_2} {f : α → β} {l : List α} {b : β}, b ∈ List.map f l ↔ ∃ (a : α), a ∈ l ∧ f a = b := @List.mem_map
example : ∀ {α : Type u_1} {β : Type u_2} {a : α} {l : List α} {f : α → β}, a ∈ l → f a ∈ List.map f l := @List.mem_map_of_mem
example : ∀ {α : Type u_1} {x : α} {as : List α}, x ∈ List.reverse as ↔ x ∈ as := @List.mem_reverse
example : ∀ {α : Type u_1} {a : α} {l : List α}, a ∈ l → l ≠ [] := @List.ne_nil_of_mem
example : ∀ {α : Type u_1} {a : α} {l : List α}, a ∈ l → ∃ (s : List α), ∃ (t : List α), l = s ++ a :: t := @List.append_of_mem
example : ∀ {α : Type u_1} {l : List α}, l = [] ↔ ∀ (a : α), ¬a ∈ l := @List.eq_nil_iff_forall_not_mem
example : ∀ {α : Type u_1} {p : α → Prop} {a : α} {l : List α}, (∀ (x : α), x ∈ a :: l → p x) ↔ p a ∧ ∀ (x : α), x ∈ l → p x := @List.forall_mem_cons
example : ∀ {α : Type u_1} {p : α → Bool}, List.filter p [] = [] := @List.filter_nil
example : ∀ {α : Type u_1} {p : α → Bool} {a : α} {l : List α}, p a = true → List.filter p (a :: l) = a :: List.filter p l := @List.filter_cons_of_pos
example : ∀ {α : Type u_1} {p : α → Bool} {a : α} {l : List α}, ¬p a = true → List.filter p (a :: l) = List.filter p l := @List.filter_cons_of_neg
example : ∀ {α : Type u_1} {p : α → Bool} (l₁ l₂ : List α), List.filter p (l₁ ++ l₂) = List.filter p l₁ ++ List.filter p l₂ := @List.filter_append
example : ∀ {α : Type u_1} (p : α → Bool) (l : List α), List.length (List.filter p l) ≤ List.length l := @List.length_filter_le
example : ∀ {α : Type u_1} {p : α → Bool} {as : List α} {x : α}, x ∈ List.filter p as ↔ x ∈ as ∧ p x = true := @List.mem_filter
example : ∀ {α : Type u_1} {β : Type u_2} {f : α → β → β} {b : β}, List.foldr f b [] = b := @List.foldr_nil
example : ∀ {α : Type u_1} {β : Type u_2} {a : α} {as : List α} {f : α → β → β} {b : β}, List.foldr f b (a :: as) = f a (List.foldr f b as) := @List.foldr_cons
example : ∀ {α : Type u_1} {β : Type u_2} {f : β → α → β} {b : β}, List.foldl f b [] = b := @List.foldl_nil
example : ∀ {α : Type u_1} {β : Type u_2} {a : α} {as : List α} {f : β → α → β} {b : β}, List.foldl f b (a :: as) = List.foldl f (f b a) as := @List.foldl_cons
example : ∀ {α : Type u_1} {β : Type u_2} {f : α → β → β} {b : β} {l l' : List α}, List.foldr f b (l ++ l') = List.foldr f (List.foldr f b l') l := @List.foldr_append
example : ∀ {α : Type u_1} {β : Type u_2} {f : β → α → β} {b : β} {l l' : List α}, List.foldl f b (l ++ l') = List.foldl f (List.foldl f b l) l' := @List.foldl_append
example : ∀ {α : Type u_1}, List.flatten ([] : List (List α)) = [] := @List.flatten_nil
example : ∀ {α : Type u_1} {l : List α} {L : List (List α)}, List.flatten (l :: L) = l ++ List.flatten L := @List.flatten_cons
example : ∀ {α : Type u_1} {a : α}, List.replicate 0 a = [] := @List.replicate_zero
example : ∀ {α : Type u_1} {a : α} {n : Nat}, List.replicate (n + 1) a = a :: List.replicate n a := @List.replicate_succ
example : ∀ {α : Type u_1} {n : Nat} {a : α}, List.length (List.replicate n a) = n := @List.length_replicate
example : ∀ {α : Type u_1} {l : List α}, List.take 0 l = [] := @List.take_zero
example : ∀ {α : Type u_1} {i : Nat}, List.take i ([] : List α) = [] := @List.take_nil
example : ∀ {α : Type u_1} {a : α} {as : List α} {i : Nat}, List.take (i + 1) (a :: as) = a :: List.take i as := @List.take_succ_cons
example : ∀ {α : Type u_1} {l : List α}, List.drop 0 l = l := @List.drop_zero
example : ∀ {α : Type u_1} {i : Nat}, List.drop i ([] : List α) = [] := @List.drop_nil
example : ∀ {α : Type u_1} {a : α} {l : List α} {i : Nat}, List.drop (i + 1) (a :: l) = List.drop i l := @List.drop_succ_cons
example : ∀ {α : Type u_1} (i : Nat) (l : List α), List.take i l ++ List.drop i l = l := @List.take_append_drop
example : ∀ {α : Type u_1}, List.head? ([] : List α) = none := @List.head?_nil
example : ∀ {α : Type u_1} {a : α} {l : List α}, List.head? (a :: l) = some a := @List.head?_cons
example : ∀ {α : Type u_1}, List.tail ([] : List α) = [] := @List.tail_nil
example : ∀ {α : Type u_1} {a : α} {as : List α}, List.tail (a :: as) = as := @List.tail_cons
example : ∀ {α : Type u_1} [inst : Add α] [inst_1 : OfNat α 0], List.sum ([] : List α) = 0 := @List.sum_nil
example : ∀ {α : Type u_1} [inst : Add α] [inst_1 : OfNat α 0] {a : α} {l : List α}, List.sum (a :: l) = a + List.sum l := @List.sum_cons
example : ∀ {α : Type u_1} (x : α), some x ≠ none := @Option.some_ne_none
example : ∀ {α : Type u_1} {a b : α}, some a = some b ↔ a = b := @Option.some_inj
example : ∀ {α : Type u_1} {β : Type u_2} (f : α → β), Option.map f none = none := @Option.map_none
example : ∀ {α : Type u_1} {β : Type u_2} (a : α) (f : α → β), Option.map f (some a) = some (f a) := @Option.map_some
example : ∀ {α : Type u_1} (a : α), Option.getD none a = a := @Option.getD_none
example : ∀ {α : Type u_1} (a b : α), Option.getD (some a) b = a := @Option.getD_some
example : ∀ {α : Type u_1}, Option.isSome (none : Option α) = false := @Option.isSome_none
example : ∀ {α : Type u_1} (a : α), Option.isSome (some a) = true := @Option.isSome_some

/-! ## Init.Arith -/

example : ∀ {α : Sort u_1} {r : α → α → Prop} {x y : α}, Acc r x → r y x → Acc r y := @Acc.inv
example : ∀ {α : Sort u_1} {r : α → α → Prop}, WellFounded r → ∀ (a : α), Acc r a := @WellFounded.apply
example : ∀ {α : Sort u_1} {r : α → α → Prop}, WellFounded r → ∀ {C : α → Prop} (a : α), (∀ (x : α), (∀ (y : α), r y x → C y) → C x) → C a := @WellFounded.induction
example : ∀ {α : Sort u_1} {r : α → α → Prop} {C : α → Sort u_2} (F : (x : α) → ((y : α) → r y x → C y) → C x) (x : α) (acx : Acc r x), WellFounded.fixF F x acx = F x fun (y : α) (p : r y x) => WellFounded.fixF F y (Acc.inv acx p) := @WellFounded.fixF_eq
example : ∀ {α : Sort u_1} {C : α → Sort u_2} {r : α → α → Prop} (hwf : WellFounded r) (F : (x : α) → ((y : α) → r y x → C y) → C x) (x : α), WellFounded.fix hwf F x = F x fun (y : α) (x : r y x) => WellFounded.fix hwf F y := @WellFounded.fix_eq
example : ∀ {α : Sort u_1} {r q : α → α → Prop} {a : α}, (∀ {x y : α}, q x y → r x y) → Acc r a → Acc q a := @Subrelation.accessible
example : ∀ {α : Sort u_1} {β : Sort u_2} {r : β → β → Prop} (f : α → β) {b : β}, Acc r b → ∀ (x : α), f x = b → Acc (InvImage r f) x := @InvImage.accAux
example : ∀ {α : Sort u_1} {β : Sort u_2} {r : β → β → Prop} (f : α → β), WellFounded r → WellFounded (InvImage r f) := @InvImage.wf
example : ∀ (n : Nat), Acc (fun (a b : Nat) => a < b) n := @Nat.lt_wf_acc
example : WellFounded fun (a b : Nat) => a < b := @Nat.lt_wfRel.wf
example : ∀ {p : Nat → Prop} (n : Nat), (∀ (n : Nat), (∀ (m : Nat), m < n → p m) → p n) → p n := @Nat.strong_induction_on
example : ∀ {p : Nat → Prop} (a : Nat), p 0 → (∀ (n : Nat), (∀ (m : Nat), m ≤ n → p m) → p (Nat.succ n)) → p a := @Nat.case_strong_induction_on
example : ∀ {m : Nat} {P : (n : Nat) → m ≤ n → Prop}, P m Nat.le.refl → (∀ (n : Nat) (hmn : m ≤ n), P n hmn → P (n + 1) (Nat.le.step hmn)) → ∀ (n : Nat) (hmn : m ≤ n), P n hmn := @Nat.le_induction
example : ∀ (x y : Nat), x / y = if 0 < y ∧ y ≤ x then (x - y) / y + 1 else 0 := @Nat.div_eq
example : ∀ (x y : Nat), x % y = if 0 < y ∧ y ≤ x then (x - y) % y else x := @Nat.mod_eq
example : ∀ {a b : Nat}, a < b → a / b = 0 := @Nat.div_eq_of_lt
example : ∀ {a b : Nat}, a < b → a % b = a := @Nat.mod_eq_of_lt
example : ∀ {b a : Nat}, 0 < b → b ≤ a → a / b = (a - b) / b + 1 := @Nat.div_eq_sub_div
example : ∀ {a b : Nat}, a ≥ b → a % b = (a - b) % b := @Nat.mod_eq_sub_mod
example : ∀ (b : Nat), b / 0 = 0 := @Nat.div_zero
example : ∀ (a : Nat), a % 0 = a := @Nat.mod_zero
example : ∀ (b : Nat), 0 / b = 0 := @Nat.zero_div
example : ∀ (b : Nat), 0 % b = 0 := @Nat.zero_mod
example : ∀ (x : Nat) {y : Nat}, y > 0 → x % y < y := @Nat.mod_lt
example : ∀ (m n : Nat), n * (m / n) + m % n = m := @Nat.div_add_mod
example : ∀ (m k : Nat), m % k + k * (m / k) = m := @Nat.mod_add_div
example : ∀ (m n : Nat), m / n * n ≤ m := @Nat.div_mul_le_self
example : ∀ (x y : Nat), x % y ≤ x := @Nat.mod_le
example : ∀ (x z : Nat), (x + z) % z = x % z := @Nat.add_mod_right
example : ∀ (x z : Nat), (x + z) % x = z % x := @Nat.add_mod_left
example : ∀ (n : Nat), n % n = 0 := @Nat.mod_self
example : ∀ (m n : Nat), m * n % m = 0 := @Nat.mul_mod_right
example : ∀ (m n : Nat), m * n % n = 0 := @Nat.mul_mod_left
example : ∀ (x : Nat) {z : Nat}, 0 < z → (x + z) / z = x / z + 1 := @Nat.add_div_right
example : ∀ (n : Nat) {m : Nat}, 0 < m → m * n / m = n := @Nat.mul_div_right
example : ∀ (m : Nat) {n : Nat}, 0 < n → m * n / n = m := @Nat.mul_div_left
example : ∀ (n : Nat), n / 1 = n := @Nat.div_one
example : ∀ (x : Nat), x % 1 = 0 := @Nat.mod_one
example : ∀ {n : Nat}, 0 < n → n / n = 1 := @Nat.div_self
example : ∀ (n : Nat), n % 2 = 0 ∨ n % 2 = 1 := @Nat.mod_two_eq_zero_or_one
example : ∀ {k n : Nat}, n % k = 0 → k ∣ n := @Nat.dvd_of_mod_eq_zero
example : ∀ {k n : Nat}, k ∣ n → n % k = 0 := @Nat.mod_eq_zero_of_dvd
example : ∀ {k n : Nat}, k ∣ n ↔ n % k = 0 := @Nat.dvd_iff_mod_eq_zero
example : ∀ {n m : Nat}, n ∣ m → n * (m / n) = m := @Nat.mul_div_cancel_left'
example : ∀ {m n : Nat}, (n % m == 0) = true → (m ∣ n) = True := @Nat.dvd_eq_true_of_mod_eq_zero
example : ∀ {m n : Nat}, (n % m != 0) = true → (m ∣ n) = False := @Nat.dvd_eq_false_of_mod_ne_zero
