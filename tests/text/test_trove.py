"""Our shards through a pipeline of datatrove, two at a time, and back."""

import pytest
from datasets import Dataset

from lit_research.errors import UserError
from lit_research.text import datatrove_reader, datatrove_writer, load_documents, write_shards

KINDS = ["jsonl", "parquet"]


def documents():
    return Dataset.from_dict(
        {
            "text": ["one\ntwo", "ünï 😀", "three " * 50, "four", "five"],
            "id": [f"doc/{n}" for n in range(5)],
            "source_id": [*"aabbc"],
            "kind": ["x", "y", "x", "y", "x"],
        }
    )


@pytest.mark.parametrize("kind", KINDS)
def test_our_own_loader_reads_the_shards(tmp_path, kind):
    files = write_shards(documents(), tmp_path / "out", 2, kind)
    assert [file.name.split(".")[0] for file in files] == ["00000", "00001"]
    found = load_documents(str(tmp_path / "out"), cache_dir=tmp_path / "cache")
    assert found.to_list() == documents().to_list()
    before = [file.read_bytes() for file in files]
    files[1].unlink()
    assert write_shards(documents(), tmp_path / "out", 2, kind) == files  # goes on after a kill
    assert [file.read_bytes() for file in files] == before


@pytest.mark.parametrize("kind", KINDS)
def test_two_shards_go_through_datatrove_and_back(tmp_path, kind):
    pytest.importorskip("datatrove")
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.filters import LambdaFilter

    write_shards(documents(), tmp_path / "in", 2, kind)
    steps = [
        datatrove_reader(tmp_path / "in", kind),
        LambdaFilter(lambda document: document.metadata["source_id"] != "c"),
        datatrove_writer(tmp_path / "out", kind),
    ]
    LocalPipelineExecutor(steps, tasks=2, workers=1, logging_dir=str(tmp_path / "logs")).run()
    assert len(list((tmp_path / "out").iterdir())) == 2
    found = load_documents(str(tmp_path / "out"), cache_dir=tmp_path / "cache")
    assert found.to_list() == documents().to_list()[:4]


def test_what_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(UserError, match="kind is 'csv'"):
        write_shards(documents(), tmp_path, 2, "csv")
    with pytest.raises(UserError, match="shards is 6"):
        write_shards(documents(), tmp_path, 6)
    with pytest.raises(UserError, match="no column 'source_id'"):
        write_shards(documents().remove_columns("source_id"), tmp_path, 2)
    write_shards(documents(), tmp_path, 3)
    with pytest.raises(UserError, match=r"other files \(00002\.jsonl\.gz\)"):
        write_shards(documents(), tmp_path, 2)


def test_without_datatrove_the_extra_is_named(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "datatrove.pipeline.readers", None)
    with pytest.raises(UserError, match=r"pip install 'lit_research\[datatrove\]'"):
        datatrove_reader(tmp_path)
