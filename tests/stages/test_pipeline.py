"""Pipelines: every row accounted for, computed once, the same for any executor and after a kill."""

from __future__ import annotations

import re
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import count
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research import progress
from lit_research.errors import UserError
from lit_research.stages import Pipeline, Rejected, RowStage, Step, priorities
from lit_research.stages.sources import Files, Rows
from tests.stages.examples import Copies, KeepShare, LastRows, Longer, pool
from tests.test_progress import open_terminal


def whole(folder: Path) -> Pipeline:
    return Pipeline(
        {
            "pool": Rows(pool(50), rows_per_shard=8),
            "longer": Longer(2),
            "copies": Copies(3, failing="7"),
            "last": LastRows(40),
        },
        folder,
    )


def content(pipeline: Pipeline) -> list[dict[str, object]]:
    return pipeline.run(shown=False).outcome.table().to_pylist()


def test_counts_add_up_and_say_why_rows_are_missing(tmp_path):
    result = whole(tmp_path).run(shown=False)
    assert result.counts["pool"] == {"in": 50, "out": 50, "rejected": {}}
    assert result.counts["longer"] == {"in": 50, "out": 40, "rejected": {"too short": 10}}
    copies = result.counts["copies"]
    assert (copies["in"], copies["out"]) == (40, 3 * 36)
    assert copies["rejected"] == {"failed": 4}
    assert result.counts["last"] == {"in": 108, "out": 40, "rejected": {"not among the last": 68}}
    assert "| copies | 40 | 108 | 4 failed |" in result.table()
    assert len(result.dataset()) == 40
    rejected = list(result.outcome.rejected())
    assert len(rejected) == 68
    assert rejected[0]["row"]["id"] == "10-0"


def test_a_row_knows_its_parents_and_what_made_it(tmp_path):
    pipeline = whole(tmp_path)
    row = pipeline.run(shown=False).dataset()[0]
    assert row["parents"] == [row["id"].partition("-")[0]]
    assert row["stage"] == "copies"
    assert row["config"] == pipeline.hashes["copies"]
    source = pipeline.run("longer", shown=False).dataset()[0]
    assert (source["stage"], source["parents"]) == ("pool", [])


def test_a_complete_step_is_not_computed_again(tmp_path):
    first = content(whole(tmp_path))
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert content(whole(tmp_path)) == first
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert len({path for path in tmp_path.rglob("*") if path.is_file()}) == len(times)


def test_a_step_that_takes_time_has_a_bar_with_an_end_time(tmp_path, monkeypatch):
    terminal = open_terminal(monkeypatch)
    seconds = count()
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(seconds))  # all takes long
    whole(tmp_path).run()
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.getvalue())  # without colours
    for step in ("pool", "longer", "copies", "last"):
        assert re.search(rf"{step} \S+ 7/7 \d:\d\d:\d\d shards", shown)


def test_what_a_change_does_not_touch_is_shared(tmp_path):
    one = whole(tmp_path)
    other = Pipeline({**one.steps, "last": LastRows(20)}, tmp_path)
    assert one.hashes["copies"] == other.hashes["copies"]
    assert one.hashes["last"] != other.hashes["last"]
    changed = Pipeline({**one.steps, "longer": Longer(1)}, tmp_path)
    assert changed.hashes["pool"] == one.hashes["pool"]
    assert changed.hashes["last"] != one.hashes["last"]
    assert Pipeline(one.steps, tmp_path, seed=1).hashes["pool"] != one.hashes["pool"]


def test_processes_give_what_one_gives(tmp_path):
    here = content(whole(tmp_path / "one"))
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        there = whole(tmp_path / "two").run(executor=executor, shown=False)
    assert there.outcome.table().to_pylist() == here


def test_inputs_are_joined_in_order(tmp_path):
    pipeline = Pipeline(
        {
            "a": Rows(pool(5), name="a"),
            "b": Rows([{**row, "id": f"b{row['id']}"} for row in pool(5)], name="b"),
            "both": Step(KeepShare(1.0), ("b", "a")),
        },
        tmp_path,
    )
    assert [row["id"] for row in content(pipeline)] == [
        *(f"b{number}" for number in range(5)),
        *(str(number) for number in range(5)),
    ]


class _Loses(RowStage):
    def __init__(self, way: str) -> None:
        self.way = way

    def card(self):
        return {"way": self.way}

    def rows(self, rows, seed):
        del seed
        for place, row in enumerate(rows):
            if place == 2 and self.way == "lost":
                continue
            if place == 2 and self.way == "nowhere":
                yield {**row, "id": "new"}
            if place == 2 and self.way == "twice":
                yield row
            if place == 2 and self.way == "unknown":
                yield Rejected({"id": "other"}, "bad")
            yield row


@pytest.mark.parametrize(
    ("way", "message"),
    [
        ("lost", "1 of 5 input rows are lost, in the step 'wrong'"),
        ("nowhere", "the row 'new' comes from no row"),
        ("twice", "two rows have the id '2'"),
        ("unknown", "a rejected row has the id 'other'"),
    ],
)
def test_rows_that_do_not_reconcile_stop_the_run(tmp_path, way, message):
    pipeline = Pipeline({"pool": Rows(pool(5)), "wrong": _Loses(way)}, tmp_path)
    with pytest.raises(UserError, match=message):
        pipeline.run(shown=False)


class _LastIds(LastRows):
    def seen(self, rows):
        return rows.select(["id"])

    def choose(self, rows, inputs, seed):
        assert rows.column_names == ["id"]
        return super().choose(rows, inputs, seed)


def test_a_selection_sees_what_it_asks_for_and_keeps_whole_rows(tmp_path):
    rows = {}
    for stage in (LastRows(9), _LastIds(9)):
        pipeline = Pipeline({"pool": Rows(pool(20), rows_per_shard=6), "last": stage}, tmp_path)
        rows[stage.name] = content(pipeline)
    assert rows["_LastIds"] == rows["LastRows"]
    assert rows["LastRows"][0]["question"] == "question 11"


def test_a_starved_selection_names_the_step_that_starved_it(tmp_path):
    pipeline = Pipeline(
        {"pool": Rows(pool(50)), "longer": Longer(2), "last": LastRows(45)}, tmp_path
    )
    with pytest.raises(UserError, match=r"40 rows where 45 are needed.*lost in 'longer': 10 of 50"):
        pipeline.run(shown=False)


def test_a_stage_that_rejects_most_rows_is_stopped_early(tmp_path):
    stage = KeepShare(0.1)
    stage.max_rejected = 0.5
    pipeline = Pipeline({"pool": Rows(pool(3000), rows_per_shard=100), "few": stage}, tmp_path)
    with pytest.raises(UserError, match=r"of the first 200 rows are rejected \(mostly: unlucky\)"):
        pipeline.run(shown=False)
    assert len(list(pipeline.files("few").folder.glob("*.arrow"))) == 2


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ({}, "a pipeline has no steps"),
        ({"longer": Longer(1)}, "there are no inputs, in the step 'longer'"),
        (
            {"pool": Rows(pool(2)), "longer": Step(Longer(1), ("pol",))},
            "the input 'pol' is no earlier step.*did you mean pool",
        ),
        ({"pool": Step(Rows(pool(2)), ("x",))}, "a source has none"),
        ({"a/b": Rows(pool(2))}, "the name of a step is 'a/b'"),
    ],
)
def test_wrong_graphs_are_refused(tmp_path, steps, message):
    with pytest.raises(UserError, match=message):
        Pipeline(steps, tmp_path)


def test_files_give_rows_with_ids(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"problem": "1+1"}\n{"problem": "2+2", "id": "x"}\n')
    (tmp_path / "b.csv").write_text("problem,id\n3+3,y\n")
    pipeline = Pipeline(
        {"pool": Files(str(tmp_path), columns={"problem": "question"})}, tmp_path / "out"
    )
    rows = content(pipeline)
    assert [row["question"] for row in rows] == ["1+1", "2+2", "3+3"]
    assert [row["id"] for row in rows][1:] == ["x", "y"]
    with pytest.raises(UserError, match="there are no rows at"):
        Files(str(tmp_path / "none"))


def test_rows_keep_columns_that_the_first_one_lacks(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"question": "a", "id": 0}\n{"system": "s", "id": 1}\n')
    rows = content(Pipeline({"pool": Files(str(tmp_path))}, tmp_path / "out"))
    assert [(row["id"], row["question"], row["system"]) for row in rows] == [
        ("0", "a", None),
        ("1", None, "s"),
    ]
    given_rows = [{"id": "a"}, {"id": "b", "extra": 1}]
    rows = content(Pipeline({"pool": Rows(given_rows)}, tmp_path / "given"))
    assert [row["extra"] for row in rows] == [None, 1]


@given(st.lists(st.text(max_size=5), unique=True, max_size=30), st.integers(0, 3))
@settings(max_examples=50, deadline=None)
def test_a_priority_depends_on_id_and_seed_alone(ids, seed):
    together = priorities(ids, seed).tolist()
    assert together == [priorities([one], seed)[0] for one in ids]
    assert len(set(together)) == len(ids)
    assert not ids or together != priorities(ids, seed + 1).tolist()


@given(
    st.integers(1, 60),
    st.integers(1, 20),
    st.integers(0, 12),
    st.integers(1, 4),
    st.floats(0.0, 1.0),
)
@settings(max_examples=15, deadline=None)
def test_no_row_is_lost_between_any_two_steps(tmp_path_factory, size, per_shard, least, n, share):
    pipeline = Pipeline(
        {
            "pool": Rows(pool(size), rows_per_shard=per_shard),
            "longer": Longer(least),
            "copies": Copies(n, failing="3"),
            "share": KeepShare(share),
        },
        tmp_path_factory.mktemp("pipeline"),
    )
    result = pipeline.run(shown=False)
    ids = {"pool": [row["id"] for row in pool(size)]}
    for before, step in (("pool", "longer"), ("longer", "copies"), ("copies", "share")):
        outcome = pipeline.run(step, shown=False).outcome
        table = outcome.table().to_pylist()
        rejected = [record["row"]["id"] for record in outcome.rejected()]
        ids[step] = [row["id"] for row in table]
        came = [row["id"] if row["id"] in ids[before] else row["parents"][0] for row in table]
        assert set(came) | set(rejected) == set(ids[before])
        assert not set(came) & set(rejected)
        counts = result.counts[step]
        assert counts["in"] == len(ids[before])
        assert counts["out"] == len(table)
        assert sum(counts["rejected"].values()) == len(rejected)
        assert Counter(came).most_common(1)[:1] in ([], [(came and came[0], n)]) or step != "copies"
