import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from lit_research.lm import build_lm, flops_per_token, next_token_loss, run_lm

LLAMA = {"model_type": "llama", "hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": 2}
MODELS = {
    "llama": {**LLAMA, "num_attention_heads": 4, "num_key_value_heads": 2},
    "tied llama": {**LLAMA, "num_attention_heads": 4, "tie_word_embeddings": True},
    "wide heads": {
        **LLAMA,
        "model_type": "qwen3",
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 32,
    },
    "gpt2": {"model_type": "gpt2", "n_embd": 64, "n_layer": 2, "n_head": 4},
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("length", [16, 128])
def test_the_estimate_is_what_torch_counts(name, length):
    model = build_lm(MODELS[name], vocab_size=300, attention="math")
    tokens = torch.randint(0, 300, (2, length))
    counter = FlopCounterMode(display=False)
    with counter:
        next_token_loss(run_lm(model, {"input_ids": tokens}), tokens).backward()
    counted = counter.get_total_flops() / tokens.numel()
    assert flops_per_token(model.config, length) == pytest.approx(counted, rel=0.03)
