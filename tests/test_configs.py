"""Every config parses, every key has a comment, and paper.yaml has the published size."""

import re
from pathlib import Path

import pytest
import torch
import yaml

from lit_research import lean
from lit_research.catalogue import base_of, listing
from lit_research.cli import config_dir, main
from lit_research.errors import UserError
from lit_research.lm import count_parameters, meta_lm
from lit_research.methods.openthoughts import hparams_for
from lit_research.methods.openthoughts.hparams import CUT_OFF, WARMUP
from lit_research.methods.self_play import Rules, SelfPlay, Update
from lit_research.methods.ttt.config import TTTE2EConfig
from lit_research.methods.ttt.model import TTTE2EForCausalLM
from tests.helpers import ONE_VALUE, Parsed, config_arguments, read_config, write_tiny

CONFIGS = sorted(config_dir().glob("*/*.yaml"))
OVERLAYS = [p for p in CONFIGS if base_of(p)]
COMPLETE = [p for p in CONFIGS if p in OVERLAYS or "model" in yaml.safe_load(p.read_text())]


def name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("path", COMPLETE, ids=name)
@pytest.mark.parametrize("verb", ["fit", "test"])
def test_a_config_parses(path, verb):
    assert Parsed([verb, *config_arguments(path)]).config[verb].model.class_path


def leaves(content, prefix=""):
    """Yield the dotted keys of values, and the values."""
    for key, value in content.items():
        if isinstance(value, dict) and key not in ONE_VALUE:
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


@pytest.mark.parametrize("path", OVERLAYS, ids=name)
def test_an_overlay_states_only_what_differs_and_shows_its_command(path):
    base = read_config(base_of(path))
    same = dict(leaves(yaml.safe_load(path.read_text()))).items() & dict(leaves(base)).items()
    assert not same
    shown = [f"configs/{path.parent.name}/{file.name}" for file in (base_of(path), path)]
    assert f"--config {shown[0]} --config {shown[1]}" in path.read_text()
    line = next(line for line in listing().splitlines() if f" {name(path)[:-5]} " in line)
    assert line.endswith(f"[on top of {name(base_of(path))[:-5]}]")


def test_an_overlay_names_its_run_and_is_refused_without_its_base(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    base = write_tiny(tmp_path, {"trainer.logger": ...})
    overlay = tmp_path / "short.yaml"
    overlay.write_text("# overlay of: tiny.yaml\ntrainer: {max_steps: 1}\n")
    more = tmp_path / "more.yaml"
    more.write_text("trainer: {limit_val_batches: 2}\n")
    with pytest.raises(UserError, match=f"must come after it: --config {base} --config {overlay}"):
        main(["fit", "--config", str(overlay)])
    cli = main(["fit", *config_arguments(overlay), "--config", str(more)])
    assert cli.trainer.global_step == 1
    run = Path(cli.trainer.log_dir)
    assert run == Path("runs") / tmp_path.name / "short" / "version_0"
    assert main(["validate", "--run", str(run), "--config", str(overlay)]).trainer.max_steps == 1


def test_a_partial_config_goes_on_top_of_another():
    base, slurm = config_dir() / "pretrain/paper.yaml", config_dir() / "pretrain/slurm.yaml"
    config = Parsed(["fit", "--config", str(base), "--config", str(slurm)]).config.fit
    assert config.trainer.num_nodes == 2
    assert config.trainer.devices == 8


@pytest.mark.parametrize("path", CONFIGS, ids=name)
def test_every_key_has_a_comment(path):
    """A key is explained by a comment above it, or above the first key of its block."""
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        key = re.match(r"(\s*)(- )?([\w+]+):\s*(\S.*)?$", line)
        if not key or not key[4] or key[3] == "class_path":
            continue  # a section, or a class, whose docstring explains it
        indent = len(key[1])
        above = number - 1
        while above >= 0 and lines[above].strip():
            text = lines[above]
            if text.lstrip().startswith("#"):
                break
            if len(text) - len(text.lstrip()) != indent:
                above = -1
                break
            above -= 1
        assert above >= 0, f"{name(path)}:{number + 1}: {line.strip()} has no comment"
        assert lines[above].lstrip().startswith("#"), f"{name(path)}:{number + 1}: {line.strip()}"


@pytest.mark.parametrize("method", [p.name for p in config_dir().iterdir() if p.is_dir()])
def test_every_method_has_a_tiny_and_a_paper_config(method):
    assert (config_dir() / method / "tiny.yaml").is_file()
    assert (config_dir() / method / "paper.yaml").is_file()


@pytest.mark.parametrize("method", ["pretrain", "ensemble", "megadocs"])
def test_paper_config_has_the_published_number_of_parameters(method):
    config = yaml.safe_load((config_dir() / method / "paper.yaml").read_text())
    model = meta_lm(config["model"]["init_args"]["lm"], vocab_size=128_256)
    assert count_parameters(model) == 299_649_792


def test_the_base_of_sbp_has_the_published_size_and_norms_of_queries_and_keys():
    config = yaml.safe_load((config_dir() / "sbp/base_paper.yaml").read_text())
    lm = config["model"]["init_args"]["lm"]
    model = meta_lm(lm, vocab_size=128_256)
    D, F, L, H = 3072, 8192, 28, 128
    # Per block: queries and output, keys and values of 8 heads, the MLP, and the norms.
    block = 2 * D**2 + 2 * D * 8 * H + 3 * D * F + 2 * D + 2 * H
    assert count_parameters(model) == 128_256 * D + L * block + D == 3_212_756_992
    assert any("q_norm" in name for name, _ in model.named_parameters())
    paper = yaml.safe_load((config_dir() / "sbp/paper.yaml").read_text())
    ours, base = paper["data"]["init_args"], config["data"]["init_args"]
    for key in ("source", "max_documents", "validation_fraction", "test_fraction", "tokenizer"):
        assert ours[key] == base[key]  # no held-out document is in a pair


# Qwen2.5-7B-Instruct as its config.json has it; paper.yaml loads it by name. Embedding and head,
# 2 V D; per block the queries and the output, the keys and values of 4 heads, biases of all but the
# output, the MLP and 2 norms; the last norm.
QWEN = {
    "model_type": "qwen2",
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "tie_word_embeddings": False,
}


@pytest.mark.parametrize("size", ["", "_medium", "_small", "_micro"])
def test_the_student_of_openthoughts_has_the_published_size_and_settings(size):
    config = read_config(config_dir() / f"openthoughts/paper{size}.yaml")
    model, data, trainer = (
        config["model"]["init_args"],
        config["data"]["init_args"],
        config["trainer"],
    )
    assert model["lm"] == {"folder": data["tokenizer"]} == {"folder": "Qwen/Qwen2.5-7B-Instruct"}
    D, F, L, V, KV = 3584, 18944, 28, 152_064, 4 * 128
    block = 2 * D**2 + 2 * D * KV + (D + 2 * KV) + 3 * D * F + 2 * D
    assert (
        count_parameters(meta_lm(QWEN, vocab_size=V)) == 2 * V * D + L * block + D == 7_615_616_512
    )
    recipes = data["source"]["init_args"]["recipes"].values()
    published = hparams_for(data.get("max_rows") or sum(one["n"] for one in recipes))
    assert published.name == (size[1:] or "large")
    assert published.confirmed == (size != "_micro")
    optimizer = model["optimizer"]["init_args"]
    assert (optimizer["lr"], optimizer["betas"], optimizer["weight_decay"]) == (
        published.lr,
        [0.9, 0.999],
        0.0,
    )
    rows = data["batch_size"] * trainer["devices"] * trainer["accumulate_grad_batches"]
    assert (rows, trainer["max_epochs"], data["packing"]) == (
        published.batch,
        published.epochs,
        published.packing,
    )
    assert (model["warmup"], data["sequence_length"]) == (WARMUP, CUT_OFF)


# Embedding; per block 4 D^2 of attention, 3 D F of the MLP, 4 norms of D and 2 of a head's width;
# per suffix block 3 D F of the prime MLP and 2 norms of D; the last norm. Of the 125M model, with
# D 768 and F 1664: 128,256 D + 12 (4 D^2 + 3 D F + 4 D + 2 * 64) + 3 (3 D F + 2 D) + D.
TTT_PARAMETERS = {"125m": 184_363_776, "760m": 883_728_384, "paper": 2_897_722_880}


@pytest.mark.parametrize("size", TTT_PARAMETERS)
def test_ttt_configs_have_the_published_sizes(size):
    config = yaml.safe_load((config_dir() / f"ttt/{size}.yaml").read_text())
    lm = config["model"]["init_args"]["lm"]
    with torch.device("meta"):
        model = TTTE2EForCausalLM(TTTE2EConfig(**lm, vocab_size=128_256))
    D, F, L = lm["hidden_size"], lm["intermediate_size"], lm["num_hidden_layers"]
    block = 4 * D**2 + 3 * D * F + 4 * D + 2 * D // lm["num_attention_heads"]
    prime = lm["num_suffix_layers"] * (3 * D * F + 2 * D)
    assert count_parameters(model) == TTT_PARAMETERS[size] == 128_257 * D + L * block + prime


# DeepSeek-Prover-V2-7B as its config.json has it; paper.yaml loads it by name. Embedding and head,
# 2 V D; per block 4 D^2 of attention, 3 D F of the MLP, 2 norms of D; the last norm.
PROVER = {
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 30,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "tie_word_embeddings": False,
}
PROVER_VOCABULARY = 102_400
PROVER_PARAMETERS = 6_910_365_696


def self_play_paper():
    return yaml.safe_load((config_dir() / "self_play/paper.yaml").read_text())["model"]["init_args"]


def test_self_play_paper_config_has_the_published_hyperparameters():
    args = self_play_paper()
    rules, update = Rules(**args["rules"]), Update(**args["update"])
    assert (rules.attempts, rules.conjectures, rules.quantile) == (8, 1, 0.7)
    assert (rules.objective, rules.conjecturer, rules.overlong) == ("reinforce_half", "sgs", 0.8)
    assert rules.conditioned
    assert rules.train_conjecturer
    assert rules.drop_try
    assert (update.batch_size, update.epochs, update.reset) == (32, 1, True)
    assert update.max_grad_norm == 1.0
    assert args["optimizer"]["init_args"] == {"lr": 3e-6, "betas": [0.9, 0.95], "weight_decay": 0}
    assert (args["max_new_tokens"], args["temperature"], args["top_p"]) == (8192, 1.0, 1.0)
    assert args["lm"] == {"folder": "deepseek-ai/DeepSeek-Prover-V2-7B"}
    assert args["guide"]["class_path"] == "LanguageModelGuide"
    assert args.get("weights", "untied") == "untied"
    assert args["lean"]["init_args"]["timeout_s"] == 200.0


@pytest.mark.parametrize("weights", ["untied", "tied", "lora"])
def test_self_play_builds_at_the_published_size(weights):
    D, F = PROVER["hidden_size"], PROVER["intermediate_size"]
    L = PROVER["num_hidden_layers"]
    one = 2 * PROVER_VOCABULARY * D + L * (4 * D**2 + 3 * D * F + 2 * D) + D
    assert one == PROVER_PARAMETERS
    args, rank = self_play_paper(), 16
    plain = {key: args[key] for key in ("max_new_tokens", "dtype", "attention")}
    module = SelfPlay(
        PROVER,
        PROVER_VOCABULARY,
        rules=Rules(**args["rules"]),
        update=Update(**args["update"]),
        weights=weights,
        lora_rank=rank,
        seed=0,
        **plain,
    )
    with torch.device("meta"):
        module.configure_model()
    # Of one role, in every block: r (in + out) for 4 matrices of attention and 3 of the MLP.
    adapters = L * rank * (4 * 2 * D + 3 * (D + F))
    whole = {"untied": 2 * one, "tied": one, "lora": one + 2 * adapters}[weights]
    assert count_parameters(module.players) == whole
    trained = adapters if weights == "lora" else one
    for role in ("solver", "conjecturer"):
        parameters = module.players.parameters_of(role)
        assert sum(p.numel() for p in parameters) == trained
        assert all(p.is_meta and p.requires_grad for p in parameters)


def test_the_servers_of_lean_are_built_without_being_asked():
    servers = {}
    for config in ("kimina", "leandojo"):
        files = config_arguments(config_dir() / f"self_play/{config}.yaml")
        given = Parsed(["fit", *files]).config.fit.model.init_args.lean
        server = getattr(lean, given.class_path.rpartition(".")[2])
        servers[config] = server(**given.init_args)
    assert isinstance(servers["kimina"], lean.KiminaServer)
    assert servers["kimina"].url == "http://localhost:8000"
    assert servers["kimina"].timeout_s == 200.0  # of paper.yaml
    assert isinstance(servers["leandojo"], lean.LeanDojoServer)
    assert servers["leandojo"].timeout_s == 600


def test_references_resolve_within_and_across_files(tmp_path):
    (tmp_path / "a.yaml").write_text(
        "seed_everything: 7\n"
        "model: {class_path: Pretrain, init_args: {lm: {model_type: llama}}}\n"
        "data: {class_path: Corpus, init_args: {seed: '${seed_everything}'}}\n"
    )
    (tmp_path / "b.yaml").write_text("trainer: {max_steps: '${data.init_args.batch_size}'}\n")
    files = ["--config", str(tmp_path / "a.yaml"), "--config", str(tmp_path / "b.yaml")]
    config = Parsed(["fit", *files, "--data.init_args.batch_size", "5"]).config.fit
    assert config.data.init_args.seed == 7
    assert config.trainer.max_steps == 5
