"""Per-text rewards point where the policy gradient of whole data sets does (theorem 3.1).

A generator that draws N texts from K can be enumerated: both gradients of E[Phi] are exact sums
over all K^N data sets.
"""

import itertools

import torch

from lit_research.lm import build_lm
from lit_research.methods.dpg import Attributor, Bitmap, Inner
from lit_research.methods.dpg.data import alphabet_tokenizer

CHOICES = ["abab", "bbcc", "dcba"]
N = 3


def cosine(optimizer, lr, eps_root=1e-9):
    """Of the two gradients with respect to the generator's logits."""
    torch.manual_seed(0)
    sizes = {"n_embd": 8, "n_layer": 1, "n_head": 2, "n_positions": 4, "vocab_size": 4}
    fields = {"model_type": "gpt2", "tie_word_embeddings": False, **sizes}
    target = build_lm(fields, attention="math", dtype="float64").eval()
    inner = Inner(
        lr=lr, optimizer=optimizer, batch_size=2, length=4, eps_root=eps_root, weight_decay=0.0
    )
    one = Attributor(target, alphabet_tokenizer("abcd"), Bitmap(rows=["#.", "..", ".#"]), inner)
    probabilities = torch.tensor([0.5, 0.3, 0.2]).double()
    scores = torch.eye(3).double() - probabilities  # of log p(k) by the logits
    ours, whole = torch.zeros(3).double(), torch.zeros(3).double()
    for drawn in itertools.product(range(3), repeat=N):
        chance = probabilities[list(drawn)].prod()
        rewards = one.attribute([CHOICES[k] for k in drawn])
        ours += chance * (rewards.tau[:, None] * scores[list(drawn)]).sum(0)
        whole += chance * rewards.phi * scores[list(drawn)].sum(0)
    return float(torch.cosine_similarity(ours, whole, dim=0))


def test_the_gradients_agree_the_more_the_smaller_the_steps_of_the_target():
    small, large = cosine("sgd", 1e-3), cosine("sgd", 3.0)
    assert small > 0.9999
    assert small > large > 0.5


def test_adams_steps_are_linear_where_eps_root_is_above_the_squared_gradients():
    assert cosine("adamw", 1e-3, eps_root=1.0) > 0.99
