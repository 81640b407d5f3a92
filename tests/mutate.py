"""Plant one fault at a time in the package's code, and list the faults that no test finds.

    python tests/mutate.py                      every mutant of nnbook.functions and nnbook.learning
    python tests/mutate.py --only losses,mlp    of these modules alone
    python tests/mutate.py --sample 30          thirty of them, drawn with --seed
    python tests/mutate.py --list               show them, run nothing

A mutant is *killed* when a test fails, or takes three times as long as all tests need without it.
At least 95 % must die. A survivor is a test to write, or, where no input can tell the mutant from
the original, a row of ``tests/mutants_equivalent.toml`` with its reason; a row there that matches
no mutant, or whose mutant dies, is an error, so that the list cannot outlive the code.

A process that has imported NumPy and pytest, and nothing of the package, forks for each mutant.
Where there is no fork (Windows) each mutant has an interpreter of its own, which is slower.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.util
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import traceback
from importlib.machinery import SourceFileLoader
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # where pytest collects this file as a module

from faults import Mutant, mutants

ROOT = Path(__file__).resolve().parents[1]
EQUIVALENT = Path(__file__).with_name("mutants_equivalent.toml")
REQUIRED = 0.95
NEVER_IMPORTED = 70
TABLES = "cases:"  # before the names of the tables of tests/cases that a stage goes through


# ------------------------------------------------------------------------------ running
def run_tests(mutant: Mutant | None, root: Path, stages: list[list[str]]) -> int:
    """Run pytest in this process, with the mutant in the place of its module.

    A later stage of tests is collected only if the one before it passes: most mutants die early.
    """
    planted = []
    _forget(root)
    if mutant is not None:
        target, original = str(root / mutant.file), SourceFileLoader.get_code

        def get_code(self, fullname):
            if os.path.realpath(self.path) == os.path.realpath(target):
                planted.append(fullname)
                return compile(mutant.source, target, "exec")
            return original(self, fullname)

        SourceFileLoader.get_code = get_code
    os.chdir(root)
    sys.path.insert(0, str(root))
    import pytest

    options = ["-x", "-q", "-p", "no:cacheprovider", "-o", "addopts=", "--doctest-modules"]
    options += ["--assert=plain"]  # rewriting reads the file, past the mutant
    options += _plugins()
    for stage in filter(None, stages):
        chosen = [word for word in stage if word.startswith(TABLES)]
        os.environ["NNBOOK_CASES"] = "".join(chosen).removeprefix(TABLES)
        if code := int(pytest.main([*options, *(word for word in stage if word not in chosen)])):
            return code
    return 0 if planted or mutant is None else NEVER_IMPORTED


def _forget(root: Path) -> None:
    """Drop what an earlier run in this process imported from the root, the package above all."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        ours = file.startswith(str(root)) and "site-packages" not in file
        if ours and name not in ("__main__", __name__, "faults"):
            del sys.modules[name]


def _plugins() -> list[str]:
    """Name the few plugins that tests need, and quieten Hypothesis: a kill needs no shrinking."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    options = []
    try:
        import hypothesis

        phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
        hypothesis.settings.register_profile(
            "mutants", phases=phases, database=None, derandomize=True
        )
        hypothesis.settings.load_profile("mutants")
        options += ["-p", "_hypothesis_pytestplugin"]
    except ImportError:
        pass
    if importlib.util.find_spec("pytest_timeout"):
        options += ["-p", "pytest_timeout"]
    return options


class Job:
    """One run of the tests, in a process of its own."""

    def __init__(
        self, mutant: Mutant | None, root: Path, stages: list[list[str]], log: Path | None = None
    ):
        self.mutant, self.started = mutant, time.monotonic()
        self.process = None
        # a fork of a process in which JAX keeps threads could wait for ever
        if hasattr(os, "fork") and "jax" not in sys.modules:
            self.pid = os.fork()
            if self.pid == 0:
                self._child(root, stages, log)
        else:
            faulty = mutant and repr(vars(mutant))
            command = f"import mutate as m; from pathlib import Path; import sys; sys.exit(\
m.run_tests({faulty} and m.Mutant(**{faulty}), Path({str(root)!r}), {stages!r}))"
            self.process = subprocess.Popen(
                [sys.executable, "-c", command],
                cwd=Path(__file__).parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip

    def _child(self, root: Path, stages: list[list[str]], log: Path | None) -> None:
        code = 3
        try:
            os.setpgrp()
            sink = os.open(log or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(sink, 1)
            os.dup2(sink, 2)
            import resource

            resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
            code = run_tests(self.mutant, root, stages)
        except BaseException:  # a mutant may raise anything; the parent only needs to know
            code = 1 if self.mutant else 3
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def poll(self) -> int | None:
        """Return pytest's exit code, or None while it runs."""
        if self.process is not None:
            return self.process.poll()
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if pid else None

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        else:
            os.killpg(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


class Broken(Exception):
    """The tests cannot judge mutants; the message says why."""


def baseline(root: Path, stages: list[list[str]]) -> float:
    """Return the seconds that the tests take without a mutant; they must pass."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        job = Job(None, root, stages, log)
        while (code := job.poll()) is None:
            time.sleep(0.01)
        if code != 0:
            said = {1: "fail", 5: "are none"}.get(code, f"end with code {code}")
            end = log.read_text(encoding="utf-8")[-2000:] if log.exists() else ""
            raise Broken(f"without any mutant the tests {said}: {stages}\n{end}")
    return time.monotonic() - job.started


def survivors(
    found: list[Mutant], root: Path, stages_of, *, jobs: int = 2, patience=None, report=None
) -> list[Mutant]:
    """Run the tests against each mutant and return those that no test finds.

    ``stages_of`` maps a file to stages of tests, ``patience`` a file to the seconds after which a
    mutant counts as killed.
    """
    waiting, running, alive = list(reversed(found)), [], []
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop()
            running.append(Job(mutant, root, stages_of(mutant.file)))
        for job in list(running):
            code = job.poll()
            if code is None and time.monotonic() - job.started > patience(job.mutant.file):
                job.stop()
                code = 1
            if code is None:
                continue
            running.remove(job)
            if code in (4, 5, NEVER_IMPORTED):
                reason = "imported the module" if code == NEVER_IMPORTED else "ran"
                raise Broken(f"no test {reason} (code {code}): {job.mutant}")
            if code == 0:
                alive.append(job.mutant)
            if report:
                report(job.mutant, code != 0)
        time.sleep(0.005)
    return sorted(alive, key=found.index)


# ------------------------------------------------------------------------------ this repository
def modules(root: Path = ROOT) -> list[str]:
    """Name the files that are mutated: what a network computes and how it learns."""
    folders = [root / "nnbook" / part for part in ("functions", "learning")]
    files = [p for folder in folders for p in folder.glob("*.py") if p.name != "__init__.py"]
    return sorted(p.relative_to(root).as_posix() for p in files)


def stages_of(file: str, root: Path = ROOT) -> list[list[str]]:
    """Name the tests of a module: its own, its tables of cases, then those of what it serves."""
    part, name = Path(file).parent.name, Path(file).stem
    here, uses = root / "tests" / part, re.compile(rf"from nnbook\.{part}\.{name} import")
    users = [p for p in (root / file).parent.glob("[!_]*.py") if uses.search(p.read_text("utf-8"))]
    own = here / f"test_{name.strip('_')}.py"
    above = [here / f"test_{user.stem}.py" for user in users]
    near = [own] if own.exists() else above
    errata = sorted(root.glob("tests/errata/test_errata_*.py"))
    far = [*above, root / "tests/learning/test_mlp.py", *errata]
    far = [p for p in dict.fromkeys(far) if p not in near and p.name != "test_errata_xor.py"]
    stages = [[root / file, *near], far]
    own, *rest = [[p.relative_to(root).as_posix() for p in stage if p.exists()] for stage in stages]
    served = [root / file] if not name.startswith("_") else users
    tables = tables_of({n for p in served for n in _defined(p)}, root)
    cases = [TABLES + ",".join(tables), "tests/test_cases.py", "tests/test_bad_input.py"]
    return [own, *([cases] if tables else []), *rest]


def tables_of(functions: set[str], root: Path = ROOT) -> list[str]:
    """Name the tables of tests/cases that go through any of these functions."""
    word = re.compile(rf"\b({'|'.join(sorted(functions)) or '$^'})\b")
    found = sorted((root / "tests" / "cases").glob("*.py"))
    return [p.stem for p in found if p.stem != "base" and word.search(p.read_text("utf-8"))]


def _defined(path: Path) -> list[str]:
    """Name the public functions of a module."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    functions = [node.name for node in body if isinstance(node, ast.FunctionDef)]
    return [name for name in functions if not name.startswith("_")]


def equivalent(path: Path = EQUIVALENT) -> dict[tuple[str, str, str, str], str]:
    """Return the mutants that no test could find, each with its reason."""
    rows = tomllib.loads(path.read_text(encoding="utf-8")).get("equivalent", [])
    return {(r["file"], r["where"], r["before"], r["after"]): r["reason"] for r in rows}


def all_mutants(root: Path = ROOT, only: str = "") -> list[Mutant]:
    """Return the mutants of every module, or of those named."""
    names = {name.strip() for name in only.split(",") if name.strip()}
    found = []
    for file in modules(root):
        if not names or Path(file).stem in names or file in names:
            found += mutants((root / file).read_text(encoding="utf-8"), file)
    if names and not found:
        raise Broken(f"--only names no module with mutants: {', '.join(sorted(names))}")
    return found


def main(words: list[str] | None = None) -> int:
    """Run from the command line; 0 if enough mutants died and the list of equivalents is true."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default="", help="modules, separated by commas")
    parser.add_argument("--sample", type=int, default=0, help="run this many, drawn at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--near", action="store_true", help="only a module's doctests and own tests"
    )
    parser.add_argument("--required", type=float, default=REQUIRED, help="share that must die")
    parser.add_argument("--list", action="store_true", help="show the mutants and stop")
    parser.add_argument("--survivors", type=Path, help="write the survivors here, as TOML rows")
    choice = parser.parse_args(words)
    try:
        return _run(choice)
    except Broken as problem:
        print(f"✗ {problem}")
        return 2


def _run(choice: argparse.Namespace) -> int:
    excused = equivalent()
    found = all_mutants(only=choice.only)
    stale = [] if choice.only else sorted(set(excused) - {m.key for m in found})
    candidates = [m for m in found if m.key not in excused]
    if choice.sample:
        candidates = random.Random(choice.seed).sample(
            candidates, min(choice.sample, len(candidates))
        )
    if choice.list:
        print(*candidates, sep="\n")
        print(f"{len(candidates)} mutants")
        return 0
    start, files = time.monotonic(), {m.file for m in candidates}
    tests = {file: stages_of(file)[: 1 if choice.near else None] for file in sorted(files)}
    needed = {file: baseline(ROOT, tests[file]) for file in tests}
    done = []

    def report(mutant: Mutant, killed: bool) -> None:
        done.append(killed)
        if not killed:
            print(f"survived: {mutant}", flush=True)
        if len(done) % 50 == 0:
            print(f"{len(done)} of {len(candidates)} run, {done.count(False)} survived", flush=True)

    alive = survivors(
        candidates, ROOT, tests.get, jobs=choice.jobs, report=report,
        patience=lambda file: 10 + 3 * choice.jobs * needed[file],
    )  # fmt: skip
    if choice.survivors:
        choice.survivors.write_text("\n".join(map(_row, alive)), encoding="utf-8")
    share = 1 - len(alive) / max(1, len(candidates))
    seconds = time.monotonic() - start
    print(f"{len(candidates) - len(alive)} of {len(candidates)} mutants killed ({share:.1%}), "
          f"{len(alive)} survived, {len(excused)} equivalent, {seconds:.0f} s")  # fmt: skip
    for key in stale:
        print("✗ tests/mutants_equivalent.toml lists what is no mutant:", *key, sep="\n    ")
    return int(share < choice.required or bool(stale))


def _row(mutant: Mutant) -> str:
    names = ("file", "where", "before", "after", "reason")
    values = (*mutant.key, "")
    return "[[equivalent]]\n" + "".join(
        f"{name} = '''{value}'''\n" for name, value in zip(names, values, strict=True)
    )


def preload() -> None:
    """Import what tests need, once, before the forks; never the package."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for name in ("numpy", "scipy.special", "sympy", "mpmath", "pytest", "hypothesis"):
        if importlib.util.find_spec(name.partition(".")[0]):
            importlib.import_module(name)


if __name__ == "__main__":
    preload()
    sys.exit(main())
