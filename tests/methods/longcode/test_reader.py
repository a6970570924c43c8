"""Small readers of random packages: their data, and that a window sees nothing beyond its reach."""

import re

import pytest
import torch

from lit_research.cli import config_dir, main
from lit_research.errors import UserError
from lit_research.labels import IGNORE
from lit_research.methods.longcode import RepoReader, RepoSequences
from lit_research.methods.longcode.replica import ARMS, accuracy, effects, verdicts
from lit_research.methods.longcode.synthetic_tokenizer import SyntheticTokens, synthetic_tokenizer

CONFIG = str(config_dir() / "longcode/reader_tiny.yaml")
SMALL = [
    "--trainer.max_steps=2",
    "--trainer.val_check_interval=2",
    "--data.init_args.eval_items=3",
    "--data.init_args.batch_size=2",
    "--trainer.enable_progress_bar=false",
    "--trainer.enable_model_summary=false",
]


def test_the_tokenizer_gives_back_every_text_and_counts_digits_singly():
    tokenizer = synthetic_tokenizer()
    text = "def kovari(fezolu=481):\n    return fezolu\n\n\nKAVOLU = 12 # ~ {x}\n"
    ids = tokenizer(text).input_ids
    assert tokenizer.decode(ids) == text
    assert len(tokenizer) < 512
    assert set(tokenizer.tokenize("kovari")) == {"ko", "va", "ri"}
    assert SyntheticTokens().count(["12", "981", ""]) == [2, 3, 0]


def test_a_training_sequence_ends_with_questions_about_its_own_defaults():
    data = RepoSequences(sequence_length=512, questions=8, seed=0)
    batch = data.dataset("train").__getitems__([0, 1])
    assert batch["input_ids"].shape == batch["labels"].shape == (2, 512)
    assert torch.equal(batch["input_ids"][:, 1:257], batch["labels"][:, :256])
    ids = [*batch["input_ids"][0].tolist(), int(batch["labels"][0, -1])]
    text = data.tokenizer.decode([i for i in ids if i not in (IGNORE, data.pad)])
    code, asked = text.rsplit("\n\n", 1)
    defaults = dict(re.findall(r"def (\w+)\(\w+=(\d+)\)", code))
    answers = re.findall(r"^(\w+)\(\w+=(\d+)\)$", asked, re.MULTILINE)
    assert len(answers) == 8
    assert all(defaults.get(name, value) == value for name, value in answers)


def test_sequences_depend_on_seed_and_index_alone():
    one, same = (RepoSequences(seed=3).dataset("train") for _ in range(2))
    other = RepoSequences(seed=4).dataset("train")
    first = one.__getitems__([5])["input_ids"]
    assert torch.equal(first, same.__getitems__([4, 5])["input_ids"][1:])
    assert not torch.equal(first, other.__getitems__([5])["input_ids"])


def test_an_item_has_a_row_for_each_option_and_its_evidence_at_the_distance():
    data = RepoSequences(lengths=[512, 1024], distances=[16, 256], eval_items=2, seed=0)
    assert data.groups == [(512, 16), (512, 256), (1024, 16), (1024, 256)]
    batch = data.dataset("test").__getitems__([0, 3])
    assert batch["input_ids"].shape == (8, 512)
    assert batch["group"].tolist() == [0, 1]
    for item, distance in ((0, 16), (1, 256)):
        rows = batch["labels"][4 * item : 4 * item + 4]
        scored = batch["scored"][4 * item : 4 * item + 4].bool()
        options = [data.tokenizer.decode(row[at]) for row, at in zip(rows, scored, strict=True)]
        assert len(set(options)) == 4
        assert all(re.fullmatch(r"\d\d", option) for option in options)
        answer = int(batch["answer"][item])
        text = data.tokenizer.decode([i for i in rows[answer].tolist() if i != IGNORE])
        question = re.search(r"(\w+\(\w+=)\d\d$", text)[1]
        code = text[: -len(question) - 2]
        assert f"def {question}{options[answer]}" in code
        after = code.split(f"def {question}{options[answer]}")[1]
        assert len(data.tokenizer(after).input_ids) >= distance


def test_a_distance_without_room_is_left_out_or_refused():
    assert RepoSequences(lengths=[512, 1024], distances=[16, 600]).groups == [
        (512, 16),
        (1024, 16),
        (1024, 600),
    ]
    with pytest.raises(UserError, match="at least 160 below"):
        RepoSequences(distances=[500])
    with pytest.raises(UserError, match="sequence_length is 256"):
        RepoSequences(sequence_length=256)


@pytest.mark.parametrize("arm", ARMS, ids=lambda arm: arm.name)
def test_every_arm_trains_and_logs_each_length_and_distance(tmp_path, arm):
    words = arm.command_line(0, tmp_path)
    lengths = ["--data.init_args.lengths=[512]", "--model.init_args.lm.hidden_size=32"]
    logged = main([*words, *SMALL, *lengths]).trainer.callback_metrics
    assert {"val/accuracy", "val/accuracy_at_512_16", "val/accuracy_at_512_256"} <= logged.keys()


def test_arms_have_equally_many_parameters():
    counts = set()
    for arm in ARMS:
        lm = {"hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4}
        lm |= {"intermediate_size": 128, "window": None}
        names = "model.init_args.lm."
        lm |= {k.removeprefix(names): v for k, v in arm.options.items() if k.startswith(names)}
        module = RepoReader(lm, vocab_size=512, arm=arm.options["model.init_args.arm"])
        module.configure_model()
        # A suffix block has a norm more, for its second MLP.
        norms = lm["hidden_size"] * lm.get("num_suffix_layers", 0)
        counts.add(sum(p.numel() for p in module.parameters()) - norms)
    assert max(counts) - min(counts) <= 128, counts


def test_a_window_is_blind_beyond_its_reach():
    data = RepoSequences(distances=[256], eval_items=1, seed=0)
    batch = data.dataset("validation").__getitems__([0])
    lm = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2}
    module = RepoReader({**lm, "intermediate_size": 64, "window": 64}, vocab_size=512, arm="swa")
    module.configure_model()
    sequences = {name: batch[name] for name in ("input_ids", "labels")}
    before = module(sequences)
    changed = sequences["input_ids"].clone()
    changed[:, :64] = 7  # farther than 3 x 63 tokens from the answer
    after = module({**sequences, "input_ids": changed})
    scored = batch["scored"].bool()
    assert torch.equal(before[scored], after[scored])
    assert not torch.equal(before, after)


def test_effects_are_judged_in_percent():
    near = {"full": 0.9, "swa": 0.8, "e2e": 0.85}
    far = {"full": 0.85, "swa": 0.25, "e2e": 0.5}
    results = {
        arm.name: {
            f"val/accuracy_at_{length}_{distance}": [
                values[arm.name] + shift for shift in (0, 0.01)
            ]
            for length in (512, 1024, 2048)
            for distance, values in ((16, near), (256, far))
        }
        for arm in ARMS
    }
    found = effects(results)
    assert found["window_blind_beyond_reach"] == pytest.approx([0, 1])
    assert found["ttt_over_window"] == pytest.approx([25, 25])
    assert accuracy(results, ARMS[0], 512, 16) == pytest.approx([90, 91])
    assert {claim.verdict for claim in verdicts(results)} == {"reproduced"}
