/-
The core library: what a Lean file imports unless it says `prelude`.
-/
prelude
import Init.Options
