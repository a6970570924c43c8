"""Reviews from files, and what is no study: refused with the place and what would be right."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.methods.idea_study import (
    Reviews,
    change_scores,
    correlations,
    falls,
    make_study,
    mixed_models,
    published_study,
    read_reviews,
    write_reviews,
)

COLUMNS = {
    "idea_id": ["Bias_1 _AI", "Bias_1_Human"],
    "condition": ["AI", "Human"],
    "topic": ["Bias", "Bias"],
    "novelty_score": [6, "5: reasonably novel"],
    "codebase_quality": ["3. Fair", 4.5],
    "novelty_rationale": ["a, b\nc", "d"],
}


def reviews(ideas="abcdef", arms="HHHAAA", **scores):
    scores = scores or {"overall": [5, 4, 6, 7, 3, 5]}
    values = {m: np.array(v, float) for m, v in scores.items()}
    return Reviews(tuple(ideas), tuple(arms), values)


def study(before, after):
    return make_study(before, after, reference="H", treatment="A")


def write(path, rows):
    """Write rows in the form that the name says."""
    if path.suffix == ".json":
        path.write_text(json.dumps({k: [row[k] for row in rows] for k in rows[0]}))
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        import csv

        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    return path


@pytest.mark.parametrize("name", ["r.json", "r.csv", "r.jsonl"])
def test_the_released_form_and_others_are_read_alike(name, tmp_path):
    rows = [
        dict(zip(COLUMNS, values, strict=True)) for values in zip(*COLUMNS.values(), strict=True)
    ]
    found = read_reviews(write(tmp_path / name, rows))
    assert found.ideas == ("Bias_1_AI", "Bias_1_Human")
    assert found.arms == ("AI", "Human")
    assert found.topics == ("Bias", "Bias")
    assert {m: v.tolist() for m, v in found.scores.items()} == {
        "novelty": [6, 5],
        "codebase": [3, 4.5],
    }


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Bias_1_AI", "Bias_1_Human", "x", "\u00e9"]),
            st.sampled_from(["Human", "AI"]),
            st.floats(1, 10),
            st.floats(1, 10),
        ),
        min_size=1,
    )
)
def test_what_is_written_is_read(tmp_path_factory, rows):
    ideas, arms, novelty, overall = zip(*rows, strict=True)
    given_reviews = Reviews(
        ideas, arms, {"novelty": np.array(novelty), "overall": np.array(overall)}
    )
    path = tmp_path_factory.mktemp("reviews") / "r.jsonl"
    write_reviews(path, given_reviews)
    found = read_reviews(path)
    assert (found.ideas, found.arms) == (ideas, arms)
    for metric, values in given_reviews.scores.items():
        assert found.scores[metric].tolist() == values.tolist()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"novelty_score": [6, None]}, ["novelty_score is None", "review 2", "leave out"]),
        ({"novelty_score": [6, "n/a"]}, ["n/a", "review 2"]),
        ({"novelty_score": [6, True]}, ["True"]),
        ({"novelty_score": [6, float("nan")]}, ["nan"]),
        ({"idea_id": ["x", ""]}, ["idea_id is ''", "review 2"]),
        ({"condition": ["AI"]}, ["no table"]),
        ({"novelty_score": ..., "codebase_quality": ...}, ["none of the scores"]),
    ],
)
def test_a_table_with_holes_is_refused(changes, words, tmp_path):
    columns = {k: v for k, v in {**COLUMNS, **changes}.items() if v is not ...}
    path = tmp_path / "r.json"
    path.write_text(json.dumps(columns))
    with pytest.raises(UserError) as error:
        read_reviews(path)
    assert all(word in str(error.value) for word in [*words, "r.json"])


@pytest.mark.parametrize(
    ("name", "text"),
    [("r.json", "{"), ("r.csv", ""), ("r.jsonl", "3\n"), ("r.txt", "x"), ("r.json", "3")],
)
def test_a_file_of_another_form_is_refused(name, text, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=r"must (be|end|have)"):
        read_reviews(tmp_path / name)
    with pytest.raises(UserError, match="not a file"):
        read_reviews(tmp_path / "nowhere.csv")


WHOLE = reviews()


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (reviews("abcdex"), WHOLE, ["1 executed ideas", "'f'", "both stages"]),
        (WHOLE, reviews("abcdef", "HHHHAA"), ["'d'", "'H' and 'A'"]),
        (
            reviews("abcdef", "HHAAAA"),
            reviews("abcdef", "HHAAAA"),
            ["'H' has 2 ideas", "3 or more"],
        ),
        (reviews(arms="HHHAAa"), WHOLE, ["'A' and 'a'", "one name"]),
        (WHOLE, reviews(arms="HHHBBB"), ["'A' after", "B, H"]),
        (reviews(novelty=[1, 2, 3, 4, 5, 6]), WHOLE, ["novelty before", "in common"]),
    ],
)
def test_what_is_no_study_is_refused(before, after, words):
    with pytest.raises(UserError) as error:
        study(before, after)
    assert all(word in str(error.value) for word in words), error.value


def test_two_arms_of_one_name_are_refused():
    with pytest.raises(UserError, match="both 'H'"):
        make_study(WHOLE, WHOLE, reference="H", treatment="H")


def test_other_arms_and_ideas_that_were_not_executed_are_left_out_and_said():
    more = reviews("abcdefxyy", "HHHAAABHH", overall=[5, 4, 6, 7, 3, 5, 1, 2, 3])
    found = study(more, WHOLE)
    assert found.ideas == tuple("abcdef")
    assert found.left_out == ("1 reviews before of the arm B", "1 ideas that were not executed")


def test_with_constant_scores_a_correlation_is_undefined_and_not_0():
    before = reviews(overall=[4] * 6, novelty=[1, 2, 3, 4, 5, 6])
    after = reviews(overall=[5, 4, 6, 7, 3, 5], novelty=[2, 2, 3, 3, 9, 9])
    for one in correlations(study(before, after)):
        assert np.isnan(one.r) == (one.undefined != "")
        assert one.group == "all" or "3 ideas" in one.undefined or "all scores" in one.undefined
    undefined = [c.undefined for c in correlations(study(before, after)) if c.group == "all"]
    assert undefined == ["", "all scores before are 4"]


def test_what_does_not_vary_has_no_p_value_and_does_not_count_as_a_test():
    same = {"overall": [5] * 6, "novelty": [1, 2, 3, 4, 5, 6]}
    found = study(reviews(**same), reviews(overall=[4] * 6, novelty=[3, 2, 3, 3, 9, 9]))
    novelty, overall = change_scores(found)
    assert np.isnan(overall.t)
    assert np.isnan(overall.p["two-sided"]["none"])
    assert novelty.p["two-sided"]["bonferroni"] == novelty.p["two-sided"]["none"]
    assert all(np.isnan(fall.p) for fall in falls(found) if fall.metric == "overall")
    constant = [one for one in mixed_models(found) if one.metric == "overall"]
    assert all(np.isnan(one.effect) and "undefined" in one.note for one in constant)


def test_ideas_to_exclude_must_be_there_and_leave_enough():
    with pytest.raises(UserError, match="'nowhere'"):
        published_study().without(["nowhere"])
    with pytest.raises(UserError, match="'A' has 2 ideas"):
        study(WHOLE, WHOLE).without(["d"])
