#!/usr/bin/env python3
"""Everything this repository can do, with Python alone: ``python tasks.py book``.

``make book`` and its like call this file; where there is no make (Windows), call it yourself.
It finds a Python >= 3.11, makes ``.venv``, installs the pinned packages once, and runs the
target in it. Only the standard library is used here.

    book                build the book, warnings as errors, and say where to open it
    test                lint, unit tests, doctests, notebooks, book, pages in Chromium
    lab                 open JupyterLab on the chapters
    chapter N=5         build one chapter alone (with the reference pages)
    notebooks [N=5]     execute the notebooks and store their outputs
    upgrade             install newer packages, run the tests, show what changed
    clean               remove what was built (``clean all=1``: .venv too)
"""

from __future__ import annotations

import contextlib
import hashlib
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


# ------------------------------------------------------------------ running and reporting


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


# ------------------------------------------------------------------ set-up


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


# ------------------------------------------------------------------ targets


def book() -> None:
    """Build the book and say where to open it."""
    with step("build the book"):
        build()
    page = BUILD / "html" / "index.html"
    say(f"\nOpen the book: {page.as_uri()}")


def build(toc: str = "_toc.yml") -> None:
    """Build into _build/html, warnings as errors."""
    start = "from jupyter_book.cli.main import main; main()"
    python("-c", start, "build", ".", "--toc", toc, "-W", "-n", "--keep-going", "-q")


def notebooks(N: str = "") -> None:
    """Execute the notebooks (or chapter N) and store their outputs, normalised."""
    with step(f"execute and store {'chapter ' + N if N else 'every notebook'}"):
        python("-m", "nnbook_ext.notebooks", *([_chapter(N)] if N else []))


def lab() -> None:
    """Open JupyterLab on the chapters."""
    python("-m", "jupyter", "lab", "--notebook-dir", ROOT / "book")


def clean(all: str = "") -> None:
    """Remove what was built."""
    for path in [BUILD, ROOT / "build", ROOT / "dist", *([VENV] if all else [])]:
        shutil.rmtree(path, ignore_errors=True)


def _chapter(number: str) -> str:
    if not number.isdigit():
        raise Stop(f"N is a chapter's number, as in N=5; got N={number}.")
    return str(int(number))


TARGETS = {f.__name__: f for f in (book, notebooks, lab, clean)}


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
