"""A corpus of Lean statements: seeded families of true ones, theorems from files, and their words.

Nothing here runs Lean or depends on a method.
"""

from lit_research.lean.corpus.families import FAMILIES, LEVELS, SPLITS, embedded_targets
from lit_research.lean.corpus.formulas import statement_key
from lit_research.lean.corpus.pretokenize import LAYOUT_WORDS, from_words, to_words
from lit_research.lean.corpus.theorem_files import LEANDOJO, Theorem, read_theorems
from lit_research.lean.corpus.tokenizer import WORDS, word_tokenizer
from lit_research.lean.corpus.variations import vary, with_alternatives

__all__ = [
    "FAMILIES",
    "LAYOUT_WORDS",
    "LEANDOJO",
    "LEVELS",
    "SPLITS",
    "WORDS",
    "Theorem",
    "embedded_targets",
    "from_words",
    "read_theorems",
    "statement_key",
    "to_words",
    "vary",
    "with_alternatives",
    "word_tokenizer",
]
