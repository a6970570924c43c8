"""The paper's retrieval variant: of all files only those documents that suit the question best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lit_research.errors import UserError
from lit_research.methods.longcode.bm25 import Bm25
from lit_research.methods.longcode.counting import TokenCounter
from lit_research.methods.longcode.dumps import place_of_line
from lit_research.methods.longcode.items import LETTERS, Item, QuestionItem
from lit_research.methods.longcode.ladder_files import FilePool, ShownFile, query_of
from lit_research.methods.longcode.prompts import PromptStyle
from lit_research.methods.longcode.rungs import CONTEXT, Rung
from lit_research.methods.longcode.trees import SourceTree
from lit_research.ranges import COUNT, NOT_NEGATIVE, check_range
from lit_research.text import Encoder, embed


@dataclass(frozen=True)
class RetrievalSettings:
    """How documents are made and chosen; the numbers are those of the paper's code.

    Attributes:
        documents: that are shown.
        whole_below: a file of a question with at least so many tokens is split into chunks.
        chunk: characters of a chunk; it ends at a line break where there is one.
        overlap: characters that a chunk shares with the one before.

    Raises:
        UserError: a value is out of its range.
    """

    documents: int = 10
    whole_below: int = 50_000
    chunk: int = 50_000
    overlap: int = 10_000

    def __post_init__(self) -> None:
        where = "in RetrievalSettings"
        check_range(COUNT, where, documents=self.documents, chunk=self.chunk)
        check_range(COUNT, where, whole_below=self.whole_below)
        check_range(NOT_NEGATIVE, where, overlap=self.overlap)
        if self.overlap >= self.chunk:
            raise UserError(
                f"overlap is {self.overlap}, {where}; must be below chunk, {self.chunk}"
            )


@dataclass(frozen=True)
class Document:
    """Part of a file, or all of it.

    Attributes:
        file: as a prompt shows it.
        start: where the part begins in the file's text, in characters.
        text: the part.
    """

    file: ShownFile
    start: int
    text: str


class RetrievalLadder:
    """Gives each item one prompt: with the documents that suit it best, the best first.

    Args:
        trees: of the items, by name.
        counter: of tokens.
        bucket: longest prompt in tokens; a longer one is refused.
        settings: how documents are made and chosen.
        style: how items are put.
        encoder: makes the vectors by which documents are ranked, and is fitted to all files of
            all trees; None ranks by BM25.
        cache_dir: of the vectors; default as in ``cache_root``.
    """

    def __init__(
        self,
        trees: Mapping[str, SourceTree],
        counter: TokenCounter,
        bucket: int = 1_048_576,
        settings: RetrievalSettings | None = None,
        style: PromptStyle | None = None,
        encoder: Encoder | None = None,
        cache_dir: str | Path | None = None,
    ) -> None:
        check_range(COUNT, "in RetrievalLadder", bucket=bucket)
        self.bucket, self.counter, self.encoder = bucket, counter, encoder
        self.settings, self.style = settings or RetrievalSettings(), style or PromptStyle()
        self.cache_dir = cache_dir
        self._pool = FilePool(trees, counter, "random", 0)
        if encoder is not None:
            encoder.fit(text for tree in trees.values() for text in tree.shown().values())
        self._rankers: dict[tuple[str, bool, bool], tuple[list[Document], _Ranker]] = {}

    def rungs(self, item: Item) -> list[Rung]:
        """Return an item with its documents."""
        documents = self.documents(item)
        code = "\n\n".join(document.text for document in documents)
        rotations = range(len(LETTERS) if isinstance(item, QuestionItem) else 1)
        parts = [self.style.parts(item, code, rotation) for rotation in rotations]
        counts = tuple(self.counter.count(["".join(part) for part in parts]))
        context = parts[0][0] if len({part[0] for part in parts}) == 1 else ""
        rests = tuple("".join(part)[len(context) :] for part in parts)
        refusal = None if max(counts) <= self.bucket else CONTEXT
        names = tuple(document.file.name for document in documents)
        depth = _depth(item, documents, code)
        return [Rung(self.bucket, context, rests, counts, names, depth, refusal)]

    def documents(self, item: Item) -> list[Document]:
        """Return the documents that are shown, the best first."""
        numbered, is_split = self.style.numbered(item), isinstance(item, QuestionItem)
        key = (item.tree, numbered, is_split)
        if key not in self._rankers:
            found = [
                document
                for file in self._pool.files(item.tree, numbered=numbered)
                for document in (self._split(file) if is_split else [Document(file, 0, file.text)])
            ]
            ranker = _Ranker([one.text for one in found], self.encoder, self.cache_dir)
            self._rankers[key] = found, ranker
        found, ranker = self._rankers[key]
        order = ranker.ranking(query_of(item))[: self.settings.documents]
        return [found[index] for index in order]

    def _split(self, file: ShownFile) -> list[Document]:
        if file.tokens < self.settings.whole_below:
            return [Document(file, 0, file.text)]
        found, start, text = [], 0, file.text
        while start < len(text):
            end = min(start + self.settings.chunk, len(text))
            if end < len(text):
                # A chunk must end after the overlap, or the next one would begin no later.
                line = text.rfind("\n", start + self.settings.overlap + 1, end)
                end = line + 1 if line >= 0 else end
            found.append(Document(file, start, text[start:end]))
            start = end - self.settings.overlap if end < len(text) else end
        return found


class _Ranker:
    """Ranks the documents of one tree."""

    def __init__(
        self, texts: Sequence[str], encoder: Encoder | None, cache_dir: str | Path | None
    ) -> None:
        self.encoder = encoder
        if encoder is None:
            self._bm25 = Bm25(texts)
            return
        from datasets import Dataset

        ids = [str(number) for number in range(len(texts))]
        rows = Dataset.from_dict({"text": list(texts), "id": ids})
        self._vectors = np.asarray(embed(rows, encoder, cache_dir=cache_dir), dtype=np.float32)

    def ranking(self, query: str) -> list[int]:
        if self.encoder is None:
            return self._bm25.ranking(query)
        [vector] = self.encoder.encode([query])
        lengths = np.linalg.norm(self._vectors, axis=1) * np.linalg.norm(vector)
        cosines = self._vectors @ vector / np.maximum(lengths, np.finfo(np.float32).tiny)
        return np.argsort(-cosines, kind="stable").tolist()


def _depth(item: Item, documents: Sequence[Document], code: str) -> float | None:
    """Return the share of the code before the first shown line of evidence; None if none is."""
    before = 0
    for document in documents:
        lines = [span.first for span in item.evidence if span.file == document.file.path]
        # A mark is above the first line.
        places = [place_of_line(document.file.text, line + 1) - document.start for line in lines]
        inside = [place for place in places if 0 <= place < len(document.text)]
        if inside:
            return (before + min(inside)) / max(len(code), 1)
        before += len(document.text) + 2
    return None
