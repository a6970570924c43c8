"""Samples are in TensorBoard as they were written, and training does not feel them."""

import pytest
import torch

from lit_research.callbacks import Samples
from lit_research.errors import UserError
from tests.callbacks.toy import Toy, events, fit, make_trainer, texts


class Writer(Toy):
    """Writes ten random letters from a generator of its own."""

    text = ""

    def sample(self, prompts, *, max_new_tokens, temperature, seed):
        letters = torch.randint(
            97, 123, (10,), generator=torch.Generator().manual_seed(seed)
        ).tolist()
        self.asked = {"max_new_tokens": max_new_tokens, "temperature": temperature, "seed": seed}
        return [self.text or "".join(map(chr, letters)) for _ in prompts]


class Careless(Writer):
    """Draws from the global generator, and seeds it."""

    def sample(self, prompts, **options):
        torch.manual_seed(options["seed"])
        return [str(torch.rand(1)) for _ in prompts]


def test_each_prompt_and_its_continuation_is_a_block_of_text(tmp_path):
    module = fit(
        make_trainer(tmp_path, Samples(["One ", "Two "], max_new_tokens=5, seed=3)), Writer()
    )
    assert module.asked == {"max_new_tokens": 5, "temperature": 0.8, "seed": 3}
    written = texts(tmp_path, "samples")
    assert len(written) == 2  # two validations
    heads, blocks = zip(*(text.split("\n", 1) for text in written), strict=True)
    assert heads == ("**Step 5**", "**Step 10**")
    assert len(set(blocks)) == 1  # the same seed each time
    _, first, second = written[0].split("\n\n")
    assert first.startswith("```text\nOne ")
    assert second.startswith("```text\nTwo ")
    assert first.endswith("\n```")


def test_backquotes_of_a_text_do_not_end_its_block(tmp_path):
    module = Writer()
    module.text = "a ``` b ```` c"
    fit(make_trainer(tmp_path, Samples(["x "]), max_steps=5), module)
    [shown] = texts(tmp_path, "samples")
    assert shown == "**Step 5**\n\n`````text\nx a ``` b ```` c\n`````"


def test_training_with_samples_ends_with_the_weights_of_training_without(tmp_path):
    without = fit(make_trainer(tmp_path / "b"), Careless)
    with_samples = fit(make_trainer(tmp_path / "a", Samples()), Careless)
    for left, right in zip(with_samples.parameters(), without.parameters(), strict=True):
        assert torch.equal(left, right)


def test_samples_wait_for_the_nth_validation_and_sanity_checks_do_not_count(tmp_path):
    samples = Samples(every_n_validations=2)
    fit(make_trainer(tmp_path, samples, num_sanity_val_steps=1, max_steps=15), Writer())
    steps = [event.step for event in events(tmp_path).Tensors("samples/text_summary")]
    assert steps == [10]


def test_a_module_that_cannot_write_is_refused_before_training(tmp_path):
    with pytest.raises(UserError, match="Toy has no method sample"):
        fit(make_trainer(tmp_path, Samples()))


@pytest.mark.parametrize(
    "options",
    [{"prompts": []}, {"max_new_tokens": 0}, {"temperature": -1.0}, {"every_n_validations": 0}],
)
def test_bad_arguments_are_refused(options):
    with pytest.raises(UserError, match="in Samples"):
        Samples(**options)
