"""Megadocs: long synthetic documents, made of a document and the rephrases or thoughts of it."""

from lit_research.methods.megadocs.accounting import (
    Account,
    Passes,
    count,
    count_passes,
    total_steps,
)
from lit_research.methods.megadocs.core import Megadoc, Piece, Source, cuts, simple, stitch, stretch
from lit_research.methods.megadocs.records import Records
from lit_research.methods.megadocs.records_corpus import RecordsCorpus
from lit_research.methods.megadocs.shuffling import shuffle_pieces
from lit_research.methods.megadocs.splitting import SplitText, TextSplitter

__all__ = [
    "Account",
    "Megadoc",
    "Passes",
    "Piece",
    "Records",
    "RecordsCorpus",
    "Source",
    "SplitText",
    "TextSplitter",
    "count",
    "count_passes",
    "cuts",
    "shuffle_pieces",
    "simple",
    "stitch",
    "stretch",
    "total_steps",
]
