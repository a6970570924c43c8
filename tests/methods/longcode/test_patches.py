"""Answers become edits: three forms, wrong counts, moved context, and what is refused."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.methods.longcode.diffs import make_diff
from lit_research.methods.longcode.patches import patch_files

LINES = st.lists(st.sampled_from(["a", "b", "c", "", "-- x", "++ y", "@@", " d", "é"]), max_size=25)
TEXTS = st.builds(lambda lines, end: "\n".join(lines) + end, LINES, st.sampled_from(["", "\n"]))
FILE = "pkg/module.py"
OLD = "".join(f"line {n}\n" for n in range(1, 31))
NEW = OLD.replace("line 12\n", "line twelve\n").replace("line 25\n", "line 25\nline 25 b\n")


def fenced(text: str) -> str:
    return f"I changed it.\n\n```diff\n{text}```\nDone.\n"


@settings(max_examples=150, deadline=None)
@given(old=TEXTS, new=TEXTS, context=st.integers(0, 3))
def test_the_diff_of_two_texts_applies_and_gives_the_second(old, new, context):
    diff = make_diff({FILE: old}, {FILE: new}, context)
    if not diff:
        assert old == new
        return
    found = patch_files({FILE: old}, fenced(diff))
    assert (found.status, found.files) == ("applied", {FILE: new}), found
    assert (found.fuzz, found.moved, found.repaired) == (0, 0, 0)


@settings(max_examples=150, deadline=None)
@given(
    places=st.sets(st.integers(1, 30), min_size=1, max_size=3),
    wrong=st.integers(-3, 9),
    shift=st.integers(-40, 40),
)
def test_wrong_counts_and_lines_in_headers_are_repaired(places, wrong, shift):
    lines = OLD.splitlines(keepends=True)
    new = "".join(f"new {n}\n" if n in places else lines[n - 1] for n in range(1, 31))
    diff = make_diff({FILE: OLD}, {FILE: new})

    def spoil(header):
        start, old, added, count = map(int, header.groups())
        return f"@@ -{max(1, start + shift)},{old + wrong} +{added},{count + wrong} @@"

    spoiled, hunks = re.subn(r"@@ -(\d+),(\d+) \+(\d+),(\d+) @@", spoil, diff)
    found = patch_files({FILE: OLD}, fenced(spoiled))
    assert (found.status, found.files) == ("applied", {FILE: new}), found
    assert found.repaired == (hunks if wrong else 0)


def test_several_files_are_created_changed_renamed_and_removed():
    old = {"a.py": "1\n", "b.py": "2\n", "d.py": "4\n"}
    new = {"a.py": "one\n", "c/d.py": "3\n", "d.py": "4\n"}
    found = patch_files(old, make_diff(old, new))
    assert (found.files, found.changed) == (new, ("a.py", "b.py", "c/d.py"))
    rename = "diff --git a/d.py b/e.py\nsimilarity index 100%\nrename from d.py\nrename to e.py\n"
    assert patch_files(old, rename).files == {"a.py": "1\n", "b.py": "2\n", "e.py": "4\n"}


def test_a_hunk_is_found_where_its_context_has_moved():
    moved = "new first line\n" * 7 + OLD
    found = patch_files({FILE: moved}, make_diff({FILE: OLD}, {FILE: NEW}))
    assert found.files == {FILE: "new first line\n" * 7 + NEW}
    assert found.moved == 1  # the second hunk is moved with the first


def test_context_may_differ_at_the_ends_of_a_hunk_and_is_counted():
    other = OLD.replace("line 9\n", "line nine\n").replace("line 10\n", "line ten\n")
    diff = make_diff({FILE: OLD}, {FILE: NEW})
    found = patch_files({FILE: other}, diff)
    assert found.files is not None
    assert "line ten\nline 11\nline twelve\n" in found.files[FILE]
    assert found.fuzz == 2
    assert patch_files({FILE: other}, diff, fuzz=1).status == "not applicable"


def test_line_ends_are_those_of_the_file():
    windows = OLD.replace("\n", "\r\n")
    wanted = {FILE: NEW.replace("\n", "\r\n")}
    plain = make_diff({FILE: OLD}, {FILE: NEW})
    assert patch_files({FILE: windows}, plain).files == wanted
    assert patch_files({FILE: windows}, make_diff({FILE: windows}, wanted)).files == wanted
    # An answer with such ends, for a file without.
    assert patch_files({FILE: OLD}, plain.replace("\n", "\r\n")).files == {FILE: NEW}


def test_empty_context_lines_without_their_blank_are_context():
    old, new = "a\n\nb\n\nc\n", "a\n\nB\n\nc\n"
    diff = make_diff({FILE: old}, {FILE: new}).replace("\n \n", "\n\n")
    assert "\n\n" in diff
    assert patch_files({FILE: old}, fenced(diff)).files == {FILE: new}


def test_the_first_block_counts_as_in_the_paper():
    first, second = (make_diff({FILE: "1\n"}, {FILE: f"{n}\n"}) for n in (2, 3))
    answer = f"```python\nx = 1\n```\n<patch>\n{first}</patch>\n```diff\n{second}```\n"
    assert patch_files({FILE: "1\n"}, answer).files == {FILE: "2\n"}
    assert patch_files({FILE: "1\n"}, f"```patch\n{second}```").files == {FILE: "3\n"}


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("The default is wrong.", "no patch"),
        ("```diff\n--- a/pkg/module.py\n+++ b/pkg/module.py\n@@ -1 +1", "no patch"),
        ("```diff\nno diff\n```", "malformed"),
        ("```diff\n@@ -1 +1 @@\n-line 1\n+x\n```", "malformed"),
        (
            "```diff\n--- a/pkg/module.py\n+++ b/pkg/module.py\n@@ -1 +1 @@\n-x\n+y\n```",
            "not applicable",
        ),
        (
            "```diff\n--- a/pkg/other.py\n+++ b/pkg/other.py\n@@ -1 +1 @@\n-x\n+y\n```",
            "not applicable",
        ),
    ],
)
def test_what_cannot_be_applied_says_why(answer, status):
    found = patch_files({FILE: OLD}, answer)
    assert (found.status, found.files) == (status, None)
    assert found.reason


def change(path: str, *, header: str = "") -> str:
    return f"{header}--- a/{path}\n+++ b/{path}\n@@ -0,0 +1 @@\n+x = 1\n"


def creation(path: str) -> str:
    return f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x = 1\n"


@pytest.mark.parametrize(
    "diff",
    [
        creation("/etc/passwd"),
        creation("../outside.py"),
        creation("pkg/../../outside.py"),
        creation("tests/test_a.py"),
        creation("pkg/tests/test_a.py"),
        creation("conftest.py"),
        creation("pkg/conftest.py"),
        creation("pytest.ini"),
        creation("setup.cfg"),
        creation("pyproject.toml"),
        creation("evil.pth"),
        creation("sitecustomize.py"),
        creation("src/usercustomize/__init__.py"),
        creation("pkg/module.so"),
        creation("pkg/__pycache__/module.cpython-311.pyc"),
        change(FILE, header=f"diff --git a/{FILE} b/{FILE}\nold mode 100644\nnew mode 100755\n"),
        f"diff --git a/{FILE} b/{FILE}\nold mode 100644\nnew mode 100755\n",
        "diff --git a/pkg/x b/pkg/x\nnew file mode 120000\n" + creation("pkg/x"),
        "diff --git a/pkg/x b/pkg/x\nnew file mode 160000\n" + creation("pkg/x"),
        "diff --git a/p.bin b/p.bin\nindex 1..2 100644\nBinary files a/p.bin and b/p.bin differ\n",
        "diff --git a/p.bin b/p.bin\nGIT binary patch\nliteral 3\nKcmZ\n",
        "diff --git a/tests/a.py b/pkg/a.py\nrename from tests/a.py\nrename to pkg/a.py\n",
    ],
)
def test_what_no_repair_may_touch_is_refused(diff):
    found = patch_files({FILE: OLD, "tests/a.py": "x\n"}, fenced(diff))
    assert (found.status, found.files) == ("refused", None)
    assert found.reason


def test_search_and_replace():
    block = f"{FILE}\n<<<<<<< SEARCH\nline 12\n=======\nline twelve\n>>>>>>> REPLACE\n"
    again = "<<<<<<< SEARCH\nline 25\n=======\nline 25\nline 25 b\n>>>>>>> REPLACE\n"
    for answer in (block + again, f"**`{FILE}`**\n```python\n{block[len(FILE) + 1 :]}```\n{again}"):
        assert patch_files({FILE: OLD}, answer, "search-replace").files == {FILE: NEW}, answer
    windows = patch_files({FILE: OLD.replace("\n", "\r\n")}, block + again, "search-replace")
    assert windows.files == {FILE: NEW.replace("\n", "\r\n")}
    created = patch_files({}, block.replace("line 12\n", ""), "search-replace")
    assert created.files == {FILE: "line twelve\n"}
    twice = patch_files({FILE: OLD + OLD}, block, "search-replace")
    assert (twice.status, "2 times" in twice.reason) == ("not applicable", True)
    for wrong, status in [
        (block.replace("line 12", "line 99"), "not applicable"),
        (block.replace(FILE, "tests/test_a.py"), "refused"),
        (block.replace(FILE, "../a.py"), "refused"),
        (again, "malformed"),
        ("nothing", "no patch"),
    ]:
        assert patch_files({FILE: OLD}, wrong, "search-replace").status == status, wrong


def test_a_whole_file():
    answer = f"Here it is:\n\n### {FILE}\n```python\n{NEW}```\n"
    assert patch_files({FILE: OLD}, answer, "whole-file").files == {FILE: NEW}
    assert patch_files({FILE: OLD}, f"```\n{NEW}```", "whole-file").status == "no patch"
    found = patch_files({FILE: OLD}, answer.replace(FILE, "conftest.py"), "whole-file")
    assert found.status == "refused"
