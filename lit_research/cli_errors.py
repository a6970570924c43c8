"""Turns a parser's long error into one line: what is wrong, where, and what would be right.

jsonargparse reports a wrong key inside a class as a tree of all the types that it tried. The useful
line is the deepest one of the first branch; the names that would have been right can be read off
the class, the module or the parser.
"""

from __future__ import annotations

import errno
import importlib
import inspect
import re
from collections.abc import Iterable

from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger

from lit_research.errors import UserError, nearest
from lit_research.given import Given
from lit_research.lm.engines import LiveEngine
from lit_research.methods.base import DataModule, Method

# Which classes a key of the config chooses from.
BASES = {
    "model": Method,
    "model.init_args.engine": LiveEngine,
    "data": DataModule,
    "trainer.callbacks": Callback,
    "trainer.logger": Logger,
}
# How jsonargparse begins the message of an error inside a link; the cause is below it.
LINK = "Call to compute_fn of link"
FULL = {errno.ENOSPC, errno.EDQUOT}
# What is wrong with a place, and not with the program.
STORAGE = {
    *FULL,
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR),
    *(errno.ENAMETOOLONG, errno.ELOOP, errno.EIO, errno.ESTALE),
}
# Branches of a union that say nothing of what the user meant.
NOISE = re.compile(
    r"Expected a <class '(NoneType|bool|collections.abc.Iterable)'>$|Expected a path|"
    r"Not a valid subclass|Does not validate|Subtypes:|Errors:|Given value|"
    r"Subclass types expect|a class path \(str\)|"
    r"a dict with"
)


def user_error(
    error: Exception, *, options: Iterable[str] = (), given: Given | None = None
) -> UserError:
    """Return a one-line ``UserError`` for an error of the parser.

    Args:
        error: what the parser raised.
        options: the dotted keys that the parser knows.
        given: what the user gave, to say where the wrong value stands.
    """
    cause: BaseException | None = error
    while cause is not None:  # what a constructor or a link refused lies below the parser's words
        if isinstance(cause, UserError):
            return cause
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, OSError) and (refused := storage_error(error)):
        return refused
    text = str(error)
    if isinstance(error, ModuleNotFoundError) or re.search(r"Requirement '.*' not met", text):
        return _missing_package(text)
    if text.startswith(LINK) and error.__cause__ is not None:
        return _linking_error(error.__cause__)
    key = ".init_args.".join(re.findall(r'Parser key "([^"]+)"', text))
    key = re.sub(r"^config$|^config\.init_args\.", "--config", key)
    what, word, hint = (
        _unknown_option(text, list(options)) or _unknown_class(text, key) or _plain(text)
    )
    value = re.search(r"Got value: (\S+)|Given value: (\S+)", text)
    place = ""
    if given is not None:
        place = given.place(
            word or key.rsplit(".", 1)[-1].lstrip("-"), value and (value[1] or value[2])
        )
    parts = [
        f"{key}: {what}" if key else what,
        f" ({place})" if place else "",
        hint and f"; {hint}",
    ]
    return UserError(" ".join("".join(part for part in parts if part).split()))


def _missing_package(text: str) -> UserError:
    """Name the package that a class needs, not the whole config that was given to it."""
    names = re.findall(r"[Nn]o module named '([\w.]+)'|[Rr]equirement '([\w.-]+)", text)
    name = next((one or other for one, other in names), text[:100])
    return UserError(f"the package {name} is not installed; pip install {name.split('.')[0]}")


def run_error(error: Exception, checkpoint: str | None) -> UserError | None:
    """Return one line for what torch or Lightning refuse of a checkpoint or of an option.

    Args:
        error: what a verb raised.
        checkpoint: the file that was loaded.

    Returns:
        ``None`` where the error is not the user's.
    """
    text = " ".join(str(error).split())
    if "loading state_dict" in text:
        first = re.search(
            r"(size mismatch for .*?\]\)?\.)(?= |$)|((Missing|Unexpected) key.*)", text
        )
        what = (first[1] or first[2])[:200] if first else text[:200]
        return UserError(
            f"the checkpoint {checkpoint} does not fit the model ({what}); take the run's own "
            "config: --run FOLDER"
        )
    if "loaded state dict" in text or "parameter group" in text:
        return UserError(
            f"the optimizer's state in the checkpoint {checkpoint} does not fit this model "
            f"({text[:150]}); resume with the run's own config, or start a new run"
        )
    if match := re.search(r"`val_check_interval` \((\d+)\) must be less.*?\((\d+)\)", text):
        return UserError(
            f"val_check_interval is {match[1]}, in trainer, and an epoch has {match[2]} batches; "
            f"must be at most {match[2]}, or give check_val_every_n_epoch: null to count across "
            "epochs"
        )
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    module = frame.tb_frame.f_globals.get("__name__", "") if frame else ""
    if module.startswith("lightning.") and isinstance(error, (ValueError, TypeError)):
        return UserError(f"{text[:300]} (refused by Lightning)")
    return None


def storage_error(error: OSError) -> UserError | None:
    """Return what the system refused and where; None where it is no matter of files."""
    if error.errno not in STORAGE or (error.filename is None and error.errno not in FULL):
        return None
    place = f" {str(error.filename)!r}" if error.filename is not None else ""
    return UserError(
        f"cannot read or write{place}: {error.strerror}; give a place that can be written and has "
        "space: trainer.logger.init_args.save_dir and trainer.default_root_dir for runs, "
        "data.init_args.cache_dir or $LIT_RESEARCH_CACHE for caches"
    )


def _linking_error(cause: BaseException) -> UserError:
    """Explain what a data module raised when the model's vocabulary was taken from it."""
    if isinstance(cause, OSError) and (refused := storage_error(cause)):
        return refused
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    return UserError(
        f"{type(cause).__name__}: {lines[0] if lines else 'without a message'}; in the data "
        "module, when the model's vocab_size was taken from it; --debug shows where"
    )


def _unknown_option(text: str, options: list[str]) -> tuple[str, str, str] | None:
    """Explain a key that a class, the parser or the command does not have."""
    if match := re.search(r"Option '([^']+)' is not accepted", text):
        name = match[1]
        paths = re.findall(r"class_path[ =]'([^']+)'", text.split("Given value")[0])
        known = _parameters(paths[-1]) if paths else []
        return (
            f"{paths[-1] if paths else 'it'} has no argument {name!r}",
            name,
            nearest(name, known),
        )
    if match := re.search(
        r"(?:does not accept option '|unrecognized arguments: -*)([\w.+]+)", text
    ):
        name = match[1].rstrip("+")
        known = sorted({*options, *(o.split(".")[0] for o in options)})
        head = name.split(".")[0]
        if not any(o.split(".")[0] == head for o in options):
            return f"unknown key {name!r}", head, nearest(head, [k for k in known if "." not in k])
        return f"unknown key {name!r}", name.rsplit(".", 1)[-1], nearest(name, known)
    return None


def _unknown_class(text: str, key: str) -> tuple[str, str, str] | None:
    """Explain a class path that leads nowhere."""
    if match := re.search(r"module '([\w.]+)' has no attribute '(\w+)'", text):
        module, name = match.groups()
        known = [n for n, v in vars(importlib.import_module(module)).items() if inspect.isclass(v)]
        return f"{module} has no {name}", name, nearest(name, known)
    if match := re.search(r"No module named '([^']+)'", text):
        hint = "give the full import path of a class whose package is installed"
        return f"there is no module {match[1]}", match[1], hint
    base = BASES.get(key)
    match = re.search(r"Expected a dot import path string: ([^\s,]+)", text) or re.search(
        r"Expected '([\w.]+)' to be a subclass of", text
    )
    if match and base:
        name = match[1].strip()
        what = f"there is no {base.__name__} called {name!r}"
        return what, name, nearest(name, sorted({c.__name__ for c in _subclasses(base)}))
    return None


def _plain(text: str) -> tuple[str, str, str]:
    """Return the first line that says something, with the value that was given."""
    lines = [re.sub(r'Parser key "[^"]+":?', "", line).strip(" -") for line in text.splitlines()]
    useful = [line for line in lines if line and not NOISE.search(line)]
    errors = [line for line in useful if not line.startswith(("Problem with given", "Type typing"))]
    given = re.findall(r"Given value: (.+)", text)
    if given and "class_path=" in given[0]:  # then it is the class that speaks: no scalar was meant
        own = [line for line in errors if not line.startswith("Expected a")]
        given = [] if own else [value for value in given if "class_path=" not in value]
        errors = own or errors
    chosen = (errors or useful or [text])[0]
    chosen = re.sub(r"<class '([^']+)'>", r"\1", chosen)
    if "Problems parsing config" in text:
        chosen = " ".join(text.split()).replace('"<unicode string>", ', "")
    elif "Got value" not in chosen and given:
        chosen += f", got {given[0]}"
    if "required" in text and "fit." in text:
        chosen += "; give them in a file: --config configs/pretrain/tiny.yaml"
    return chosen, "", ""


def _parameters(class_path: str) -> list[str]:
    module, name = class_path.rsplit(".", 1)
    return list(inspect.signature(getattr(importlib.import_module(module), name)).parameters)


def _subclasses(base: type) -> list[type]:
    below: list[type] = []
    child: type
    for child in base.__subclasses__():
        below += [child, *_subclasses(child)]
    return sorted({c for c in below if not inspect.isabstract(c)}, key=lambda c: c.__name__)
