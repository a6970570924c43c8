"""Processes that hang or die lose one item each, and are replaced."""

import os
import threading
import time

import pytest

from lit_research.errors import UserError
from lit_research.evals.worker_pool import Lost, WorkerPool

SCRIPT = """
import json, os, sys, time

print('"ready"', flush=True)
for line in sys.stdin:
    for item in json.loads(line):
        if item == "hang":
            time.sleep(600)
        if item == "die":
            print("first line", file=sys.stderr)
            sys.exit("out of luck")
        if item == "babble":
            print("what a library prints", flush=True)
        print(json.dumps([item, os.getpid(), sys.argv[1:]]), flush=True)
"""


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "worker.py"
    path.write_text(SCRIPT)
    return path


@pytest.fixture
def make(script):
    pools = []

    def made(*arguments, **options):
        pools.append(WorkerPool(script, arguments, **options))
        return pools[-1]

    yield made
    for pool in pools:
        pool.close()


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_answers_come_in_order_from_workers_that_are_kept(make):
    pool = make("a", "b", workers=2, batch_size=3)
    items = list(range(50))
    first, second = pool.run(items), pool.run(items)
    assert [answer[0] for answer in first] == items
    assert first[0][2] == ["a", "b"]
    pids = {answer[1] for answer in first}
    assert 1 <= len(pids) <= 2
    assert {answer[1] for answer in second} <= pids
    assert pool.run([]) == []
    pool.close()
    assert not any(is_alive(pid) for pid in pids)
    [[_, again, _]] = pool.run(["x"])  # after close it starts others
    assert again not in pids


def test_one_that_hangs_is_killed_and_replaced_and_the_others_are_answered(make):
    pool = make(timeout_s=4.0)
    found = pool.run(["a", "hang", "b", "c"])
    assert found[1] == Lost("timeout: no answer in 4 s")
    assert [answer[0] for answer in found[2:]] == ["b", "c"]
    assert found[2][1] == found[3][1] != found[0][1]
    assert not is_alive(found[0][1])


def test_one_that_dies_is_replaced_and_says_how_it_ended(make):
    found = make().run(["die", "a", "die", "babble", "b"])
    assert found[0] == found[2] == Lost("died: exit code 1, out of luck")
    assert found[1][0] == "a"
    # What is no JSON in its output is no answer, and nothing after it is taken for one.
    assert isinstance(found[3], Lost)
    assert found[4][0] == "b"


def test_a_script_that_does_not_start_is_refused(make, script):
    script.write_text("import nowhere_at_all")
    with pytest.raises(UserError, match=r"a worker does not start .*nowhere_at_all.*; must be"):
        make(workers=2).run(["a", "b"])
    with pytest.raises(UserError, match="workers is 0, of WorkerPool; must be at least 1"):
        WorkerPool(script, workers=0)


def test_threads_may_share_a_pool(make):
    pool, found = make(), {}
    threads = [
        threading.Thread(target=lambda n=n: found.update({n: pool.run([n] * 5)})) for n in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {n: {answer[0] for answer in answers} for n, answers in found.items()} == {
        n: {n} for n in range(3)
    }


def test_workers_end_with_their_pool(make, script):
    pool = WorkerPool(script)
    [[_, pid, _]] = pool.run(["a"])
    del pool
    deadline = time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(pid)
