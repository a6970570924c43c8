"""Scores of options over batches: what is kept, and what it says of one scorer."""

import torch

from lit_research.evals import ChoiceScores, choice_accuracy
from lit_research.text import load_tokenizer
from tests.evals.choices import ITEMS, batch_of, option_scores

CPU = torch.device("cpu")


def random_scores(labels, scorers, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return [-torch.rand(labels.shape, generator=draw) for _ in range(scorers)]


def test_each_scorer_has_its_accuracies_with_their_errors():
    batch = batch_of(ITEMS, load_tokenizer("bytes"), max_length=27)
    scores = random_scores(batch["labels"], 2)
    choices = ChoiceScores(2, CPU)
    choices.update(batch, scores)
    found = choices.choices()
    facts = [batch[name] for name in ("item_id", "option_id", "option_bytes")]
    for scorer, log_probs in enumerate(scores):
        by_hand = option_scores(log_probs, batch["labels"], *facts)
        torch.testing.assert_close(found.total[scorer], by_hand.total, rtol=1e-12, atol=0)
        torch.testing.assert_close(found.per_byte[scorer], by_hand.per_byte, rtol=1e-12, atol=0)
        for result, of_option in zip(
            found.results(scorer), (by_hand.total, by_hand.per_byte), strict=True
        ):
            share, error = choice_accuracy(of_option, torch.tensor([1, 0, 0]))
            assert (result.value, result.stderr) == (float(share), float(error))
            assert (result.n, result.samples, result.parse_failures, result.truncated) == (
                3,
                3,
                0,
                1,
            )
    assert [result.name for result in found.results()] == ["acc", "acc_norm"]


def test_an_evaluation_can_be_begun_again():
    batch = batch_of(ITEMS, load_tokenizer("bytes"))
    choices = ChoiceScores(1, CPU)
    assert choices.choices().seen == 0
    choices.update(batch, random_scores(batch["labels"], 1))
    assert choices.choices().seen == 3
    choices.reset()
    assert choices.choices().seen == 0
