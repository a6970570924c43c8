"""Tiny files in the layouts of the released benchmark, and items of small repositories."""

import json
import zipfile
from pathlib import Path
from typing import Any

from lit_research.methods.longcode import Origin, QuestionItem, SourceTree, Span
from lit_research.methods.longcode.dumps import dump_file, dump_files
from lit_research.methods.longcode.prompts import repair_parts

BUCKETS = ("32K", "64K", "128K", "256K", "512K", "1M")
FILES = {"shop/cart.py": "LIMIT = 3\n\ndef price(n):\n    return n * LIMIT\n", "a.py": ""}
PATCH = """--- a/shop/cart.py
+++ b/shop/cart.py
@@ -1,4 +1,4 @@
 LIMIT = 3
\x20
 def price(n):
-    return n * LIMIT
+    return n + LIMIT
"""


def question(number: int, repo: str = "me/shop", **changes: Any) -> dict[str, Any]:
    """Return a record of LongCodeQA."""
    code = f"Repository:\n{dump_files(FILES.items())}\n"
    goal = "Look at the code.\nEnd with Final Answer: and the letter."
    asked = f"Question:\nWhat is {number}?\n\nA) one\nB) two,\nover two lines\nC) é\nD) four"
    record = {
        "prompt": f"{code}\n{goal}\n{asked}",
        "repo": repo,
        "question": asked,
        "correct_letter": "ABCD"[number % 4],
        "repo_text": code,
        "prompt_goal": goal,
        "is_hard": "Yes" if number % 2 else "No",
    }
    return {**record, **changes}


def repair(number: int, num_files: int, **changes: Any) -> dict[str, Any]:
    """Return a row of LongSWE_Bench."""
    files = dict(
        sorted({**FILES, **{f"other{n}.py": f"x = {n}\n" for n in range(num_files)}}.items())
    )
    readme = dump_file("README.md", "# Shop\n", numbered=True)
    code = dump_files(files.items(), numbered=True)
    statement = f"Issue {number}: <code>price</code> is wrong"
    row = {
        "instance_id": f"me__shop-{number}",
        "num_files": num_files,
        "retrieval_strategy": "bm25",
        "text": "".join(repair_parts(statement, code, readmes=readme)),
        "repo": "me/shop",
        "base_commit": "0" * 40,
        "problem_statement": statement,
        "hints_text": "",
        "created_at": "2020-01-01T00:00:00Z",
        "patch": f"<patch>\n{PATCH}\n</patch>",
        "test_patch": "--- a/t.py",
        "version": "1.0",
        "FAIL_TO_PASS": json.dumps(["t.py::a"]),
        "PASS_TO_PASS": json.dumps(["t.py::b", "t.py::c"]),
        "environment_setup_commit": "1" * 40,
        "num_tokens": 1000 + num_files,
    }
    return {**row, **changes}


def write_zip(path: Path, files: dict[str, bytes]) -> Path:
    """Write a zip."""
    with zipfile.ZipFile(path, "w") as zipped:
        for name, content in files.items():
            zipped.writestr(name, content)
    return path


def question_zip(path: Path, counts: dict[str, int], **layout: Any) -> Path:
    """Write a zip of LongCodeQA with so many questions in each bucket."""
    layout = {"indent": 4, **layout}
    files = {
        f"LQA/{bucket}.json": json.dumps([question(n) for n in range(count)], **layout).encode()
        for bucket, count in counts.items()
    }
    return write_zip(path, files)


def repair_folder(path: Path, rows: dict[str, list[dict[str, Any]]]) -> Path:
    """Write the unpacked LongSWE_Bench: a DatasetDict a bucket."""
    from datasets import Dataset, DatasetDict

    for bucket, of_bucket in rows.items():
        data = DatasetDict({"test": Dataset.from_list(of_bucket)})
        data.save_to_disk(str(path / "LongSWE_Bench" / bucket))
    return path


def repository(package: str, files: int, lines: int = 12) -> SourceTree:
    """Return a tree whose file N defines ``PACKAGE_limit_N``."""
    texts = {
        f"{package}/part{n:03}.py": "\n".join(
            f"{package}_limit_{n} = {n}" if line == lines // 2 else f"{package}_{n}_{line} = {line}"
            for line in range(lines)
        )
        + "\n"
        for n in range(files)
    }
    return SourceTree(f"{package}-1.0", texts, Origin(package, "1.0"))


def limit_question(tree: SourceTree, number: int, lines: int = 12) -> QuestionItem:
    """Return the question for the value of ``PACKAGE_limit_NUMBER``."""
    package = tree.origin.package
    path = f"{package}/part{number:03}.py"
    options = tuple(str(number + step) for step in (3, 0, 1, 2))
    return QuestionItem(
        f"{package}-{number}",
        "default",
        f"What is {package}_limit_{number}?",
        options,
        1,
        tree.name,
        tree.origin,
        (Span(path, lines // 2 + 1, lines // 2 + 1),),
    )
