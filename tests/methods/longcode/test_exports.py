"""Exported tasks, in the harnesses that they are for: the same accuracy, the same letters."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from lit_research.errors import UserError
from lit_research.evals.choice_scores import ChoiceScores
from lit_research.evals.option_rows import ChoiceRows, encode_items
from lit_research.methods.longcode.answers import parse
from lit_research.methods.longcode.counters import FolderTokenizer
from lit_research.methods.longcode.export_inspect import export_inspect
from lit_research.methods.longcode.export_lm_eval import choice_items, export_lm_eval
from lit_research.methods.longcode.ladder_settings import LadderSettings
from lit_research.methods.longcode.ladders import Ladder
from lit_research.methods.longcode.prompts import PromptStyle
from lit_research.methods.longcode.rungs import ask_question
from lit_research.text import load_tokenizer
from tests.methods.longcode.releases import limit_question, repository

TREE = repository("shop", 50)
STYLE = PromptStyle(goal="answer_line")


def asked(numbers, buckets=(700, 900), style=STYLE):
    settings = LadderSettings(buckets=buckets, ranking="random")
    ladder = Ladder({TREE.name: TREE}, FolderTokenizer("bytes"), settings, style)
    items = [limit_question(TREE, number) for number in numbers]
    return [
        one
        for number, item in enumerate(items)
        for rung in ladder.rungs(item)
        for one in ask_question(item, rung, (number % 4,))
    ]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A tiny model of bytes, in float64, in which the order of a sum does not show."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=257, hidden_size=16, intermediate_size=32, num_hidden_layers=1,
        num_attention_heads=2, max_position_embeddings=1024, initializer_range=0.3,
        bos_token_id=256, eos_token_id=256,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("model")
    model = LlamaForCausalLM(config).double().eval()
    model.save_pretrained(folder)
    load_tokenizer("bytes").save_pretrained(folder)
    return folder, model


def our_scores(model, questions, scored):
    tokenizer = load_tokenizer("bytes")
    rows = ChoiceRows(encode_items(choice_items(questions, scored), tokenizer, 1024), 256)
    scores = ChoiceScores(1, torch.device("cpu"))
    for start in range(0, len(rows), 40):
        batch = rows.__getitems__(list(range(start, min(start + 40, len(rows)))))
        with torch.no_grad():
            logits = model(input_ids=batch["input_ids"]).logits
        labels = batch["labels"]
        log_probs = logits.log_softmax(-1).gather(-1, labels.clamp(min=0)[..., None])[..., 0]
        scores.update(batch, [log_probs])
    return scores.choices()


def test_lm_eval_gives_our_accuracy_on_the_same_items(model, tmp_path):
    pytest.importorskip("lm_eval")
    folder, lm = model
    questions = asked(range(50))
    assert len(questions) == 100
    for scored in ("letter", "text"):
        tasks = export_lm_eval(questions, tmp_path / "task", f"by_{scored}", scored)
        assert tasks == [f"by_{scored}_700", f"by_{scored}_900"]
    command = ["--model", "hf", "--model_args", f"pretrained={folder},dtype=float64"]
    command += ["--tasks", "by_letter,by_text", "--include_path", str(tmp_path / "task")]
    command += ["--device", "cpu", "--batch_size", "16", "--log_samples"]
    command += ["--output_path", str(tmp_path / "results")]
    subprocess.run([sys.executable, "-m", "lm_eval", *command], check=True, cwd=tmp_path)
    [results] = (tmp_path / "results").rglob("results_*.json")
    found = json.loads(results.read_text())["results"]
    for scored in ("letter", "text"):
        correct = 0
        for bucket in (700, 900):
            task, of_bucket = (
                f"by_{scored}_{bucket}",
                [q for q in questions if q.step.bucket == bucket],
            )
            ours = our_scores(lm, of_bucket, scored)
            for metric, (share, _) in ours.accuracies().items():
                assert found[task][f"{metric},none"] == pytest.approx(float(share[0]), abs=1e-9)
            [file] = (tmp_path / "results").rglob(f"samples_{task}_*.jsonl")
            samples = [json.loads(line) for line in file.read_text().splitlines()]
            samples.sort(key=lambda one: one["doc_id"])
            totals = [[float(answer[0]) for answer in one["filtered_resps"]] for one in samples]
            torch.testing.assert_close(
                torch.tensor(totals, dtype=torch.float64), ours.total[0].double(), atol=1e-9, rtol=0
            )
            correct += round(found[task]["acc,none"] * len(of_bucket))
        assert 0 < correct < 100
        assert found[f"by_{scored}"]["acc,none"] == pytest.approx(correct / 100, abs=1e-9)


def test_a_task_of_lm_eval_says_what_it_needs(tmp_path):
    questions = asked([1, 2], buckets=(60, 900))
    assert export_lm_eval(questions, tmp_path) == ["longcode_900"]
    config = yaml.safe_load((tmp_path / "longcode_900.yaml").read_text())
    longest = max(one.tokens for one in questions if one.refusal is None)
    assert config["metadata"] == {"version": 1.0, "longest_prompt": longest, "refused": 0}
    rows = [json.loads(line) for line in (tmp_path / "longcode_900.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == ["shop-1/900/0/0", "shop-2/900/1/0"]
    assert rows[0]["prompt"] == questions[1].prompt
    assert rows[0]["choices"] == ["A", "B", "C", "D"]
    assert [row["answer"] for row in rows] == [1, 2]
    with pytest.raises(UserError, match="none of the 1 questions can be asked"):
        export_lm_eval(asked([1], buckets=(60,)), tmp_path)


REPLIES = [
    "ANSWER: A",
    "It is because ...\nANSWER: C",
    "Answer: **D**",
    "I do not know.",
    "ANSWER: E",
    "ANSWER: B\nor\nANSWER: C",
    "answer: b.",
]


def test_inspect_ai_reads_our_prompts_and_the_same_letters(tmp_path):
    pytest.importorskip("inspect_ai")
    questions = asked(range(len(REPLIES)), buckets=(900,))
    task = export_inspect(questions, tmp_path / "task", "limits")
    program = (
        "import importlib.util, json, sys\n"
        "from inspect_ai import eval\n"
        "from inspect_ai.model import ModelOutput, ModelUsage, get_model\n"
        "spec = importlib.util.spec_from_file_location('limits', sys.argv[1])\n"
        "module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)\n"
        "replies = json.loads(sys.argv[2])\n"
        "outputs = [ModelOutput.from_content('mockllm/model', text) for text in replies]\n"
        "for one in outputs:  # without it inspect counts with tiktoken, which needs the network\n"
        "    one.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)\n"
        "model = get_model('mockllm/model', custom_outputs=outputs)\n"
        "[log] = eval(module.limits(), model=model, display='none', log_dir=sys.argv[3],\n"
        "             max_connections=1, max_samples=1)\n"
        "scores = [next(iter(s.scores.values())) for s in log.samples]\n"
        "rows = [[sample.messages[0].text, score.answer, score.value]\n"
        "        for sample, score in zip(log.samples, scores)]\n"
        "print('ROWS' + json.dumps(rows))\n"
    )
    command = [sys.executable, "-c", program, str(task), json.dumps(REPLIES), str(tmp_path / "log")]
    out = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, cwd=tmp_path
    ).stdout
    rows = json.loads(out.rpartition("ROWS")[2])
    assert len(rows) == len(REPLIES)
    for one, reply, (prompt, letter, value) in zip(questions, REPLIES, rows, strict=True):
        assert prompt == one.prompt
        assert (letter or None) == parse(reply)
        assert (value == "C") == (parse(reply) == one.letter)


def test_inspect_ai_needs_its_own_way_of_answering(tmp_path):
    for style in (PromptStyle(), PromptStyle(questions="pre", goal="answer_line")):
        with pytest.raises(UserError, match=r"must be put with .* goal: answer_line"):
            export_inspect(asked([1], style=style), tmp_path)
    with pytest.raises(UserError, match="must be a name of Python"):
        export_inspect(asked([1]), tmp_path, "no-name")


def test_an_exported_task_is_a_file_of_python(tmp_path):
    task = export_inspect(asked([1, 2], buckets=(900,)), tmp_path)
    compile(task.read_text(), str(task), "exec")
    rows = [json.loads(line) for line in Path(task).with_suffix(".jsonl").read_text().splitlines()]
    assert [row["target"] for row in rows] == ["B", "C"]
    assert rows[0]["choices"] == ["4", "1", "2", "3"]
