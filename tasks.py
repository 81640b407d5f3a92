#!/usr/bin/env python3
"""Everything this repository can do, with Python alone: ``python tasks.py book``.

``make book`` and its like call this file; where there is no make (Windows), call it yourself.
It finds a Python >= 3.11, makes ``.venv``, installs the pinned packages once, and runs the
target in it. Only the standard library is used here.

    book                build the book, warnings as errors, and say where to open it
    test                lint, unit tests, doctests, notebooks, book, pages in Chromium
    lab                 open JupyterLab on the chapters
    chapter N=5         build the book, executing that chapter alone
    notebooks [N=5]     execute the notebooks and store their outputs
    lint                check the style of the code
    mutants             plant errors in the code, count those that the tests find (``sample=300``)
    fuzz [only=gelu]    try all float32 numbers and many shapes, for hours (``part=1/64``: a share)
    precision           measure the worst errors and write the table that the book shows
    statistics          count words, equations, states, exercises, planted errors of each chapter
    bench [only=step]   time nnbook beside PyTorch, JAX and others (10 minutes; ``rounds=20``)
    serve               serve the built book at http://localhost:8000
    upgrade             install newer packages, run the tests, show what changed
    clean               remove what was built (``clean all=1``: .venv too)
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BUILD = ROOT / "_build"
OLDEST = (3, 11)
WINDOWS = os.name == "nt"
PYTHON = VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")
IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")
steps: list[tuple[float, str]] = []


class Stop(Exception):
    """A target cannot go on; the message says why and what to do."""


def say(text: str) -> None:
    """Print at once, so that a long step is seen to have begun."""
    print(text, flush=True)


@contextlib.contextmanager
def step(title: str):
    """Announce a step, time it, and remember it for the list at the end."""
    say(f"→ {title}")
    start = time.perf_counter()
    try:
        yield
    finally:
        seconds = time.perf_counter() - start
        steps.append((seconds, title))
        say(f"  {seconds:.1f} s: {title}")


def environment(**extra: str) -> dict[str, str]:
    """Return the environment of our own processes: this checkout first, nothing of another's."""
    env = {k: v for k, v in os.environ.items() if k not in ("NNBOOK_HTML", "PYTHONHOME")}
    paths = [str(ROOT), str(ROOT / "book" / "_ext"), env.get("PYTHONPATH", "")]
    env["PYTHONPATH"] = os.pathsep.join(p for p in paths if p)
    env["PATH"] = os.pathsep.join([str(PYTHON.parent), env.get("PATH", "")])
    env["VIRTUAL_ENV"] = str(VENV)
    env["PYTHONUTF8"] = "1"
    return {**env, **extra}


def run(*command: object, **extra: str) -> None:
    """Run a command in the repository; a failure ends the target with its command line."""
    words = [str(word) for word in command]
    code = subprocess.run(words, cwd=ROOT, env=environment(**extra), check=False).returncode
    if code:
        shown = " ".join(words).replace(str(ROOT) + os.sep, "")
        raise Stop(f"failed (exit status {code}): {shown}")


def python(*arguments: object, **extra: str) -> None:
    """Run the virtual environment's Python."""
    run(PYTHON, *arguments, **extra)


def find_python() -> str:
    """Return an interpreter new enough, this one first."""
    if sys.version_info >= OLDEST:
        return sys.executable
    for minor in range(OLDEST[1] + 9, OLDEST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found and _works(found):
            return found
    if WINDOWS and shutil.which("py") and _works("py", "-3"):
        return subprocess.check_output(
            ["py", "-3", "-c", "import sys; print(sys.executable)"], text=True
        ).strip()
    raise Stop(
        f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed, and this is "
        f"{platform.python_version()}. Install one from python.org or your system's packages."
    )


def _works(*command: str) -> bool:
    check = f"import sys; sys.exit(sys.version_info < {OLDEST})"
    return subprocess.run([*command, "-c", check], check=False).returncode == 0


def stamp() -> str:
    """Return what the virtual environment must have been made from."""
    digest = hashlib.sha256()
    for name in ("requirements.txt", "pyproject.toml"):
        digest.update((ROOT / name).read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def set_up() -> None:
    """Make .venv and install the pins; costs nothing when that is done already."""
    mark = VENV / "nnbook-stamp"
    if _stamped(mark):
        return
    with lock(ROOT / ".venv.lock"):
        if _stamped(mark):
            return
        if not PYTHON.exists():
            make_venv(find_python())
        with step("install the pinned packages (a few minutes the first time)"):
            pip = (PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "-q")
            run(*pip, "-r", "requirements.txt")
            run(*pip, "--no-deps", "--no-build-isolation", "-e", ".")
        mark.write_text(stamp(), encoding="utf-8")


def _stamped(mark: Path) -> bool:
    return PYTHON.exists() and mark.exists() and mark.read_text(encoding="utf-8") == stamp()


def make_venv(interpreter: str) -> None:
    """Create .venv, or say in a sentence what the system lacks."""
    with step(f"make a virtual environment in {VENV.name}"):
        probe = "import venv, ensurepip"
        if subprocess.run([interpreter, "-c", probe], check=False, capture_output=True).returncode:
            raise Stop(
                f"{interpreter} has no venv module with pip (Debian and Ubuntu package them "
                "apart): run `apt-get install python3-venv python3-pip`, then try again."
            )
        made = subprocess.run([interpreter, "-m", "venv", str(VENV)], check=False)
        if made.returncode or not PYTHON.exists():
            shutil.rmtree(VENV, ignore_errors=True)
            raise Stop(f"`{interpreter} -m venv {VENV.name}` failed; its message is above.")
    has_pip = subprocess.run([str(PYTHON), "-m", "pip", "--version"], capture_output=True)
    if has_pip.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        raise Stop("the new virtual environment has no pip: install the python3-pip package.")


@contextlib.contextmanager
def lock(path: Path, patience: float = 900):
    """Hold a lock file, so that two targets started together do not install at once."""
    start = time.monotonic()
    told = False
    while True:
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            break
        except FileExistsError:
            if time.monotonic() - start > patience:
                raise Stop(
                    f"{path.name} is held by another run; if there is none, delete it."
                ) from None
            if not told:
                say("  another run is installing; waiting for it")
                told = True
            time.sleep(0.5)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def book() -> None:
    """Build the book and say where to open it."""
    with step("build the book"):
        build()
    page = BUILD / "html" / "index.html"
    say(f"\nOpen the book: {page.as_uri()}")


# Its traceback through its own command line would bury the message that matters.
JUPYTER_BOOK = """
import sys
from jupyter_book.cli.main import main
try:
    main()
except RuntimeError:
    sys.exit("The book was not built; the reason is above.")
"""


def build(**extra: str) -> None:
    """Build into _build/html, warnings as errors."""
    python("-c", JUPYTER_BOOK, "build", ".", "-W", "-n", "--keep-going", "-q", **extra)


def chapter(N: str = "") -> None:
    """Build the book with chapter N executed anew; the others stand as they last were."""
    number = _chapter(N).zfill(2)
    with step(f"build chapter {int(number)}"):
        build(NNBOOK_CHAPTER=f"{number}_")
    pages = sorted((BUILD / "html" / "book").glob(f"{number}_*.html"))
    if not pages:
        raise Stop(f"there is no chapter {int(number)}: book/{number}_*.ipynb, named in _toc.yml.")
    say(f"\nOpen the chapter: {pages[0].as_uri()}")


def lint() -> None:
    """Check the style of the code."""
    with step("lint"):
        python("-m", "ruff", "check", "--quiet", ".")


def test() -> None:
    """Run everything, and end with a report and pytest's own closing line."""
    shutil.rmtree(REPORT, ignore_errors=True)
    lint()
    browser = chromium()
    shutil.rmtree(BUILD, ignore_errors=True)
    with step("build the book, cold"):
        build()
    with step("build the book again, warm"):
        build()
    other = {"NPY_DISABLE_CPU_FEATURES": "X86_V4", "OPENBLAS_CORETYPE": "Haswell"}
    with step("run the notebooks under another processor's kernels"):
        python("-m", "pytest", "-q", *NBVAL, "book", PYTHONHASHSEED="1", **other)
    report("0 steps before the tests", sorted(steps, reverse=True)[:10])
    report("1 chapters executed for the book, figures and all (limit 20 s)", executed())
    with step("compare with JAX, optax, SciPy and scikit-learn"):  # apart from tests that fork
        python("-m", "pytest", "-q", "-n", "2", "--dist", "loadscope", "tests/witnesses")
    say("→ unit tests, doctests, notebooks" + (", pages in Chromium" if browser else ""))
    chosen = [] if browser else ["-m", "not browser"]
    python(
        "-m", "pytest", "-q", *NBVAL, "--doctest-modules", "--durations=10", *chosen,
        "--ignore=tests/witnesses", "tests", "nnbook", "book",
        PYTHONHASHSEED="0", NNBOOK_CHROMIUM=browser or "", NNBOOK_REPORT="1",
    )  # fmt: skip


def executed() -> list[tuple[float, str]]:
    """Return how long each chapter took when the book was built."""
    paths = sorted((BUILD / "executed").glob("*.json"))
    return [(json.loads(p.read_text(encoding="utf-8"))["seconds"], p.stem) for p in paths]


def report(title: str, times: list[tuple[float, str]]) -> None:
    """Keep times for the report that ends the tests."""
    REPORT.mkdir(parents=True, exist_ok=True)
    lines = [f"{seconds:7.1f} s  {name}" for seconds, name in times]
    (REPORT / f"{title}.txt").write_text("\n".join(lines), encoding="utf-8")


REPORT = BUILD / "report"
NBVAL = ["--nbval", "--nbval-current-env", "-n", "2", "--dist", "loadscope", "-p", "no:randomly",
         "--no-loadscope-reorder"]  # the long scopes, in the browser, come early


def chromium() -> str | None:
    """Return a Chromium for the browser tests; without one, go on without them, but not in CI."""
    with step("find a Chromium, or install one"):
        found = subprocess.run(
            [str(PYTHON), "tests/browser/find_chromium.py"],
            cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    if found.returncode == 0:
        return found.stdout.strip().splitlines()[-1]
    if IN_CI:
        raise Stop("the browser tests need a Chromium; install one, or unset CI to leave them out.")
    say("  going on without the browser tests")
    return None


def notebooks(N: str = "") -> None:
    """Execute the notebooks (or chapter N) and store their outputs, normalised."""
    with step(f"execute and store {'chapter ' + N if N else 'every notebook'}"):
        python("-m", "nnbook_ext.notebooks", *([_chapter(N)] if N else []))


def lab() -> None:
    """Open JupyterLab on the chapters; more than one thread a product would wait for each other."""
    one = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    python("-m", "jupyter", "lab", "--notebook-dir", ROOT / "book", **one)


def serve() -> None:
    """Serve the built book."""
    python("-m", "http.server", "8000", "--bind", "127.0.0.1", "--directory", BUILD / "html")


def mutants(sample: str = "") -> None:
    """Plant errors in the code and count those that the tests find."""
    python("tests/mutate.py", *(["--sample", sample] if sample else []))


def fuzz(only: str = "", part: str = "") -> None:
    """Try more inputs than the tests have time for."""
    python("tests/fuzz.py", *given(only=only, part=part))


def precision() -> None:
    """Measure the worst errors of the elementwise functions, for the book's table."""
    with step("measure at a million points a function"):
        python("tests/functions/precision_table.py")


def statistics() -> None:
    """Count what each chapter holds; the states of figures are those last built."""
    python("-m", "tests.statistics_of_book")


def bench(only: str = "", rounds: str = "") -> None:
    """Time nnbook beside what is installed of PyTorch, JAX and others; store what the book shows.

    ``.venv/bin/pip install -e '.[bench]'`` installs them all.
    """
    python("-m", "benchmarks", *given(only=only, rounds=rounds))


def given(**options: str) -> list[str]:
    """Return the options that were given, as words of a command line."""
    return [f"{name}={value}" for name, value in options.items() if value]


def upgrade() -> None:
    """Install newer packages, re-pin, run the tests, show what changed."""
    with step("install newer packages"):
        pip = (PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "-q", "--upgrade")
        run(*pip, "--upgrade-strategy", "eager", "pip", "setuptools", "wheel", "-e", ".[test]")
    with step("pin what was installed"):
        python(".ci/pins.py")
    (VENV / "nnbook-stamp").write_text(stamp(), encoding="utf-8")
    try:
        test()
    except Stop as stop:
        raise Stop(f"{stop}\nTo go back: git checkout requirements.txt, then any target.") from None


def clean(all: str = "") -> None:
    """Remove what was built."""
    for path in [BUILD, ROOT / "build", ROOT / "dist", *([VENV] if all else [])]:
        shutil.rmtree(path, ignore_errors=True)


def _chapter(number: str) -> str:
    if not number.isdigit():
        raise Stop(f"N is a chapter's number, as in N=5; got N={number}.")
    return str(int(number))


TARGETS = {f.__name__: f for f in (
    book, test, lab, chapter, notebooks, lint, mutants, fuzz, precision, statistics, bench, serve,
    upgrade, clean)}  # fmt: skip


def main(words: list[str]) -> int:
    """Run the target named first with the ``NAME=value`` words after it."""
    if sys.stdout.encoding and sys.stdout.encoding.lower() not in ("utf-8", "utf8"):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    if not words or words[0] not in TARGETS:
        say((__doc__ or "").strip())
        return 0 if words in ([], ["help"], ["--help"]) else 2
    target, options = TARGETS[words[0]], dict(word.partition("=")[::2] for word in words[1:])
    try:
        if target is not clean:
            set_up()
        target(**options)
    except TypeError as error:
        if "argument" not in str(error):
            raise
        say(f"{words[0]}: {error}")
        return 2
    except Stop as stop:
        say(f"\n✗ {stop}")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
