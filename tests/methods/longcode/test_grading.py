"""Verdicts: what resolves, what is kept, and what becomes of answers that cannot be graded."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from lit_research.errors import UserError
from lit_research.methods.longcode.grading import Grader
from lit_research.methods.longcode.repair_checks import check_repairs
from lit_research.methods.longcode.repair_solvers import NULL_PATCH, Enumerator, oracle
from lit_research.sandbox import Limits, Pool
from tests.methods.longcode.till import FAULTY, FIXED, PRICE, SUM, TREES

LIMITS = Limits(wall_s=60, cpu_s=20, memory_mib=512)


@pytest.fixture(scope="module")
def grader(tmp_path_factory):
    with Pool(["pytest"]) as pool:
        yield Grader(TREES, pool=pool, limits=LIMITS, cache=tmp_path_factory.mktemp("verdicts"))


def test_known_patches_have_known_verdicts(grader):
    for checked in check_repairs([SUM, PRICE], grader):
        assert checked.holds, checked
        assert (checked.oracle, checked.null) == ((True,), (False,))
        assert (checked.wrong, checked.reverted) == (False, False)


def test_verdicts_do_not_depend_on_seed_order_and_zone():
    [checked] = check_repairs([SUM], Grader(TREES, limits=LIMITS), runs=3)
    assert (checked.oracle, checked.null) == ((True,) * 3, (False,) * 3)


def test_counts_and_reasons(grader):
    good = grader.grade(SUM, f"```diff\n{oracle(SUM)}```")
    assert (good.resolved, good.fail_to_pass, good.pass_to_pass) == (True, 1, 22)
    assert (good.reason, good.grader, good.partial) == ("", "local", False)
    null = grader.grade(SUM, NULL_PATCH)
    assert (null.run, null.fail_to_pass, null.pass_to_pass) == ("finished", 0, 22)
    assert null.reason == "tests/test_total.py::test_total_of_two: failed"
    broken = FIXED["till/sums.py"].replace("result - discount", "result - 2 * discount")
    answer = f"till/sums.py\n```python\n{broken}```"
    worse = grader.grade(SUM, answer, "whole-file")
    assert (worse.fail_to_pass, worse.pass_to_pass, worse.resolved) == (1, 21, False)


def test_a_part_of_the_repair_is_partial(grader):
    both = replace(
        SUM, id="both", fail_to_pass=(*SUM.fail_to_pass, *PRICE.fail_to_pass), patch=SUM.patch
    )
    verdict = grader.grade(both, SUM.patch)
    assert (verdict.resolved, verdict.partial, verdict.fail_to_pass) == (False, True, 1)


def test_what_cannot_be_applied_is_not_run(grader):
    for answer, status in [
        ("I do not know.", "no patch"),
        ("--- a/conftest.py\n+++ b/conftest.py\n@@ -0,0 +1 @@\n+x\n", "refused"),
        ("--- a/till/no.py\n+++ b/till/no.py\n@@ -1 +1 @@\n-x\n+y\n", "not applicable"),
    ]:
        verdict = grader.grade(SUM, answer)
        assert (verdict.patch, verdict.run, verdict.resolved) == (status, None, False)
        assert (verdict.fail_to_pass_total, verdict.pass_to_pass_total) == (1, 22)
        assert verdict.reason


def test_a_verdict_is_kept_by_item_patch_environment_and_suite(tmp_path):
    grader = Grader(TREES, limits=LIMITS, cache=tmp_path / "cache")
    first = grader.grade(SUM, SUM.patch)
    # The same patch in other words is the same; a run would have taken another time.
    assert grader.grade(SUM, f"<patch>\n{SUM.patch}</patch>") == first
    [kept] = (tmp_path / "cache").rglob("*.json")
    kept.write_text(kept.read_text()[:-20])  # as after a power cut
    again = grader.grade(SUM, SUM.patch)
    assert again.resolved
    assert again != first
    for other in (
        replace(grader, limits=Limits(wall_s=61, cpu_s=20, memory_mib=512)),
        replace(grader, guards=grader.guards - {"names"}),
    ):
        other.grade(SUM, SUM.patch)
    grader.grade(replace(SUM, pass_to_pass=SUM.pass_to_pass[1:]), SUM.patch)
    assert len([*(tmp_path / "cache").rglob("*.json")]) == 4


def test_a_time_out_is_not_kept(tmp_path):
    grader = Grader(TREES, limits=Limits(wall_s=2, cpu_s=2), cache=tmp_path / "cache")
    slow = f"till/sums.py\n```python\nimport time\ntime.sleep(60)\n{FAULTY['till/sums.py']}```"
    verdict = grader.grade(SUM, slow, "whole-file")
    assert (verdict.run, verdict.resolved) == ("timeout", False)
    assert not [*(tmp_path / "cache").rglob("*.json")]


def test_many_are_graded_in_order(grader):
    pairs = [(SUM, SUM.patch), (PRICE, NULL_PATCH), (PRICE, PRICE.patch), (SUM, "nothing")]
    one_by_one = [verdict.resolved for verdict in grader.grade_all(pairs)]
    with ThreadPoolExecutor(2) as threads:
        at_once = [verdict.resolved for verdict in grader.grade_all(pairs, threads)]
    assert one_by_one == at_once == [True, False, True, False]


def test_an_item_whose_tests_are_elsewhere_is_not_graded(grader):
    with pytest.raises(UserError, match="swebench"):
        grader.grade(replace(SUM, tests=""), SUM.patch)
    with pytest.raises(UserError, match="does not have"):
        grader.grade(replace(SUM, fail_to_pass=("tests/test_none.py::test_a",)), SUM.patch)


def test_the_enumerator_undoes_a_single_fault(grader):
    fixed = {**FAULTY, "till/sums.py": FIXED["till/sums.py"]}
    item = replace(
        PRICE,
        statement="till does not do what it should: parse_price('-1') DID NOT RAISE ValueError, "
        "a price must not be negative.",
    )
    faulty = replace(TREES["till-1.0"], files=_one_fault(fixed))
    own = replace(grader, trees={**TREES, "till-1.0": faulty})
    tried = Enumerator(tries=12).solve(item, faulty, own.grade)
    assert tried.answer is not None
    assert "+    if price < 0:" in tried.answer
    assert own.grade(item, tried.answer).resolved
    assert Enumerator(tries=1).solve(SUM, TREES["till-1.0"], grader.grade).tries == 1
    with pytest.raises(UserError, match="at least 1"):
        Enumerator(tries=0)


def _one_fault(fixed):
    return {**fixed, "till/prices.py": fixed["till/prices.py"].replace("price < -5", "price <= 0")}
