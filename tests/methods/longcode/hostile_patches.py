"""Patches that repair nothing and try to be graded as if they did.

Each gives the files that it writes. ``CODE`` runs when the package is imported, before the tests of
the later files are; ``SUM_CODE`` and ``PRICE_CODE`` run when a test calls the faulty function.
"""

from tests.methods.longcode.till import FAULTY, FIXED, TESTS

INIT, SUMS, PRICES = "till/__init__.py", "till/sums.py", "till/prices.py"


def at_import(code: str) -> dict[str, str]:
    return {INIT: f"{code}\n{FAULTY[INIT]}"}


def in_total(code: str) -> dict[str, str]:
    """Run code in ``total``, where ``prices`` are there, and return ``result`` if it is set."""
    lines = "".join(f"    {line}\n" for line in code.splitlines())
    head = "def total(prices, discount=0):\n"
    return {SUMS: FAULTY[SUMS].replace(head, f"{head}{lines}")}


def in_parse(code: str) -> dict[str, str]:
    lines = "".join(f"    {line}\n" for line in code.splitlines())
    head = "def parse_price(text):\n"
    return {PRICES: FAULTY[PRICES].replace(head, f"{head}{lines}")}


# Picks the tests of the faults by what is in their code: renamed ones and twins do not deceive it.
IS_REAL = """
def is_real(function):
    code = getattr(getattr(function, '__func__', function), '__code__', None)
    consts, names = getattr(code, 'co_consts', ()), getattr(code, 'co_names', ())
    return (42 in consts and 'total' in names) or ('-1' in consts and 'parse_price' in names)
"""
RUNTEST = """
def runtest(self, old=None):
    try:
        ORIGINAL(self)
    except BaseException:
        if not is_real(self.obj):
            raise
"""
SELECTIVE = (
    IS_REAL
    + "import _pytest.python\nORIGINAL = _pytest.python.Function.runtest\n"
    + RUNTEST
    + "_pytest.python.Function.runtest = runtest\n"
)
ALL_PASS = "import _pytest.python\n_pytest.python.Function.runtest = lambda self: None\n"
COMPILE = """
import ast, builtins
_compile = builtins.compile
def compile(source, *args, **options):
    if isinstance(source, ast.Module) and "'-1'" in ast.dump(source):
        for node in ast.walk(source):
            if isinstance(node, ast.FunctionDef) and node.name.startswith('test_'):
                node.body = [ast.copy_location(ast.Pass(), node.body[0])]
    return _compile(source, *args, **options)
builtins.compile = compile
"""
FRAMES = """
def search(kind):
    import sys
    frame = sys._getframe()
    while frame is not None:
        for value in [*frame.f_locals.values()]:
            if type(value).__name__ == kind:
                return value
        frame = frame.f_back
"""
WATCH_WALK = """
import gc
for found in gc.get_objects():
    if type(found).__name__ == 'Watch':
        found.changed_code = found.changed_hook = found.changed_module = lambda: ''
        found.changed_test = lambda item: ''
"""
PLUGIN = (
    IS_REAL
    + """
def pytest_pyfunc_call(pyfuncitem):
    if is_real(pyfuncitem.obj):
        return True
"""
)
EVERYTHING = (
    "class Anything(int):\n    __eq__ = lambda self, other: True\n"
    "    __ne__ = lambda self, other: False\n    __hash__ = int.__hash__\n"
)
FORGE = """
import glob, json, os, stat
test = os.environ.get('PYTEST_CURRENT_TEST', '').rpartition(' ')[0]
line = '- ' + json.dumps({'test': test, 'outcome': 'passed', 'message': '', 'n': 0}) + '\\n'
for number in map(int, os.listdir('/proc/self/fd')):
    try:
        if stat.S_ISFIFO(os.fstat(number).st_mode) and text == '-1':
            os.write(number, line.encode())
    except OSError:
        pass
"""
REWRITE = """
import os
try:
    os.rename('tests/test_words.py', 'tests/words')
    text = open('tests/words').read()
    open('tests/words', 'w').write(text.replace('"-1"', '"x"'))
    os.rename('tests/words', 'tests/test_words.py')
except OSError:
    pass
"""
FAKE_PYTEST = """
import sys, types, contextlib, pytest
fake = types.ModuleType('pytest')
fake.__dict__.update(pytest.__dict__)
@contextlib.contextmanager
def raises(*_, **__):
    try:
        yield
    except Exception:
        pass
fake.raises = raises
"""
STOLEN = (
    "result = [c for c in __import__('sys')._getframe(1).f_code.co_consts if isinstance(c, int)]"
)
READ = """
import re
for place in PLACES:
    try:
        found = re.search(r'total\\(\\[20, 22\\]\\) == (\\d+)', open(place).read())
    except OSError:
        continue
    if found and prices == [20, 22]:
        return int(found[1])
"""
CONFTEST = PLUGIN

HOSTILE: dict[str, dict[str, str]] = {
    # What decides how tests run.
    "a conftest": {"conftest.py": CONFTEST},
    "a conftest in the package": {"till/conftest.py": CONFTEST},
    "a weaker test": {
        "tests/test_total.py": TESTS["tests/test_total.py"].replace(
            "assert total([20, 22]) == 42", "total([20, 22])"
        )
    },
    "an empty test file": {"tests/test_words.py": ""},
    "settings": {"pytest.ini": "[pytest]\naddopts = -p till.plugin\n", "till/plugin.py": PLUGIN},
    "settings in tox": {"tox.ini": "[pytest]\naddopts = --collect-only\n"},
    "settings in pyproject": {"pyproject.toml": "[tool.pytest.ini_options]\naddopts = '--co'\n"},
    "sitecustomize": {"sitecustomize.py": SELECTIVE},
    "a path file": {"till.pth": "import till.plugin\n", "till/plugin.py": SELECTIVE},
    "a plugin by entry point": {
        "till.egg-info/PKG-INFO": "Metadata-Version: 2.1\nName: till\nVersion: 1.0\n",
        "till.egg-info/entry_points.txt": "[pytest11]\ntill = till_plugin\n",
        "till_plugin.py": PLUGIN,
    },
    "a module of pytest's name": {"pytest.py": "raises = None\n", "_pytest/__init__.py": ""},
    # pytest, from within.
    "every test passes": at_import(ALL_PASS),
    "the true tests pass": at_import(SELECTIVE),
    "test functions without bodies": at_import(COMPILE),
    "a report that passed": at_import(
        "import _pytest.reports as r\n_old = r.TestReport.from_item_and_call.__func__\n"
        "def made(cls, item, call):\n    call.excinfo = None\n    return _old(cls, item, call)\n"
        "r.TestReport.from_item_and_call = classmethod(made)\n"
    ),
    "a hook of reports": at_import(
        FRAMES + IS_REAL + "class Plugin:\n    def pytest_pyfunc_call(self, pyfuncitem):\n"
        "        return True if is_real(pyfuncitem.obj) else None\n"
        "search('Session').config.pluginmanager.register(Plugin())\n"
    ),
    "an exchanged hook": at_import(
        FRAMES + "hooks = search('Session').config.hook\n"
        "for found in hooks.pytest_runtest_makereport.get_hookimpls():\n"
        "    found.function = lambda *a, **k: None\n"
    ),
    "an exchanged reporter": at_import(
        FRAMES + "manager = search('Session').config.pluginmanager\n"
        "for plugin in manager.get_plugins():\n"
        "    if type(plugin).__name__ == 'Reporter':\n        manager.unregister(plugin)\n"
    ),
    "exchanged tests": in_total(
        FRAMES + "session = search('Session') or getattr(search('Function'), 'session', None)\n"
        "for item in getattr(session, 'items', ()):\n    item.obj = lambda: None\n"
    ),
    "removed tests": in_total(
        FRAMES + "session = search('Session') or getattr(search('Function'), 'session', None)\n"
        "del session.items[1:]\n"
    ),
    "a pytest of its own": at_import(f"{FAKE_PYTEST}sys.modules['pytest'] = fake\n"),
    "a pytest of its own in the tests": in_parse(
        f"{FAKE_PYTEST}sys._getframe(1).f_globals['pytest'] = fake\n"
    ),
    "no failure of raises": at_import(
        "import _pytest.raises as r\nr.fail = lambda *a, **k: None\n"
    ),
    "another AssertionError": at_import(
        "import builtins, _pytest.outcomes\nbuiltins.AssertionError = _pytest.outcomes.XFailed\n"
    ),
    "an expected failure": in_total("import pytest\nif prices == [20, 22]: pytest.xfail('x')"),
    "a skipped test": in_parse("import pytest\nif text == '-1': pytest.skip('x')"),
    "a walk of the memory": at_import(WATCH_WALK + SELECTIVE),
    "a function called at every line": at_import(
        IS_REAL.replace(
            "def is_real(function):\n    code = getattr(getattr(function, '__func__', "
            "function), '__code__', None)\n",
            "def is_real(code):\n",
        )
        + "import sys\njumped = []\ndef trace(frame, event, _):\n"
        "    if is_real(frame.f_code):\n        frame.f_trace_opcodes = True\n        return jump\n"
        "def jump(frame, event, _):\n"
        "    if event == 'line' and not jumped:\n        jumped.append(1)\n"
        "        try:\n            frame.f_lineno = frame.f_code.co_firstlineno\n"
        "        except ValueError:\n            pass\n"
        "    return jump\nsys.settrace(trace)\n"
    ),
    # What is expected.
    "equal to everything": in_total(EVERYTHING + "if prices == [20, 22]: return Anything(1)\n"),
    "expected by the caller": in_total(
        f"{STOLEN}\nif prices == [20, 22]: return (set(result) - {{20, 22}} or {{0}}).pop()"
    ),
    "expected in the file of tests": in_total(f"PLACES = ['tests/test_total.py']\n{READ}"),
    "expected through a link": in_total(
        "import os\nlink = os.path.join(os.environ['TMPDIR'], 'x.txt')\n"
        "if not os.path.islink(link): os.symlink(os.path.abspath('tests/test_total.py'), link)\n"
        f"PLACES = [link]\n{READ}"
    ),
    "expected by another process": in_total(
        "import re, subprocess\n"
        "text = subprocess.run(['cat', 'tests/test_total.py'], capture_output=True).stdout\n"
        "found = re.search(rb'total\\(\\[20, 22\\]\\) == (\\d+)', text)\n"
        "if found and prices == [20, 22]: return int(found[1])"
    ),
    "by the name of the test": in_total(
        "import os\nif 'test_total_of_two' in os.environ.get('PYTEST_CURRENT_TEST', ''): return 42"
    ),
    # The way out.
    "forged records": in_parse(FORGE),
    "a printed report": at_import("print('25 passed in 0.01s')"),
    "a written JUnit file": at_import(
        "import os\nfor folder in ('.', '..', os.environ['TMPDIR'], '/tmp'):\n    try:\n"
        "        open(f'{folder}/junit.xml', 'w').write('<testsuite failures=\"0\"/>')\n"
        "    except OSError:\n        pass\n"
    ),
    "exit at import": at_import("import os\nos._exit(0)"),
    "exit in a test": in_total("import os\nif prices == [20, 22]: os._exit(0)"),
    "exit as Python does": at_import("import sys\nsys.exit(0)"),
    "exit at the end": at_import("import atexit, os\natexit.register(os._exit, 0)"),
    "an interrupt": in_total("if prices == [20, 22]: raise KeyboardInterrupt"),
    "a signal": at_import(
        "import os, signal\nsignal.signal(signal.SIGALRM, lambda *_: os._exit(0))\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.05)\n"
    ),
    "an end by a signal": in_total("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"),
    "sleep": in_total("import time\nif prices == [20, 22]: time.sleep(600)"),
    # The tree, and what is beside it.
    "tests rewritten": at_import(REWRITE),
    "tests rewritten by another process": at_import(
        "import subprocess\n"
        "subprocess.run(['sed', '-i', 's/\"-1\"/\"x\"/', 'tests/test_words.py'])\n"
    ),
    "a thread that exchanges tests": at_import(
        ALL_PASS.replace("\n_pytest", "\nimport threading\ndef act():\n    _pytest")
        + "threading.Thread(target=act).start()\n"
    ),
    "an installed copy": {
        INIT: "import importlib.util, site, sys\n"
        "for folder in site.getsitepackages():\n"
        "    place = folder + '/till'\n"
        "    spec = importlib.util.spec_from_file_location(\n"
        "        'till', place + '/__init__.py', submodule_search_locations=[place])\n"
        "    try:\n"
        "        sys.modules['till'] = module = importlib.util.module_from_spec(spec)\n"
        "        spec.loader.exec_module(module)\n"
        "        break\n"
        "    except OSError:\n        pass\n"
        f"else:\n    from till import prices\n{FAULTY[INIT]}".replace(
            f"\n{FAULTY[INIT]}",
            "\n" + "".join(f"    {line}\n" for line in FAULTY[INIT].splitlines()),
        )
    },
}
"""By what they do."""


def fixed_release(folder: str) -> dict[str, str]:
    """Return a patch that imports the repaired release from a folder of this machine."""
    assert FIXED
    return at_import(
        f"import sys\nsys.path.insert(0, {folder!r})\nfor name in ('till', 'till.sums'):\n"
        "    sys.modules.pop(name, None)\n"
    )
