"""Arms: settings that a claim compares, each an ordinary run of the command.

This file says what an arm is; ``lit_research.experiments`` runs it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from lit_research.catalogue import config_dir, with_bases

# {arm: {metric: [one value a seed]}}
Results = dict[str, dict[str, list[float]]]
"""Of each arm and metric, one value a seed."""


@dataclass(frozen=True)
class Stage:
    """A command that an arm needs done before its own ``fit``: data that another model writes.

    Args:
        verb: ``predict``, say.
        config: config file, relative to the package's configs or absolute; one that goes on top of
            another brings it along.
        options: as those of ``Arm``.
    """

    verb: str
    config: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Arm:
    """One setting that a claim compares: a config of the package and what differs from it.

    Args:
        name: short name, also the folder of its runs.
        config: config file, relative to the package's configs or absolute; one that goes on top of
            another brings it along.
        options: dotted keys of the config and their values. In a value, ``{needs}`` stands for the
            run folder of the needed arm with the same seed.
        tags: numbers or words for the verdicts and the figure (a size, a share).
        needs: the arm that must be done first.
        before: commands that are run before it; arms with the same ones and the same ``needs``
            share what they write.
        verb: ``fit``, or ``test`` where nothing is trained: its metrics are those of the test.
    """

    name: str
    config: str
    options: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, Any] = field(default_factory=dict)
    needs: Arm | None = None
    before: tuple[Stage, ...] = ()
    verb: Literal["fit", "test"] = "fit"

    def command_line(self, seed: int, work: Path) -> list[str]:
        """Return the arguments of the command that runs this arm with ``seed``."""
        if self.verb == "test":
            return self._words("test", self.config, {**self.options, "verbose": False}, seed, work)
        checkpoints = str(self.run_folder(seed, work) / "checkpoints")
        own = {"checkpoint.dirpath": checkpoints, "ckpt_path": "last"}
        return self._words("fit", self.config, {**self.options, **own}, seed, work)

    def commands_before(self, seed: int, work: Path) -> list[list[str]]:
        """Return the arguments of the commands that come before it."""
        return [self._words(s.verb, s.config, s.options, seed, work) for s in self.before]

    def _words(
        self, verb: str, config: str, options: dict[str, Any], seed: int, work: Path
    ) -> list[str]:
        logger = "trainer.logger.init_args"
        options = {
            **options,
            "seed_everything": seed,
            f"{logger}.save_dir": str(work),
            f"{logger}.name": self.folder,
            f"{logger}.version": seed,
            # The replica shows its own.
            "trainer.enable_progress_bar": False,
        }
        needs = str(self.needs.run_folder(seed, work)) if self.needs else ""
        flags = [
            f"--{key}={v if isinstance(v, str) else json.dumps(v)}".replace("{needs}", needs)
            for key, v in options.items()
        ]
        files = with_bases(config_dir() / config)
        return [verb, *(word for file in files for word in ("--config", str(file))), *flags]

    def run_folder(self, seed: int, work: Path) -> Path:
        """Return the folder of the run with ``seed``."""
        return work / self.folder / f"version_{seed}"

    @property
    def folder(self) -> str:
        """Name of its folder: another config or other options are another folder, run afresh."""
        parts = [(self.config, self.options), *((s.config, s.options) for s in self.before)]
        text = ""
        for config, options in parts:
            texts = [file.read_text() for file in with_bases(config_dir() / config)]
            text += "".join(texts) + json.dumps(options, sort_keys=True)
        text += self.needs.folder if self.needs else ""
        text += "" if self.verb == "fit" else self.verb
        return f"{self.name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
