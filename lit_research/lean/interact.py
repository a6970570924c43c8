"""Verdicts from your own Lean toolchain, through the Lean REPL and its client lean-interact."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from lit_research.errors import UserError
from lit_research.lean.audit import (
    AuditedServer,
    batch_of,
    judge,
    refuted,
)
from lit_research.lean.guards import Guards
from lit_research.lean.records import Attempt, Verdict
from lit_research.lean.repl import Limits, Session, Sessions
from lit_research.ranges import POSITIVE, check_range
from lit_research.storage import cache_root, writing

if TYPE_CHECKING:
    from lean_interact import LeanREPLConfig

# What every Lean proves: a broken installation is reported once, before any attempt.
_PROBE = "theorem _lit_research_probe : ∀ p : Prop, p → p := fun _ h => h"
_OR = "or use EmbeddedLean, which needs no installation of Lean"


class LeanInteractServer(AuditedServer):
    """A pool of REPL processes, each with one header loaded once and kept.

    Importing a library costs more than most proofs, and the REPL has no time limit. So a process
    serves the attempts with its header (environment 0) until another header needs its place (the
    least recently used process ends), it has run ``recycle_after`` commands, it holds too much
    memory, or it had to be killed. A killed process costs the attempt in it and no other.

    The processes run as your user, with your files and network: a lake project needs its own. Only
    the guard keeps a proof from running code, and this Lean obeys options that switch its kernel
    off, which the guard refuses. For untrusted text, run it in a container.

    Args:
        project: folder of a lake project whose library the headers import; None is Lean's own.
        lean_version: Lean to use without a project, such as ``v4.24.0``; None is the newest.
        repl_path: folder of a checkout of the REPL for that Lean; it is built if necessary. None
            lets lean-interact fetch the one that fits, with git.
        workers: number of concurrent processes.
        timeout_s: wall time for one attempt.
        header_timeout_s: wall time for a header; a cold Mathlib takes minutes.
        memory_mib: resident memory of a process, the mapped library included, above which it is
            ended; None is no limit.
        recycle_after: attempts after which a process is replaced, since it keeps every environment.
        axioms: what a proof may rest on; those of Lean itself if None.
        guards: which text is shown to Lean at all; the default ones if None.
        build: build the project first, with its cache of compiled files where it has one.
    """

    def __init__(
        self,
        project: str | None = None,
        lean_version: str | None = None,
        repl_path: str | None = None,
        workers: int = 2,
        timeout_s: float = 200.0,
        header_timeout_s: float = 600.0,
        memory_mib: int | None = None,
        recycle_after: int = 500,
        axioms: list[str] | None = None,
        guards: Guards | None = None,
        build: bool = True,
    ) -> None:
        super().__init__(axioms, guards)
        check_range(
            POSITIVE,
            "in LeanInteractServer",
            workers=workers,
            timeout_s=timeout_s,
            header_timeout_s=header_timeout_s,
            memory_mib=memory_mib,
            recycle_after=recycle_after,
        )
        if project is not None and lean_version is not None:
            raise UserError(
                f"lean_version is {lean_version!r} and project is {project!r}, in "
                "LeanInteractServer; give one of them: the project's lean-toolchain has its version"
            )
        self.project, self.lean_version, self.repl_path = project, lean_version, repl_path
        self.workers, self.recycle_after, self.build = workers, recycle_after, build
        self.limits = Limits(timeout_s, header_timeout_s, memory_mib)
        self._config: LeanREPLConfig | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._starting = threading.Lock()
        self._sessions = Sessions(workers, self._start)

    @property
    def description(self) -> str:
        """Which Lean with which library, in words."""
        version = self._config.lean_version if self._config else self.lean_version
        library = f"the project {self.project}" if self.project else "its own library"
        return f"Lean {version or 'of the toolchain'} with {library}, through lean-interact"

    def close(self) -> None:
        """End the processes; a later ``verify`` starts new ones."""
        with self._starting:
            threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(cancel_futures=True)
        self._sessions.close()

    def _run(self, attempts: list[Attempt]) -> list[Verdict]:
        threads = self._prepare()
        # Attempts with one header follow each other, so that a change of header is rare.
        order = sorted(range(len(attempts)), key=lambda i: attempts[i].header)
        futures = {i: threads.submit(self._check, attempts[i]) for i in order}
        try:
            return [futures[i].result() for i in range(len(attempts))]
        finally:
            for future in futures.values():
                future.cancel()

    def _prepare(self) -> ThreadPoolExecutor:
        """Return the threads; the first time, check that Lean runs."""
        with self._starting:
            if self._config is None:
                config = _configure(self.project, self.lean_version, self.repl_path, self.build)
                self._sessions.adopt(self._probe(config))
                self._config = config
            if self._threads is None:
                self._threads = ThreadPoolExecutor(self.workers, "lean-interact")
            return self._threads

    def _probe(self, config: LeanREPLConfig) -> Session:
        """Return a session without a header that has proved something."""
        session = None
        try:
            session = self._start("", config)
            answer = session.run(_PROBE)
            problem = answer.problem or answer.error
        except OSError as error:
            problem = str(error)
        if session is not None and not problem:
            return session
        if session is not None:
            session.close()
        problem = " ".join(problem.split())
        where = self.project or self.repl_path or "lean-interact's cache"
        raise UserError(
            f"the Lean REPL does not prove p → p ({problem}), in LeanInteractServer (started "
            f"through `lake` in {where}); must be built with the project's Lean: compare `lake env "
            f"lean --version` in both, {_OR}"
        )

    def _start(self, header: str, config: LeanREPLConfig | None = None) -> Session:
        self._count(starts=1)
        config = config or self._config
        assert config is not None
        return Session(config, header, self.limits)

    def _check(self, attempt: Attempt) -> Verdict:
        """Return the verdict on an attempt; never raises for what a proof does."""
        batch = batch_of(attempt, self.axioms)
        try:
            session = self._sessions.acquire(attempt.header)
        except OSError as error:
            return refuted(f"server: no process could be started: {error}")
        started = time.monotonic()
        answer = session.run(batch.source)
        seconds = time.monotonic() - started
        self._count(lost=session.lost)
        worn = session.commands >= self.recycle_after
        self._sessions.release(session, keep=session.alive and not worn)
        if answer.problem:
            return refuted(answer.problem, seconds)
        return judge(batch, answer.messages, answer.holes, seconds)


def _configure(
    project: str | None, lean_version: str | None, repl_path: str | None, build: bool
) -> LeanREPLConfig:
    """Return the client's configuration, or raise a UserError about what is missing."""
    try:
        from lean_interact import LeanREPLConfig, LocalProject
    except ImportError as error:
        raise UserError(
            f"lean-interact is not installed ({error}), for LeanInteractServer; "
            f"pip install 'lit_research[lean]', {_OR}"
        ) from error
    _require_programs(needs_git=repl_path is None)
    folder = _folder(project, "project", "lean-toolchain", "a lake project")
    repl = _folder(repl_path, "repl_path", "", "a checkout of the REPL")
    is_built = repl is not None and (repl / ".lake" / "build" / "bin" / "repl").is_file()
    cache = cache_root() / "lean-interact"
    with writing(cache):
        cache.mkdir(parents=True, exist_ok=True)
    try:
        local = None if folder is None else LocalProject(directory=folder, auto_build=False)
        if local is not None and build:
            local.build(verbose=False)
        # Each attempt is one small command: nothing in it to reuse, or to elaborate in parallel.
        return LeanREPLConfig(
            lean_version=lean_version,
            project=local,
            local_repl_path=repl,
            build_repl=not is_built,
            cache_dir=cache,
            enable_incremental_optimization=False,
            enable_parallel_elaboration=False,
        )
    except subprocess.CalledProcessError as error:
        raise UserError(
            f"the project {project!r} does not build (exit code {error.returncode}), in "
            "LeanInteractServer; run `lake build` in that folder to see why"
        ) from error
    except Exception as error:  # git, the network, lake: the client's own words say which
        raise UserError(
            f"the Lean REPL could not be set up: {type(error).__name__}: {error}, in "
            f"LeanInteractServer (lean_version {lean_version!r}, project {project!r}, repl_path "
            f"{repl_path!r}); without repl_path it is cloned from GitHub and built with lake: "
            f"without network, repl_path must be a built checkout, {_OR}"
        ) from error


def _require_programs(*, needs_git: bool) -> None:
    if shutil.which("lake") is None:
        raise UserError(
            "there is no program `lake` on PATH, for LeanInteractServer; install elan, which "
            "brings lake and Lean (https://lean-lang.org/install, or the command `install-lean` of "
            f"lean-interact), {_OR}"
        )
    if needs_git and shutil.which("git") is None:
        raise UserError(
            "there is no program `git` on PATH, for LeanInteractServer; install git, with which "
            "the Lean REPL is fetched, or give the folder of a built checkout as repl_path"
        )


def _folder(path: str | None, name: str, file: str, what: str) -> Path | None:
    """Return a folder that the user named, after checking it."""
    if path is None:
        return None
    folder = Path(path).expanduser().resolve()
    if not folder.is_dir() or not (folder / file).exists():
        raise UserError(
            f"{name} is {path!r}{f', which has no file {file}' if folder.is_dir() else ''}, in "
            f"LeanInteractServer; must be the folder of {what}"
        )
    return folder
