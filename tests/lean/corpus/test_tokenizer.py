"""Words to ids and back."""

from lit_research.lean.corpus.pretokenize import LAYOUT_WORDS
from lit_research.lean.corpus.tokenizer import WORDS, word_tokenizer


def test_words_come_back_from_the_tokenizer():
    tokenizer = word_tokenizer(markers=["<prove>", "<by>", *LAYOUT_WORDS])
    assert len(tokenizer) % 8 == 0
    assert len(tokenizer) <= 256
    text = " ".join(WORDS)
    ids = tokenizer(text)["input_ids"]
    assert len(set(ids)) == len(WORDS)
    assert tokenizer.decode(ids) == text
    marked = "<prove> p <by> exact h <nl> <tab> rfl <|endoftext|>"
    assert tokenizer.decode(tokenizer(marked)["input_ids"]) == marked
    assert tokenizer("nonsense")["input_ids"] == [tokenizer.unk_token_id]
    assert tokenizer.convert_ids_to_tokens(0) == "<|endoftext|>"
    assert tokenizer.eos_token_id == 0
