"""Verdicts of the real Lean kernel on machines without an installation of Lean."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise

from lit_research.errors import UserError
from lit_research.lean.batch import AXIOMS
from lit_research.lean.exchange import Work
from lit_research.lean.guards import Guards
from lit_research.lean.pool import Runs, Settings
from lit_research.lean.records import Attempt, LeanServer, ServerCounts, Verdict
from lit_research.lean.screen import Screen
from lit_research.lean.theorem import Theorem
from lit_research.ranges import POSITIVE, check_range
from lit_research.sandbox import LEVELS, Limits
from lit_research.sandbox import isolation as strongest

# Verdicts that are not asked for again; a timeout costs its whole limit each time.
REMEMBERED = frozenset(
    ("proved", "error", "unsolved goals", "sorry", "axioms", "statement", "timeout")
)
SMALLEST = 16  # attempts that are worth a process
MAPPED_MIB = (
    320  # what Lean counts and the sandbox does not: its library, the compiled core library
)


class EmbeddedLean(LeanServer):
    """Checks proofs with the Lean of :func:`embedded_toolchain`, in sandboxed processes.

    A verdict is ``proved`` only if the guard finds nothing in the text, Lean reads it as one
    theorem and no more, whose type is that of the statement elaborated by itself, reports no error,
    and the kernel accepts what was declared, with allowed axioms, once more in an environment that
    no proof has touched. Every attempt is elaborated from the state after its header, so that no
    verdict depends on another attempt (:mod:`lit_research.lean.driver`).

    Args:
        workers: number of concurrent processes, for all callers together.
        batch: attempts per process at most; then it is replaced.
        wall_s: longest time of one attempt in seconds.
        memory_mib: MiB that one process may use, beyond the files that it maps.
        heartbeats: Lean's own limit on the work for one declaration, in thousands of small
            allocations; it strikes at the same point on every machine.
        axioms: what a proof may rest on; those of Lean itself if None.
        isolation: the weakest acceptable level of the sandbox: bubblewrap, namespaces, rlimits.
        cache_size: verdicts kept for attempts seen before; 0 keeps none.
        cache_dir: where the compiled core library is kept.

    Attributes:
        guards: which text is shown to Lean at all.

    Raises:
        UserError: an argument is out of range.
    """

    def __init__(
        self,
        workers: int = 2,
        batch: int = 500,
        wall_s: float = 10.0,
        memory_mib: int = 1024,
        heartbeats: int = 200_000,
        axioms: list[str] | None = None,
        isolation: str | None = None,
        cache_size: int = 10_000,
        cache_dir: str | None = None,
    ) -> None:
        limits = {"wall_s": wall_s, "memory_mib": memory_mib, "heartbeats": heartbeats}
        check_range(POSITIVE, "in EmbeddedLean", workers=workers, batch=batch, **limits)
        if isolation is not None and isolation not in LEVELS:
            raise UserError(
                f"isolation is {isolation!r}, in EmbeddedLean; must be one of {', '.join(LEVELS)}"
            )
        self.counts = ServerCounts()
        self.guards: Guards = Screen()
        self._workers, self._batch = workers, batch
        self._isolation, self._cache_dir = isolation, cache_dir
        self._limits = Limits(wall_s=wall_s, cpu_s=2 * wall_s, memory_mib=memory_mib, output_kib=64)
        self._heartbeats, self._axioms = heartbeats, tuple(AXIOMS if axioms is None else axioms)
        self._lock = threading.Lock()
        self._cache: OrderedDict[bytes, Verdict] = OrderedDict()
        self._cache_size = cache_size
        self._settings: Settings | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._calls: set[Runs] = set()

    @property
    def description(self) -> str:
        """Which Lean with which library, in words."""
        from lit_research.lean.toolchain import DESCRIPTION

        return DESCRIPTION

    @property
    def isolation(self) -> str:
        """The level of the sandbox in use."""
        return strongest(self._isolation)

    def verify(self, attempts: Sequence[Attempt]) -> list[Verdict]:
        """Return a verdict for each attempt, in their order; equal attempts are run once.

        Raises:
            UserError: this machine cannot run Lean, or has no sandbox as strong as required.
        """
        began = time.monotonic()
        keys, known, work = self._sort(attempts)
        fresh = self._run(work)
        with self._lock:
            for key, verdict in fresh.items():
                if verdict.kind in REMEMBERED:
                    self._cache[key] = verdict
            while len(self._cache) > self._cache_size:
                self._cache.popitem(last=False)
            verdicts = [known[key] if key in known else fresh[key] for key in keys]
            self.counts.add(verdicts)
            self.counts.run += len(fresh)
            self.counts.seconds += time.monotonic() - began
        return verdicts

    def close(self) -> None:
        """Kill all running processes; a later ``verify`` starts new ones."""
        with self._lock:
            calls, threads = list(self._calls), self._threads
            self._threads = None
        for call in calls:
            call.stop()
        if threads is not None:
            threads.shutdown()

    def _sort(
        self, attempts: Sequence[Attempt]
    ) -> tuple[list[bytes], dict[bytes, Verdict], dict[str, dict[bytes, Work]]]:
        """Return each attempt's key, the known verdicts, and what is left to run, by header."""
        keys: list[bytes] = []
        known: dict[bytes, Verdict] = {}
        work: dict[str, dict[bytes, Work]] = {}
        for given in attempts:
            attempt = given.with_unix_lines()
            refusal = attempt.unwritable or self.guards.refusal(attempt)
            theorem = None if refusal else attempt.verbatim
            if theorem is None:  # its reason may lie in the name, which is not run
                parts = ["refused", attempt.header, attempt.statement, attempt.proof]
            else:
                parts = ["run", attempt.header, theorem.namespace, theorem.rest, attempt.proof]
            text = "".join(f"{len(part)}:{part}" for part in parts)
            key = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()
            keys.append(key)
            if theorem is None:
                known[key] = Verdict(False, f"refused: {refusal or 'no statement of a theorem'}")
            elif (verdict := self._cached(key)) is not None:
                known[key] = verdict
            else:
                work.setdefault(attempt.header, {})[key] = (theorem, attempt.proof)
        return keys, known, work

    def _cached(self, key: bytes) -> Verdict | None:
        with self._lock:
            verdict = self._cache.get(key)
            if verdict is not None:
                self._cache.move_to_end(key)
            return verdict

    def _run(self, work: dict[str, dict[bytes, Work]]) -> dict[bytes, Verdict]:
        """Run attempts without a verdict, in batches over the workers."""
        if not work:
            return {}
        settings = self._prepare()
        runs = Runs(settings, self.counts, self._lock)
        with self._lock:
            self._calls.add(runs)
            if self._threads is None:
                self._threads = ThreadPoolExecutor(self._workers, thread_name_prefix="lean")
            threads = self._threads
        jobs: list[tuple[list[bytes], Future[list[Verdict]]]] = []
        try:
            for header, todo in work.items():
                for keys in self._batches(todo):
                    part = [todo[key] for key in keys]
                    jobs.append((keys, _submit(threads, runs, header, part)))
            found: dict[bytes, Verdict] = {}
            for keys, job in jobs:
                found.update(zip(keys, job.result(), strict=True))
            return found
        except BaseException:  # an interrupt, or a machine that cannot run Lean: leave nothing
            for _, job in jobs:
                job.cancel()
            runs.stop()
            raise
        finally:
            with self._lock:
                self._calls.discard(runs)

    def _batches(self, todo: dict[bytes, Work]) -> list[list[bytes]]:
        """Split a header's attempts into batches of equal size, those at a statement together.

        Every worker gets as many batches as the others, so that none is idle.
        """
        groups: dict[Theorem, list[bytes]] = {}
        for key, (theorem, _) in todo.items():
            groups.setdefault(theorem, []).append(key)
        keys = [key for group in groups.values() for key in group]
        rounds = -(-len(keys) // (self._batch * self._workers))
        largest = -(-len(keys) // min(SMALLEST, self._batch))
        count = min(rounds * self._workers, largest)
        size, more = divmod(len(keys), count)
        ends = [i * size + min(i, more) for i in range(count + 1)]
        return [keys[a:b] for a, b in pairwise(ends)]

    def _prepare(self) -> Settings:
        """Find the toolchain at the first attempt that needs it."""
        if self._settings is None:
            from lit_research.lean.toolchain import embedded_toolchain

            toolchain = embedded_toolchain(self._cache_dir)
            self._settings = Settings(
                command=toolchain.driver(self._limits.memory_mib + MAPPED_MIB),
                environment=toolchain.environment(),
                readable=toolchain.driver_readable(),
                limits=self._limits,
                wall_s=self._limits.wall_s,
                axioms=self._axioms,
                heartbeats=self._heartbeats,
                isolation=self._isolation,
            )
        return self._settings


def _submit(
    threads: ThreadPoolExecutor, runs: Runs, header: str, part: list[Work]
) -> Future[list[Verdict]]:
    """Submit a batch to a thread; if ``close`` came first, its verdicts say so."""
    try:
        return threads.submit(runs.run, header, part)
    except RuntimeError:  # no thread takes work any more
        runs.stop()
        closed: Future[list[Verdict]] = Future()
        closed.set_result(runs.run(header, part))
        return closed
