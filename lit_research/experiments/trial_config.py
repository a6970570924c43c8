"""A trial's config as plain data, to be looked at before any trial."""

from __future__ import annotations

from typing import Any

import yaml

from lit_research.catalogue import config_dir, with_bases
from lit_research.class_paths import merged
from lit_research.errors import UserError


def read_trial(trial: str, where: str) -> dict[str, Any]:
    """Return a trial's config with its bases, as plain data.

    Raises:
        UserError: there is no such file, or it is no config.
    """
    path = config_dir() / trial
    if not path.is_file():
        raise UserError(
            f"there is no trial config {path}, {where}; must be an absolute path, or relative to "
            f"{config_dir()}"
        )
    config: dict[str, Any] = {}
    for file in with_bases(path):
        content = yaml.safe_load(file.read_text())
        if not isinstance(content, dict):
            raise UserError(f"{file} holds no keys, {where}; must be a config")
        config = merged(config, content)
    return config
