"""Issues of a repository with their discussion, from a dump."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lit_research.errors import UserError


@dataclass(frozen=True)
class Issue:
    """An issue with its discussion.

    Attributes:
        id: number or name, one of a kind.
        title: of the issue.
        text: its body and all comments.
    """

    id: str
    title: str
    text: str


def read_issues(path: str | Path) -> list[Issue]:
    """Read a dump of issues: a JSON list of objects, as the API of GitHub returns them.

    Each has ``title``, ``body`` (may be null), and optionally ``number`` and ``comments``: a list
    of texts or of objects with ``body``.

    Args:
        path: of the file.

    Raises:
        UserError: it is no such file.
    """
    try:
        rows = json.loads(Path(path).read_text(encoding="utf-8"))
        if not isinstance(rows, list):
            raise TypeError(f"the file holds a {type(rows).__name__}")
        return [_issue(number, row) for number, row in enumerate(rows)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{str(path)!r} is no dump of issues ({error!r}), in read_issues; must be a JSON list "
            "of objects with title, body and comments"
        ) from error


def _issue(number: int, row: Mapping[str, Any]) -> Issue:
    comments = row.get("comments") or []
    comments = comments if isinstance(comments, list) else []  # the API's own is their number
    texts = [one if isinstance(one, str) else one["body"] or "" for one in comments]
    title = row["title"].strip()
    return Issue(str(row.get("number", number)), title, "\n\n".join([row["body"] or "", *texts]))
