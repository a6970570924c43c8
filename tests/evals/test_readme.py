"""The README's example runs as printed."""

import re
from pathlib import Path

import lit_research.evals
from lit_research.lm.engines import Completion

README = Path(lit_research.evals.__file__).with_name("README.md")


def test_the_example_runs(capsys):
    [code] = re.findall(r"```python\n(.*?)```", README.read_text(), re.S)
    texts = ["#### 4", "4", "#### 5", "#### 5"]
    given = {
        "completions": [Completion(text, (), (), "stop", 0, 0) for text in texts],
        "references": ["4", "4", "5", "5"],
        "questions": [0, 0, 1, 1],
    }
    exec(code, given)
    row = capsys.readouterr().out.splitlines()[1].split()
    assert row == ["exact_match", "2", "4", "0.7500", "0.2500", "1", "0"]
