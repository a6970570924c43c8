"""Load documents from any source of text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning.pytorch.utilities import rank_zero_info

from lit_research.errors import UserError
from lit_research.hub import first_line, load_named, names_a_path
from lit_research.storage import (
    build_folder,
    cache_root,
    content_hash,
    save_dataset,
    writing,
)
from lit_research.text.documents import COLUMNS
from lit_research.text.embedded import PARTS, check_parts, embedded_key, embedded_rows
from lit_research.text.files import (
    SPLIT_NAMES,
    check_text,
    files_by_split,
    find_files,
    no_column,
    read_rows,
)
from lit_research.text.sources import NAMES, AnySource, own_splits, source_name

if TYPE_CHECKING:
    from datasets import Dataset, Features, IterableDataset

# One of these is in every folder that save_to_disk writes, for a Dataset or a DatasetDict.
_SAVED = ("state.json", "dataset_dict.json")
_HUB_RIGHT = (
    "give a path that exists, 'embedded', or the name of a data set on the hub ('org/name:config')"
)


def load_documents(
    source: AnySource,
    *,
    text_column: str = "text",
    streaming: bool = False,
    cache_dir: str | Path | None = None,
) -> Dataset | IterableDataset:
    """Load documents with the string columns ``text, id, source_id, kind``.

    Args:
        source: ``embedded`` (all of it) or ``embedded:topics,docstrings``; a folder written by
            ``save_to_disk``; a file or folder of text, JSON, JSON lines, CSV, TSV or Parquet,
            compressed or not (see ``files.py``); else a data set on the hub, ``org/name`` or
            ``org/name:config``; or the class path of a ``DocumentSource`` of your own, as
            ``{class_path: ..., init_args: ...}``. From a data set with splits, ``train`` is read
            (see ``load_splits``); from files, all.
        text_column: the column of rows that holds the text.
        streaming: return an ``IterableDataset`` that reads lazily, for data larger than memory.
        cache_dir: folder of Arrow copies of text; default as in ``cache_root``.

    Raises:
        UserError: the source does not exist or holds no document, or there is no such text column,
            or it holds something else than text.
    """
    cache = cache_root(cache_dir) / "documents"
    if not isinstance(source, str):
        train = own_splits(source, text_column)["train"]
        return _finished(train, source_name(source), text_column, streaming, cache)
    path = Path(source).expanduser()
    if _is_embedded(source):
        documents = _load_embedded(source, cache_root(cache_dir) / "embedded")
    elif is_saved(path):
        documents = load_saved(path, whole=not streaming)
        documents = _chosen(documents, source, ("train",)).get("train", documents)
    elif path.exists():
        files = find_files(path, text_column)
        documents = _load_files(files, path, text_column, streaming, cache)
        text_column = "text"
    else:
        documents = _load_hub(source, "train", streaming)
    return _finished(documents, source, text_column, streaming, cache)


def load_splits(
    source: AnySource,
    *,
    text_column: str = "text",
    streaming: bool = False,
    cache_dir: str | Path | None = None,
) -> dict[str, Dataset | IterableDataset]:
    """Load documents as ``load_documents`` does, by split.

    Splits are those of a ``DatasetDict``, of the hub, or of files by the rule of
    ``files_by_split``. ``train`` always exists; ``validation`` and ``test`` if the source has them.
    Other splits are ignored.
    """
    cache = cache_root(cache_dir) / "documents"
    if not isinstance(source, str):
        own = own_splits(source, text_column)
        return _finished_splits(own, source_name(source), text_column, streaming, cache)
    path = Path(source).expanduser()
    splits: dict[str, Any]
    if _is_embedded(source):
        splits = {}
    elif is_saved(path):
        splits = _chosen(load_saved(path, whole=not streaming), source, NAMES)
    elif path.exists():
        by_split = files_by_split(path, find_files(path, text_column))
        splits = {
            name: _load_files(files, path, text_column, streaming, cache)
            for name, files in by_split.items()
        }
        text_column = "text"
    else:
        splits = _chosen(_load_hub(source, None, streaming), source, NAMES)
    if not splits:
        options: dict[str, Any] = {"streaming": streaming, "cache_dir": cache_dir}
        return {"train": load_documents(source, text_column=text_column, **options)}
    return _finished_splits(splits, source, text_column, streaming, cache)


def _is_embedded(source: str) -> bool:
    return source == "embedded" or source.startswith("embedded:")


def is_saved(path: Path) -> bool:
    """Return whether a path is a folder that ``save_to_disk`` wrote."""
    return path.is_dir() and any((path / name).is_file() for name in _SAVED)


def _chosen(documents: Any, source: str, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the splits called ``names``; none if the documents have no splits."""
    if not isinstance(documents, dict):
        return {}
    by_name = {SPLIT_NAMES[n.lower()]: n for n in documents if n.lower() in SPLIT_NAMES}
    if "train" not in by_name:
        raise UserError(
            f"there is no split 'train', in {source!r}; give one of its split "
            f"folders ({', '.join(documents)}), or a data set that has one"
        )
    return {name: documents[by_name[name]] for name in names if name in by_name}


def _finished_splits(
    splits: Mapping[str, Any], source: str, text_column: str, streaming: bool, cache: Path
) -> dict[str, Dataset | IterableDataset]:
    """Return every split as ``_finished`` does; log their names."""
    if len(splits) > 1:
        rank_zero_info(f"{source} has its own splits: {', '.join(splits)}.")
    return {
        name: _finished(documents, f"{source}, split {name}", text_column, streaming, cache)
        for name, documents in splits.items()
    }


def _finished(
    documents: Any, source: str, text_column: str, streaming: bool, cache: Path
) -> Dataset | IterableDataset:
    """Return the documents with our four columns; refuse an empty data set."""
    documents = _with_columns(documents, source, text_column, cache)
    if not hasattr(documents, "__len__"):
        return documents
    if len(documents) == 0:
        raise _empty(source)
    return documents.to_iterable_dataset() if streaming else documents


def _load_embedded(source: str, cache: Path) -> Dataset:
    from datasets import concatenate_datasets

    _, _, names = source.partition(":")
    parts = [name.strip() for name in names.split(",")] if ":" in source else list(PARTS)
    check_parts(parts)
    return concatenate_datasets([_load_part(part, cache) for part in dict.fromkeys(parts)])


def _load_part(part: str, cache: Path) -> Dataset:
    """Load a part of the embedded corpus from a cached copy: parsing the sources takes seconds."""
    from datasets import Dataset, load_from_disk

    folder = cache / f"{part}-{embedded_key()}"

    def build(partial: Path) -> None:
        save_dataset(Dataset.from_list(embedded_rows([part])), partial)

    build_folder(
        folder,
        build,
        is_whole=lambda whole: (whole / _SAVED[0]).is_file(),
        what=f"Building the embedded corpus ({part})",
    )
    return load_from_disk(str(folder))


def load_saved(folder: Path, *, whole: bool) -> Dataset | dict[str, Dataset]:
    """Load a folder of save_to_disk; ``whole``: check all of its data for damage."""
    from datasets import load_from_disk

    try:
        documents = load_from_disk(str(folder))
        # Otherwise damage would surface where the documents are used, or crash the process.
        for split in documents.values() if isinstance(documents, dict) else [documents]:
            if whole:
                split.data.table.validate(full=True)
    except Exception as error:  # a damaged folder can fail in any layer below
        raise UserError(
            f"cannot read the documents ({first_line(error)}), in folder {str(folder)!r}; "
            "expected a folder that save_to_disk wrote"
        ) from error
    return documents


def _load_files(
    files: list[Path], root: Path, text_column: str, streaming: bool, cache: Path
) -> Dataset | IterableDataset:
    """Read local files through an Arrow copy on disk, since they may be larger than memory."""
    import datasets
    from datasets.exceptions import DatasetGenerationError

    reading: dict[str, Any] = {
        "files": [str(file) for file in files],
        "root": str(root),
        "text_column": text_column,
    }
    if next(read_rows(**reading), None) is None:
        raise _empty(str(root))
    arguments = {"generator": read_rows, "features": _features(), "gen_kwargs": reading}
    if streaming:
        return datasets.IterableDataset.from_generator(**arguments)
    # The default key of the copy is the files' names; a changed file needs a new copy.
    stamps = [f"{file}:{file.stat().st_size}:{file.stat().st_mtime_ns}" for file in files]
    key = content_hash("2", str(root.resolve()), text_column, *stamps)
    with writing(cache):
        try:
            return datasets.Dataset.from_generator(
                **arguments, cache_dir=str(cache), fingerprint=key
            )
        except DatasetGenerationError as error:
            if isinstance(error.__cause__, (UserError, OSError)):
                raise error.__cause__ from None
            raise


def _load_hub(source: str, split: str | None, streaming: bool) -> Any:
    from datasets import load_dataset

    name, _, config = source.partition(":")
    if names_a_path(source.replace(":", "-")):  # including the colon: a:b may be a path
        name = source
    return load_named(
        name,
        lambda known: load_dataset(known, config or None, split=split, streaming=streaming),
        what="source of documents",
        right=_HUB_RIGHT,
    )


def _with_columns(
    documents: Dataset | IterableDataset, source: str, text_column: str, cache: Path
) -> Dataset | IterableDataset:
    """Return the documents with our four columns and no others."""
    if documents.features == _features() and text_column == "text":
        return documents
    names = documents.column_names or list(next(iter(documents), {text_column: ""}))
    if text_column not in names:
        raise no_column(text_column, names, repr(source))
    options: dict[str, Any] = {}
    if hasattr(documents, "__len__"):  # otherwise it would be next to the data, which are not ours
        key = content_hash("1", documents._fingerprint, source, text_column)
        options["cache_file_name"] = str(cache / f"{key}.arrow")
    with writing(cache):
        if options:
            cache.mkdir(parents=True, exist_ok=True)
        return documents.map(
            _complete,
            batched=True,
            fn_kwargs={"source": source, "text_column": text_column},
            remove_columns=names,
            features=_features(),
            **options,
        )


def _complete(
    batch: dict[str, list[Any]], *, source: str, text_column: str
) -> dict[str, list[str]]:
    """Fill in missing columns of a batch of rows (the id is a hash of the text)."""
    texts = batch[text_column]
    for text in texts:
        check_text(text, text_column, repr(source))
    return {
        "text": texts,
        "id": [str(x) for x in batch["id"]] if "id" in batch else list(map(content_hash, texts)),
        "source_id": list(map(str, batch.get("source_id", [source] * len(texts)))),
        "kind": list(map(str, batch.get("kind", ["text"] * len(texts)))),
    }


def _features() -> Features:
    from datasets import Features, Value

    return Features({column: Value("string") for column in COLUMNS})


def _empty(source: str) -> UserError:
    return UserError(f"the corpus is empty (no document with text), in {source!r}; give some text")
