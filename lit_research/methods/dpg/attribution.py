"""``Attribution``: the influence of every training document of a fine-tuning run on a metric.

``lit-research predict`` writes ``influence.parquet``: dPhi/dw of each document, exact through the
whole run. Three checks retrain the target: random reweightings (predicted against actual change),
the linear datamodeling score on random subsets (LDS, Park et al. 2023), and leaving single
documents out.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from lightning.pytorch.utilities import rank_zero_info
from rich.progress import track
from torch import Tensor

from lit_research.errors import UserError
from lit_research.figures import add_figure, add_text, panels, text_table
from lit_research.files import append_line, write_atomic, write_parquet
from lit_research.lm import check_lm_spec, weights_fingerprint
from lit_research.methods.base import Method, datamodule
from lit_research.methods.dpg.attributor import Attributor
from lit_research.methods.dpg.inner_run import Inner
from lit_research.methods.dpg.metrics import TargetMetric
from lit_research.methods.dpg.target import make_target
from lit_research.ranges import NOT_NEGATIVE, POSITIVE, Range, check_range
from lit_research.seeds import resolve_seed
from lit_research.text.tokenizers import vocabulary_size

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WHERE = "in model.init_args of Attribution"
SHOWN, WIDTH = 5, 60  # documents shown at each end, characters of each
CHECKS = {"reweighting": 1, "subset": 2, "left_out": 3}


class Attribution(Method):
    """Fine-tune a model on documents, and compute the influence of each on a metric.

    Args:
        target: the language model, as in ``DatasetPolicyGradient``.
        metric: Phi, by class path.
        inner: settings of the fine-tuning run: the fields of ``Inner``.
        vocab_size: number of tokens of the target; the command takes it from the data.
        target_seed: seed of the weights, if the target is built.
        target_dtype: ``float32`` or ``float64``.
        reweightings: retrainings with random weights, to compare predicted and actual changes.
        reweighting_size: standard deviation of these weights around 1.
        subsets: retrainings on random subsets, for the LDS.
        subset_share: share of the documents in a subset.
        left_out: retrainings without one document each, from the most harmful to the most helpful.
        output: folder of the results; None is the run's own. Results that are there are reused.
        seed: seed of weights and subsets; None takes ``seed_everything``.
    """

    decisive_curves = {}
    reading: ClassVar[str] = (
        "IMAGES shows the change of the metric that the influences predict against what training "
        "again gives: the points should lie on the grey line. TEXT has the correlations as values, "
        "and influence.parquet in the run's folder the influence of every document."
    )
    needs = {"batches": ("texts", "tokenizer")}
    returns = ()

    def __init__(
        self,
        target: dict[str, Any],
        metric: TargetMetric,
        inner: Inner,
        vocab_size: int,
        target_seed: int = 0,
        target_dtype: str = "float32",
        reweightings: int = 20,
        reweighting_size: float = 0.1,
        subsets: int = 0,
        subset_share: float = 0.5,
        left_out: int = 0,
        output: str | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        check_lm_spec("target", target, WHERE)
        counts = {"reweightings": reweightings, "subsets": subsets, "left_out": left_out}
        check_range(NOT_NEGATIVE, WHERE, **counts)
        check_range(Range(above=0, below=1), WHERE, subset_share=subset_share)
        check_range(POSITIVE, WHERE, reweighting_size=reweighting_size)
        self.keep_hyperparameters()
        self.hparams["seed"] = resolve_seed(seed)
        self.metric, self.inner = metric, inner
        self._texts: list[str] = []

    @property
    def has_weights(self) -> bool:
        """True: it trains its own target."""
        return True

    def predict_step(self, batch: dict[str, Any], batch_idx: int) -> int:
        """Collect the documents of a batch; return their number."""
        texts = datamodule(self.trainer).texts["train"]
        self._texts += [texts[i] for i in batch["ids"]]
        return len(batch["ids"])

    def on_predict_epoch_end(self) -> None:
        """Train, differentiate and check; write and show the results.

        Raises:
            UserError: there are several processes, or ``output`` holds another attribution.
        """
        if self.trainer.world_size > 1:
            raise UserError(
                f"there are {self.trainer.world_size} processes, in trainer of Attribution; "
                "give trainer.devices 1, since it differentiates one training run"
            )
        data, args = datamodule(self.trainer), self.hparams
        seed, dtype = args["target_seed"], args["target_dtype"]
        target = make_target(
            args["target"], vocabulary_size(data.tokenizer), seed, dtype, self.device
        )
        attributor = Attributor(target, data.tokenizer, self.metric, self.inner)
        folder = Path(args["output"] or self.trainer.log_dir or ".")
        retrainings = Retrainings(attributor, self._texts, folder, args["seed"])
        tau = retrainings.influence()
        write_influence(folder / "influence.parquet", self._texts, tau)
        self._check(retrainings, tau)
        rank_zero_info(f"{_ends(self._texts, tau)}\nInfluence: {folder / 'influence.parquet'}")

    @property
    def _shows_progress(self) -> bool:
        return self.trainer.progress_bar_callback is not None

    def _check(self, retrainings: Retrainings, tau: Tensor) -> None:
        args, N = self.hparams, len(tau)
        numbers: dict[str, float] = {"phi": retrainings.phi}
        weights_of = {
            "reweighting": [
                1 + args["reweighting_size"] * retrainings.draw("reweighting", i).standard_normal(N)
                for i in range(args["reweightings"])
            ],
            "subset": [
                retrainings.draw("subset", i).permutation(N) < round(args["subset_share"] * N)
                for i in range(args["subsets"])
            ],
            "left_out": [
                np.arange(N) != int(i)
                for i in tau.argsort().cpu().numpy()[_spread(N, args["left_out"])]
            ],
        }
        points: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for check, weights in weights_of.items():
            if len(weights) > 1:
                shown = track(weights, f"retraining: {check}", disable=not self._shows_progress)
                changes = np.array([retrainings.change(check, i, w) for i, w in enumerate(shown)])
                predicted = np.array([float(tau.double().cpu().numpy() @ (w - 1)) for w in weights])
                points[check] = predicted, changes
                numbers[f"{check}_correlation"] = float(np.corrcoef(predicted, changes)[0, 1])
                if check == "subset":
                    from scipy.stats import spearmanr

                    numbers["lds"] = float(spearmanr(predicted, changes).statistic)
        write_atomic(retrainings.folder / "attribution.json", json.dumps(numbers, indent=1))
        add_text(self.trainer, "about", self.reading)
        if points:
            add_figure(self.trainer, "attribution", lambda: _scatter(points), 0)
        for logger in self.trainer.loggers:
            logger.log_metrics({f"attribution/{k}": v for k, v in numbers.items()}, 0)
        rows = [["number", "value"], *([name, f"{value:.6g}"] for name, value in numbers.items())]
        rank_zero_info(text_table(rows))


class Retrainings:
    """An attribution and the retrainings that check it; each result is saved as it is done.

    Args:
        attributor: trains the target.
        texts: the N documents.
        folder: folder of the results.
        seed: seed of the random weights.

    Raises:
        UserError: the folder holds the results of another attribution.
    """

    def __init__(self, attributor: Attributor, texts: list[str], folder: Path, seed: int) -> None:
        self.attributor, self.texts, self.folder, self.seed = attributor, texts, folder, seed
        self.phi = float("nan")
        card = {
            "inner": repr(attributor.inner),
            "weights": weights_fingerprint(attributor.target),
            "documents": len(texts),
            "characters": sum(map(len, texts)),
            "metric": type(attributor.metric).__name__,
            "seed": seed,
        }
        path = folder / "study.json"
        if path.is_file() and (saved := json.loads(path.read_text())) != card:
            other = [key for key in card if saved.get(key) != card[key]]
            raise UserError(
                f"there is an attribution with another {', '.join(other)}, in {folder}; give "
                "another model.init_args.output, or delete that one"
            )
        write_atomic(path, json.dumps(card, indent=1))
        self._done = folder / "trained.jsonl"
        lines = self._done.read_text().splitlines() if self._done.is_file() else []
        self._known = {tuple(key): value for key, value in map(json.loads, lines)}

    def draw(self, check: str, number: int) -> np.random.Generator:
        """Return the random generator of one retraining."""
        return np.random.default_rng((self.seed, CHECKS[check], number))

    def influence(self) -> Tensor:
        """Return dPhi/dw of each document, ``[N]``."""
        rewards = self.attributor.attribute(self.texts)
        self.phi = rewards.phi
        return rewards.tau

    def change(self, check: str, number: int, weights: np.ndarray) -> float:
        """Return the change of Phi when the documents have these weights."""
        key = (check, number)
        if key not in self._known:
            _, phi = self.attributor.run(self.texts, torch.tensor(weights))
            self._known[key] = phi
            append_line(self._done, json.dumps([key, phi]))
        return self._known[key] - self.phi


def write_influence(path: Path, texts: list[str], tau: Tensor) -> None:
    """Write the columns ``document``, ``influence`` and ``text``, atomically."""
    import pyarrow as pa

    columns = {
        "document": list(range(len(texts))),
        "influence": tau.double().cpu().tolist(),
        "text": texts,
    }
    write_parquet(path, pa.table(columns))


def _spread(length: int, count: int) -> np.ndarray:
    """Return ``count`` evenly spaced indices of a list, from its first to its last."""
    return np.unique(np.linspace(0, length - 1, count).round().astype(int))


def _ends(texts: list[str], tau: Tensor) -> str:
    """Return a table of the most helpful and the most harmful documents."""
    order = tau.argsort(descending=True).tolist()
    shown = order if len(order) <= 2 * SHOWN else [*order[:SHOWN], *order[-SHOWN:]]
    rows = [[str(i), f"{float(tau[i]):+.3e}", " ".join(texts[i].split())[:WIDTH]] for i in shown]
    return text_table([["document", "influence", "text"], *rows])


def _scatter(points: dict[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    figure, all_axes = panels(len(points))
    for axes, (check, (predicted, actual)) in zip(all_axes, points.items(), strict=True):
        axes.plot(predicted, actual, ".")
        axes.axline((0.0, 0.0), slope=1, color="0.7", linewidth=1, zorder=0)
        axes.set(xlabel="predicted change (of Phi)", ylabel="actual change (of Phi)")
        axes.set_title(check.replace("_", " "))
    return figure
