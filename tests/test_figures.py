"""Text for people: tables in columns, blocks that nothing inside ends."""

from lit_research.figures import code_block, text_table


def test_a_table_has_columns_and_no_blanks_at_the_ends_of_lines():
    assert text_table([["K", "loss"], ["16", "1"]]) == "K   loss\n16  1"


def test_a_block_ends_where_it_should():
    assert code_block("a ``` b") == "````text\na ``` b\n````"
