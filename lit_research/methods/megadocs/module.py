"""``MegadocWriter``: rephrases or thoughts of every document, and the megadocs made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lightning.pytorch.utilities import rank_zero_info

from lit_research.errors import UserError
from lit_research.generation import Prompt, TextJob, finish_together
from lit_research.lm.engines import Engine, Sampling
from lit_research.methods.base import Method, data_of
from lit_research.methods.megadocs.answers import AnswerReader
from lit_research.methods.megadocs.building import Builder, Building, write_megadocs
from lit_research.methods.megadocs.core import most_pieces
from lit_research.methods.megadocs.data import MegadocCorpus
from lit_research.methods.megadocs.generators import Generator, RuleEngine, RuleRephraser
from lit_research.methods.megadocs.splitting import SplitText
from lit_research.ranges import COUNT, SHARE, check_range
from lit_research.seeds import derive_seed, resolve_seed
from lit_research.text import fingerprint, load_documents
from lit_research.text.documents import CARD

if TYPE_CHECKING:
    from datasets import Dataset

WHERE = "in model.init_args of MegadocWriter"
TOO_SHORT = "too few tokens for the pieces of a stretched document"


class MegadocWriter(Method):
    """Write the synthetic documents of "Data-efficient pre-training by scaling synthetic megadocs".

    ``lit-research predict`` has two stages, each a ``datasets`` folder with a card:

    1. The generator's texts, as the engine wrote them, into ``texts`` of the data module. Shards
       that are there are not written again. A ``StoredEngine`` keeps single answers too.
    2. The synthetic documents made of them, into ``folder``. Answers are read here, so another
       reader or another form asks for no answer again.

    ``MixedCorpus`` trains on the second folder. Kim et al. 2026 (arXiv 2603.18534).

    Args:
        generator: asks for rephrases or thoughts; None takes texts that are in ``texts`` already,
            such as another method's pool, whose ``source_id`` are the ids of documents.
        engine: answers, by class path; not for a ``RuleRephraser``.
        generations: texts of each document, G.
        max_new_tokens: longest answer, in the engine's tokens.
        temperature: of the sampling.
        top_p: of the sampling.
        max_failed: share of a shard's answers that the engine may fail to write.
        skip_short: leave out documents that are too short for G + 1 pieces, and count them in the
            card of the texts, in the place of refusing the run; for thoughts.
        seed: of the sampling; None takes ``seed_everything``. A text follows from it, the document
            and the number of the text: more generations do not change the first ones.
        reader: reads the answers.
        building: what is made of the texts; None writes the texts alone.
    """

    decisive_curves = {}
    reading: ClassVar[str] = (
        "predict writes folders, not curves. Read card.json of the megadocs: it has the tokens of "
        "each kind, the copies of real documents and the reasons for which answers were not used."
    )
    needs = {"batches": ("splitter",)}
    returns = ()

    def __init__(
        self,
        generator: Generator | None = None,
        engine: Engine | None = None,
        generations: int = 4,
        max_new_tokens: int = 1024,
        temperature: float = 1.0,
        top_p: float = 1.0,
        max_failed: float = 0.1,
        skip_short: bool = False,
        seed: int | None = None,
        reader: AnswerReader | None = None,
        building: Building | None = None,
    ) -> None:
        super().__init__()
        check_range(COUNT, WHERE, generations=generations)
        check_range(SHARE, WHERE, max_failed=max_failed)
        needs_engine = generator is not None and not isinstance(generator, RuleRephraser)
        if needs_engine != (engine is not None):
            raise UserError(
                f"engine is {engine} and generator {type(generator).__name__}, {WHERE}; give an "
                "engine to a generator that asks a model, and to no other"
            )
        if building is None and (generator is None or reader is not None):
            raise UserError(
                f"building is None, {WHERE}; give it, since without it there is nothing to do for "
                + ("a reader" if generator else "texts that are there")
            )
        if generator is not None and building is not None and building.takes != generator.kind:
            raise UserError(
                f"building.form is {building.form!r} and the generator writes {generator.kind}s, "
                f"{WHERE}; must be stretched for thoughts, another form for rephrases"
            )
        if skip_short and (generator is None or generator.kind != "thought"):
            raise UserError(
                f"skip_short is {skip_short} and the generator {type(generator).__name__}, "
                f"{WHERE}; leave it out, since no document is too short for rephrases"
            )
        self.keep_hyperparameters()
        self.hparams["seed"] = resolve_seed(seed)
        self.generator, self.building = generator, building
        self.engine = RuleEngine(generator) if isinstance(generator, RuleRephraser) else engine
        self.reader = reader or AnswerReader()
        self.sampling = Sampling(max_new_tokens, temperature, top_p)
        self._job: TextJob | None = None

    @property
    def has_weights(self) -> bool:
        """True: it trains nothing."""
        return True

    @property
    def data(self) -> MegadocCorpus:
        """The data module.

        Raises:
            UserError: it is another one.
        """
        return data_of(self, MegadocCorpus)

    def on_predict_start(self) -> None:
        """Refuse documents that are too short for their pieces; begin the job, or resume it.

        Raises:
            UserError: a document is too short, or ``texts`` has other texts or none.
        """
        data, generator = self.data, self.generator
        if generator is None:
            _check_pool(data)
            return
        if generator.kind == "thought":
            self._check_short(data)
        args = self.hparams
        card = {
            **self.engine.card(),  # type: ignore[union-attr]
            **generator.card(),
            "generations": args["generations"],
            "sampling": {**vars(self.sampling), "stop": [], "seed": args["seed"]},
            "tokenizer": data.hparams["tokenizer"],
            "sources_hash": fingerprint(data.documents["train"]),
            "shard_size": data.hparams["batch_size"],
        }
        self._job = TextJob(
            data.hparams["texts"],
            card,
            kind=generator.kind,
            what="Texts",
            where="data.init_args.texts",
            max_failed=args["max_failed"],
        )

    def _check_short(self, data: MegadocCorpus) -> None:
        """Refuse documents of too few tokens, or say how many are skipped, before any is asked.

        Raises:
            UserError: a document is too short; with ``skip_short``, every one is.
        """
        store, documents = data.store("train"), data.documents["train"]
        pieces, short = self.hparams["generations"] + 1, list[str]()
        # A character has at most four tokens, one for each byte, of which one can begin a piece.
        near = [i for i, n in enumerate(store.lengths.tolist()) if n - 1 < 4 * pieces]
        for row in documents.select(near):
            if not self._has_room(data.splitter(row["text"])):
                short.append(row["id"])
        if len(short) == len(documents) or (short and not self.hparams["skip_short"]):
            raise UserError(
                f"{len(short)} of {len(documents)} documents have fewer tokens than the {pieces} "
                f"pieces of a stretched one ({short[0]!r} first), {WHERE}; lower generations, "
                "leave them out of the source, or skip them by skip_short true if others are left"
            )
        if short:
            rank_zero_info(
                f"{len(short)} of {len(documents)} documents are skipped: they have fewer tokens "
                f"than the {pieces} pieces of a stretched one."
            )

    def _has_room(self, split: SplitText) -> bool:
        """Return whether a document has enough tokens for the pieces of a stretched one."""
        return most_pieces(len(split.ids), split.can_cut) > self.hparams["generations"]

    def predict_step(self, batch: dict[str, Any], batch_idx: int) -> int:
        """Write the texts of a shard; return their number, 0 if they are there."""
        job, generator, data = self._job, self.generator, self.data
        if job is None or generator is None or job.has(batch["shard"]):
            return 0
        args, prompts, skipped = self.hparams, list[Prompt](), list[Prompt]()
        for row in data.documents_of(batch["shard"]):
            split = data.splitter(row["text"])
            if args["skip_short"] and not self._has_room(split):
                skipped.append(Prompt("", id=row["id"], columns={"number": 0}))
            else:
                prompts += generator.prompts(row["id"], split, args["generations"])
        sampling = Sampling(
            **{
                **vars(self.sampling),
                "n": args["generations"] if generator.per_prompt else 1,
                "seed": [derive_seed(args["seed"], prompt.id) >> 1 for prompt in prompts],
            }
        )
        job.write(
            batch["shard"],
            self.engine,  # type: ignore[arg-type]
            prompts,
            sampling,
            left_out=skipped,
            reason=TOO_SHORT,
        )
        return sampling.n * len(prompts)

    def on_predict_epoch_end(self) -> None:
        """Put the texts together, and make the synthetic documents.

        Raises:
            UserError: no text is usable, or one was made from a held-out document.
        """
        data = self.data
        if self._job is not None:
            finish_together(self._job, len(data.shards), self.trainer)
        if self.building is None or not self.trainer.is_global_zero:
            return
        if self._job is not None and not self._job.is_finished():
            return
        folder = data.hparams["texts"]
        texts = _texts_of(folder, self.building)
        data.refuse_held_out(texts["source_id"], f"the texts of {folder!r}, made from them,")
        asked = self.hparams["generations"]
        builder = Builder(
            self.building, self.reader, data.splitter, data.documents["train"], texts, asked
        )
        card = {"texts_card": _card_of(folder), "tokenizer": data.hparams["tokenizer"]}
        write_megadocs(builder, data.hparams["folder"], card)


def _texts_of(folder: str, building: Building) -> Dataset:
    """Return the texts of a folder with all their columns.

    Raises:
        UserError: they are not the thoughts that a stretched document needs.
    """
    from datasets import load_from_disk

    own = (Path(folder) / CARD).is_file()
    texts: Any = load_from_disk(folder) if own else load_documents(folder)
    if building.takes == "thought" and "number" not in texts.column_names:
        raise UserError(
            f"the texts have no column 'number', in {folder!r}; must be thoughts that "
            "LatentThoughts asked for, since a stretched document needs to know the cut of each"
        )
    return texts


def _card_of(folder: str) -> dict[str, Any] | None:
    path = Path(folder) / CARD
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _check_pool(data: MegadocCorpus) -> None:
    """Refuse a pool that is not there, or made from other documents.

    Raises:
        UserError: no text of the pool is of a training document.
    """
    folder = data.hparams["texts"]
    sources = {*load_documents(folder)["source_id"]}
    if not sources & {*data.documents["train"]["id"]}:
        raise UserError(
            f"the texts are of {len(sources)} sources ({min(sources, default=None)!r} first), none "
            f"of which is a training document, in {folder!r}; must be texts whose source_id are "
            "ids of the documents of data.init_args.source"
        )
