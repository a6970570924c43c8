"""``predict``: texts of a generator, then megadocs, each asked for and written once."""

import json

import pytest

from lit_research.errors import UserError
from lit_research.methods.megadocs.module import TOO_SHORT
from tests.methods.megadocs.helpers import ROOM, TEXT, CountingEngine, predict, read, write_source

THINK = {
    "model.init_args.generator": {
        "class_path": f"{ROOM}.LatentThoughts",
        "init_args": {"prompt": "From {prefix} to {suffix}"},
    },
    "model.init_args.building": {"form": "stretched"},
}
RULE = {
    "model.init_args.generator": {"class_path": f"{ROOM}.SentenceOrder"},
    "model.init_args.engine": ...,
}


@pytest.fixture
def folder(tmp_path):
    write_source(tmp_path)
    CountingEngine.asked.clear()
    return tmp_path


def texts_of(folder):
    megadocs, card = read(folder / "megadocs")
    return {row["source_id"]: row["text"] for row in megadocs}, card


def test_stitched_documents_and_their_card(folder):
    predict(folder)
    texts, card = texts_of(folder)
    assert len(CountingEngine.asked) == 2 * len(texts)
    for source, text in texts.items():
        first, second, real = text.split("\n\n")
        assert real == TEXT.format(i=source[1:])
        assert first.startswith("Answer 0 of")
        assert second.startswith("Answer 1 of")
    assert card["account"]["real_copies"] == card["account"]["documents"] == len(texts)
    assert card["account"]["generations"] == {"2": len(texts)}
    assert card["account"]["total_tokens"] == sum(len(t.encode()) for t in texts.values())
    assert card["answers"] == {"used": 2 * len(texts), "stripped": 2 * len(texts)}
    assert card["texts_card"]["engine"] == "CountingEngine"
    _, written = read(folder / "texts")
    assert written["documents"] == 2 * len(texts)


def test_another_reader_and_another_form_ask_for_nothing(folder):
    predict(folder)
    asked = len(CountingEngine.asked)
    predict(folder)
    predict(folder, {"model.init_args.reader": {"prefaces": []}})
    texts, card = texts_of(folder)
    assert all(text.startswith("Here is the text:") for text in texts.values())
    predict(folder, {"model.init_args.building": {"form": "simple"}})
    megadocs, card = read(folder / "megadocs")
    assert len(megadocs) == len({*megadocs["id"]}) == 2 * len(texts)
    assert card["account"]["real_copies"] == 0
    assert len(CountingEngine.asked) == asked


def test_more_generations_through_a_store_keep_the_first_ones(folder):
    stored = {
        "class_path": "lit_research.lm.engines.StoredEngine",
        "init_args": {
            "engine": {"class_path": f"{CountingEngine.__module__}.CountingEngine"},
            "path": str(folder / "answers.sqlite"),
        },
    }
    predict(folder, {"model.init_args.engine": stored})
    before, _ = texts_of(folder)
    asked = len(CountingEngine.asked)
    more = {"model.init_args.generations": 3, "data.init_args.texts": str(folder / "more")}
    predict(folder, {"model.init_args.engine": stored, **more})
    after, _ = texts_of(folder)
    assert len(CountingEngine.asked) == asked + len(after)
    assert all(after[k].split("\n\n")[:2] == before[k].split("\n\n")[:2] for k in before)


def test_stretched_documents_without_thoughts_are_the_documents(folder):
    predict(folder, {**THINK, "model.init_args.generations": 3})
    texts, card = texts_of(folder)
    assert len(CountingEngine.asked) == 3 * len(texts)
    for source, text in texts.items():
        parts = [part.split("</think>") for part in text.split("<think>")]
        assert len(parts) == 4
        assert "".join(part[-1] for part in parts) == TEXT.format(i=source[1:])
        prompt = f"From {parts[0][0]} to {TEXT.format(i=source[1:])[len(parts[0][0]) :]}"
        assert prompt in CountingEngine.asked
    assert card["account"]["tokens"]["tag"] == 3 * len(texts) * len("<think></think>")


def test_refused_thoughts_leave_their_cut_closed(folder):
    engine = {"class_path": f"{CountingEngine.__module__}.CountingEngine"}
    engine["init_args"] = {"refuses": "to  says"}
    predict(folder, {**THINK, "model.init_args.engine": engine, "model.init_args.generations": 7})
    texts, card = texts_of(folder)
    assert 0 < sum(text.count("<think>") for text in texts.values()) <= 7 * len(texts)
    assert card["answers"]["used"] == sum(text.count("<think>") for text in texts.values())


def test_documents_that_are_too_short_are_skipped_and_counted(folder):
    # Of a byte each, or of four bytes of which one can begin a piece; in shards of their own too.
    rows = [{"id": f"s{i}", "text": text} for i, text in enumerate(["ab", "\U0001f600" * 2] * 9)]
    with (folder / "source.jsonl").open("a") as file:
        file.writelines(f"{json.dumps(row)}\n" for row in rows)
    few = {**THINK, "model.init_args.generations": 3, "data.init_args.batch_size": 2}
    with pytest.raises(UserError, match=r"documents have fewer tokens than the 4 pieces .*'s\d"):
        predict(folder, few)
    assert not CountingEngine.asked
    predict(folder, {**few, "model.init_args.skip_short": True})
    texts, card = texts_of(folder)
    assert {name[0] for name in texts} == {"d"}
    assert all(text.count("<think>") == 3 for text in texts.values())
    assert len(CountingEngine.asked) == 3 * len(texts)
    skipped = [
        json.loads(line) for line in (folder / "texts.rejected.jsonl").read_text().splitlines()
    ]
    assert {row["id"][0] for row in skipped} == {"s"}
    assert card["texts_card"]["rejected"] == {f"refused: {TOO_SHORT}": len(skipped)}
    assert card["sources_left_out"] == len(skipped) > 9
    write_source(folder, text="a")
    with pytest.raises(UserError, match="8 of 8 documents have fewer tokens than the 4 pieces"):
        predict(folder, {**few, "model.init_args.skip_short": True})


def test_shuffled_documents_are_the_stitched_ones_regrouped(folder):
    write_source(folder, 30)
    few = {"data.init_args.validation_fraction": 0}
    predict(folder, few)
    stitched, before = texts_of(folder)
    predict(folder, {**few, "model.init_args.building": {"form": "shuffled"}})
    shuffled, after = texts_of(folder)
    assert before["account"] | {"longest": 0} == after["account"] | {"longest": 0}
    pieces = [sorted(p for t in m.values() for p in t.split("\n\n")) for m in (stitched, shuffled)]
    assert pieces[0] == pieces[1]
    for source, text in shuffled.items():
        kept = {*text.split("\n\n")} & {*stitched[source].split("\n\n")}
        assert kept == {TEXT.format(i=source[1:])}


def test_a_rule_needs_no_engine(folder):
    predict(folder, {**RULE, "model.init_args.reader": {"max_copied": None}})
    texts, card = texts_of(folder)
    for source, text in texts.items():
        sentences = [sorted(part.split(". ")) for part in text.split("\n\n")]
        assert len(sentences) == 3
        assert text.endswith(TEXT.format(i=source[1:]))
    assert card["texts_card"]["engine"] == "RuleEngine"


def test_a_pool_of_another_method_is_stitched(folder):
    from datasets import Dataset

    from lit_research.text import write_documents

    predict(folder)
    sources = [*texts_of(folder)[0]][:3]
    rows = [
        {"text": f"Written of {s}: number {j}", "id": f"{s}-{j}", "source_id": s, "kind": "pool"}
        for s in sources
        for j in range(3)
    ]
    write_documents(Dataset.from_list(rows), folder / "pool", {"written_by": "a synthesizer"})
    pool = {
        "model.init_args.generator": ...,
        "model.init_args.engine": ...,
        "data.init_args.texts": str(folder / "pool"),
        "model.init_args.building": {"form": "stitched", "generations": 2},
    }
    predict(folder, pool)
    texts, card = texts_of(folder)
    assert {*texts} == {*sources}
    assert texts[sources[0]].startswith(f"Written of {sources[0]}: number 0\n\nWritten of")
    assert card["account"]["generations"] == {"2": 3}
    assert card["texts_card"]["written_by"] == "a synthesizer"


def change(text: str):
    engine = {"class_path": f"{CountingEngine.__module__}.CountingEngine"}
    return {"model.init_args.engine": {**engine, "init_args": {"answer": text}}}


def test_a_pool_without_a_usable_answer_is_refused_with_the_reasons(folder):
    with pytest.raises(UserError, match=r"none of \d+ generated texts is usable .*x refused"):
        predict(folder, change("I'm sorry, but I can't help with that."))
    assert not (folder / "megadocs").exists()


def test_an_empty_pool_is_refused(folder):
    with pytest.raises(UserError, match=r"none of \d+ texts is usable .*x empty"):
        predict(folder, change(""))


def test_a_server_that_is_down_stops_the_job(folder):
    engine = {"class_path": f"{CountingEngine.__module__}.CountingEngine"}
    failing = {"model.init_args.engine": {**engine, "init_args": {"fails": "Say"}}}
    with pytest.raises(UserError, match="texts of a shard were not written, more than max_failed"):
        predict(folder, failing)


def test_held_out_documents_are_kept_from_the_generator(folder):
    write_source(folder, text="The same text of eight words in every document.")
    with pytest.raises(UserError, match=r"have a near-duplicate among the training documents"):
        predict(folder, {"data.init_args.near_duplicate": 0.8})
    assert not CountingEngine.asked


def test_a_pool_made_from_held_out_documents_is_refused(folder):
    few = {"data.init_args.validation_fraction": 0}
    predict(folder, few)  # all documents
    pool = {"model.init_args.generator": ..., "model.init_args.engine": ...}
    with pytest.raises(UserError, match=r"documents of the validation split .* made from them"):
        predict(folder, pool)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model.init_args.skip_short": True}, "no document is too short for rephrases"),
        ({**THINK, "model.init_args.generations": 90}, "fewer tokens than the 91 pieces"),
        ({"model.init_args.engine": ...}, "give an engine to a generator that asks a model"),
        ({"model.init_args.building": {"form": "stretched"}}, "must be stretched for thoughts"),
        (
            {"model.init_args.building": {"form": "simple", "real": "last"}},
            "real is 'last' with form simple",
        ),
        (
            {
                "data.class_path": "Corpus",
                **{f"data.init_args.{k}": ... for k in ("texts", "folder", "near_duplicate")},
            },
            "reads a MegadocCorpus|splitter",
        ),
    ],
)
def test_refusals(folder, changes, message):
    with pytest.raises((UserError, SystemExit), match=message):
        predict(folder, changes)
    assert not CountingEngine.asked
