"""Text: documents -> tokens -> batches.

``load_documents`` reads any source, ``split_documents`` splits by document, ``load_tokenizer`` and
``tokenize`` make a ``TokenStore``; ``Windows`` (or a ``Mixture`` of them, or ``StreamingWindows``)
cut batches from it, ``ShardedSampler`` orders them, and ``make_loader`` loads them, resumable
after any batch. ``find_duplicates`` and ``find_overlap`` find near-duplicates among documents,
``find_fuzzy_duplicates`` among questions, ``decontaminate`` leaks of evaluations; ``embed`` makes
vectors of documents, an ``Index`` searches them and ``PairFinder`` pairs them. ``datasets``,
``transformers`` and ``tokenizers`` are imported where they are used.
"""

from lit_research.labels import IGNORE
from lit_research.storage import cache_root
from lit_research.text.approximate import FaissIndex
from lit_research.text.baselines import bigram_cross_entropy, unigram_cross_entropy
from lit_research.text.cache import TokenStore, tokenize
from lit_research.text.columns import Unreadable
from lit_research.text.corpora import load_documents, load_splits
from lit_research.text.decontaminate import Decontamination, Leak, decontaminate
from lit_research.text.documents import fingerprint, split_documents, split_stream, write_documents
from lit_research.text.duplicates import (
    Duplicate,
    Duplicates,
    find_duplicates,
    find_overlap,
)
from lit_research.text.embed import Encoder, Tfidf, embed, make_encoder
from lit_research.text.embedded import embedded_card
from lit_research.text.evaluation_sets import EvaluationSet, load_evaluation_set
from lit_research.text.fuzzy import (
    FuzzyDuplicates,
    find_exact_duplicates,
    find_fuzzy_duplicates,
)
from lit_research.text.grouped import GroupedDocuments
from lit_research.text.length_groups import LengthGroupedSampler
from lit_research.text.loaders import make_loader
from lit_research.text.minhash import MinHash
from lit_research.text.mixture import Mixture, MixtureComponent
from lit_research.text.model_encoders import SentenceTransformersEncoder, TransformersEncoder
from lit_research.text.neighbours import ExactIndex, Index, recall
from lit_research.text.normalisation import Normalisation
from lit_research.text.packing import Windows
from lit_research.text.pairs import IndexCallable, PairFinder, Pairs, split_pairs
from lit_research.text.sampling import ShardedSampler, permutation
from lit_research.text.sources import AnySource, DocumentSource, vocabulary_of
from lit_research.text.streaming import StreamingWindows
from lit_research.text.tokenizers import END_OF_TEXT, load_tokenizer, vocabulary_size
from lit_research.text.trove import datatrove_reader, datatrove_writer, write_shards

__all__ = [
    "END_OF_TEXT",
    "IGNORE",
    "AnySource",
    "Decontamination",
    "DocumentSource",
    "Duplicate",
    "Duplicates",
    "Encoder",
    "EvaluationSet",
    "ExactIndex",
    "FaissIndex",
    "FuzzyDuplicates",
    "GroupedDocuments",
    "Index",
    "IndexCallable",
    "Leak",
    "LengthGroupedSampler",
    "MinHash",
    "Mixture",
    "MixtureComponent",
    "Normalisation",
    "PairFinder",
    "Pairs",
    "SentenceTransformersEncoder",
    "ShardedSampler",
    "StreamingWindows",
    "Tfidf",
    "TokenStore",
    "TransformersEncoder",
    "Unreadable",
    "Windows",
    "bigram_cross_entropy",
    "cache_root",
    "datatrove_reader",
    "datatrove_writer",
    "decontaminate",
    "embed",
    "embedded_card",
    "find_duplicates",
    "find_exact_duplicates",
    "find_fuzzy_duplicates",
    "find_overlap",
    "fingerprint",
    "load_documents",
    "load_evaluation_set",
    "load_splits",
    "load_tokenizer",
    "make_encoder",
    "make_loader",
    "permutation",
    "recall",
    "split_documents",
    "split_pairs",
    "split_stream",
    "tokenize",
    "unigram_cross_entropy",
    "vocabulary_of",
    "vocabulary_size",
    "write_documents",
    "write_shards",
]
