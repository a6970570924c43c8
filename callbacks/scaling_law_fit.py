"""``ScalingLawFit``: fit a scaling law to the metrics of a run, or of a sweep of runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import lightning.pytorch as pl
import numpy as np
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.utilities import rank_zero_info
from typing_extensions import override

from lit_research.callbacks.needs import check_logged, check_validates
from lit_research.errors import UserError
from lit_research.figures import add_figure, add_text, code_block, with_unit
from lit_research.files import append_line, write_atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lit_research.laws import Fit

Point = dict[str, float]


class ScalingLawFit(Callback):
    """Fit ``law`` to metric ``y`` against metric ``x``, with a new point after each validation.

    Points are kept in the checkpoint and in ``points.jsonl`` in the run's folder. At the end the
    fit is printed, and logged as figure ``law/Y_vs_X`` and values ``law/PARAMETER``.

    Args:
        law: a law of one variable: the name of one of ``lit_research.laws``, or the class path of
            your own (``my_file.MyLaw``, or a mapping with ``class_path`` and ``init_args``).
        x: logged metric of the horizontal axis.
        y: logged metric that the law predicts.
        method: ``huber_log`` or ``ls`` (see ``lit_research.laws.fit``).
        intervals: confidence level of the parameters' intervals.
        noise: standard deviation of ``y`` between seeds, if known.
        min_points: minimum number of points for a fit.
        skip_first: number of points at the start that are kept but not fitted.
        drop_below: for ``Sigmoid``: the first point with ``x`` of at least this is the origin,
            those before it are left out, and the report also shows how much the fit depends on its
            points (``laws.anchor``, ``laws.robustness``: SGS, appendix A).
        points_file: a file that several runs append to; the fit is then of all its points,
            whatever ``skip_first`` says.
        every_validation: fit after each validation too, once there are enough points.
    """

    def __init__(
        self,
        law: str | dict[str, Any] = "PowerLaw",
        x: str = "train/tokens",
        y: str = "val/loss",
        method: Literal["huber_log", "ls"] = "huber_log",
        intervals: float = 0.9,
        noise: float | None = None,
        min_points: int = 5,
        skip_first: int = 0,
        drop_below: float | None = None,
        points_file: str | None = None,
        every_validation: bool = False,
    ) -> None:
        from lit_research.laws import Sigmoid, as_law

        self._law = as_law(law)
        variables = self._law.variables
        if len(variables) > 1:
            raise UserError(
                f"law {law!r} has the variables {', '.join(variables)}, in ScalingLawFit; must be "
                "a law of one variable (or fit this one with python -m lit_research.laws)"
            )
        if drop_below is not None and self._law != Sigmoid():
            raise UserError(
                f"drop_below is {drop_below} with law {law!r}, in ScalingLawFit; Sigmoid alone has "
                "an origin to move: give skip_first instead"
            )
        self.law, self.x, self.y = law, x, y
        self.options: dict[str, Any] = {"method": method, "intervals": intervals, "noise": noise}
        self.min_points, self.skip_first, self.drop_below = min_points, skip_first, drop_below
        self.points_file = Path(points_file) if points_file else None
        self.every_validation = every_validation
        self.points: list[Point] = []
        self.fit: Fit | None = None
        self._refusal = ""
        self._has_unshown_points = False  # whether there are points that no figure has shown

    @override
    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        for name in (self.x, self.y) if stage == "fit" else ():
            check_logged(trainer, pl_module, name, "for ScalingLawFit")
        if stage == "fit":  # points are added after a validation, whatever x and y are
            check_validates(trainer, pl_module, self.y, "for ScalingLawFit")

    @property
    @override
    def state_key(self) -> str:
        return self._generate_state_key(law=self.law, x=self.x, y=self.y)

    @override
    def state_dict(self) -> dict[str, Any]:
        return {"points": self.points}

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.points = list(state_dict["points"])

    @override
    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        # A resumed run repeats the measurements after its checkpoint. Not in `on_fit_start`: some
        # strategies (FSDP) load the points later than that.
        file = self._run_file(trainer)
        if trainer.is_global_zero and file is not None and (self.points or file.exists()):
            write_atomic(file, "".join(json.dumps(point) + "\n" for point in self.points))

    @override
    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.sanity_checking or trainer.state.fn != "fit":
            return
        self._add_point(trainer)
        if self.every_validation and len(self.points) >= self.min_points:
            self._fit()
            self._show(trainer)

    @override
    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not self.points or not trainer.is_global_zero:
            return
        if self._has_unshown_points or self.fit is None:
            self._fit()
        if self.fit is None:
            rank_zero_info(f"No fit of {self.law} to {self.y} against {self.x}: {self._refusal}")
        else:
            rank_zero_info(f"\n{self.y} against {self.x}\n{self.fit.report()}")
            if self.drop_below is not None:
                self._report_robustness(trainer)
        self._show(trainer)

    def _add_point(self, trainer: pl.Trainer) -> None:
        metrics = trainer.callback_metrics
        for name in (self.x, self.y):
            if name not in metrics:
                raise UserError(
                    f"the metric {name!r} is not logged, for ScalingLawFit; must be one of "
                    f"{', '.join(sorted(metrics)) or 'none'}"
                )
        point = {"step": trainer.global_step, **{n: float(metrics[n]) for n in (self.x, self.y)}}
        if self.points and self.points[-1]["step"] == point["step"]:
            return
        self.points.append(point)
        self._has_unshown_points = True
        for file in (self._run_file(trainer), self.points_file):
            if trainer.is_global_zero and file is not None:
                append_line(file, json.dumps(point))

    def _run_file(self, trainer: pl.Trainer) -> Path | None:
        folder = trainer.log_dir if trainer.loggers else None
        return Path(folder) / "points.jsonl" if folder else None

    def _fitted_points(self) -> list[Point]:
        if self.points_file is None:
            return self.points[self.skip_first :]
        # A resumed run has appended repeated measurements.
        lines = dict.fromkeys(self.points_file.read_text().splitlines())
        points = [json.loads(line) for line in lines]
        return [point for point in points if self.x in point and self.y in point]

    def _figure(self) -> Figure:
        assert self.fit is not None
        figure = self.fit.figure()
        figure.axes[0].set_ylabel(with_unit(self.y))
        origin = "" if self.drop_below is None else f" after the first {self.drop_below:,g}"
        figure.axes[-1].set_xlabel(f"{with_unit(self.x)}{origin}")
        return figure

    def _law_and_values(self, points: list[Point]) -> tuple[Any, Any, Any]:
        """Return the law to fit, and the values along its axes."""
        from lit_research.laws import anchor

        xs, ys = (np.array([point[name] for point in points]) for name in (self.x, self.y))
        if self.drop_below is None:
            return self._law, xs, ys
        return anchor(xs, ys, self.drop_below)

    def _report_robustness(self, trainer: pl.Trainer) -> None:
        from lit_research.laws.robustness import robustness

        law, xs, ys = self._law_and_values(self._fitted_points())
        try:
            report = robustness(law, xs, ys, method=self.options["method"]).report()
        except UserError as refusal:
            report = f"Too few points to leave some out: {refusal}"
        rank_zero_info(f"\n{report}")
        if self._has_unshown_points:
            add_text(trainer, "law/robustness", code_block(report))

    def _fit(self) -> None:
        """Fit all points; if that is refused, remember why."""
        from lit_research.laws import fit

        self.fit, points = None, self._fitted_points()
        try:
            if len(points) < self.min_points:
                raise UserError(f"{len(points)} points; a fit needs {self.min_points}")
            law, xs, ys = self._law_and_values(points)
            self.fit = fit(law, xs, ys, **self.options)
        except UserError as refusal:
            self._refusal = str(refusal)

    def _show(self, trainer: pl.Trainer) -> None:
        """Log the fit, or why there is none, once for each set of points."""
        if not self._has_unshown_points:
            return
        self._has_unshown_points = False
        name = f"law/{self.y}_vs_{self.x}".replace(" ", "_")
        if self.fit is None:
            add_text(trainer, name, f"No fit of {self.law}: {self._refusal}")
            return
        add_figure(trainer, name, self._figure)
        add_text(trainer, name, code_block(self.fit.report()))
        values = {f"law/{key}": value for key, value in self.fit.params.items()}
        for logger in trainer.loggers:
            logger.log_metrics(values, trainer.global_step)
