"""``MixedCorpus``: real and synthetic text in exact amounts; ``MixtureCorpus``: any mixture."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from lightning.pytorch.utilities import rank_zero_info

from lit_research.errors import UserError
from lit_research.methods.pretrain.data import Corpus
from lit_research.ranges import COUNT, Range, check_range
from lit_research.text import Mixture, MixtureComponent, Windows, load_documents, tokenize

if TYPE_CHECKING:
    from datasets import Dataset


class MixtureCorpus(Corpus):
    """A corpus whose run is one epoch of a mixture; a subclass says of what, in ``components``.

    Takes the arguments of ``Corpus``; validation and test are those of ``Corpus``.
    """

    def components(self) -> list[MixtureComponent]:
        """Return what is mixed."""
        raise NotImplementedError(f"{type(self).__name__} must define components()")

    def windows_of(self, documents: Dataset, name: str) -> Windows:
        """Return the windows of other documents than the corpus's own.

        Args:
            documents: with the column ``text``.
            name: of their token store, for messages.
        """
        args = self.hparams
        store = tokenize(documents, self.tokenizer, cache_dir=args["cache_dir"], name=name)
        return Windows(
            store, args["sequence_length"], mask_across_documents=args["mask_across_documents"]
        )

    @cached_property
    def mixture(self) -> Mixture:
        """All windows of the run, in order."""
        return Mixture(self.components(), seed=self.hparams["seed"])

    @property
    def batches_per_epoch(self) -> int:
        """Training batches of one rank in the run; the last may be smaller."""
        return -(-len(self.mixture) // (self.hparams["batch_size"] * self.world_size))

    def train_dataloader(self) -> Any:
        """Return the mixture, in order."""
        epochs = self.trainer.max_epochs if self.trainer is not None else 1
        if epochs != 1:
            raise UserError(
                f"trainer.max_epochs is {epochs}, with {type(self).__name__}; give "
                "trainer.max_epochs 1, and the length of the run in data.init_args"
            )
        mixture = self.mixture
        counts = ", ".join(
            f"{count} windows ({count / len(component.dataset):.2f} passes)"
            for count, component in zip(mixture.counts, mixture.components, strict=True)
        )
        rank_zero_info(f"Mixture: {counts}.")
        return self.loader(mixture)


class MixedCorpus(MixtureCorpus):
    """Real windows and synthetic ones, interleaved evenly; validation and test are real text.

    A run is one epoch of the mixture. Its length is set in one of two ways:

    - ``passes`` over the real text, exactly; ``share`` of all windows are synthetic, repeated where
      they do not suffice: ``floor(real windows * passes / (1 - share))`` windows (Kim et al. 2026).
    - ``total_tokens``, to one window: ``synthetic_passes`` over the synthetic text, and the real
      text fills the rest, repeated or in part (Yang et al. 2025). Arms with other text are thus
      trained on equally many tokens.

    The windows of documents longer than one follow each other in the store, not in the mixture.
    Takes the arguments of ``Corpus``, and:

    Args:
        synthetic: a source of synthetic text, such as a folder that ``lit-research predict`` wrote;
            None trains on real text alone.
        passes: number of times that each real window is drawn.
        share: w, the share of all windows that are synthetic, in (0, 1); with ``passes``.
        total_tokens: tokens of the run, B.
        synthetic_passes: number of times that each synthetic window is drawn; with
            ``total_tokens``.
        validate_on: the held-out documents of ``fit`` and ``validate``: ``validation``, or
            ``tuning`` for trials by which hyper-parameters are chosen (see ``tuning_fraction``).
    """

    def __init__(
        self,
        synthetic: str | dict[str, Any] | None = None,
        passes: int | None = None,
        share: float | None = None,
        total_tokens: int | None = None,
        synthetic_passes: int = 1,
        validate_on: Literal["validation", "tuning"] = "validation",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        where = f"in data.init_args of {type(self).__name__}"
        check_range(COUNT, where, synthetic_passes=synthetic_passes)
        if passes is not None:
            check_range(COUNT, where, passes=passes)
        if share is not None:
            check_range(Range(above=0, below=1), where, share=share)
        if (passes is None) == (total_tokens is None):
            raise UserError(
                f"passes is {passes} and total_tokens {total_tokens}, {where}; give one of them"
            )
        if (share is None) != (synthetic is None or passes is None):
            raise UserError(
                f"share is {share} with synthetic {synthetic!r} and passes {passes}, {where}; give "
                "share where there are synthetic text and passes, and nowhere else"
            )
        if synthetic_passes != 1 and (synthetic is None or total_tokens is None):
            raise UserError(
                f"synthetic_passes is {synthetic_passes} without synthetic text and total_tokens, "
                f"{where}; leave it out"
            )

        tuning = self.hparams["tuning_fraction"]
        if validate_on not in ("validation", "tuning") or (validate_on == "tuning" and not tuning):
            raise UserError(
                f"validate_on is {validate_on!r} and tuning_fraction {tuning}, {where}; must be "
                "validation, or tuning with a tuning_fraction above 0"
            )

    @property
    def has_validation(self) -> bool:
        """Whether documents are held out for what ``fit`` validates on."""
        return self.hparams["validate_on"] in self.documents

    def split(self, name: str) -> Dataset:
        """Return the documents of a split; of ``validation`` those of ``validate_on``."""
        return super().split(self.hparams["validate_on"] if name == "validation" else name)

    def synthetic_documents(self) -> Dataset | None:
        """Return the synthetic text, None if there is none.

        Raises:
            UserError: a document of it is, or is made from, a held-out one.
        """
        source, args = self.hparams["synthetic"], self.hparams
        if source is None:
            return None
        documents: Any = load_documents(
            source, text_column=args["text_column"], cache_dir=args["cache_dir"]
        )
        made_from = {*documents["id"], *documents["source_id"]}
        for split in ("validation", "test", "tuning"):
            held_out = self.documents[split]["id"] if split in self.documents else ()
            if both := made_from.intersection(held_out):
                raise UserError(
                    f"{len(both)} documents of the {split} split ({sorted(both)[0]!r} first) are "
                    f"in the synthetic text, or it was made from them, in data.init_args of "
                    f"{type(self).__name__}; make it from the training split alone"
                )
        return documents

    def components(self) -> list[MixtureComponent]:
        """Return what is mixed, the real text first.

        Raises:
            UserError: the synthetic text alone is as long as the run, or longer.
        """
        args, real = self.hparams, self.windows("train")
        documents = self.synthetic_documents()
        synthetic = None if documents is None else self.windows_of(documents, "synthetic")
        if args["passes"] is not None:
            parts = [MixtureComponent(real, passes=args["passes"])]
            if synthetic is not None:
                parts.append(MixtureComponent(synthetic, share=args["share"]))
            return parts
        total = args["total_tokens"] // self.sequence_length
        taken = 0 if synthetic is None else len(synthetic) * args["synthetic_passes"]
        if taken >= total:
            raise UserError(
                f"total_tokens is {args['total_tokens']}, {total} windows, and the synthetic text "
                f"alone is {taken}, in data.init_args of {type(self).__name__}; raise "
                "total_tokens, or give less synthetic text"
            )
        parts = [MixtureComponent(real, windows=total - taken)]
        if synthetic is not None:
            parts.append(MixtureComponent(synthetic, passes=args["synthetic_passes"]))
        return parts
