"""Execute chapter notebooks, and bring the executed ones into the one form that is committed.

``python tasks.py notebooks N=5`` comes here. What is stored is small and does not depend on the
machine: cell ids count up, metadata is the kernel's name and the language, no widget state is
kept, a picture is replaced only when its pixels visibly changed, and a measured time or error
(which live in an output's metadata) is replaced only when something else changed with it.
"""

from __future__ import annotations

import base64
import io
import os
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import numpy as np
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

REPOSITORY = Path(__file__).resolve().parents[3]
BOOK = REPOSITORY / "book"
WORKERS = 2
CELL_TIMEOUT = 120  # seconds; a chapter is meant to take less than LIMIT in all
LIMIT = 20
WIDGET = "application/vnd.jupyter.widget-view+json"
WIDGET_REPR = re.compile(r"[A-Z]\w*\(.*\)\s*$", re.DOTALL)
STORED_METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}
# Measured on the machine at hand; never a reason to change a committed file.
VOLATILE = frozenset({"seconds", "worst_error", "worst_at", "step_ms", "time"})


class ChapterError(Exception):
    """A cell of a chapter failed; the message shows the cell and what it raised."""


def chapters(number: int | None = None) -> list[Path]:
    """Return the book's notebooks, or the one whose file name starts with ``number``."""
    found = sorted(BOOK.glob("*.ipynb"))
    if number is None:
        return found
    found = [path for path in found if path.name.startswith(f"{number:02d}_")]
    if not found:
        names = ", ".join(path.name for path in sorted(BOOK.glob("*.ipynb"))) or "none"
        raise ValueError(f"no chapter {number} in {BOOK.name}/; there are: {names}")
    return found


def kernel_environment(html: bool, root: Path = REPOSITORY) -> dict[str, str]:
    """Return the environment a chapter's kernel runs in, with or without the book's switch."""
    env = dict(os.environ)
    env.pop("NNBOOK_HTML", None)
    if html:
        env["NNBOOK_HTML"] = "1"
    paths = [str(root), env.get("PYTHONPATH", "")]
    env["PYTHONPATH"] = os.pathsep.join(p for p in paths if p)
    # One thread each: several kernels run side by side, and sums then round alike everywhere.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        env.setdefault(name, "1")
    env["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    return env


def execute(notebook: nbformat.NotebookNode, name: str, html: bool, folder: Path = BOOK) -> float:
    """Execute a notebook in place, in ``folder``, and return the seconds it took.

    Raises
    ------
    ChapterError
        If a cell raises; the message holds the cell's source and the end of the traceback.
    """
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        store_widget_state=False,
        extra_arguments=["--log-level=40"],  # its warning that local sockets are plain text
        coalesce_streams=True,
    )
    start = time.perf_counter()
    try:
        client.execute(env=kernel_environment(html, folder.parent))
    except CellExecutionError as error:
        raise ChapterError(f"{name}: a cell failed\n{error}") from None
    except TimeoutError as error:
        raise ChapterError(f"{name}: a cell ran longer than {CELL_TIMEOUT} s\n{error}") from None
    return time.perf_counter() - start


def normalise(notebook: nbformat.NotebookNode, old: nbformat.NotebookNode | None = None):
    """Bring an executed notebook into its stored form, keeping of ``old`` what still holds."""
    notebook.metadata = nbformat.from_dict(STORED_METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.cells = [cell for cell in notebook.cells if cell.source.strip()]
    before = _outputs_by_source(old)
    width = max(2, len(str(len(notebook.cells) - 1)))
    for i, cell in enumerate(notebook.cells):
        cell.id = f"c{i:0{width}d}"
        cell.source = "\n".join(line.rstrip() for line in cell.source.strip("\n").split("\n"))
        kept = {k: v for k, v in cell.metadata.items() if k in ("tags", "mystnb", "jupyter")}
        cell.metadata = nbformat.from_dict(kept)
        if cell.cell_type == "code":
            cell.outputs = tidy_outputs(cell.outputs)
            for new, past in zip(cell.outputs, before.get(cell.source, []), strict=False):
                _keep_unchanged(new, past)
    return notebook


def _outputs_by_source(notebook) -> dict[str, list]:
    cells = notebook.cells if notebook is not None else []
    return {c.source: c.outputs for c in cells if c.cell_type == "code"}


def tidy_outputs(outputs) -> list:
    """Drop what only a running kernel can show."""
    kept = []
    for output in outputs:
        data = output.get("data")
        if data is not None and WIDGET in data:
            del data[WIDGET]
            output.metadata.pop(WIDGET, None)
            if set(data) <= {"text/plain"} and WIDGET_REPR.match(data.get("text/plain", "")):
                continue
        if output.output_type == "error":  # the lines within the package differ with the machine
            output.traceback = [f"{output.ename}: {output.evalue}"]
        if output.output_type == "display_data":
            output.pop("transient", None)
        kept.append(output)
    return kept


def _keep_unchanged(new, old) -> None:
    """Keep the old picture and the old measurements where nothing visible changed."""
    if new.get("output_type") != old.get("output_type") or "data" not in new:
        return
    before, after = old["data"].get("image/png"), new["data"].get("image/png")
    if before and after and before != after and not visibly_different(before, after):
        new["data"]["image/png"] = before
    if new["data"] == old["data"] and _stable(new["metadata"]) == _stable(old["metadata"]):
        new["metadata"] = old["metadata"]


def _stable(value):
    if isinstance(value, dict):
        return {k: _stable(v) for k, v in value.items() if k not in VOLATILE}
    return [_stable(v) for v in value] if isinstance(value, list) else value


def visibly_different(before: str, after: str) -> bool:
    """Return whether two base64 PNGs differ by more than a few slightly altered pixels."""
    from PIL import Image

    def pixels(png: str) -> np.ndarray:
        image = Image.open(io.BytesIO(base64.b64decode(png)))
        return np.asarray(image.convert("RGBA"), dtype=np.int16)

    a, b = pixels(before), pixels(after)
    if a.shape != b.shape:
        return True
    changed = (np.abs(a - b).max(axis=2) > 24).mean()
    return bool(changed > 5e-4)


def dump(notebook: nbformat.NotebookNode) -> str:
    """Return the notebook as the text that is stored."""
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def write(path: Path, text: str) -> bool:
    """Write ``text`` to ``path`` in one move; return whether anything changed."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8", newline="\n")
    os.replace(partial, path)
    return True


def refresh(path: Path) -> tuple[float, bool]:
    """Execute one stored notebook and store it again; return seconds taken and if it changed."""
    text = path.read_text(encoding="utf-8")
    notebook, old = (nbformat.reads(text, as_version=4) for _ in range(2))
    for cell in notebook.cells:
        cell.setdefault("id", "c")
    seconds = execute(notebook, path.name, html=False)
    normalise(notebook, old)
    nbformat.validate(notebook)
    return seconds, write(path, dump(notebook))


def main(arguments: list[str]) -> int:
    """Run ``notebooks``, for all chapters or for those whose numbers are given."""
    paths = [p for n in arguments for p in chapters(int(n))] if arguments else chapters()
    failed = False
    with ThreadPoolExecutor(WORKERS) as pool:
        runs = {path: pool.submit(refresh, path) for path in paths}
        for path, run in runs.items():
            try:
                seconds, changed = run.result()
            except ChapterError as error:
                print(f"  {error}\n  {path.name} is left as it was.", file=sys.stderr)
                failed = True
                continue
            slow = f"  (over the {LIMIT} s a chapter may take)" if seconds > LIMIT else ""
            word = "stored" if changed else "unchanged"
            print(f"  {path.name}: executed in {seconds:.1f} s, {word}{slow}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
