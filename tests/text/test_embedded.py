import sys

import pytest

from lit_research.errors import UserError
from lit_research.text.embedded import embedded_card, embedded_rows


def test_topics_are_prose_with_stable_ids():
    rows = embedded_rows(["topics"])
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    assert sum(len(row["text"]) for row in rows) > 300_000
    row = next(row for row in rows if row["id"] == "topics/assignment")
    assert row["kind"] == "topics"
    assert row["source_id"] == "assignment"


def test_stdlib_has_sources_and_no_tests_or_files_of_this_machine():
    ids = [row["id"] for row in embedded_rows(["stdlib"])]
    assert "stdlib/json/decoder.py" in ids
    assert len(set(ids)) == len(ids) > 400
    assert not [name for name in ids if "/test" in name or "site-packages" in name]
    assert not [name for name in ids if "_sysconfigdata" in name or "/config-" in name]


def test_docstrings_come_with_signatures_and_without_importing_the_modules():
    texts = {row["id"]: row["text"] for row in embedded_rows(["docstrings"])}
    text = texts["docstrings/textwrap"]
    assert text.startswith("textwrap\n\nText wrapping and filling.")
    assert "textwrap.wrap(text, width=70, **kwargs)\n\nWrap a single paragraph" in text
    assert "docstrings/turtle" in texts
    assert not {"turtle", "this", "antigravity"} & sys.modules.keys()


def test_card_changes_with_the_parts_only():
    assert embedded_card(["topics"]) == embedded_card(["topics", "topics"])
    card = embedded_card(["topics"])
    assert card["python"] == ".".join(map(str, sys.version_info[:3]))
    assert card["documents"] == len(embedded_rows(["topics"]))


@pytest.mark.parametrize("parts", [["topics", "poems"], [""], []])
def test_unknown_part_is_a_user_error(parts):
    with pytest.raises(UserError, match="the parts are topics, docstrings, stdlib"):
        embedded_rows(parts)
