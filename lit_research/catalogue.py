"""The methods and configs of the package, listed without importing any of them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from lit_research.errors import UserError, nearest

METHODS = Path(__file__).parent / "methods"
OVERLAY = re.compile(r"# overlay of: (\S+\.yaml)\s*$")
OVERLAY_COMMAND = (
    "lit-research fit --config METHOD/BASE --config METHOD/NAME   (of one on top of BASE)"
)


def config_dir() -> Path:
    """Return the folder of the configs that come with the package."""
    return Path(__file__).parent / "configs"


def method_lines() -> dict[str, str]:
    """Return every method's name with its one-line description."""
    lines = {}
    for file in sorted(METHODS.glob("*/__init__.py")):
        doc = ast.get_docstring(ast.parse(file.read_text())) or ""
        lines[file.parent.name] = doc.split("\n")[0].replace("``", "").rstrip(".")
    return lines


def base_of(file: Path) -> Path | None:
    """Return the base config of an overlay; ``None`` for a complete config.

    An overlay states only what differs from its base, a file in the same folder that its first line
    names: ``# overlay of: tiny.yaml``.
    """
    with file.open(encoding="utf-8", errors="replace") as lines:
        match = OVERLAY.match(lines.readline())
    return file.with_name(match[1]) if match else None


def with_bases(file: Path) -> list[Path]:
    """Return the configs to give, in order, for the one in ``file``: its bases, then itself."""
    base = base_of(file)
    return [*([] if base is None else with_bases(base)), file]


def config_lines() -> dict[str, str]:
    """Return every shipped config, as ``METHOD/NAME``, with the first sentence of its comment."""
    lines = {}
    for file in sorted(config_dir().glob("*/*.yaml")):
        comment = []
        for line in file.read_text().splitlines():
            if not line.startswith("#"):
                break
            if not OVERLAY.match(line):
                comment.append(line.lstrip("# "))
        sentence = re.split(r"(?<=[a-z)`])(?<!et al)\.(?=\s|$)", " ".join(comment))[0]
        lines[f"{file.parent.name}/{file.stem}"] = sentence
    return lines


def listing() -> str:
    """Return what ``lit-research list`` prints."""
    configs = config_lines()
    for name in configs:
        if base := base_of(config_dir() / f"{name}.yaml"):
            configs[name] += f" [on top of {base.parent.name}/{base.stem}]"
    width = max(map(len, configs))
    lines = []
    for method, line in method_lines().items():
        lines.append(f"{method}: {line}")
        lines += [f"  {n:<{width}}  {c}" for n, c in configs.items() if n.startswith(f"{method}/")]
    return "\n".join([*lines, "", "lit-research fit --config METHOD/NAME", OVERLAY_COMMAND])


def find_config(name_or_path: str) -> Path:
    """Return the config file at a path, or the shipped one of that name.

    Args:
        name_or_path: a path, ``METHOD/NAME``, or ``configs/METHOD/NAME.yaml`` outside a clone.

    Raises:
        UserError: there is no such file and no such shipped config.
    """
    path = Path(name_or_path)
    if path.is_file():
        return path
    name = name_or_path.removeprefix("configs/").removesuffix(".yaml")
    shipped = config_dir() / f"{name}.yaml"
    if re.fullmatch(r"\w+/\w+", name) and shipped.is_file():
        return shipped
    if path.is_dir():
        raise UserError(f"--config is {name_or_path}, a folder; must be a YAML file")
    hint = nearest(name, config_lines(), "`lit-research list` names the shipped")
    raise UserError(
        f"--config is {name_or_path}; there is no such file and no shipped config; {hint}"
    )
