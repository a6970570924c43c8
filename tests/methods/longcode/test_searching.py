"""The search for an answer: nearest to the names of the question, whatever it means."""

from lit_research.methods.longcode import AskedQuestion, Origin, QuestionItem
from lit_research.methods.longcode.asking import Step
from lit_research.methods.longcode.searching import OptionSearch

CODE = """
def first(limit=11):
    return limit


def second(limit=22):
    return limit


def third(size=33):
    return size
"""


def asked(question, options=("11", "22", "33", "44"), code=CODE):
    item = QuestionItem("q", "default", question, options, 0, "t", Origin("p"))
    return AskedQuestion(Step("q", 1024), item, options, 0, code, "", 100, None)


def answers(*questions):
    return [reply.letter for reply in OptionSearch().answer(list(questions))]


def test_the_option_beside_the_names_of_the_question_is_chosen():
    assert answers(
        asked("What is the default of `limit` of `second`?"),
        asked("What is the default of `size` of `third`?"),
    ) == ["B", "C"]


def test_an_option_is_found_as_a_word_of_its_own():
    code = CODE.replace("=22", "=222").replace("=33", "=3.22")
    one = asked("What is the default of `limit` of `second`?", ("22", "11", "0", "7"), code)
    assert answers(one) == ["B"]


def test_without_a_trace_any_letter_is_chosen_and_the_same_one_again():
    one = asked("What does `nothing` return?", ("5", "6", "7", "8"))
    assert answers(one) == answers(one)
    assert answers(one)[0] in "ABCD"
