"""The repository holds what it should, and nothing of one machine or of another party."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = {".py", ".md", ".toml", ".yml", ".css", ".js", ".ipynb", ".cff", ".bib", ".txt", ""}
OURS = {"nnbook.js", "explore.js", "exercises.js"}


def tracked() -> list[Path]:
    """Return the files of the project: those git knows, or outside git all but what is built."""
    if shutil.which("git") and (ROOT / ".git").exists():
        asked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
        names = asked.stdout.decode().split("\0")
        return [ROOT / name for name in names if name and (ROOT / name).exists()]
    skip = {".venv", "_build", "build", "dist", "__pycache__", ".git"}
    return [p for p in ROOT.rglob("*") if p.is_file() and not skip & set(p.parts)]


def machine_words(text: str) -> list[str]:
    """Return paths of one machine that a text names."""
    return re.findall(r"(?<![\w.~-])/(?:work|root|home/\w+|Users/\w+)/[\w.-]+", text)


def test_no_file_names_a_path_of_one_machine():
    own = Path(__file__)
    for path in tracked():
        if path.suffix in TEXT and path != own:
            found = machine_words(path.read_text(encoding="utf-8", errors="replace"))
            assert not found, f"{path.relative_to(ROOT)}: {found}"


def test_a_path_of_one_machine_would_be_found():
    assert machine_words("see /home/ada/book and '/root/x'")
    assert not machine_words("https://example.org/home/ada, a/root/b")


def test_no_third_party_code_and_nothing_large_is_committed():
    for path in tracked():
        assert path.stat().st_size < 1_000_000, f"{path.relative_to(ROOT)} is over 1 MB"
        if path.suffix == ".js":
            assert path.name in OURS, path
        assert path.suffix not in {".whl", ".woff", ".woff2", ".gz", ".partial", ".pyc"}, path


def test_pins_are_exact_and_name_no_host():
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    for line in lines:
        if line and not line.startswith("#"):
            pin = r"[A-Za-z0-9._-]+==[\w.]+( ; sys_platform (==|!=) \"\w+\")?"
            assert re.fullmatch(pin, line), line
    assert len(lines) > 50


def test_what_pyproject_asks_for_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert {"book", "test", "lab"} <= set(project["optional-dependencies"])
    extras = {k: v for k, v in project["optional-dependencies"].items() if k != "bench"}
    wanted = [project["dependencies"], *extras.values()]
    pinned = re.sub(r"[_.]", "-", (ROOT / "requirements.txt").read_text("utf-8").lower())
    for requirement in (r for group in wanted for r in group if not r.startswith("nnbook")):
        name = re.match(r"[\w.-]+", requirement)[0].lower()
        assert f"\n{name}==" in pinned, requirement


def test_the_wheel_installs_and_imports_in_a_clean_environment(tmp_path):
    """Built, installed beside NumPy alone, imported; typed, and with its version."""
    wheels = tmp_path / "wheels"
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-TEXT"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "nnbook", source / "nnbook", ignore=lambda *_: {"__pycache__"})
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "-w", str(wheels), str(source)]
    subprocess.run([*pip, *build], check=True)
    (wheel,) = wheels.glob("nnbook-*.whl")
    clean = tmp_path / "clean"
    venv.create(clean, with_pip=False)
    python = clean / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    install = ["--python", str(python), "install", "--no-index", "--no-deps", str(wheel)]
    subprocess.run([*pip, *install], check=True)
    import numpy

    beside = tmp_path / "beside"
    beside.mkdir()
    for part in ("numpy", "numpy.libs"):
        found = Path(numpy.__file__).parents[1] / part
        if found.exists():
            (beside / part).symlink_to(found)
    code = (
        "import nnbook, sys, importlib.metadata as m, pathlib\n"
        "from nnbook.functions import softmax, softmax_vjp\n"
        "from nnbook.learning import init_params\n"
        "home = pathlib.Path(nnbook.__file__).parent\n"
        "assert (home / 'py.typed').exists(), home\n"
        "assert m.version('nnbook') == nnbook.__version__\n"
        "assert not {'sympy', 'matplotlib', 'scipy'} & set(sys.modules)\n"
        "print(home, softmax([0.0, 0.0]))"
    )
    env = {"PYTHONPATH": str(beside), "PATH": "", "SYSTEMROOT": r"C:\Windows"}
    ran = subprocess.run(
        [str(python), "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert str(clean) in ran.stdout and "[0.5 0.5]" in ran.stdout


@pytest.mark.parametrize("name", ["tasks.py", "tests/browser/find_chromium.py"])
def test_what_runs_before_anything_is_installed_needs_the_standard_library_only(name):
    tree = ast.parse((ROOT / name).read_text("utf-8"))
    names = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    names |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert {n.split(".")[0] for n in names} <= set(sys.stdlib_module_names)


def test_modules_are_under_four_hundred_lines():
    for path in tracked():
        if path.suffix == ".py" and "tests" not in path.parts:
            lines = len(path.read_text("utf-8").splitlines())
            assert lines <= 400, f"{path.relative_to(ROOT)}: {lines} lines, 400 at most"


def test_make_has_every_target_of_tasks():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    listed = re.search(r"^TARGETS = (.*)$", makefile, re.MULTILINE)[1].split()
    asked = subprocess.run(
        [sys.executable, "-c", "import tasks; print(*tasks.TARGETS)"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert sorted(listed) == sorted(asked.stdout.split())
