"""The log of an exam: nothing that was graded is asked again, whatever a kill has left."""

from dataclasses import replace

import pytest

from lit_research.errors import UserError
from lit_research.methods.longcode import Graded
from lit_research.methods.longcode.exam_log import ExamLog, step_of

ONE = Graded("q1", "question", "default", 1024, 900, 0.5, 0, 0, "answered", True, "B", "B", "B")
TWO = replace(ONE, rotation=1, right=False, letter="A", output='two\nlines, "quoted"')
CARD = {"solver": "RandomLetter", "lengths": (1024, 2048)}


def test_what_is_added_is_read_again_by_another_process(tmp_path):
    ExamLog(tmp_path, CARD).add([ONE, TWO], rank=0)
    assert ExamLog(tmp_path, CARD).read() == {step_of(ONE): ONE, step_of(TWO): TWO}


def test_records_of_all_ranks_are_read(tmp_path):
    log = ExamLog(tmp_path, CARD)
    log.add([ONE], rank=0)
    log.add([TWO], rank=1)
    assert len(log.read()) == 2


@pytest.mark.parametrize("kept", [0, 1, 40])
def test_a_line_that_was_cut_is_asked_again_and_costs_no_other(tmp_path, kept):
    log = ExamLog(tmp_path, CARD)
    log.add([ONE, TWO], rank=0)
    file = tmp_path / "answers.0.jsonl"
    first, second, _ = file.read_bytes().split(b"\n")
    file.write_bytes(first + b"\n" + second[:kept])
    assert list(log.read()) == [step_of(ONE)]
    log.add([TWO], rank=0)
    assert log.read() == {step_of(ONE): ONE, step_of(TWO): TWO}


def test_an_answer_takes_the_place_of_a_failure_and_not_the_reverse(tmp_path):
    failed = replace(ONE, status="infrastructure", right=None, letter=None)
    log = ExamLog(tmp_path, CARD)
    log.add([failed], rank=0)
    assert log.read()[step_of(ONE)].status == "infrastructure"
    log.add([ONE], rank=1)
    log.add([failed], rank=2)
    assert log.read()[step_of(ONE)] == ONE


def test_a_folder_of_another_exam_is_refused(tmp_path):
    ExamLog(tmp_path, CARD)
    with pytest.raises(UserError, match="another lengths was begun"):
        ExamLog(tmp_path, {**CARD, "lengths": [1024]})
