/-
What `#print axioms` says of representative theorems: nothing beyond the three axioms of Lean.
-/
set_option linter.all false
theorem audited (p q : Prop) (h : ¬(p ∧ q)) : ¬p ∨ ¬q := by
  by_cases hp : p
  · exact Or.inr fun hq => h ⟨hp, hq⟩
  · exact Or.inl hp
theorem audited_simp (n : Nat) : n * 1 + 0 = 0 + n := by simp
theorem audited_decide : 123456789 * 987654321 = 121932631112635269 := by decide
theorem audited_ac (a b c : Nat) : a + b + c = c + b + a := by ac_rfl
#print axioms audited
#print axioms audited_simp
#print axioms audited_decide
#print axioms audited_ac
#print axioms Nat.add_comm
#print axioms Nat.mod_lt
#print axioms Nat.div_add_mod
#print axioms Nat.decidableBallLT
#print axioms List.map_reverse
#print axioms List.reverse_reverse
#print axioms List.mem_filter
#print axioms Classical.em
#print axioms Classical.not_forall
#print axioms funext
#print axioms Lean.Data.AC.Context.eq_of_norm
#print axioms Nat.strongRecOn
