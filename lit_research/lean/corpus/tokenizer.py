"""A tokenizer of whole words, for models too small to spell: Lean's tokens, one id each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lit_research.lean.corpus.expressions import (
    FUNCTIONS,
    HYPOTHESES,
    NAME,
    NUMERALS,
    VARIABLES,
)
from lit_research.lean.corpus.pretokenize import LAYOUT_WORDS
from lit_research.text import END_OF_TEXT

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

UNKNOWN = "<unk>"
_MULTIPLE = 8  # of the vocabulary's size, for fast matrix products

_SYMBOLS = """
    ( ) [ ] ⟨ ⟩ : := , ; | . _ ? ∧ ∨ ¬ → ↔ = ≠ ≤ < ≥ > ∈ ∉ ∀ ∃ + * ++ :: => ← <;>
"""
_TYPES = "Prop Nat List True False"
_TACTICS = """
    apply assumption at by by_cases cases with congr constructor contradiction decide exact exfalso
    exists first fun have induction injection intro left obtain omega rcases refine repeat rfl right
    rintro rw show simp simp_all simpa specialize split subst symm trivial only
"""
_LEMMAS = """
    And.intro Or.inl Or.inr Or.elim Iff.intro Iff.symm Iff.trans absurd Classical.em
    Classical.byContradiction Eq.symm Eq.trans congrArg Ne.symm Nat.add_comm Nat.add_assoc
    Nat.add_left_comm Nat.add_right_comm Nat.add_zero Nat.zero_add Nat.add_succ Nat.succ_add
    Nat.mul_comm Nat.mul_assoc Nat.mul_left_comm Nat.mul_zero Nat.zero_mul Nat.mul_one Nat.one_mul
    Nat.mul_add Nat.add_mul Nat.mul_succ Nat.succ_mul Nat.two_mul Nat.mul_two Nat.add_left_cancel
    Nat.add_right_cancel Nat.succ_ne_zero Nat.le_refl Nat.le_trans Nat.le_antisymm Nat.le_total
    Nat.le_of_lt Nat.le_of_eq Nat.lt_trans Nat.lt_of_lt_of_le Nat.lt_of_le_of_lt Nat.lt_irrefl
    Nat.not_lt Nat.not_le Nat.not_lt_of_le Nat.not_le_of_lt Nat.le_of_not_lt Nat.zero_le
    Nat.zero_lt_succ Nat.le_succ Nat.lt_succ_self Nat.succ_le_of_lt Nat.succ_le_succ
    Nat.le_add_right Nat.le_add_left Nat.le_add_right_of_le Nat.le_succ_of_le Nat.add_le_add
    Nat.add_le_add_left Nat.add_le_add_right Nat.add_lt_add_left Nat.add_lt_add_right
    Nat.mul_le_mul Nat.mul_le_mul_left Nat.mul_le_mul_right Nat.add_lt_add_of_lt_of_le
    Nat.add_lt_add_of_le_of_lt Nat.le_of_lt_succ Nat.lt_succ_of_le List.append_nil List.nil_append
    List.append_assoc List.cons_append List.length_append List.length_reverse List.length_map
    List.length_cons List.length_nil List.reverse_append List.reverse_reverse List.reverse_cons
    List.reverse_nil List.map_append List.map_reverse List.map_map List.map_cons List.map_nil
    List.mem_append List.mem_reverse List.mem_reverse.mpr List.mem_cons List.mem_map
    List.mem_append_left List.mem_append_right List.mem_cons_of_mem List.mem_map_of_mem
"""
WORDS: tuple[str, ...] = tuple(
    dict.fromkeys(
        [
            *_SYMBOLS.split(),
            *("theorem", NAME),
            *_TYPES.split(),
            *(name for names in VARIABLES.values() for name in names),
            *HYPOTHESES,
            *NUMERALS,
            *FUNCTIONS,
            *_TACTICS.split(),
            *_LEMMAS.split(),
        ]
    )
)
"""Words of the embedded statements and of proofs of them, each a token."""


def word_tokenizer(
    words: Sequence[str] = WORDS, markers: Sequence[str] = LAYOUT_WORDS
) -> PreTrainedTokenizerFast:
    """Return a tokenizer with an id for each word; words are what spaces separate.

    Ids: ``<|endoftext|>`` 0, ``<unk>`` 1, the markers, then the words in their order, then unused
    entries up to a multiple of 8. Text comes back with one space between words.

    Args:
        words: the vocabulary; repeated ones count once.
        markers: words that are not Lean's, such as those of a prompt and of the layout.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    entries = list(dict.fromkeys([END_OF_TEXT, UNKNOWN, *markers, *words]))
    entries += [f"<unused{i}>" for i in range(-len(entries) % _MULTIPLE)]
    vocabulary = {word: i for i, word in enumerate(entries)}
    tokenizer = Tokenizer(models.WordLevel(vocab=vocabulary, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END_OF_TEXT,
        unk_token=UNKNOWN,
        clean_up_tokenization_spaces=False,
    )
