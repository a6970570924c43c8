"""Bars of other work than training: on a terminal that is free, and nowhere else."""

import io
import sys

import pytest
from rich.progress import Progress

from lit_research import progress
from lit_research.progress import counting, make_bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def open_terminal(monkeypatch):
    """Make stderr a terminal; in the test itself, since pytest sets it before each phase."""
    monkeypatch.setenv("TERM", "xterm")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "RANK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "stderr", Terminal())
    return sys.stderr


def count(**options):
    with counting("reading", 20, unit="tokens", **options) as add:
        for _ in range(4):
            add(5)


def test_a_count_is_shown_on_a_terminal(monkeypatch):
    terminal = open_terminal(monkeypatch)
    count()
    shown = terminal.getvalue()
    assert "reading" in shown
    assert "20/20" in shown
    assert "tokens" in shown


def test_nothing_is_shown_elsewhere(capsys):
    count()
    output = capsys.readouterr()
    assert output.out == output.err == ""


@pytest.mark.parametrize("reason", ["not wanted", "another process", "another bar"])
def test_nothing_is_shown_where_a_bar_would_be_in_the_way(reason, monkeypatch):
    terminal = open_terminal(monkeypatch)
    if reason == "another process":
        monkeypatch.setenv("RANK", "1")
    if reason == "another bar":
        with make_bar():
            assert sys.stderr is not terminal  # what is written now appears above that bar
            count()
    else:
        count(shown=reason != "not wanted")
    assert "reading" not in terminal.getvalue()


def test_what_is_quick_shows_no_bar_and_what_is_slow_shows_one(monkeypatch):
    open_terminal(monkeypatch)
    seconds = iter([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(seconds))
    drawn = []
    monkeypatch.setattr(Progress, "start", lambda bar: drawn.append(bar.tasks[0].completed))
    monkeypatch.setattr(Progress, "stop", lambda bar: drawn.append("end"))
    count(delay=2.0)
    assert drawn == []
    seconds = iter([0.0, 0.1, 1.0, 2.0, 3.0, 4.0])
    count(delay=2.0)
    assert drawn == [10, "end"]


def test_the_bar_goes_away_after_an_error(monkeypatch):
    terminal = open_terminal(monkeypatch)

    def fail():
        with counting("reading", 9, unit="tokens"):
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()
    assert sys.stderr is terminal  # which the bar had taken
