"""Megadocs: long synthetic documents, made of a document and the rephrases or thoughts of it."""

from lit_research.methods.megadocs.accounting import (
    Account,
    Passes,
    count,
    count_passes,
    total_steps,
)
from lit_research.methods.megadocs.answers import AnswerReader, Reading
from lit_research.methods.megadocs.building import Building
from lit_research.methods.megadocs.core import (
    Megadoc,
    Piece,
    Source,
    cuts,
    simple,
    stitch,
    stretch,
)
from lit_research.methods.megadocs.data import MegadocCorpus
from lit_research.methods.megadocs.generators import (
    Generator,
    LatentThoughts,
    Rephrase,
    RuleEngine,
    RuleRephraser,
    SentenceOrder,
)
from lit_research.methods.megadocs.module import MegadocWriter
from lit_research.methods.megadocs.records import Records
from lit_research.methods.megadocs.records_corpus import RecordsCorpus
from lit_research.methods.megadocs.shuffling import shuffle_pieces
from lit_research.methods.megadocs.splitting import SplitText, TextSplitter

__all__ = [
    "Account",
    "AnswerReader",
    "Building",
    "Generator",
    "LatentThoughts",
    "Megadoc",
    "MegadocCorpus",
    "MegadocWriter",
    "Passes",
    "Piece",
    "Reading",
    "Records",
    "RecordsCorpus",
    "Rephrase",
    "RuleEngine",
    "RuleRephraser",
    "SentenceOrder",
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
