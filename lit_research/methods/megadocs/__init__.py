"""Synthetic megadocs: rephrases and thoughts of a document as one long document."""

from lit_research.methods.megadocs.records import Records
from lit_research.methods.megadocs.records_corpus import RecordsCorpus

__all__ = ["Records", "RecordsCorpus"]
