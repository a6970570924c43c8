"""The three stages that ``benchmarks.stages`` compares: questions, a stub's answers, a filter."""

BATCH = 1024  # rows at once


def question(tag: str, number: int) -> str:
    """Return a question."""
    return f"{tag} {number} " + "what is the sum of these numbers? " * 4


def is_kept(answer: str) -> bool:
    """Return whether the filter keeps an answer; the stub begins with the question."""
    return int(answer.split(" ", 2)[1]) % 5 != 0
