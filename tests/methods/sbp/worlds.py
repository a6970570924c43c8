"""Small worlds for the tests."""

TINY = {
    "topics": 4,
    "common_topics": 2,
    "records": 12,
    "common": 10,
    "rare": 1,
    "words": 6,
    "anchors": 60,
    "length": 4,
    "held_out": 8,
}
"""Sizes of a world with 22 + 48 = 70 documents."""


def world(**options):
    """Return the config of a tiny world as a source."""
    return {"class_path": "lit_research.methods.sbp.TwoFormats", "init_args": {**TINY, **options}}


FINDER = {
    "encoder": {
        "class_path": "lit_research.text.Tfidf",
        "init_args": {"max_document_share": 0.12},
    },
    "k": 5,
    "alpha": 0.75,
}
"""What finds the siblings of a tiny world."""
