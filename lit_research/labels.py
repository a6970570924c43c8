"""The label that losses leave out, for the rooms that make labels and those that read them."""

IGNORE = -100
"""Label of a token that no loss counts."""
