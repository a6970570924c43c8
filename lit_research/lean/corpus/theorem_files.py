"""Theorems from files: JSONL records, Lean sources, LeanDojo's benchmark.

Reading them needs neither Lean nor lean-dojo.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lit_research.errors import UserError
from lit_research.lean import Statement, parse_statement
from lit_research.lean.corpus.goals import read_context
from lit_research.lean.corpus.lean_files import scan, split_at_proof

LEANDOJO = "LeanDojo"
"""Source of theorems from a benchmark of LeanDojo."""
_BENCHMARK = ("train", "val", "test")


@dataclass(frozen=True)
class Theorem:
    """A statement to prove.

    Attributes:
        id: unique in its set.
        statement: ``theorem NAME BINDERS : CONCLUSION``, in one line.
        header: imports and ``open`` commands before it.
        tag: the family, or the tag of the source.
        source: the data set or file that it is from.
        proofs: blocks of tactics, as after ``:= by``, if the source has proofs.
        level: 1 (easy) to 5; 0 if it is not graded.
    """

    id: str
    statement: str
    header: str = ""
    tag: str = ""
    source: str = ""
    proofs: tuple[str, ...] = ()
    level: int = 0

    @cached_property
    def parsed(self) -> Statement:
        """The parts of the statement, which is read once."""
        statement = parse_statement(self.statement)
        assert statement is not None, self.statement  # files that hold anything else are refused
        return statement


def read_theorems(path: str | Path) -> list[Theorem]:
    """Read theorems from a file or a folder.

    Args:
        path: a ``.jsonl`` file (or ``.json`` with a list) of records ``id``, ``theorem`` and,
            where there are any, ``header``, ``tag``, ``source``, ``proofs``, ``level``; a ``.lean``
            file; a folder of such files; or a folder of LeanDojo's benchmark, with
            ``random/train.json`` or ``train.json``, ``val.json``, ``test.json`` and, better, the
            ``corpus.jsonl`` next to ``random``.

    Raises:
        UserError: there is nothing, a file is malformed, an id occurs twice, or a text is not a
            statement.
    """
    path = Path(path)
    if path.is_dir():
        for folder in (path / "random", path):
            if any((folder / f"{name}.json").is_file() for name in _BENCHMARK):
                return _checked(_leandojo(folder), path)
    files = _files(path)
    theorems = (t for file in files for t in _READERS[file.suffix](file, path))
    return _checked(theorems, path)


def _files(path: Path) -> list[Path]:
    if path.is_file() and path.suffix in _READERS:
        return [path]
    files = sorted(file for suffix in _READERS for file in path.rglob(f"*{suffix}"))
    if not files:
        raise UserError(
            f"no theorems at {str(path)!r}, in data.init_args.source of Theorems; must be "
            "'embedded', a .jsonl or .lean file, or a folder with such files or with LeanDojo's "
            "benchmark"
        )
    return files


def _checked(theorems: Iterator[Theorem], path: Path) -> list[Theorem]:
    seen: dict[str, Theorem] = {}
    for theorem in theorems:
        if theorem.id in seen:
            raise UserError(f"the id {theorem.id!r} occurs twice, in {path}; ids must be unique")
        seen[theorem.id] = theorem
    if not seen:
        raise UserError(f"there is no theorem, in {path}; must have at least one")
    return list(seen.values())


def as_statement(text: str, id_: str, where: object) -> str:
    """Return a theorem's text as one line without ``:=`` and what follows.

    Raises:
        UserError: it is not a statement.
    """
    parsed = parse_statement(split_at_proof(text)[0])
    if parsed is None:
        raise UserError(
            f"theorem {id_!r} is not a statement: {' '.join(text.split())[:80]!r}, in {where}; "
            "must be 'theorem NAME (BINDERS) : CONCLUSION', with or without ':= by sorry'"
        )
    return parsed.text


def _json_records(file: Path) -> Iterator[tuple[str, Any]]:
    """Yield where each record is, and the record."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".json":
        try:
            whole = json.loads(text)
        except ValueError as error:
            raise UserError(
                f"malformed JSON: {error}, in {file}; must be a list of records"
            ) from None
        yield from ((f"{file}, record {i}", record) for i, record in enumerate(whole, 1))
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                record = json.loads(line)
            except ValueError as error:
                raise UserError(
                    f"malformed JSON: {error}, in {file}, line {number}; must be one object a line"
                ) from None
            yield f"{file}, line {number}", record


def _from_records(file: Path, _: Path) -> Iterator[Theorem]:
    for where, record in _json_records(file):
        if not isinstance(record, dict) or not {"id", "theorem"} <= record.keys():
            raise UserError(
                f"a record has no 'id' or no 'theorem': {str(record)[:80]}, in {where}; must have "
                "both, and may have 'header', 'tag', 'source', 'proofs' and 'level'"
            )
        id_, proofs = str(record["id"]), record.get("proofs") or ()
        if not isinstance(record["theorem"], str) or not isinstance(proofs, (list, tuple)):
            raise UserError(
                f"{id_!r} has a 'theorem' that is not a string or 'proofs' that are not a list, in "
                f"{where}; must be a string and a list of strings"
            )
        yield Theorem(
            id_,
            as_statement(record["theorem"], id_, where),
            header=str(record.get("header") or "").strip(),
            tag=str(record.get("tag") or ""),
            source=str(record.get("source") or file.name),
            proofs=tuple(split_at_proof(str(proof))[1] or str(proof) for proof in proofs),
            level=int(record.get("level") or 0),
        )


def _from_lean(file: Path, root: Path) -> Iterator[Theorem]:
    prefix = "" if file == root else f"{file.relative_to(root).as_posix()}:"
    for theorem in scan(file.read_text(encoding="utf-8")):
        id_ = f"{prefix}{theorem.name}"
        yield Theorem(
            id_,
            as_statement(theorem.statement, id_, file),
            header=theorem.header,
            source=file.name,
            proofs=(theorem.proof,) if theorem.proof else (),
        )


_READERS: dict[str, Callable[[Path, Path], Iterator[Theorem]]] = {
    ".jsonl": _from_records,
    ".json": _from_records,
    ".lean": _from_lean,
}


def _leandojo(folder: Path) -> Iterator[Theorem]:
    """Yield the benchmark's theorems; their tags are the benchmark's splits.

    A statement is the entry's ``theorem_statement``, else the code in ``corpus.jsonl``, else the
    first proof state; an entry without any of them cannot be read and is left out.
    """
    corpus = next((f for f in (folder, folder.parent) if (f / "corpus.jsonl").is_file()), None)
    code: dict[tuple[str, str], str] = {}
    imports: dict[str, list[str]] = {}
    for _, entry in _json_records(corpus / "corpus.jsonl") if corpus else ():
        imports[entry["path"]] = entry.get("imports", [])
        for premise in entry.get("premises", ()):
            code[entry["path"], premise["full_name"]] = premise.get("code", "")
    for split in _BENCHMARK:
        file = folder / f"{split}.json"
        for where, entry in _json_records(file) if file.is_file() else ():
            try:
                path, name = entry["file_path"], entry["full_name"]
                states = entry.get("traced_tactics") or ()
                text = entry.get("theorem_statement") or code.get((path, name), "")
                text = text or (_from_state(name, states[0]["state_before"]) if states else "")
                if not all(isinstance(part, str) for part in (path, name, text)):
                    raise TypeError("file_path, full_name or theorem_statement is not a string")
            except (KeyError, TypeError, AttributeError, IndexError) as error:
                raise UserError(
                    f"malformed entry ({type(error).__name__}: {error}), in {where}; must have "
                    "LeanDojo's keys: url, commit, file_path, full_name, start, end, traced_tactics"
                ) from None
            if text:
                id_ = f"{path}:{name}:{':'.join(map(str, entry.get('start') or ()))}".rstrip(":")
                lines = [f"import {_module(other)}" for other in imports.get(path, ())]
                statement = as_statement(text, id_, where)
                yield Theorem(id_, statement, "\n".join(lines), split, LEANDOJO)


def _module(path: str) -> str:
    """Return the module of a file, also one in ``.lake/packages`` or Lean's own library."""
    for root in (".lake/packages/lean4/src/lean/", "lake-packages/lean4/src/lean/"):
        path = path.removeprefix(root)
    parts = path.removesuffix(".lean").split("/")
    if parts[0] in (".lake", "lake-packages"):
        parts = parts[parts.index("packages") + 2 :] if "packages" in parts else parts[2:]
    return ".".join(parts)


def _from_state(name: str, state: str) -> str:
    """Return a statement whose hypotheses are those of a proof state, instances in brackets."""
    before, _, goal = state.partition("⊢")
    binders: list[str] = []
    for names, type_ in read_context(before):
        joined = " ".join(names)
        binders.append(f"[{type_}]" if "✝" in joined else f"({joined} : {type_})")
    return " ".join(["theorem", name, *binders, ":", " ".join(goal.split())])
