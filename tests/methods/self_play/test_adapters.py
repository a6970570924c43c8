"""Low-rank additions: they start as nothing, belong to one role, and merge into plain weights."""

import pytest
import torch

from lit_research.methods.self_play.players import CONJECTURER, SOLVER, Players

SPEC = {
    "model_type": "llama",
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 32,
}
IDS = torch.arange(12).view(2, 6)


def players(weights, seed=0):
    torch.manual_seed(seed)
    return Players(SPEC, vocab_size=24, weights=weights, rank=4)


def logits(model):
    with torch.no_grad():
        return model(input_ids=IDS).logits


def train(made, role):
    parameters = made.parameters_of(role)
    optimizer = torch.optim.SGD(parameters, lr=0.5)
    for _ in range(3):
        optimizer.zero_grad()
        made.model(role)(input_ids=IDS, labels=IDS).loss.backward()
        optimizer.step()


@pytest.mark.parametrize("weights", ["untied", "tied", "lora"])
def test_both_players_start_as_the_same_model(weights):
    made = players(weights)
    solver = logits(made.model(SOLVER))
    assert torch.equal(solver, logits(made.model(CONJECTURER)))
    assert torch.equal(solver, logits(players("untied").model(SOLVER)))


@pytest.mark.parametrize(("weights", "moves"), [("untied", False), ("lora", False), ("tied", True)])
def test_training_one_player_moves_the_other_only_if_they_are_tied(weights, moves):
    made = players(weights)
    before = logits(made.model(CONJECTURER))
    train(made, SOLVER)
    assert not torch.equal(logits(made.model(SOLVER)), before)
    assert torch.equal(logits(made.model(CONJECTURER)), before) is not moves


def test_adapters_leave_the_base_alone_and_are_few():
    made = players("lora")
    own = {id(p) for role in (SOLVER, CONJECTURER) for p in made.parameters_of(role)}
    rest = [p for p in made.parameters() if id(p) not in own]
    before = [p.clone() for p in rest]
    train(made, SOLVER)
    train(made, CONJECTURER)
    assert all(torch.equal(p, q) for p, q in zip(rest, before, strict=True))
    assert not any(p.requires_grad for p in rest)


@pytest.mark.parametrize("role", [SOLVER, CONJECTURER])
def test_merged_weights_say_the_same(role):
    made = players("lora")
    train(made, SOLVER)
    train(made, CONJECTURER)
    torch.testing.assert_close(logits(made.exported(role)), logits(made.model(role)))


def test_a_warm_start_of_the_solver_is_copied():
    made = players("untied")
    train(made, SOLVER)
    made.copy_solver_to_conjecturer()
    assert torch.equal(logits(made.model(SOLVER)), logits(made.model(CONJECTURER)))
