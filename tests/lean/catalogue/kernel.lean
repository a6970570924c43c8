/-
The kernel evaluates these functions with big numbers when their arguments are literals; the
library defines them by recursion. Were the two ever to differ, `False` would have a proof without
axioms. Each line lets the recursion and the kernel meet: the left side unfolds, since one argument
is not a literal until the defining equation has been used.
-/
set_option linter.all false

-- The same function under another name, without the kernel's help, on every small pair.
def add' : Nat → Nat → Nat
  | n, .zero => n
  | n, .succ m => .succ (add' n m)
def mul' : Nat → Nat → Nat
  | _, .zero => .zero
  | n, .succ m => add' (mul' n m) n
def sub' : Nat → Nat → Nat
  | n, .zero => n
  | n, .succ m => (sub' n m).pred
def pow' (m : Nat) : Nat → Nat
  | .zero => .succ .zero
  | .succ n => mul' (pow' m n) m
theorem add_agrees : ∀ a, a < 8 → ∀ b, b < 8 → Nat.add a b = add' a b := by decide
theorem mul_agrees : ∀ a, a < 8 → ∀ b, b < 8 → Nat.mul a b = mul' a b := by decide
theorem sub_agrees : ∀ a, a < 8 → ∀ b, b < 8 → Nat.sub a b = sub' a b := by decide
theorem pow_agrees : ∀ a, a < 4 → ∀ b, b < 4 → Nat.pow a b = pow' a b := by decide
theorem beq_agrees : ∀ a, a < 8 → ∀ b, b < 8 → Nat.beq a b = decide (sub' a b = 0 ∧ sub' b a = 0) := by decide
theorem ble_agrees : ∀ a, a < 8 → ∀ b, b < 8 → Nat.ble a b = decide (sub' a b = 0) := by decide

-- Division and its kin are defined with fuel: the recursion runs on more fuel than it needs.
theorem div_agrees : ∀ a, a < 12 → ∀ b, b < 5 → Nat.div a (b + 1) = Nat.div.go (b + 1) 20 a := by decide
theorem mod_agrees : ∀ a, a < 12 → ∀ b, b < 5 → Nat.mod a (b + 1) = Nat.modCore.go (b + 1) 20 a := by decide
theorem gcd_agrees : ∀ a, a < 13 → ∀ b, b < 13 → Nat.gcd a b = Nat.gcd.go 20 a b := by decide
theorem land_agrees : ∀ a, a < 9 → ∀ b, b < 9 → Nat.land a b = Nat.bitwise.go Bool.and 20 a b := by decide
theorem lor_agrees : ∀ a, a < 9 → ∀ b, b < 9 → Nat.lor a b = Nat.bitwise.go Bool.or 20 a b := by decide
theorem xor_agrees : ∀ a, a < 9 → ∀ b, b < 9 → Nat.xor a b = Nat.bitwise.go bne 20 a b := by decide
theorem log2_agrees : ∀ a, a < 40 → Nat.log2 a = Nat.log2.go 50 a := by decide
theorem shiftLeft_agrees : ∀ a, a < 9 → ∀ b, b < 5 → Nat.shiftLeft a b = mul' a (pow' 2 b) := by decide
theorem shiftRight_agrees : ∀ a, a < 40 → ∀ b, b < 5 → Nat.shiftRight a b = Nat.div.go (pow' 2 b) 50 a := by decide
theorem zero_cases : Nat.div 7 0 = 0 ∧ Nat.mod 7 0 = 7 ∧ Nat.gcd 0 5 = 5 ∧ Nat.gcd 5 0 = 5 ∧
    Nat.log2 0 = 0 ∧ Nat.log2 1 = 0 ∧ Nat.pow 0 0 = 1 := by decide
theorem big : Nat.gcd (2 ^ 100) (6 ^ 50) = 2 ^ 50 ∧ Nat.land (2 ^ 70 - 1) (2 ^ 64) = 2 ^ 64 := by decide

-- A name that the kernel treats in a special way cannot be given another meaning.
-- fails: already been declared
def Nat.gcd (a b : Nat) : Nat := 0
-- fails: already been declared
def Nat.log2 (a : Nat) : Nat := 0
-- fails: already been declared
def Lean.reduceBool (b : Bool) : Bool := b
-- fails: already been declared
def Lean.reduceNat (n : Nat) : Nat := n

-- The code generator's markers prove nothing.
-- fails: uses unsafe declaration
theorem by_marker : False := lcProof
-- fails: uses unsafe declaration
theorem by_unreachable : False := lcUnreachable
-- fails: uses unsafe declaration
theorem by_reduce : ∃ b, Lean.reduceBool true = b := ⟨_, rfl⟩
-- fails: non positive occurrence
inductive Bad | mk (f : Bad → False)
