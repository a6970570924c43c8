"""Questions with their cases, and programs that are right or wrong; wrong ones are near right."""

from __future__ import annotations

import json

SQUARE = {"inputs": ["2\n", "-3\n", "0\n"], "outputs": ["4\n", "9\n", "0\n"]}
SUM = {"inputs": [["3", "1 2 3"], ["0", ""]], "outputs": [["6"], ["0"]]}
WORDS = {"inputs": ["a b a\n", "x\n"], "outputs": ["a 2\nb 1\n", "x 1\n"]}
ADD = {"inputs": [[1, 2], [-1, 1]], "outputs": [[3], [0]], "fn_name": "add"}
LAST = {"inputs": [[[1, 2]], [[7]]], "outputs": [[2], [7]], "fn_name": "last"}
EVENS = {"inputs": [[[1, 2, 3, 4]], [[5]]], "outputs": [[2, 4], []], "fn_name": "evens"}
HALF = {
    "cases": [{"call": "half", "args": [x], "returns": x / 2, "tolerance": 1e-9} for x in (1, 3)]
}
STACK = {
    "cases": [
        {"test": "s = Stack()\ns.push(1)\ns.push(2)\nassert s.pop() == 2\nassert s.pop() == 1"},
        {"test": "try: Stack().pop()\nexcept IndexError: pass\nelse: raise Exception"},
    ]
}

# The key, a program, and whether it is right.
PROGRAMS: list[tuple[dict, str, bool]] = [
    (SQUARE, "print(int(input()) ** 2)", True),
    (SQUARE, "n = int(input())\nprint(sum(abs(n) for _ in range(abs(n))))", True),
    (SQUARE, "import sys\nsys.stdout.write(str(int(sys.stdin.read()) ** 2))", True),
    (SQUARE, "print(abs(int(input())) * 2)", False),
    (SQUARE, "print(float(input()) ** 2)", False),
    (SQUARE, "print('n squared is', int(input()) ** 2)", False),
    (SQUARE, "n = int(input())\nprint(n ** 2 // n * n)", False),
    (SQUARE, "def f(n): return n * n", False),
    (SQUARE, "n = int(input())\nprint(n * n, n)", False),
    (SQUARE, "import sys\nprint(int(input()) ** 2)\nsys.exit(1)", False),
    (SUM, "n = int(input())\nprint(sum(map(int, input().split())) if n else 0)", True),
    (SUM, "import sys\nprint(sum(map(int, sys.stdin.read().split()[1:])))", True),
    (SUM, "n = int(input())\nprint(sum(range(1, n + 1)) + 1)", False),
    (SUM, "print(sum(map(int, input().split())))", False),
    (SUM, "print(6)", False),
    (WORDS, "from collections import Counter\nc = Counter(input().split())\n"
            "for w, n in sorted(c.items()):\n    print(w, n)", True),
    (WORDS, "for w in input().split(): print(w, 1)", False),
    (WORDS, "w = input().split()\nfor a in sorted(set(w), reverse=True): print(a, w.count(a))",
     False),
    (ADD, "def add(a, b): return a + b", True),
    (ADD, "class Solution:\n    def add(self, a, b):\n        return a + b", True),
    (ADD, "add = lambda a, b: a - -b", True),
    (ADD, "def add(a, b): return str(a + b)", False),
    (ADD, "def add(a, b): print(a + b)", False),
    (ADD, "def add(a, b): return abs(a) + b", False),
    (ADD, "def plus(a, b): return a + b", False),
    (LAST, "def last(items): return items[-1]", True),
    (LAST, "def last(items): return items[-1:]", True),  # APPS cannot tell these apart
    (LAST, "def last(items): return items[0]", False),
    (LAST, "def last(items): return max(items) + 0.5", False),
    (EVENS, "def evens(items): return [n for n in items if n % 2 == 0]", True),
    (EVENS, "def evens(items): return tuple(filter(lambda n: not n & 1, items))", True),
    (EVENS, "def evens(items): return [n for n in items if n % 2]", False),
    (EVENS, "def evens(items): return [n for n in items if n % 2 == 0] or None", False),
    (HALF, "def half(n): return n / 2", True),
    (HALF, "def half(n): return n * 0.5 + 1e-12", True),
    (HALF, "def half(n): return n // 2", False),
    (STACK, "class Stack(list):\n    push = list.append", True),
    (STACK, "class Stack:\n    def __init__(self): self.items = []\n"
            "    def push(self, one): self.items.append(one)\n"
            "    def pop(self): return self.items.pop()", True),
    (STACK, "class Stack(list):\n    push = list.append\n    def pop(self): return super().pop(0)",
     False),
    (STACK, "class Stack(list):\n    push = list.append\n"
            "    def pop(self): return super().pop() if self else None", False),
    (STACK, "class Stack(list):\n    def push(self, one)\n        self.append(one)", False),
]  # fmt: skip


def response(program: str) -> str:
    """Return a program as a model hands it in."""
    return f"Here is the solution.\n\n```python\n{program}\n```\nIt runs in linear time."


def labelled() -> list[tuple[str, str, bool]]:
    """Return the key of each as JSON, the response, and whether it is right."""
    return [(json.dumps(key), response(program), label) for key, program, label in PROGRAMS]
