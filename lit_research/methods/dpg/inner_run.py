"""``Inner``: the settings of the inner run, ordinary fine-tuning of the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from lit_research.class_paths import make_object
from lit_research.errors import UserError
from lit_research.metagrad import SGD, AdamW, Muon, Optimizer
from lit_research.methods.dpg.target import Padding
from lit_research.ranges import COUNT, check_range

BUILT_IN: dict[str, type[Optimizer]] = {"adamw": AdamW, "sgd": SGD, "muon": Muon}
# Fields of ``Inner`` that configure the built-in optimisers.
OF_BUILT_IN = ("lr", "betas", "eps", "eps_root", "weight_decay")


@dataclass(frozen=True)
class Inner:
    """Settings of the inner run: how the target is trained.

    Args:
        lr: constant learning rate; None with an optimiser of your own, which sets its own.
        optimizer: ``adamw``, ``sgd`` or ``muon``; or the class path of your own
            ``metagrad.Optimizer``, as ``{class_path: my_file.MyOptimizer, init_args: {...}}``, from
            which ``lr``, ``betas``, ``eps``, ``eps_root`` and ``weight_decay`` are left out.
        batch_size: texts per step; N texts are N / batch_size steps.
        passes: passes over the texts, each in a new order; the paper's is 1.
        micro_batch: texts whose graph is in memory at a time; None is a whole batch.
        length: maximum tokens per text, S; longer ones are truncated.
        betas: of AdamW.
        eps: of AdamW.
        eps_root: of AdamW, inside the square root.
        weight_decay: decoupled, for all parameters; None is the official code's: 1e-4, and 0 for
            ``sgd``, where its configs set one that the code ignores.
        padding: ``masked`` or ``official``, see ``encode_texts``.
        divide_by: a text's loss is the sum over its tokens, divided by ``length``, S, as in the
            paper; or by its number of ``tokens``.
        divisor: a batch's loss is the sum of its texts' losses, divided by this number; None is the
            batch size. The official code divides by the size of its micro-batches (smaller ones in
            an incomplete last batch).
        save: states kept for the backward pass, see ``lit_research.metagrad``.
        store: where to keep them: ``ram``, ``pinned`` or ``disk:FOLDER``.
        shuffle_seed: seed of the order of the texts; the same in every run.
    """

    lr: float | None = None
    optimizer: str | dict[str, Any] = "adamw"
    batch_size: int = 1024
    passes: int = 1
    micro_batch: int | None = None
    length: int = 128
    betas: tuple[float, float] = (0.9, 0.95)
    eps: float = 1e-8
    eps_root: float = 1e-9
    weight_decay: float | None = None
    padding: Padding = "masked"
    divide_by: Literal["length", "tokens"] = "length"
    divisor: float | None = None
    save: str = "sqrt"
    store: str = "ram"
    shuffle_seed: int = 42

    def __post_init__(self) -> None:
        sizes = {"batch_size": self.batch_size, "length": self.length, "passes": self.passes}
        check_range(COUNT, "in inner", **sizes)
        self.make_optimizer()  # refuses wrong settings

    def make_optimizer(self) -> Optimizer:
        """Return the functional optimiser.

        Raises:
            UserError: there is no such optimiser, ``lr`` is missing, or a field is given that the
                user's optimiser does not read.
        """
        if not isinstance(self.optimizer, str) or self.optimizer not in BUILT_IN:
            made: Optimizer = make_object(Optimizer, self.optimizer, BUILT_IN)  # type: ignore[type-abstract]
            for name in OF_BUILT_IN:
                if getattr(self, name) != getattr(Inner, name):
                    raise UserError(
                        f"{name} is {getattr(self, name)}, in inner, which the optimizer "
                        f"{type(made).__name__} does not read; must be in its init_args"
                    )
            return made
        if self.lr is None:
            raise UserError(f"lr is missing, in inner; the optimizer {self.optimizer!r} needs one")
        decay = self.weight_decay
        if decay is None:
            decay = 0.0 if self.optimizer == "sgd" else 1e-4
        if self.optimizer == "sgd":
            return SGD(self.lr, weight_decay=decay)
        adam = AdamW(self.lr, self.betas, self.eps, self.eps_root, decay)
        if self.optimizer == "muon":
            return Muon(self.lr, adam=adam, weight_decay=decay)
        return adam
