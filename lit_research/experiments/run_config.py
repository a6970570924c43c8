"""The config in a run's folder: written when the run starts, and read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.cli import SaveConfigCallback
from lightning.pytorch.trainer.states import TrainerFn
from typing_extensions import override

from lit_research.errors import UserError
from lit_research.files import write_atomic
from lit_research.tokenizer_check import save_trained_tokenizer

CONFIG_NAME = "config.yaml"


def latest_config(run: str) -> Path:
    """Return the config that a run was last started or resumed with.

    Raises:
        UserError: ``run`` is not a run's folder.
    """
    folder = Path(run)
    if (folder / CONFIG_NAME).is_file():
        files = folder.glob("config.resume-*.yaml")
        resumed_configs = {int(p.stem.removeprefix("config.resume-")): p for p in files}
        return resumed_configs[max(resumed_configs)] if resumed_configs else folder / CONFIG_NAME
    if not folder.is_dir():
        raise UserError(
            f"--run is {run}, which does not exist; must be a folder runs/METHOD/CONFIG/version_N"
        )
    below = sorted(folder.rglob(f"version_*/{CONFIG_NAME}"), key=lambda p: p.stat().st_mtime)
    hint = f"the newest run below it is {below[-1].parent}" if below else "must be a run's folder"
    raise UserError(f"--run is {run}, which has no {CONFIG_NAME}; {hint}")


class SaveRunConfig(SaveConfigCallback):
    """Save the parsed config in the run's folder, and as TensorBoard text.

    ``fit`` writes ``config.yaml``; a resumed ``fit`` writes ``config.resume-N.yaml`` and leaves the
    first one alone; the other verbs write ``config.VERB.yaml``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # `save_config` writes the file: the parser would dump the config once more for it.
        super().__init__(*args, **{**kwargs, "overwrite": True, "save_to_log_dir": False})
        self._folder: str | None = None

    @override
    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        if stage != "fit":
            self._save(trainer, pl_module, stage)

    @override
    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        # Not in `setup`: a checkpoint that refuses the config comes between.
        self._save(trainer, pl_module, "fit")

    def _save(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        if trainer.limit_predict_batches == 0 and stage == "predict":  # export, generate
            return
        self._folder = folder = trainer.log_dir  # on every rank: it is broadcast
        if trainer.is_global_zero and folder is not None and not self.already_saved:
            self.config_filename = self._file_name(Path(folder), TrainerFn(stage).value)
            if stage == "fit":
                data = trainer.datamodule  # type: ignore[attr-defined]
                save_trained_tokenizer(data, Path(folder))
        super().setup(trainer, pl_module, stage)

    @staticmethod
    def _file_name(folder: Path, stage: str) -> str:
        if stage != "fit":
            return f"config.{stage}.yaml"
        if not (folder / CONFIG_NAME).exists():
            return CONFIG_NAME
        return f"config.resume-{len(list(folder.glob('config.resume-*.yaml'))) + 1}.yaml"

    @override
    def save_config(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        # Not validated again: the config is what the parser returned.
        text = self.parser.dump(self.config, skip_none=False, skip_validation=True)
        if self._folder is not None:
            write_atomic(Path(self._folder, self.config_filename), text)
        for logger in trainer.loggers:
            if isinstance(logger, pl.loggers.TensorBoardLogger):
                logger.experiment.add_text("config", f"```yaml\n{text}\n```")
