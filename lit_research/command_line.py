"""The command line: config files, environment variables and options, in order of precedence.

Since each value is known with its source, a message can name the option, the variable or the line
of the file that holds a wrong value.
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
class CommandLine:
    """The parts of a command line.

    Args:
        verb: what to do; ``None`` if the first argument is not a verb.
        configs: config files, or configs as YAML text.
        variables: environment variables that set an option, with the equivalent argument.
        options: all other arguments, as given.
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

    def arguments(self) -> list[str]:
        """Return the arguments in an order in which the later of two wins.

        Configs come first, then variables, then options: options win over everything.
        """
        verb = [] if self.verb is None else [self.verb]
        configs = [word for config in self.configs for word in ("--config", config)]
        return [*verb, *configs, *self.variables.values(), *self.options]

    def sets(self, key: str) -> bool:
        """Return whether an option or a variable sets ``key`` or a part of it."""
        pattern = re.compile(rf"--{re.escape(key)}([.+= ]|$)")
        return any(pattern.match(word) for word in [*self.variables.values(), *self.options])

    def source_of(self, word: str, value: str | None = None) -> str:
        """Return the source of a wrong key or value: ``--OPTION``, ``VARIABLE`` or ``FILE:LINE``.

        Args:
            word: the last part of a key, or a value.
            value: the wrong value, if known: a source that has it comes first.
        """
        sources = [*self._options_with(word), *self._variables_with(word), *self._lines_with(word)]
        exact = [source for source, text in sources if value is not None and value in text]
        return (exact or [source for source, _ in sources] or [""])[0]

    def _options_with(self, word: str) -> list[tuple[str, str]]:
        sources = []
        for number, option in enumerate(self.options):
            name, _, value = option.partition("=")
            following = self.options[number + 1 : number + 2]
            if not name.startswith("--"):
                continue
            text = value or (following[0] if following and following[0][:2] != "--" else "")
            if re.search(rf"(^--|[.]){re.escape(word)}([.]|$)", name.rstrip("+")) or _has(
                text, word
            ):
                sources.append((name, text))
        return sources[::-1]  # the last one wins

    def _variables_with(self, word: str) -> list[tuple[str, str]]:
        sources = []
        for variable, option in self.variables.items():
            name, _, value = option.partition("=")
            if re.search(rf"(^--|[.]){re.escape(word.lower())}([.]|$)", name) or _has(value, word):
                sources.append((variable, value))
        return sources

    def _lines_with(self, word: str) -> list[tuple[str, str]]:
        sources = []
        for file in self.files[::-1]:
            if Path(file).is_file():
                lines = Path(file).read_text(errors="replace").splitlines()
                for number, line in enumerate(lines, 1):
                    if _has(line.split(" #")[0], word):
                        sources.append((f"{file}:{number}", line))
        return sources


def _has(text: str, word: str) -> bool:
    """Return whether ``word`` is a key or a value in a line of YAML."""
    return bool(re.search(rf"(^|[\s{{,\-\[]){re.escape(word)}\+?\s*(:|$|[,}}\]])", text))


def _is_text(config: str) -> bool:
    return "\n" in config or config.lstrip().startswith("{")


def parse_command_line(args: Any, environment: Mapping[str, str] = os.environ) -> CommandLine:
    """Split a command line into its parts.

    Args:
        args: the arguments after the command, or ``{"subcommand": VERB, VERB: config}``.
        environment: holds variables such as ``LIT_RESEARCH_VERB__KEY__PART=value``.

    Raises:
        UserError: a config file is missing, empty, or not a YAML mapping.
    """
    if isinstance(args, dict):
        config = dict(args[args["subcommand"]])
        run = config.pop("run", None)
        return _with_variables(
            CommandLine(args["subcommand"], [yaml.safe_dump(config)], run=run), environment
        )
    arguments = [str(argument) for argument in args]
    if not arguments or arguments[0] not in VERBS:
        return CommandLine(options=arguments)
    command_line = CommandLine(arguments[0])
    rest = iter(arguments[1:])
    for argument in rest:
        name, equals, value = argument.partition("=")
        if name not in ("-c", "--config", "--run"):
            command_line.options.append(argument)
            continue
        value = value if equals else next(rest, "")
        if not value:
            raise UserError(f"{name} has no value; give {name} {_example(name)}")
        if name == "--run":
            command_line.run = value
        else:
            command_line.configs.append(value)
    _with_variables(command_line, environment)
    command_line.configs = [
        c if _is_text(c) else str(_check_mapping(find_config(c))) for c in command_line.configs
    ]
    if command_line.configs and command_line.run is None:
        _refuse_overlay_alone(command_line.configs[0])
    return command_line


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


def _with_variables(command_line: CommandLine, environment: Mapping[str, str]) -> CommandLine:
    prefix = f"{PREFIX}_{str(command_line.verb).upper()}__"
    for name in sorted(environment):
        if not name.startswith(prefix):
            continue
        key = name.removeprefix(prefix).replace("__", ".").lower()
        if key == "config":
            command_line.configs.insert(0, environment[name])
        else:
            command_line.variables[name] = f"--{key}={environment[name]}"
    return command_line


def _check_mapping(file: Path) -> Path:
    """Refuse a config file that is not a YAML mapping; the message names the file and the line."""
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise UserError(f"the config {file} is not text ({error.reason}); must be YAML") from error
    except OSError as error:
        raise UserError(
            f"the config {file} cannot be read ({error.strerror}); must be a readable file"
        ) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        position = f"{file}:{mark.line + 1}, column {mark.column + 1}" if mark else str(file)
        problem = getattr(error, "problem", None) or str(error)
        tabs = "; must be indented with spaces, not tabs" if r"'\t'" in str(problem) else ""
        raise UserError(f"the config is not YAML: {problem}, in {position}{tabs}") from error
    if content is None:
        raise UserError(f"the config {file} is empty; must have at least model and data")
    if not isinstance(content, dict):
        type_name = type(content).__name__
        raise UserError(
            f"the config {file} holds a {type_name}; must be a mapping, with lines KEY: VALUE"
        )
    return file


def resume_command(arguments: Sequence[str]) -> str:
    """Return the command that resumes the run that these arguments started."""
    import shlex

    kept, skip = [], False
    for argument in arguments:
        if skip:
            skip = False
        elif argument == "--ckpt_path":
            skip = True
        elif not argument.startswith("--ckpt_path="):
            kept.append(argument)
    return shlex.join(["lit-research", *kept, "--ckpt_path", "last"])
