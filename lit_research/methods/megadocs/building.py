"""From a folder of generated texts to a folder of synthetic documents."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lit_research.errors import UserError
from lit_research.messages import announce
from lit_research.methods.megadocs.accounting import Account, count
from lit_research.methods.megadocs.answers import AnswerReader
from lit_research.methods.megadocs.core import Megadoc, Real, Source, simple, stitch, stretch
from lit_research.methods.megadocs.shuffling import shuffle_pieces
from lit_research.methods.megadocs.splitting import TextSplitter
from lit_research.ranges import COUNT, check_range
from lit_research.seeds import derive_seed
from lit_research.storage import writing
from lit_research.text import write_documents
from lit_research.text.documents import CARD, fingerprint

if TYPE_CHECKING:
    from datasets import Dataset

Form = Literal["simple", "stitched", "stretched", "shuffled"]
FORMS: tuple[Form, ...] = ("simple", "stitched", "stretched", "shuffled")
_BATCH = 1000  # rows written at a time


@dataclass(frozen=True)
class Building:
    """What is made of a document and its texts.

    Args:
        form: ``simple`` (each rephrase by itself), ``stitched``, ``stretched`` (by thoughts) or
            ``shuffled`` (the control of stitched: its pieces exchanged between documents).
        real: where a stitched document has the real one: ``last``, ``first`` or ``none``.
        order: of the rephrases: ``given``, or ``random`` (other in each document).
        separator: text between two texts of a stitched document.
        opening: text before each thought.
        closing: text after each thought.
        generations: texts of a document to use at most, the first ones; None: all.
        seed: of random orders and of the exchange.

    Raises:
        UserError: an option is none of these, or would have no effect.
    """

    form: Form = "stitched"
    real: Real | None = None
    order: Literal["given", "random"] | None = None
    separator: str | None = None
    opening: str | None = None
    closing: str | None = None
    generations: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        where = "in model.init_args.building"
        if self.form not in FORMS:
            raise UserError(f"form is {self.form!r}, {where}; must be {', '.join(FORMS)}")
        check_range(COUNT, where, generations=self.generations)
        of_form = {"stitched": ("real", "order", "separator"), "stretched": ("opening", "closing")}
        of_form["shuffled"] = of_form["stitched"]
        for name in ("real", "order", "separator", "opening", "closing"):
            if getattr(self, name) is not None and name not in of_form.get(self.form, ()):
                raise UserError(
                    f"{name} is {getattr(self, name)!r} with form {self.form}, {where}; leave it "
                    "out, since it has no effect"
                )

    @property
    def takes(self) -> str:
        """The kind of texts that it is made of."""
        return "thought" if self.form == "stretched" else "rephrase"


class Builder:
    """Reads the texts of each document, and makes synthetic documents of them.

    Args:
        building: what to make.
        reader: reads the answers.
        splitter: splits texts by tokens.
        documents: the real documents, with ``id`` and ``text``.
        texts: the generated ones, with ``text``, ``source_id``, and, where a generator of this
            package wrote them, ``number`` and ``finish_reason``.
        asked: thoughts asked for, G; for stretched documents.
    """

    def __init__(
        self,
        building: Building,
        reader: AnswerReader,
        splitter: TextSplitter,
        documents: Dataset,
        texts: Dataset,
        asked: int | None = None,
    ) -> None:
        self.building, self.reader, self.splitter = building, reader, splitter
        self.documents, self.texts, self.asked = documents, texts, asked
        self.readings = Counter[str]()
        self.left_out = 0
        self.separator = splitter(building.separator or "\n\n").tokens
        self.tags = tuple(
            splitter(tag).tokens
            for tag in (
                "<think>" if building.opening is None else building.opening,
                "</think>" if building.closing is None else building.closing,
            )
        )

    def megadocs(self) -> Iterator[Megadoc[str]]:
        """Iterate over the synthetic documents, whose tokens are characters.

        Raises:
            UserError: no text is usable.
        """
        if self.building.form != "shuffled":
            yield from self._each()
            return
        yield from shuffle_pieces(list(self._each()), derive_seed(self.building.seed, "shuffled"))

    def _each(self) -> Iterator[Megadoc[str]]:
        rows = defaultdict[str, list[int]](list)
        for row, source in enumerate(self.texts["source_id"]):
            rows[source].append(row)
        for document in self.documents.select_columns(["id", "text"]):
            texts = self._read(document["text"], self.texts.select(rows[document["id"]]))
            if not any(text is not None for text in texts):
                self.left_out += 1
                continue
            split = self.splitter(document["text"])
            pieces = [None if text is None else self.splitter(text).tokens for text in texts]
            yield from self._made(document["id"], split, pieces)
        if not self.readings["used"]:
            reasons = ", ".join(f"{n}x {reason}" for reason, n in self.readings.most_common() if n)
            raise UserError(
                f"none of {len(self.texts)} generated texts is usable for the "
                f"{len(self.documents)} documents ({reasons or 'they are of other documents'}), in "
                "the texts of megadocs; must be texts whose source_id is the id of a document"
            )

    def _read(self, source: str, rows: Dataset) -> list[str | None]:
        """Return the usable texts of a document; for thoughts one for each cut, None if refused."""
        thoughts = self.building.takes == "thought"
        found: dict[int, str] = {}
        for place, row in enumerate(rows):
            number = row["number"] if thoughts else place
            reading = self.reader.read(
                row["text"] or "",
                source,
                lambda text: len(self.splitter(text).ids),
                cut=row.get("finish_reason") == "length",
            )
            self.readings[reading.reason or "used"] += 1
            self.readings["stripped"] += reading.stripped
            if reading.reason is None:
                found[number] = reading.text
        if thoughts:
            return [found.get(number) for number in range(self.asked or 0)]
        return list[str | None](found.values())[: self.building.generations]

    def _made(
        self, name: str, split: Any, pieces: Sequence[tuple[str, ...] | None]
    ) -> Iterator[Megadoc[str]]:
        building, document = self.building, Source(name, split.tokens)
        if building.form == "stretched":
            opening, closing = self.tags
            yield stretch(document, pieces, opening=opening, closing=closing, can_cut=split.can_cut)
            return
        rephrases = [piece for piece in pieces if piece is not None]
        if building.form == "simple":
            yield from simple([document], [rephrases])
            return
        order = None
        if building.order == "random":
            draws = np.random.default_rng(derive_seed(building.seed, name))
            order = draws.permutation(len(rephrases)).tolist()
        real = building.real or "last"
        yield stitch(document, rephrases, real=real, separator=self.separator, order=order)


def write_megadocs(builder: Builder, folder: str | Path, card: Mapping[str, Any]) -> bool:
    """Write the synthetic documents as a ``datasets`` folder; leave an equal one alone.

    Its card has the account of the documents (see ``Account``), and how the answers were read:
    ``used``, ``stripped``, and the number of each reason.

    Args:
        builder: makes the documents.
        folder: the folder.
        card: where the texts are from; plain JSON data.

    Returns:
        Whether the folder was written, and not there already.

    Raises:
        UserError: no text is usable.
    """
    started = {
        **card,
        "building": asdict(builder.building),
        "reader": builder.reader.card(),
        "sources_hash": fingerprint(builder.documents),
        "texts_hash": fingerprint(builder.texts),
    }
    started = json.loads(json.dumps(started))
    folder = Path(folder)
    with _alone(folder) as rows_file:
        old = folder / CARD
        if old.is_file():
            known = json.loads(old.read_text(encoding="utf-8"))
            if all(known.get(key) == value for key, value in started.items()):
                announce(f"Megadocs: already complete, in {folder}")
                return False
        rows, account = _written(builder, rows_file)
        read = {"answers": dict(builder.readings), "sources_left_out": builder.left_out}
        write_documents(rows, folder, {**started, "account": account.card(), **read})
    announce(
        f"Megadocs: {account.documents} {builder.building.form} documents, {account.total_tokens} "
        f"tokens, in {folder}"
    )
    return True


@contextmanager
def _alone(folder: Path) -> Iterator[Path]:
    """Give a file beside a folder, where the rows wait, to one process at a time.

    It is deleted at the end. What a killed process left there is overwritten, and takes no place
    elsewhere.
    """
    from filelock import FileLock

    rows_file = folder.with_name(f".{folder.name}.rows.arrow")
    with writing(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.building.lock"):
        try:
            yield rows_file
        finally:
            rows_file.unlink(missing_ok=True)


def _written(builder: Builder, path: Path) -> tuple[Dataset, Account]:
    """Write the rows to a file as they are made; return them with the account."""
    import pyarrow as pa
    from datasets import Dataset

    kind = builder.building.form
    names = ("text", "id", "source_id", "kind")
    schema = pa.schema({**dict.fromkeys(names, pa.string()), "generations": pa.int64()})
    numbers, rows = Counter[str](), list[dict[str, Any]]()
    with pa.ipc.new_stream(str(path), schema) as writer:

        def flush() -> None:
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
            rows.clear()

        def passing() -> Iterator[Megadoc[str]]:
            for megadoc in builder.megadocs():
                source = megadoc.source_id
                own = f"{source}-{numbers[source]}" if kind == "simple" else source
                numbers[source] += 1
                rows.append(
                    {
                        "text": "".join(megadoc.tokens),
                        "id": f"{kind}:{own}",
                        "source_id": source,
                        "kind": kind,
                        "generations": len(megadoc.generated),
                    }
                )
                yield megadoc
                if len(rows) >= _BATCH:
                    flush()

        account = count(passing())
        flush()
    return Dataset.from_file(str(path)), account
