import bz2
import gzip
import json
import lzma

import datasets
import pyarrow as pa
import pytest

from lit_research.errors import UserError
from lit_research.text import load_documents, load_splits
from lit_research.text.documents import COLUMNS, write_documents


def rows_of(source, **options):
    documents = load_documents(str(source), **options)
    assert set(documents.column_names or COLUMNS) == set(COLUMNS)
    return list(documents)


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_embedded_parts_are_loaded_in_the_order_asked_for(embedded):
    assert list(dict.fromkeys(embedded["kind"])) == ["topics", "docstrings", "stdlib"]
    assert len(set(embedded["id"])) == len(embedded)
    some = load_documents("embedded:stdlib, topics")
    assert list(dict.fromkeys(some["kind"])) == ["stdlib", "topics"]
    with pytest.raises(UserError, match="unknown part 'poems'"):
        load_documents("embedded:topics,poems")


def test_json_lines_keep_their_ids_and_get_content_ids_otherwise(tmp_path):
    path = write_lines(tmp_path / "a.jsonl", [{"text": "one", "id": 7}, {"text": "two"}])
    first, second = rows_of(path)
    assert first == {"text": "one", "id": "7", "source_id": "a.jsonl", "kind": "jsonl"}
    write_lines(path, [{"text": "zero"}, {"text": "two"}])
    assert rows_of(path)[1]["id"] == second["id"] != rows_of(path)[0]["id"]


def test_json_list_and_parquet_and_another_text_column(tmp_path):
    (tmp_path / "a.json").write_text(' [{"body": "one"}, {"body": "two"}]', encoding="utf-8")
    datasets.Dataset.from_dict({"body": ["three"]}).to_parquet(tmp_path / "b.parquet")
    (tmp_path / "README.md").write_text("not a document", encoding="utf-8")
    texts = [row["text"] for row in rows_of(tmp_path, text_column="body")]
    assert texts == ["one", "two", "three"]


def test_folder_of_texts_is_read_recursively_in_order_and_skips_hidden_and_empty(tmp_path):
    for name, text in [("b.md", "B"), ("a/z.py", "Z"), ("a/.git/x.txt", "X"), ("c.txt", "")]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert [(row["id"], row["text"]) for row in rows_of(tmp_path)] == [
        ("a/z.py", "Z"),
        ("b.md", "B"),
    ]
    assert rows_of(tmp_path / "b.md")[0]["id"] == "b.md"


def test_folder_that_save_to_disk_wrote(tmp_path, documents_of):
    documents = documents_of(["one", "two"])
    write_documents(documents, tmp_path / "ours", {"seed": 0})
    assert rows_of(tmp_path / "ours") == list(documents)
    bare = datasets.DatasetDict(train=datasets.Dataset.from_dict({"text": ["a"], "n": [1]}))
    bare.save_to_disk(tmp_path / "theirs")
    assert rows_of(tmp_path / "theirs")[0]["source_id"] == str(tmp_path / "theirs")


@pytest.mark.parametrize("source", ["embedded:topics", "lines"])
def test_streaming_gives_the_same_documents(source, tmp_path):
    if source == "lines":
        source = str(write_lines(tmp_path / "a.jsonl", [{"text": f"t{n}"} for n in range(5)]))
    assert rows_of(source, streaming=True) == rows_of(source)
    assert isinstance(load_documents(source, streaming=True), datasets.IterableDataset)


MISTAKES = {
    "missing.jsonl": (None, "no such file or folder"),
    "./missing": (None, "no such file or folder"),
    "a b": (None, "no such file or folder"),
    "org/name-that-is-not-there": (None, "cannot load .* 'org/name-that-is-not-there'"),
    "folder": ({}, "the corpus is empty"),
    "a.doc": ("x", "cannot read documents from a .doc file"),
    "column.csv": ("body,id\na,1\n", "no text column 'text'.*the columns are body, id"),
    "ragged.csv": ("text,id\na,1\nb\n", "fewer cells than the 2 columns, in ragged.csv, line 3"),
    "open.csv": ('text,id\n"a,1\n', "malformed table.*open.csv"),
    "latin.csv": (b"text\na\ncaf\xe9\n", "not UTF-8.*latin.csv, line 3"),
    "cut.txt.gz": (gzip.compress(b"some text")[:-4], "cannot decompress.*cut.txt.gz"),
    "other.jsonl.zst": ("no such thing", "cannot decompress.*other.jsonl.zst"),
    "chat.jsonl": ('{"messages": []}\n', "columns are messages.*apply_chat_template"),
    "surrogate.jsonl": ('{"text": "a \\ud800"}\n', "half a character.*surrogate.jsonl, line 1"),
    "empty.jsonl": ("", "the corpus is empty"),
    "blank.txt": ("", "the corpus is empty"),
    "malformed.jsonl": ('{"text": "a"}\n{"text": \n', "malformed.jsonl, line 2"),
    "malformed.json": ('[{"text": "a"},\n]', "malformed.json, line 2"),
    "column.jsonl": ('{"body": "a"}\n', "no text column 'text'.*the columns are body"),
    "number.jsonl": ('{"text": "a"}\n{"text": 3}\n', "holds int, not a string.*line 2"),
    "null.jsonl": ('{"text": null}\n', "holds NoneType, not a string"),
    "list.jsonl": ("[1]\n[2]\n", "malformed JSON"),
    "scalar.jsonl": ("3\n", "a row is int, not an object"),
    "latin.txt": (b"caf\xe9", "not UTF-8.*latin.txt"),
    "latin.jsonl": (b'{"text": "caf\xe9"}\n', "not UTF-8.*latin.jsonl"),
    "cut.parquet": (b"PAR1 and no more", "cannot read Parquet.*cut.parquet"),
    "state/state.json": ("{}", "cannot read the documents"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_the_source_is_one_line(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content, message = MISTAKES[name]
    path = tmp_path / name
    if content == {}:
        path.mkdir()
    elif content is not None:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=message) as caught:
        load_documents(str(path.parent) if name.startswith("state/") else name)
    assert "\n" not in str(caught.value)


def test_a_mistake_in_a_saved_dataset_is_one_line(tmp_path):
    datasets.Dataset.from_dict({"text": [1]}).save_to_disk(tmp_path / "numbers")
    with pytest.raises(UserError, match="holds int, not a string"):
        load_documents(str(tmp_path / "numbers"))
    with pytest.raises(UserError, match=r"no text column 'body'.*the columns are text"):
        load_documents(str(tmp_path / "numbers"), text_column="body")
    datasets.DatasetDict(a=datasets.Dataset.from_dict({"text": ["a"]})).save_to_disk(tmp_path / "d")
    with pytest.raises(UserError, match="no split 'train'"):
        load_documents(str(tmp_path / "d"))


def compressed_zst(data):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


TABLE = '\ufefftext,id\n"one, with\na break",7\ntwo,8\n'.encode()
LINES = b'{"text": "one, with\\na break", "id": 7}\n{"text": "two", "id": 8}\n'
FORMATS = {
    "a.csv": TABLE,
    "a.tsv": TABLE.replace(b",id", b"\tid").replace(b",7", b"\t7").replace(b",8", b"\t8"),
    "a.csv.gz": gzip.compress(TABLE),
    "a.jsonl.gz": gzip.compress(LINES),
    "a.jsonl.bz2": bz2.compress(LINES),
    "a.jsonl.xz": lzma.compress(LINES),
    "a.jsonl.zst": compressed_zst(LINES[:50]) + compressed_zst(LINES[50:]),
}


@pytest.mark.parametrize("name", FORMATS)
def test_tables_and_compressed_files_are_read(name, tmp_path):
    (tmp_path / name).write_bytes(FORMATS[name])
    rows = rows_of(tmp_path / name)
    assert [(row["text"], row["id"]) for row in rows] == [("one, with\na break", "7"), ("two", "8")]
    assert rows_of(tmp_path) == rows


def test_settings_and_tables_among_texts_are_no_documents(tmp_path):
    (tmp_path / "package.json").write_text('{\n "name": "x"\n}\n')
    (tmp_path / "tsconfig.json").write_text("{\n // a comment\n}\n")
    (tmp_path / "results.csv").write_text("seed,loss\n0,3.1\n")
    (tmp_path / "empty.js").write_text("")
    (tmp_path / "main.js").write_text("run();\n")
    assert [row["id"] for row in rows_of(tmp_path)] == ["main.js"]


def test_rows_without_the_text_column_are_refused_where_there_is_nothing_else(tmp_path):
    write_lines(tmp_path / "a.jsonl", [{"body": "one"}])
    (tmp_path / "README.md").write_text("about the data")
    with pytest.raises(UserError, match=r"no text column 'text'.*the columns are body"):
        load_documents(str(tmp_path))


@pytest.mark.parametrize("layout", ["files", "folders", "saved"])
def test_the_splits_of_a_data_set_are_its_own(layout, tmp_path):
    parts = {"train": ["a", "b"], "valid": ["c"], "test": ["d"]}
    for name, texts in parts.items():
        if layout == "files":
            write_lines(tmp_path / f"{name}-00000.jsonl", [{"text": text} for text in texts])
        if layout == "folders":
            (tmp_path / name).mkdir()
            for text in texts:
                (tmp_path / name / f"{text}.md").write_text(text)
    if layout == "saved":
        named = {n: datasets.Dataset.from_dict({"text": t}) for n, t in parts.items()}
        datasets.DatasetDict(named).save_to_disk(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    found = {name: list(part["text"]) for name, part in load_splits(str(tmp_path)).items()}
    assert found == {"train": ["a", "b"], "validation": ["c"], "test": ["d"]}
    assert sorted(tmp_path.rglob("*")) == before, "nothing is written beside the data"


def test_files_that_are_no_splits_are_one(tmp_path):
    for name in ("train.py", "test.py", "trainer.txt", "testing.txt"):
        (tmp_path / name).write_text(name)
    assert [*load_splits(str(tmp_path))] == ["train"]


def test_a_damaged_arrow_file_is_found_when_it_is_loaded(tmp_path):
    rows = {name: [f"text {n}" for n in range(50)] for name in ("text", "id", "source_id", "kind")}
    datasets.Dataset.from_dict(rows).save_to_disk(tmp_path)
    [file] = tmp_path.glob("*.arrow")
    file.write_bytes(file.read_bytes().replace(b"text 7text 8", b"text 7\xff\xff\xff\xff 8"))
    with pytest.raises(UserError, match=r"cannot read the documents.*UTF"):
        load_documents(str(tmp_path))


def test_a_cache_that_cannot_be_written_is_named(tmp_path):
    write_lines(tmp_path / "a.jsonl", [{"text": "one"}])
    with pytest.raises(UserError, match=r"cannot write.*a.jsonl/cache.*cache_dir"):
        load_documents(str(tmp_path / "a.jsonl"), cache_dir=tmp_path / "a.jsonl" / "cache")
