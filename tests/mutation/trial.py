"""Tries mutants: each in a forked process that has the changed code, runs the fitting tests and ends.

A mutant inside a function is put into the function that was imported already, in a fork of a process that has
collected all tests: that takes milliseconds. One that runs at import (a table, a default) needs its module
imported anew, so it is forked before anything of the connector's own is imported.
"""

from __future__ import annotations

import ast
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import hypothesis
import pytest

from tests.mutation.points import Point

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "layers" / "connector"
TESTS = ("tests/unit", "tests/properties", "tests/ports")
Trees = dict[str, ast.Module]
Chosen = dict[str, list[Point]]
Outcomes = dict[str, dict[str, str]]

_TO_START = 60.0  # seconds for a child until its first test
_PATIENCE = (5.0, 8.0)  # seconds for a test, and times what it took unchanged
_MEMORY = 6 * 1024**3
# Slow to import and no part of a mutated module: a new import may have them from its parent.
_SHARED = ("connector.documents.order", "connector.documents.shipment", "connector.documents.freshbooks")


def path_of(module: str) -> Path:
    return SOURCE / f"{module.replace('.', '/')}.py"


def try_all(trees: Trees, chosen: Chosen, folder: Path) -> Outcomes:
    """How each mutant ended: killed, timed out, crashed or survived."""
    result = folder / "outcomes.json"
    session = _Session(trees, chosen, result)
    status = _forked(lambda: _pytest(TESTS, session), loud=True)
    if not result.exists():
        sys.exit(f"the tests could not be collected (status {status})")
    found = json.loads(result.read_text())
    if failed := found["covered"]["failed"]:
        sys.exit(f"fails on the unchanged code: {failed}")
    covered, outcomes = Covered(found["covered"]), found["outcomes"]
    for module in _SHARED:
        importlib.import_module(module)
    for module, selected in chosen.items():
        for point in selected:
            if point.name not in outcomes[module]:
                run = partial(_import_and_test, trees[module], module, point, covered)
                outcomes[module][point.name] = _progress(_end(run, covered.of_module(module), covered))
    return outcomes  # type: ignore[no-any-return]


class Covered:
    """Which tests ran which lines of the modules, and how long they took."""

    def __init__(self, found: dict[str, Any]) -> None:
        self._seconds: dict[str, float] = found["seconds"]
        self._lines: dict[str, dict[str, list[str]]] = found["lines"]

    def of_module(self, module: str) -> list[str]:
        """All tests of the files of which any test runs the module: a table may matter where no line runs."""
        hit = self._lines.get(module, {}).values()
        files = {test.partition("::")[0] for tests in hit for test in tests}
        return self._sorted(test for test in self._seconds if test.partition("::")[0] in files)

    def of_lines(self, module: str, lines: range) -> list[str]:
        hit = self._lines.get(module, {})
        return self._sorted({test for line in lines for test in hit.get(str(line), ())})

    def patience(self, test: str) -> float:
        return _PATIENCE[0] + _PATIENCE[1] * self._seconds[test]

    def _sorted(self, tests: Iterable[str]) -> list[str]:
        return sorted(tests, key=lambda test: (self._seconds[test], test))


def _end(run: Callable[[list[str]], int], tests: list[str], covered: Covered) -> str:
    """How a mutant ends that `run` tries by these tests, in a process of its own."""
    status = _forked(lambda: run(tests), _TO_START)
    if os.WIFSIGNALED(status):
        return "timed out" if os.WTERMSIG(status) == signal.SIGALRM else "crashed"
    return "killed" if os.WEXITSTATUS(status) else "survived"


def _forked(work: Callable[[], int], seconds: float | None = None, *, loud: bool = False) -> int:
    """Do it in a forked process, which is ended after `seconds` if it sets no other alarm; its wait status."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            if not loud:
                quiet = os.open(os.devnull, os.O_RDWR)
                for stream in range(3):
                    os.dup2(quiet, stream)
            if seconds is not None:
                resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                signal.setitimer(signal.ITIMER_REAL, seconds)
            code = work()
        finally:
            os._exit(code)
    return os.waitpid(pid, 0)[1]


def _pytest(arguments: Iterable[str], plugin: object) -> int:
    hypothesis.settings.register_profile(
        "mutation", derandomize=True, database=None, deadline=None,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    options = ["-qq", "-s", "--tb=no", "-p", "no:cacheprovider", "--disable-warnings"]
    return int(pytest.main([*options, "--hypothesis-profile=mutation", *arguments], plugins=[plugin]))


def _progress(end: str) -> str:
    print("S" if end == "survived" else ".", end="", file=sys.stderr, flush=True)  # noqa: T201
    return end


class _Runner:
    """A pytest plugin that runs tests up to the first that fails, whose name is `failed`."""

    def __init__(self) -> None:
        self.failed = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = report.nodeid

    def pytest_report_teststatus(self) -> tuple[str, str, str]:
        return "", "", ""

    def run(self, tests: list[str], items: dict[str, pytest.Item], covered: Covered) -> int:
        """1 where a test failed; a test that takes far too long ends the process."""
        for test, following in zip(tests, [*tests[1:], None], strict=True):
            signal.setitimer(signal.ITIMER_REAL, covered.patience(test))
            self.one(items[test], items[following] if following else None)
            if self.failed:
                return 1
        return 0

    def one(self, item: pytest.Item, following: pytest.Item | None) -> None:
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)


# ------------------------------------------------------------------------------------- inside functions


class _Session(_Runner):
    """Runs all tests once, watched, then for every mutant the tests that ran its lines."""

    def __init__(self, trees: Trees, chosen: Chosen, result: Path) -> None:
        super().__init__()
        self._trees = trees
        self._chosen = chosen
        self._result = result
        self._modules = {str(path_of(module)): module for module in chosen}
        self._hits: set[tuple[str, int, str]] | None = None

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            raise session.Failed("a test file cannot be imported")
        _forked(lambda: self._watch(session.items))
        found = json.loads(self._result.read_text())
        outcomes: Outcomes = {module: {} for module in self._chosen}
        if not found["failed"]:
            items = {item.nodeid: item for item in session.items}
            for module, selected in self._chosen.items():
                for point in selected:
                    if end := self._try(items, Covered(found), module, point):
                        outcomes[module][point.name] = _progress(end)
        self._result.write_text(json.dumps({"covered": found, "outcomes": outcomes}))
        return True

    def _try(self, items: dict[str, pytest.Item], covered: Covered, module: str, point: Point) -> str:
        """How the mutant ends; nothing where it cannot be tried like this."""
        replaced = _replaced(self._trees[module], module, point)
        if replaced is None:
            return ""

        def run(tests: list[str]) -> int:
            function, code = replaced
            function.__code__ = code
            return self.run(tests, items, covered)

        cached = hasattr(getattr(sys.modules[module], point.function, None), "__wrapped__")
        tests = covered.of_module(module) if cached else covered.of_lines(module, point.lines)
        return _end(run, tests, covered)

    def _watch(self, items: list[pytest.Item]) -> int:
        self._hits, seconds = set(), {}
        for item, following in zip(items, [*items[1:], None], strict=True):
            started = time.monotonic()
            trace = partial(self._call, item.nodeid)
            threading.settrace(trace)
            sys.settrace(trace)
            self.one(item, following)
            sys.settrace(None)
            seconds[item.nodeid] = round(time.monotonic() - started, 4)
        lines: dict[str, dict[int, list[str]]] = {}
        for module, line, test in sorted(self._hits):
            lines.setdefault(module, {}).setdefault(line, []).append(test)
        self._result.write_text(json.dumps({"lines": lines, "seconds": seconds, "failed": self.failed}))
        return 0

    def _call(self, test: str, frame: FrameType, event: str, argument: Any) -> Any:
        module = self._modules.get(frame.f_code.co_filename)
        return partial(self._line, module, test) if module else None

    def _line(self, module: str, test: str, frame: FrameType, event: str, argument: Any) -> Any:
        assert self._hits is not None
        self._hits.add((module, frame.f_lineno, test))
        return partial(self._line, module, test)


def _replaced(tree: ast.Module, module: str, point: Point) -> tuple[Any, CodeType] | None:
    """The living function that the mutant is in, and its changed code; None where that is not so simple."""
    if not point.lines:
        return None
    live: Any = importlib.import_module(module)  # perhaps no test file does that on its own
    for name in point.function.split("."):
        live = vars(live).get(name)
        live = getattr(live, "fget", None) or live  # a property
        live = getattr(live, "__wrapped__", getattr(live, "__func__", live))  # cached, static
        if hasattr(live, "__code__"):
            break
    else:
        return None
    codes = [_compiled(tree, module, point)]
    for code in codes:
        if (code.co_name, code.co_firstlineno) == (live.__code__.co_name, live.__code__.co_firstlineno):
            return (live, code) if code.co_freevars == live.__code__.co_freevars else None
        codes += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return None


def _compiled(tree: ast.Module, module: str, point: Point) -> CodeType:
    old = point.apply()
    code = compile(ast.fix_missing_locations(tree), str(path_of(module)), "exec")
    point.apply(old)
    return code


# ------------------------------------------------------------------------------------- at import


def _import_and_test(tree: ast.Module, module: str, point: Point, covered: Covered, tests: list[str]) -> int:
    sys.meta_path.insert(0, _Mutated(module, _compiled(tree, module, point)))
    files = dict.fromkeys(test.partition("::")[0] for test in tests)
    return _pytest(files, _Anew(tests, covered))


class _Anew(_Runner):
    """Runs the named tests in a session of their own."""

    def __init__(self, tests: list[str], covered: Covered) -> None:
        super().__init__()
        self._tests = tests
        self._covered = covered

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        if session.testsfailed or self.run(
            [test for test in self._tests if test in items], items, self._covered
        ):
            os._exit(1)
        os._exit(0)


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from code that was changed."""

    def __init__(self, module: str, code: CodeType) -> None:
        self._module = module
        self._code = code

    def find_spec(self, name: str, *_: Any) -> importlib.machinery.ModuleSpec | None:
        if name != self._module:
            return None
        return importlib.util.spec_from_file_location(name, path_of(name), loader=self)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: Any) -> None:
        exec(self._code, module.__dict__)
