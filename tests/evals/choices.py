"""Items, and batches of their options."""

from lit_research.evals import ChoiceRows, Item, encode_items

ITEMS = [
    Item("2 + 2 =", ["five", "four", "a"], 1, "sum"),
    Item("The cat sat on the", ["mat and slept for hours", "sky"], 0, "cat"),
    Item("é", ["ü", "longer than that"], 0, "bytes"),
]


def batch_of(items, tokenizer, max_length=64):
    rows = ChoiceRows(encode_items(items, tokenizer, max_length), tokenizer.eos_token_id)
    return rows.__getitems__(list(range(len(rows))))
