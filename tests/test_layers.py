"""Who may import whom: no circles, nothing upwards, no method's private modules; short modules."""

from statistics import median

import pytest

from tests.sources import PACKAGE, circle, edges, modules, undocumented

# Files of the package itself that make up the command; its other files are basics.
COMMAND = {"__main__", "cli", "cli_errors", "lightning_cli", "replicate", "verbs"}

LANGUAGE = {"lm", "text"}
WORK = {"generation", "sft", "evals", "stages"}
TOOLS = {"laws", "lean", "metagrad", "sandbox", "stats"}

# What each room may import beside itself and the basics; everything else is upwards.
MAY_IMPORT: dict[str, set[str]] = {
    "basics": set(),
    "laws": set(),
    "sandbox": set(),
    "stats": set(),
    "text": set(),
    "callbacks": {"laws"},
    "lean": {"sandbox", "text"},  # the corpus of statements has a tokenizer
    "lm": {"text"},
    "metagrad": {"lm"},
    **dict.fromkeys(WORK, LANGUAGE | WORK),
    "evals": LANGUAGE | WORK | {"sandbox"},  # programs are verified by running them
    "methods": LANGUAGE | WORK | TOOLS,
    "experiments": LANGUAGE | WORK | TOOLS | {"callbacks", "methods"},
    "command": LANGUAGE | WORK | TOOLS | {"callbacks", "methods", "experiments"},
}


def is_folder(module: str) -> bool:
    """Return whether a module is a package."""
    return modules()[module].name == "__init__.py"


def room(module: str) -> str:
    """Return the part of the package that a module is in."""
    parts = module.split(".")
    if len(parts) > 1 and is_folder(".".join(parts[:2])):
        return parts[1]
    return "command" if parts[-1] in COMMAND else "basics"


def method(module: str) -> str:
    """Return the method whose folder a module is in; nothing for what methods share."""
    parts = module.split(".")
    shared = room(module) != "methods" or len(parts) < 3 or not is_folder(".".join(parts[:3]))
    return "" if shared else parts[2]


def test_every_kind_of_import_is_seen():
    seen = {
        "inside a function": ("cli", "lightning_cli"),
        "for types": ("experiments", "experiments.arm_runs"),
        "by import_module": ("lightning_cli", "experiments.recipe_search"),
        "relative": ("lean.driver.kernel", "lean.driver.objects"),
        "through the link to callbacks": ("callbacks.board", "callbacks.run_logger"),
    }
    for how, (importer, imported) in seen.items():
        assert (f"{PACKAGE}.{importer}", f"{PACKAGE}.{imported}") in edges(), how
    assert circle({("a", "b"), ("b", "c"), ("c", "b")}) == ["b", "c", "b"]
    assert circle({("a", "b"), ("a", "c"), ("b", "c")}) == []


def test_no_circle_of_modules():
    found = circle(edges())
    assert not found, " -> ".join(found)


def test_no_circle_of_rooms():
    def name(module: str) -> str:
        return f"{room(module)}/{method(module)}"

    found = circle({(name(a), name(b)) for a, b in edges() if name(a) != name(b)})
    assert not found, " -> ".join(found)


def test_nothing_imports_upwards():
    assert {room(module) for module in modules()} <= set(MAY_IMPORT)
    upwards = [
        f"{a} -> {b}"
        for a, b in sorted(edges())
        if room(b) not in {room(a), "basics", *MAY_IMPORT[room(a)]}
        or (room(a) == room(b) == "methods" and method(b) and not method(a))
    ]
    assert upwards == []


def test_a_method_imports_another_one_by_its_public_names():
    private = [
        f"{a} -> {b}"
        for a, b in sorted(edges())
        if method(a) and method(b) not in {"", method(a)} and b != f"{PACKAGE}.methods.{method(b)}"
    ]
    assert private == []


def test_modules_are_short():
    lines = {module: file.read_text().count("\n") for module, file in modules().items()}
    assert median(lines.values()) <= 130
    assert {module: count for module, count in lines.items() if count > 400} == {}


@pytest.mark.parametrize("part", sorted(MAY_IMPORT))
def test_every_public_name_is_documented(part):
    names = [n for module in modules() if room(module) == part for n in undocumented(module)]
    assert names == []
