"""Answers verified by running them, by mathematics and by majority, in a recipe from YAML."""

import json

import yaml

from lit_research.class_paths import make_object
from lit_research.evals import MajorityVote
from lit_research.methods.openthoughts import RowSource, Taught, Teacher, Verify
from lit_research.methods.verifier_quality import measure_verifier
from lit_research.stages import Pipeline
from lit_research.stages.sources import Rows
from tests.evals.attempts import attempt

RECIPE = """
class_path: lit_research.methods.openthoughts.RecipeRows
init_args:
  folder: {folder}/recipes
  seed: 0
  recipe:
    sources:
      code:
        class_path: lit_research.stages.sources.Files
        init_args: {{paths: {folder}/questions.jsonl}}
    teacher:
      class_path: tests.methods.openthoughts.test_verified.Programs
    answers: 2
    n: 8
    spare: 2
    answer_filter:
      class_path: lit_research.methods.openthoughts.VerifiedAnswers
      init_args:
        verifier:
          class_path: lit_research.evals.CodeVerifier
          init_args: {{wall_s: 20.0, max_cases: 5}}
"""


class Programs(Teacher):
    """Hands in a program that is right, and one that is not."""

    def card(self):
        return {"licence": "none"}

    def answer(self, questions, n, seed):
        return [
            [
                Taught(
                    "Add.",
                    f"```python\nprint(int(input()) + {row['question'].split()[-1]}{off})\n```",
                )
                for off in ("", " - 9")
            ]
            for row in questions
        ]


def test_programs_are_verified_in_a_recipe_from_yaml(tmp_path):
    rows = [
        {
            "id": str(k),
            "question": f"read a number and add {k}",
            "answer": json.dumps(
                {"inputs": ["1\n", "2\n"], "outputs": [f"{1 + k}\n", f"{2 + k}\n"]}
            ),
            "domain": "code",
        }
        for k in range(8)
    ]
    (tmp_path / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = make_object(RowSource, yaml.safe_load(RECIPE.format(folder=tmp_path)))
    found = source.rows()
    assert len(found) == 8
    assert {row["verdict"] for row in found} == {"right"}
    assert not any("- 9" in row["final"] for row in found)
    assert source.result.counts["right"] == {"in": 16, "out": 8, "rejected": {"wrong": 8}}
    card = source.result.cards["verified"]["stage"]["verifier"]
    assert (card["name"], card["max_cases"]) == ("CodeVerifier", 5)


def test_answers_are_voted_on_without_their_sentences(tmp_path):
    finals = ["So it is \\boxed{4}.", "Hence \\boxed{4}", "The final answer is 5."]
    shared = {"question_id": "q", "question": "2 + 2?", "answer": "4", "trace": "hm"}
    rows = [{**shared, "id": str(k), "final": final} for k, final in enumerate(finals)]
    steps = {"rows": Rows(rows), "verified": Verify(MajorityVote())}
    table = Pipeline(steps, tmp_path).run(shown=False).outcome.table()
    assert table["verdict"].to_pylist() == ["right", "right", "wrong"]
    # The errors of a vote are measured like those of any other verifier.
    attempts = [attempt(text=final) for final in finals]
    found = measure_verifier(MajorityVote(), attempts, [True, True, False])
    assert (found.false_accept.count, found.false_reject.count) == (0, 0)
