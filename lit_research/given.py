"""What the user gave, in order of precedence: config files, environment variables, options.

A value is then known by its source: a message can name the option, the variable or the line of the
file where the wrong value stands.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lit_research.catalogue import base_of, find_config
from lit_research.errors import UserError

VERBS = ("fit", "validate", "test", "predict", "export", "generate")
PREFIX = "LIT_RESEARCH"


@dataclass
class Given:
    """The parts of a command line.

    Args:
        verb: what to do; ``None`` where the first word is no verb.
        configs: config files, or configs as YAML text.
        variables: environment variables that set an option, with the word that says the same.
        options: all other words, as they were given.
        run: the folder of ``--run``.
    """

    verb: str | None = None
    configs: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    options: list[str] = field(default_factory=list)
    run: str | None = None

    @property
    def files(self) -> list[str]:
        """The config files, first to last."""
        return [config for config in self.configs if not _is_text(config)]

    def words(self) -> list[str]:
        """Return the command line in which the later of two words wins.

        Configs come first, then variables, then options: options win over everything.
        """
        verb = [] if self.verb is None else [self.verb]
        configs = [word for config in self.configs for word in ("--config", config)]
        return [*verb, *configs, *self.variables.values(), *self.options]

    def sets(self, key: str) -> bool:
        """Return whether an option or a variable sets ``key`` or a part of it."""
        pattern = re.compile(rf"--{re.escape(key)}([.+= ]|$)")
        return any(pattern.match(word) for word in [*self.variables.values(), *self.options])

    def place(self, word: str, value: str | None = None) -> str:
        """Return the source of a wrong word: ``--OPTION``, ``VARIABLE`` or ``FILE:LINE``.

        Args:
            word: the last part of a key, or a value.
            value: the wrong value, where it is known: a source that has it comes first.
        """
        found = [*self._options_with(word), *self._variables_with(word), *self._lines_with(word)]
        exact = [source for source, text in found if value is not None and value in text]
        return (exact or [source for source, _ in found] or [""])[0]

    def _options_with(self, word: str) -> list[tuple[str, str]]:
        found = []
        for number, option in enumerate(self.options):
            name, _, value = option.partition("=")
            following = self.options[number + 1 : number + 2]
            if not name.startswith("--"):
                continue
            text = value or (following[0] if following and following[0][:2] != "--" else "")
            if re.search(rf"(^--|[.]){re.escape(word)}([.]|$)", name.rstrip("+")) or _has(
                text, word
            ):
                found.append((name, text))
        return found[::-1]  # the last one wins

    def _variables_with(self, word: str) -> list[tuple[str, str]]:
        found = []
        for variable, option in self.variables.items():
            name, _, value = option.partition("=")
            if re.search(rf"(^--|[.]){re.escape(word.lower())}([.]|$)", name) or _has(value, word):
                found.append((variable, value))
        return found

    def _lines_with(self, word: str) -> list[tuple[str, str]]:
        found = []
        for file in self.files[::-1]:
            if Path(file).is_file():
                lines = Path(file).read_text(errors="replace").splitlines()
                for number, line in enumerate(lines, 1):
                    if _has(line.split(" #")[0], word):
                        found.append((f"{file}:{number}", line))
        return found


def _has(text: str, word: str) -> bool:
    """Return whether ``word`` is a key or a value in a line of YAML."""
    return bool(re.search(rf"(^|[\s{{,\-\[]){re.escape(word)}\+?\s*(:|$|[,}}\]])", text))


def _is_text(config: str) -> bool:
    return "\n" in config or config.lstrip().startswith("{")


def read_words(args: Any, environment: Mapping[str, str] = os.environ) -> Given:
    """Sort a command line into its parts.

    Args:
        args: the words after the command, or ``{"subcommand": VERB, VERB: config}``.
        environment: where the variables are: ``LIT_RESEARCH_VERB__KEY__PART=value``.

    Raises:
        UserError: a config file is missing, empty, or no YAML mapping.
    """
    if isinstance(args, dict):
        config = dict(args[args["subcommand"]])
        run = config.pop("run", None)
        return _with_variables(
            Given(args["subcommand"], [yaml.safe_dump(config)], run=run), environment
        )
    words = [str(word) for word in args]
    if not words or words[0] not in VERBS:
        return Given(options=words)
    given = Given(words[0])
    rest = iter(words[1:])
    for word in rest:
        name, equals, value = word.partition("=")
        if name not in ("-c", "--config", "--run"):
            given.options.append(word)
            continue
        value = value if equals else next(rest, "")
        if not value:
            raise UserError(f"{name} has no value; give {name} {_example(name)}")
        if name == "--run":
            given.run = value
        else:
            given.configs.append(value)
    _with_variables(given, environment)
    given.configs = [c if _is_text(c) else str(_checked(find_config(c))) for c in given.configs]
    if given.configs and given.run is None:
        _refuse_overlay_alone(given.configs[0])
    return given


def _refuse_overlay_alone(config: str) -> None:
    """Refuse a first config that states only what differs from another."""
    base = None if _is_text(config) else base_of(Path(config))
    if base is not None:
        raise UserError(
            f"the config {config} states only what differs from {base.name}; must come after it: "
            f"--config {base} --config {config}"
        )


def _example(name: str) -> str:
    return "runs/METHOD/CONFIG/version_N" if name == "--run" else "pretrain/tiny"


def _with_variables(given: Given, environment: Mapping[str, str]) -> Given:
    prefix = f"{PREFIX}_{str(given.verb).upper()}__"
    for name in sorted(environment):
        if not name.startswith(prefix):
            continue
        key = name.removeprefix(prefix).replace("__", ".").lower()
        if key == "config":
            given.configs.insert(0, environment[name])
        else:
            given.variables[name] = f"--{key}={environment[name]}"
    return given


def _checked(file: Path) -> Path:
    """Refuse a config file that holds no YAML mapping, naming the file and the line."""
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise UserError(f"the config {file} is no text ({error.reason}); give YAML") from error
    except OSError as error:
        raise UserError(f"the config {file} cannot be read ({error.strerror})") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{file}:{mark.line + 1}, column {mark.column + 1}" if mark else str(file)
        problem = getattr(error, "problem", None) or str(error)
        tabs = "; indent with blanks, not with tabs" if r"'\t'" in str(problem) else ""
        raise UserError(f"the config is no YAML: {problem} ({place}){tabs}") from error
    if content is None:
        raise UserError(f"the config {file} is empty; give at least model and data")
    if not isinstance(content, dict):
        kind = type(content).__name__
        raise UserError(f"the config {file} holds a {kind}; give a mapping: KEY: VALUE lines")
    return file


def resume_command(given: Sequence[str]) -> str:
    """Return the command that resumes a run which these words started."""
    import shlex

    words, skip = [], False
    for word in given:
        if skip:
            skip = False
        elif word == "--ckpt_path":
            skip = True
        elif not word.startswith("--ckpt_path="):
            words.append(word)
    return shlex.join(["lit-research", *words, "--ckpt_path", "last"])
