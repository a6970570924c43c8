"""Words to ids and back."""

from lit_research.lean import parse_statement
from lit_research.methods.self_play.data import Theorems
from lit_research.methods.self_play.formats import PlainFormat
from lit_research.methods.self_play.tokenizer import WORDS, word_tokenizer


def test_words_come_back_from_the_tokenizer():
    tokenizer = word_tokenizer()
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


def test_statements_come_back_through_format_and_tokenizer():
    data, form = Theorems(size=100, held_out=0, warm=0), PlainFormat()
    for theorem in data.targets:
        statement = parse_statement(theorem.statement)
        words = form.write_conjecture(statement)
        read = form.read_conjecture(data.tokenizer.decode(data.tokenizer(words)["input_ids"]), "t")
        assert read.statement.body == statement.body
