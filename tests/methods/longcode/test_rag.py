"""The retrieval variant: documents of the paper's size, the best ones first."""

from dataclasses import replace
from itertools import pairwise

import pytest

from lit_research.errors import UserError
from lit_research.methods.longcode import Origin, RepairItem, SourceTree, Span
from lit_research.methods.longcode.counters import Characters
from lit_research.methods.longcode.rag import RetrievalLadder, RetrievalSettings
from lit_research.methods.longcode.rungs import CONTEXT
from lit_research.text import Tfidf
from tests.methods.longcode.releases import limit_question, repository

TREE = repository("shop", 30)
TREES = {TREE.name: TREE}
ITEM = limit_question(TREE, 7)
LONG = SourceTree(
    "long-1", {"a.py": "\n".join(f"value_{n} = {n}" for n in range(4000))}, Origin("long")
)
SMALL = RetrievalSettings(documents=3, whole_below=1000, chunk=5000, overlap=1000)


@pytest.fixture(params=["bm25", "vectors"])
def encoder(request):
    return None if request.param == "bm25" else Tfidf(1024, max_document_share=0.5)


def test_the_documents_that_suit_best_are_shown(encoder, tmp_path):
    tree = replace(TREE, files={**TREE.files, "b.py": "What is shop_limit_7? 7\n"})
    ladder = RetrievalLadder({tree.name: tree}, Characters(), encoder=encoder, cache_dir=tmp_path)
    [rung] = ladder.rungs(ITEM)
    assert len(rung.files) == 10
    assert rung.files[0] == "b.py"
    assert rung.refusal is None
    assert rung.context.startswith("Repository:\n[start of b.py]")
    assert rung.tokens[0] == Characters().count([rung.context + rung.rests[0]])[0]


def test_a_long_file_is_split_into_chunks_that_overlap_and_hold_all_of_it(encoder, tmp_path):
    ladder = RetrievalLadder(
        {"long-1": LONG}, Characters(), settings=replace(SMALL, documents=100), encoder=encoder,
        cache_dir=tmp_path,
    )  # fmt: skip
    item = replace(ITEM, tree="long-1", question="value_3333", evidence=(Span("a.py", 3334, 3334),))
    parts = sorted(ladder.documents(item), key=lambda part: part.start)
    text = parts[0].file.text
    assert len(parts) > 10
    for part in parts:
        assert text[part.start : part.start + len(part.text)] == part.text
        assert len(part.text) <= 5000
    for one, two in pairwise(parts):
        assert one.start + len(one.text) - two.start == 1000
        assert one.text.endswith("\n")
    assert parts[-1].start + len(parts[-1].text) == len(text)


def test_depth_is_where_the_evidence_is_shown():
    ladder = RetrievalLadder({"long-1": LONG}, Characters(), settings=replace(SMALL, documents=1))
    item = replace(
        ITEM, tree="long-1", question="value 3333?", evidence=(Span("a.py", 3334, 3334),)
    )
    [rung] = ladder.rungs(item)
    code = rung.context.removeprefix("Repository:\n").removesuffix("\n")
    assert rung.depth == pytest.approx(code.index("value_3333 = 3333") / len(code), abs=1e-3)
    away = replace(item, evidence=(Span("a.py", 10, 10),))
    assert ladder.rungs(away)[0].depth is None


def test_files_of_a_repair_are_whole_and_a_long_prompt_is_refused():
    item = RepairItem("r", "mutation", "value_5", "long-1", "", "", ("t",), (), LONG.origin)
    ladder = RetrievalLadder({"long-1": LONG}, Characters(), bucket=500, settings=SMALL)
    [rung] = ladder.rungs(item)
    assert rung.files == ("a.py",)
    assert "\n1 value_0 = 0\n" in rung.context
    assert rung.refusal == CONTEXT


def test_bad_settings_are_refused():
    with pytest.raises(UserError, match="overlap is 5, in RetrievalSettings; must be below chunk"):
        RetrievalSettings(chunk=5, overlap=5)
