"""A frozen model from a folder: loaded late, and it writes what the model in memory writes."""

import pytest

from lit_research.errors import UserError
from lit_research.lm import export_hf
from lit_research.lm.engines import FolderEngine, TransformersEngine
from tests.lm.models import bytes_tokenizer, tiny_lm

PROMPTS = ["a", "the quick brown fox"]


def test_it_writes_what_the_model_in_memory_writes(tmp_path):
    model, tokenizer = tiny_lm(), bytes_tokenizer()
    export_hf(model, tokenizer, tmp_path / "lm")
    engine = FolderEngine(str(tmp_path / "lm"), batch_size=2, dtype="float32", device="cpu")
    engine.weight_version = 3
    assert "loaded" not in vars(engine)
    options = {"max_new_tokens": 6, "n": 2, "seed": [1, 2]}
    written = engine.generate(PROMPTS, **options)
    expected = TransformersEngine(model, tokenizer, weight_version=3).generate(PROMPTS, **options)
    assert [[c.token_ids for c in of] for of in written] == [
        [c.token_ids for c in of] for of in expected
    ]
    assert {c.weight_version for of in written for c in of} == {3}
    assert not engine.loaded.model.training
    assert engine.tokenizer.eos_token_id == 256
    assert engine.card() == {
        **TransformersEngine(model, tokenizer).card(),
        "engine": "FolderEngine",
    }


def test_sizes_are_refused_at_once_and_a_missing_folder_at_the_first_call(tmp_path):
    with pytest.raises(UserError, match="batch_size is 0, of FolderEngine"):
        FolderEngine("x", batch_size=0)
    engine = FolderEngine(str(tmp_path / "nothing"))
    with pytest.raises(UserError, match="nothing"):
        engine.generate(PROMPTS, max_new_tokens=1)


def test_one_seed_for_each_prompt_means_as_many():
    engine = TransformersEngine(tiny_lm(), bytes_tokenizer())
    with pytest.raises(UserError, match="seed has 1 numbers and there are 2 prompts"):
        engine.generate(PROMPTS, max_new_tokens=1, seed=[0])


def test_a_chat_is_rendered_by_the_template_and_refused_without_one(tmp_path):
    model, tokenizer = tiny_lm(), bytes_tokenizer()
    options = {"max_new_tokens": 4, "temperature": 0.0}
    with pytest.raises(UserError, match="no chat template and chat is true, of Transformers"):
        TransformersEngine(model, tokenizer, chat=True)
    export_hf(model, tokenizer, tmp_path / "plain")
    engine = FolderEngine(str(tmp_path / "plain"), chat=True)
    with pytest.raises(UserError, match="no chat template and chat is true, of FolderEngine, in"):
        engine.generate(["hi"], **options)
    with pytest.raises(UserError, match="system is 'x' and chat false"):
        FolderEngine("x", system="x")
    tokenizer.chat_template = (
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        "<{{ messages[0].content }}>"
    )
    export_hf(model, tokenizer, tmp_path / "chat")
    folder = {"folder": str(tmp_path / "chat"), "dtype": "float32", "device": "cpu"}
    [[chat]] = FolderEngine(**folder, chat=True).generate(["hi"], **options)
    [[plain]] = FolderEngine(**folder).generate(["<hi>"], **options)
    assert (chat.token_ids, chat.prompt_tokens) == (plain.token_ids, 4)
    with pytest.raises(UserError, match=r"template refuses the messages \(no system\)"):
        FolderEngine(**folder, chat=True, system="x").generate(["hi"], **options)
