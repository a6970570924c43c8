"""An evaluator of the world's questions that shares nothing with it: Python itself."""

import contextlib
import io


def evaluate(question: str) -> str:
    """Return the answer of a question."""
    text = question.strip().lower()
    if text.startswith("reverse"):
        return "".join(reversed(text.split('"')[1]))
    if text.endswith("?"):
        *lines, last = text.removesuffix("?").split(";")
        names: dict[str, int] = {}
        exec("\n".join(lines), {}, names)
        return str(names[last] % 97)
    if "print" in text:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(text, {})
        return str(int(printed.getvalue()))
    return str(eval(text) % 97)
