"""The command: the report of ``test``, the forms of ``predict``, and the frozen analysis."""

import json
from pathlib import Path

import pytest
import yaml

from lit_research.catalogue import config_dir
from lit_research.cli import main
from lit_research.errors import UserError
from lit_research.methods.idea_study import (
    LLM_JUDGED,
    Analysis,
    SimulatedReviews,
    analyse,
    as_json,
    check_frozen,
    conclude,
    freeze,
    make_study,
    mixed,
    paragraph,
    published_by_review,
    published_study,
    read_reviews,
    render,
)
from tests.helpers import config_arguments
from tests.methods.idea_study.released import FILES

QUIET = [
    "--trainer.accelerator=cpu",
    "--trainer.enable_progress_bar=false",
    "--trainer.enable_model_summary=false",
]
FEWER = ["--model.init_args.analysis.resamples=200", "--model.init_args.analysis.simulations=100"]
PAPER = Analysis(exclude=list(LLM_JUDGED), resamples=2_000, simulations=500)


@pytest.fixture(autouse=True)
def _without_statsmodels(monkeypatch):
    """Fit mixed models in milliseconds; ``test_mixed.py`` has both ways, which agree."""
    monkeypatch.setattr(mixed, "has_statsmodels", lambda: False)


def command(verb, name, *options):
    files = config_arguments(config_dir() / f"idea_study/{name}.yaml")
    return main([verb, *files, *QUIET, *FEWER, *options])


def report(run):
    folder = Path(run.trainer.log_dir)
    return (folder / "report.md").read_text(), json.loads((folder / "report.json").read_text())


def supports(conclusions):
    return {(one.claim, one.metric): one.support for one in conclusions}


@pytest.fixture(
    params=[
        "typed",
        pytest.param("reviews", marks=pytest.mark.skipif(not FILES, reason="no reviews here")),
    ]
)
def study(request):
    if request.param == "typed":
        return published_study()
    return make_study(*map(read_reviews, FILES))


def test_what_the_published_study_supports(study):
    results = analyse(study, PAPER, published_by_review())
    found = supports(conclude(study, results, PAPER))
    for metric in ("excitement", "effectiveness", "overall"):
        assert found["falls more", metric] == "supported"
    assert found["falls more", "novelty"] == "depends on the test"
    for metric in study.metrics:
        assert found["led before", metric] in ("supported", "depends on the test")
        assert found["worse after", metric] == "not supported"
    text = paragraph(study, results, conclude(study, results, PAPER), PAPER)
    assert "in novelty only by some" in text
    assert (
        "the lead of AI has disappeared in novelty, excitement, effectiveness and overall" in text
    )
    assert "That AI is below Human after execution is supported by no test" in text
    assert "takes the reviews of one idea for independent" in text
    # The sides differ for novelty: a one-sided false discovery rate finds it, Bonferroni does not.
    [row] = [row for row in results.change if row.metric == "novelty"]
    assert row.p["one-sided"]["bh"] < 0.05 < row.p["two-sided"]["bonferroni"]


def test_the_report_has_every_table_with_intervals_and_all_corrections(study):
    results = analyse(study, PAPER, published_by_review())
    text = render(study, results, PAPER, None)
    single = () if study.after.are_means else ("Mixed models", "Agreement", "Power")
    tables = ("T-A", "T-B", "T-C", "T-D", "T-E", "ANCOVA", "resampling", *single)
    assert all(f"## {title}" in text or f" {title}" in text for title in tables)
    header = next(line for line in text.splitlines() if "p 1-sided" in line)
    assert header.count("Holm") == header.count("BH") == header.count("Bonferroni") == 2
    assert "1.827 [0.689, 2.965]" in text
    assert PAPER.hash in text
    assert "not frozen" in text


def test_the_command_writes_and_logs_the_report(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = command("test", "tiny")
    text, content = report(run)
    assert "43" not in text.splitlines()[2]
    assert "19 ideas of Human and 24 of AI" in text
    assert content["hash"] == run.model.analysis.hash
    assert content["frozen"] is None
    assert {"by_review", "change", "mixed", "power"} <= set(content["tables"])
    logged = run.trainer.callback_metrics
    [row] = [row for row in content["tables"]["change"] if row["metric"] == "overall"]
    assert float(logged["test/fall_overall"]) == pytest.approx(row["effect"])
    assert row["effect"] > 0  # planted: a lead of 1 that becomes -0.5


def test_an_analysis_repeats():
    study = SimulatedReviews(seed=0).study("Human", "AI")
    few = Analysis(resamples=200, simulations=100)
    assert as_json(analyse(study, few)) == as_json(analyse(study, few))


def test_the_published_setting_runs_without_the_reviews(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text, content = report(command("test", "paper"))
    assert "only the means" in text
    assert content["tables"]["mixed"] == []
    found = {row["metric"]: row["effect"] for row in content["tables"]["change"]}
    assert found["novelty"] == pytest.approx(1.039, abs=5e-4)


@pytest.mark.skipif(not FILES, reason="the released reviews are not here")
def test_the_released_reviews_by_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = "--data.init_args.source.init_args"
    before, after = (
        f"{source}.{k}={file}" for k, file in zip(("before", "after"), FILES, strict=True)
    )
    text, content = report(command("test", "paper_reviews", before, after))
    assert "100 reviews before and 181 after" in text
    assert "109 reviews before of the arm AI_Rerank" in text
    assert len(content["tables"]["mixed"]) == 11


def test_forms_are_written_and_the_analysis_is_frozen_with_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frozen = "--model.init_args.frozen=analysis.json"
    command("predict", "tiny", frozen)
    assert len(list((tmp_path / "runs/idea_study/tiny/forms").glob("*.csv"))) == 4
    text, content = report(command("test", "tiny", frozen))
    known = json.loads((tmp_path / "analysis.json").read_text())
    assert known["hash"] == content["hash"]
    assert f"`{known['hash']}` and was frozen in `analysis.json`" in text
    with pytest.raises(UserError, match=r"alpha is 0.1, was 0.05"):
        command("test", "tiny", frozen, "--model.init_args.analysis.alpha=0.1")
    with pytest.raises(UserError, match=r"side is 'two-sided'"):
        command("predict", "tiny", frozen, "--model.init_args.analysis.side=two-sided")


def test_a_frozen_analysis_that_was_edited_is_refused(tmp_path):
    path = tmp_path / "analysis.json"
    with pytest.raises(UserError, match="not there"):
        check_frozen(path, Analysis())
    freeze(path, Analysis())
    freeze(path, Analysis())
    content = json.loads(path.read_text())
    content["analysis"]["correction"] = "none"
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match="was edited"):
        check_frozen(path, Analysis(correction="none"))
    path.write_text("{}")
    with pytest.raises(UserError, match="no frozen analysis"):
        check_frozen(path, Analysis())


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"alpha": 1.0}, "alpha is 1.0"),
        ({"resamples": 10}, "resamples is 10"),
        ({"simulations": -1}, "simulations is -1"),
        ({"side": "left"}, "one-sided or two-sided"),
        ({"correction": "sidak"}, "none or bh or holm or bonferroni"),
        ({"treatment": "Human"}, "both 'Human'"),
    ],
)
def test_an_analysis_out_of_range_is_refused(options, word):
    with pytest.raises(UserError, match=word):
        Analysis(**options)


@pytest.mark.parametrize(
    ("verb", "options", "word"),
    [
        ("fit", ["--trainer.max_epochs=1"], "IdeaStudy has no fit; it has test and predict"),
        ("validate", [], "IdeaStudy has no validate; it has test and predict"),
        ("test", ["--data.init_args.source=null"], "source is None"),
        ("predict", ["--data.init_args.ideas=null"], "ideas is None"),
        ("test", ["--model.init_args.analysis.exclude=[nowhere]"], "'nowhere'"),
        ("test", ["--model.init_args.analysis.treatment=Robot"], "'Robot'"),
    ],
)
def test_what_a_verb_cannot_do_is_refused(verb, options, word, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=word):
        command(verb, "tiny", *options)


def test_a_source_of_your_own(tmp_path, monkeypatch):
    (tmp_path / "my_reviews.py").write_text(
        "from lit_research.methods.idea_study import PublishedMeans\n"
        "class Mine(PublishedMeans):\n    pass\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "mine.yaml").write_text(
        yaml.safe_dump({"data": {"init_args": {"source": {"class_path": "my_reviews.Mine"}}}})
    )
    run = command("test", "paper", "--config", "mine.yaml")
    assert type(run.datamodule.source).__name__ == "Mine"
