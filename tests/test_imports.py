"""Imports go one way, heavy packages stay where they belong, and nnbook is quick to import."""

import ast
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "nnbook"
ORDER = ["functions", "learning", "checking", "showing"]
# Third-party packages: which parts may import them, at the top of a module or when called.
ALLOWED = {
    "numpy": ORDER,
    "sympy": ["checking"],
    "mpmath": ["checking"],
    "matplotlib": ["showing"],
    "cycler": ["showing"],  # these two come with matplotlib
    "PIL": ["showing"],
    "ipywidgets": ["showing"],
    "IPython": ["checking", "showing"],
    "sklearn": ["learning"],
    "pooch": ["learning"],
    "tqdm": ["learning"],
    "threadpoolctl": ["learning"],
    "markdown_it": ["checking"],  # these three come with the book's tools, and make pages only
    "mdit_py_plugins": ["checking"],
    "pygments": ["checking"],
    "scipy": [],
}
# These may be imported inside a function only, where they are needed.
LAZY = {
    "IPython", "sklearn", "pooch", "tqdm", "threadpoolctl", "markdown_it", "mdit_py_plugins",
    "pygments",
}  # fmt: skip
MODULES = sorted(PACKAGE.rglob("*.py"))


def imports(source, module):
    """Return (imported module, whether inside a function) for every import in `source`."""
    tree = ast.parse(source)
    inner = {
        id(node)
        for f in ast.walk(tree)
        if isinstance(f, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for node in ast.walk(f)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in inner) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = module.split(".")[: -node.level]
                base = ".".join([*package, *([base] if base else [])])
            found.append((base, id(node) in inner))
            found += [
                (f"{base}.{a.name}", id(node) in inner) for a in node.names if base == "nnbook"
            ]
    return found


def faults(source, module):
    """Return what the imports of `module`, named with dots, do that they must not."""
    part = module.split(".")[1] if "." in module else ""
    wrong = []
    for name, lazy in imports(source, module):
        top, *rest = name.split(".")
        if top == "nnbook":
            other = rest[0] if rest else ""
            if other in ORDER and (part not in ORDER or ORDER.index(other) > ORDER.index(part)):
                wrong.append(f"{module} imports {name}: imports go {' <- '.join(ORDER)}")
        elif top in ALLOWED:
            if part not in ALLOWED[top]:
                wrong.append(f"{module} imports {name}: only {ALLOWED[top]} may")
            elif top in LAZY and not lazy:
                wrong.append(f"{module} imports {name} at its top: import it where it is needed")
        elif top not in sys.stdlib_module_names:
            wrong.append(f"{module} imports {name}: not a dependency of nnbook")
    return wrong


def name_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    # A package's __init__ keeps its last part, so that its relative imports resolve as others do.
    return ".".join(parts)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    assert faults(path.read_text(encoding="utf-8"), name_of(path)) == []


@pytest.mark.parametrize(
    ("module", "source", "fault"),
    [
        (
            "nnbook.functions.losses",
            "import nnbook.learning.mlp",
            "imports go functions <- learning",
        ),
        ("nnbook.functions.losses", "from nnbook import checking", "imports go functions"),
        ("nnbook.functions.losses", "from ..learning import mlp", "imports nnbook.learning"),
        ("nnbook.learning.mlp", "def f():\n    from nnbook.showing import explore", "imports go"),
        ("nnbook.learning.mlp", "import sympy.printing as sp", "only ['checking'] may"),
        ("nnbook.checking.verify", "from matplotlib import pyplot", "only ['showing'] may"),
        ("nnbook.functions.gated", "def f():\n    from scipy.special import erfc", "only [] may"),
        ("nnbook.learning.data", "import pooch", "at its top"),
        ("nnbook.learning.data", "import torch", "not a dependency of nnbook"),
        ("nnbook.__init__", "from nnbook.functions import relu", "imports go"),
    ],
)
def test_a_forbidden_import_is_found(module, source, fault):
    found = faults(source, module)
    assert len(found) >= 1 and fault in found[0]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("nnbook.learning.mlp", "import json, numpy as np\nfrom nnbook.functions import affine"),
        ("nnbook.learning.data", "def f():\n    import pooch"),
        ("nnbook.showing.explore", "from ..checking import derivation\nimport matplotlib.pyplot"),
    ],
)
def test_an_allowed_import_is_not(module, source):
    assert faults(source, module) == []


def python(code, **extra):
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=True,
        env={**os.environ, **extra},
    )
    return result.stdout


def test_functions_load_numpy_alone_even_when_called():
    code = (
        "import sys, nnbook.functions as nf, numpy as np\n"
        "z = np.ones((2, 3))\n"
        "[f(z) for pair in nf.ACTIVATIONS.values() for f in pair]\n"
        "nf.cross_entropy_grad(z, [0, 1]), nf.affine(z, z, z[:, 0])\n"
        "print(*{m.split('.')[0] for m in sys.modules})"
    )
    heavy = {"scipy", "sympy", "mpmath", "matplotlib", "ipywidgets", "IPython", "sklearn", "pandas"}
    assert not heavy & set(python(code).split())


def test_importing_nnbook_loads_no_numpy_and_nothing_heavier():
    assert python("import sys, nnbook; print('numpy' in sys.modules, nnbook.__version__)") == (
        f"False {__import__('nnbook').__version__}\n"
    )


def test_functions_import_within_50_ms_of_numpy(tmp_path):
    # as installed: compiled once, and not anew at each import
    compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path)}
    code = (
        "import time; start = time.process_time(); import numpy; middle = time.process_time();"
        "import nnbook, nnbook.functions; print(time.process_time() - middle, middle - start)"
    )
    python(code, **compiled)
    extra = statistics.median(float(python(code, **compiled).split()[0]) for _ in range(5))
    assert extra <= 0.050, f"nnbook.functions costs {1000 * extra:.0f} ms on top of numpy"


def test_the_package_is_typed():
    assert (PACKAGE / "py.typed").exists()
