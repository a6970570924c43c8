"""LongSWE_Bench and SWE-bench: read into items, written again as they were; and predictions."""

import json
import zipfile

import pyarrow as pa
import pytest
from datasets import Dataset, load_from_disk

from lit_research.errors import UserError
from lit_research.methods.longcode import ItemSet, Span
from lit_research.methods.longcode.counters import Characters
from lit_research.methods.longcode.predictions import read_predictions, write_predictions
from lit_research.methods.longcode.published_instances import export_instances, import_instances
from lit_research.methods.longcode.published_ladder import PublishedLadder
from lit_research.methods.longcode.published_patches import changed_spans
from lit_research.methods.longcode.published_repairs import (
    COLUMNS,
    export_repairs,
    import_repairs,
    published_text,
)
from tests.methods.longcode.releases import (
    BUCKETS,
    FILES,
    PATCH,
    repair,
    repair_folder,
    write_zip,
)

ROWS = [repair(1, 0), repair(1, 2), repair(2, 2)]


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    return repair_folder(tmp_path_factory.mktemp("swe"), dict.fromkeys(BUCKETS, ROWS))


def zipped(folder, path):
    files = {
        f.relative_to(folder).as_posix(): f.read_bytes() for f in folder.rglob("*") if f.is_file()
    }
    return write_zip(path, files)


def test_an_instance_is_an_item_for_each_set_of_files(released):
    items = import_repairs(released, buckets=["32K"])
    assert [item.id for item in items.repairs] == [
        "32K/me__shop-1/0",
        "32K/me__shop-1/2",
        "32K/me__shop-2/2",
    ]
    item = items.repairs[1]
    assert item.statement == "Issue 1: <code>price</code> is wrong"
    assert item.patch == PATCH
    assert (item.fail_to_pass, item.pass_to_pass) == (("t.py::a",), ("t.py::b", "t.py::c"))
    assert item.evidence == (Span("shop/cart.py", 4, 4),)
    tree = items.trees[item.tree]
    assert set(tree.files) == {"README.md", *FILES, "other0.py", "other1.py"}
    assert tree.files["shop/cart.py"] == FILES["shop/cart.py"]
    assert "".join(published_text(item, tree)) == ROWS[1]["text"]
    assert items.card["buckets"] == {"32K": 3}
    assert items.card["differences"] == []


def test_the_released_text_is_asked(released):
    items = import_repairs(released, buckets=["1M"])
    [rung] = PublishedLadder(items.trees, Characters()).rungs(items.repairs[0])
    assert rung.bucket == 1_048_576
    assert rung.context + rung.rests[0] == ROWS[0]["text"]


def test_the_layout_round_trips(released, tmp_path):
    path = zipped(released, tmp_path / "LongSWE_Bench.zip")
    import_repairs(path).save(tmp_path / "items")
    export_repairs(ItemSet.load(tmp_path / "items"), tmp_path / "again.zip")
    with zipfile.ZipFile(tmp_path / "again.zip") as again:
        again.extractall(tmp_path / "again")
    for bucket in BUCKETS:
        old = load_from_disk(str(released / "LongSWE_Bench" / bucket))
        new = load_from_disk(str(tmp_path / "again/LongSWE_Bench" / bucket))
        assert list(new) == ["test"]
        assert list(new["test"]) == list(old["test"]) == ROWS
        assert new["test"].features == old["test"].features
        assert new["test"].column_names == list(COLUMNS)


def test_a_text_in_another_layout_is_kept_whole(tmp_path):
    rows = [
        repair(1, 0, text="Repair it."),
        repair(1, 1, text=repair(1, 1)["text"].replace("\n1 LIMIT", "\n7 LIMIT")),
        repair(1, 2, FAIL_TO_PASS=json.dumps(["x"])),
    ]
    items = import_repairs(repair_folder(tmp_path, {"64K": rows}), buckets=["64K"])
    assert [set(items.trees[i.tree].files) == {""} for i in items.repairs] == [True, True, False]
    export_repairs(items, tmp_path / "again")
    assert list(load_from_disk(str(tmp_path / "again/LongSWE_Bench/64K/test"))) == rows


def test_lists_of_tests_may_be_lists(tmp_path):
    rows = [repair(1, 0, FAIL_TO_PASS=["t.py::a"], PASS_TO_PASS=[])]
    items = import_repairs(repair_folder(tmp_path, {"32K": rows}), buckets=["32K"])
    assert items.repairs[0].fail_to_pass == ("t.py::a",)
    export_repairs(items, tmp_path / "again")
    assert list(load_from_disk(str(tmp_path / "again/LongSWE_Bench/32K/test"))) == rows


def test_other_columns_are_imported_with_a_warning(tmp_path):
    row = {name: value for name, value in repair(1, 0).items() if name != "hints_text"}
    folder = repair_folder(tmp_path, {"32K": [{**row, "extra": 1}]})
    with pytest.warns(UserWarning, match="lacks the columns hints_text; 32K has further columns"):
        import_repairs(folder, buckets=["32K"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"FAIL_TO_PASS": "[]"}, "fail_to_pass is empty"),
        ({"FAIL_TO_PASS": "t.py"}, "must be a list of tests, or JSON of one"),
        ({"patch": None}, "there is no 'patch'"),
        ({"text": None}, "there is no text 'text'"),
    ],
)
def test_a_bad_repair_is_named_or_left_out(tmp_path, changes, message):
    folder = repair_folder(tmp_path, {"32K": [repair(1, 0), repair(2, 1, **changes)]})
    with pytest.raises(UserError, match=f"item 1, in LongSWE_Bench/32K .*{message}"):
        import_repairs(folder, buckets=["32K"])
    with pytest.warns(UserWarning, match="is left out"):
        assert len(import_repairs(folder, buckets=["32K"], skip_bad=True).repairs) == 1


def test_another_layout_is_refused(released, tmp_path):
    with pytest.raises(UserError, match="the bucket 32K is missing"):
        import_repairs(write_zip(tmp_path / "x.zip", {"readme": b""}))
    bad = write_zip(tmp_path / "y.zip", {"LongSWE_Bench/32K/test/data.arrow": b"no arrow"})
    with pytest.raises(UserError, match="no table of Arrow"):
        import_repairs(bad, buckets=["32K"])


def test_what_a_tables_own_metadata_says_is_not_believed(tmp_path):
    table = pa.Table.from_pylist([repair(1, 0)]).replace_schema_metadata({"huggingface": "{"})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    content = sink.getvalue().to_pybytes()
    path = write_zip(tmp_path / "x.zip", {"LongSWE_Bench/32K/test/data.arrow": content})
    export_repairs(import_repairs(path, buckets=["32K"]), tmp_path / "again")
    assert list(load_from_disk(str(tmp_path / "again/LongSWE_Bench/32K/test"))) == [repair(1, 0)]


@pytest.mark.parametrize("form", ["json", "jsonl", "parquet", "folder"])
@pytest.mark.parametrize("as_list", [True, False])
def test_instances_of_swe_bench_round_trip(tmp_path, form, as_list):
    row = {**repair(1, 0), "patch": PATCH}
    del row["text"], row["num_files"], row["num_tokens"]
    if as_list:
        row |= {key: json.loads(row[key]) for key in ("FAIL_TO_PASS", "PASS_TO_PASS")}
    path = tmp_path / f"instances.{form}"
    if form == "json":
        path.write_text(json.dumps([row]))
    elif form == "jsonl":
        path.write_text(json.dumps(row) + "\n")
    elif form == "parquet":
        Dataset.from_list([row]).to_parquet(path)
    else:
        Dataset.from_list([row]).save_to_disk(path)
    import_instances(path).save(tmp_path / "items")
    items = ItemSet.load(tmp_path / "items")
    [item] = items.repairs
    assert item.id == "me__shop-1"
    assert item.pass_to_pass == ("t.py::b", "t.py::c")
    assert export_instances(items) == [row]


def test_a_patch_of_several_files_names_the_old_lines():
    patch = (
        "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -2,3 +2,4 @@ def f():\n x\n"
        "--- not a header\n+y\n+z\n w\n@@ -20 +21,0 @@\n-gone\n"
        "--- /dev/null\n+++ b/new.py\n@@ -0,0 +1 @@\n+new\n"
    )
    assert changed_spans(patch) == (Span("a.py", 3, 3), Span("a.py", 20, 20))


def test_predictions_are_written_for_swe_bench_and_read_back(released, tmp_path):
    items = import_repairs(released, buckets=["32K", "64K"]).repairs
    patches = {item.id: f"patch of {item.id}" for item in items}
    files = write_predictions(items, patches, tmp_path / "out", "my model")
    assert sorted(f.name for f in files) == [
        "32K-0.jsonl",
        "32K-2.jsonl",
        "64K-0.jsonl",
        "64K-2.jsonl",
    ]
    row = json.loads((tmp_path / "out/32K-0.jsonl").read_text())
    assert row == {
        "instance_id": "me__shop-1",
        "model_name_or_path": "my model",
        "model_patch": "patch of 32K/me__shop-1/0",
    }
    assert read_predictions(items, tmp_path / "out") == patches
    with pytest.raises(UserError, match="is 4 items, with other files shown"):
        read_predictions(items, tmp_path / "out/32K-0.jsonl")
    only = [item for item in items if item.id.startswith("64K") and item.id.endswith("2")]
    assert set(read_predictions(only, tmp_path / "out/64K-2.jsonl")) == {i.id for i in only}
    with pytest.raises(UserError, match="is of other items"):
        read_predictions(only, tmp_path / "out")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [{"instance_id": "me__shop-9", "model_patch": ""}],
            "no such item; did you mean me__shop-1",
        ),
        ([{"instance_id": "me__shop-1"}], "no model_patch"),
        ([{"model_patch": ""}], "no instance_id"),
        ([{"instance_id": "me__shop-1", "model_patch": None}] * 2, "there twice"),
    ],
)
def test_predictions_of_other_items_are_refused(tmp_path, rows, message):
    (tmp_path / "i.json").write_text(json.dumps([repair(1, 0)]))
    items = import_instances(tmp_path / "i.json").repairs
    file = tmp_path / "p.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(UserError, match=message):
        read_predictions(items, file)


def test_a_patch_of_no_item_is_not_written(tmp_path):
    with pytest.raises(UserError, match="patch of 'x'"):
        write_predictions([], {"x": ""}, tmp_path, "model")
