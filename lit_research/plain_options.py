"""Options of the command below a key that holds plain data, such as a class that a method builds.

jsonargparse merges ``--model.init_args.lm.rope_scaling.factor 2`` into the config where all on the
way has a type. Below a plain mapping it keeps the last such option alone, and loses what was beside
it. So these options are put on top of the mapping here, and the whole is given to the parser.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml
from jsonargparse import Namespace

if TYPE_CHECKING:
    from lightning.pytorch.cli import LightningArgumentParser

# --X.init_args.NAME.REST: less deep options are set correctly by the parser.
_DEEP = re.compile(r"--(\w+\.init_args\.\w+\..+?)(\+?)(?:=(.*))?", re.DOTALL)
_KEYS = ("class_path", "init_args")


def merge_plain_options(
    parser: LightningArgumentParser, verb: str, before: list[str], options: list[str]
) -> list[str]:
    """Return the arguments of a verb, with the options below plain data merged into one each.

    Args:
        parser: of the command.
        verb: what the command does.
        before: its configs.
        options: and what is set on top of them, the later wins.
    """
    deep, others = _split(options)
    if not deep:
        return [verb, *before, *options]
    try:
        config = parser.parse_args([verb, *before, *others])[verb]
    except Exception:  # parsing again says what is wrong
        return [verb, *before, *options]
    plain: dict[str, Any] = {}
    for words, key, appends, text in deep:
        prefix = _plain_prefix(config, key)
        if prefix is None:
            others += words
            continue
        content = plain.setdefault(prefix, _as_plain(config[prefix]))
        _set(content, key[len(prefix) + 1 :].split("."), _value(text), appends)
    merged = [f"--{prefix}={json.dumps(content)}" for prefix, content in plain.items()]
    return [verb, *before, *others, *merged]


def _split(options: list[str]) -> tuple[list[tuple[list[str], str, bool, str]], list[str]]:
    """Return the deep options as (words, key, whether it appends, value), and all other words."""
    deep, others = list[tuple[list[str], str, bool, str]](), list[str]()
    words = iter(options)
    for word in words:
        found = _DEEP.fullmatch(word)
        if found is None:
            others.append(word)
            continue
        key, plus, value = found.groups()
        given = [word]
        if value is None:
            value = next(words, "")
            given.append(value)
        deep.append((given, key, bool(plus), value))
    return deep, others


def _plain_prefix(config: Namespace, key: str) -> str | None:
    """Return the part of a key at which the config holds plain data, None if it has none."""
    node: Any = config
    parts = key.split(".")
    for place, part in enumerate(parts):
        if isinstance(node, dict):
            return ".".join(parts[:place])
        if not isinstance(node, Namespace) or part not in node:
            return None
        node = node[part]
    return None


def _as_plain(node: Any) -> Any:
    if isinstance(node, Namespace):
        node = node.as_dict()
    if isinstance(node, Mapping):
        return {str(key): _as_plain(value) for key, value in node.items()}
    if isinstance(node, (list, tuple)):
        return [_as_plain(value) for value in node]
    return node if node is None or isinstance(node, (bool, int, float, str)) else str(node)


def _value(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _set(node: dict[str, Any], parts: list[str], value: Any, appends: bool) -> None:
    """Set a value below a node; the names of a class's arguments may leave out ``init_args``."""
    *way, last = parts
    for part in way:
        node = _arguments(node, part)
        below = node.get(part)
        if isinstance(below, str):  # a class path alone
            below = {"class_path": below}
        node[part] = below if isinstance(below, dict) else {}
        node = node[part]
    node = _arguments(node, last)
    if last == "class_path" and node.get(last) != value:
        node.pop("init_args", None)  # they are another class's
    if appends:
        added = value if isinstance(value, list) else [value]
        value = [*(node.get(last) or []), *added]
    node[last] = value


def _arguments(node: dict[str, Any], part: str) -> dict[str, Any]:
    """Return where an argument's value is: in ``init_args`` if the node is a class."""
    if "class_path" not in node or part in _KEYS:
        return node
    if not isinstance(node.get("init_args"), dict):
        node["init_args"] = {}
    return node["init_args"]
