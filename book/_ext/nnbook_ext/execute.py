"""Execute the chapters before Sphinx reads them, and hand Sphinx the executed copies.

The cache is keyed by everything a chapter's output can depend on: its code, the package, the
pins, the tables, the exercises, and the switches. Editing prose therefore executes nothing, and
editing ``nnbook/`` executes everything.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import nbformat
from sphinx.errors import ExtensionError
from sphinx.util import logging

from nnbook_ext import notebooks

logger = logging.getLogger(__name__)
# The ids that links may name; what an exercise's form numbers within itself is not meant.
ANCHOR = re.compile(
    r"""<[^>]*?\sid=["']((?:eq|ex)-\d+-\d+[a-z]?|fig-[\w-]+)["']""",
)
INPUTS = (
    "nnbook/**/*.py",
    "requirements.txt",
    "book/data/*.toml",
    "book/exercises/*.py",
    "book/_ext/nnbook_ext/notebooks.py",
)


def setup(app):
    """Execute when Sphinx decides what is outdated; replace each source as it is read."""
    app.connect("env-get-outdated", execute_chapters)
    app.connect("source-read", read_executed)


def surroundings(root: Path) -> str:
    """Return a digest of all that every chapter depends on."""
    digest = hashlib.sha256(sys.version.encode())
    for name in ("NNBOOK_SOLUTIONS",):
        digest.update(f"{name}={os.environ.get(name, '')}".encode())
    for pattern in INPUTS:
        for path in sorted(root.glob(pattern)):
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def key_of(notebook, around: str) -> str:
    """Return the cache key of a chapter: its code and tags, and what surrounds it."""
    code = [[c.source, c.metadata.get("tags", [])] for c in notebook.cells if _is_code(c)]
    return hashlib.sha256((around + json.dumps(code)).encode()).hexdigest()


def _is_code(cell) -> bool:
    return cell.cell_type == "code"


def cache_folder(app) -> Path:
    """Return where the executed chapters of this build lie."""
    return Path(app.srcdir) / "_build" / "executed"


def execute_chapters(app, env, added, changed, removed):
    """Execute the chapters whose outputs are not in the cache; name the documents to read again."""
    root = Path(app.srcdir)
    around = surroundings(root)
    only = os.environ.get("NNBOOK_CHAPTER", "")
    keys, stale = {}, {}
    for doc in sorted(env.found_docs):
        path = Path(env.doc2path(doc))
        if path.suffix != ".ipynb":
            continue
        notebook = nbformat.read(path, as_version=4)
        keys[doc] = key_of(notebook, around)
        cached = _record(_stored(app, doc))
        if cached and not path.name.startswith(only):
            keys[doc] = cached["key"]  # as it last was; `make chapter` is about another chapter
        elif cached.get("key") != keys[doc]:
            stale[doc] = (path, notebook)
    _execute_all(app, stale, keys)
    before = getattr(env, "nn_keys", {})
    env.nn_keys = keys
    moved = {doc for doc in keys if before.get(doc) != keys[doc]}
    if moved or added or changed or removed:
        moved |= getattr(env, "nn_table_docs", set()) & env.found_docs
    return sorted(moved)


def _execute_all(app, stale, keys) -> None:
    if not stale:
        return
    folder = cache_folder(app)
    folder.mkdir(parents=True, exist_ok=True)
    failures = []
    with ThreadPoolExecutor(notebooks.WORKERS) as pool:
        runs = {
            doc: pool.submit(notebooks.execute, nb, path.name, True, path.parent)
            for doc, (path, nb) in stale.items()
        }
        for doc, run in runs.items():
            path, notebook = stale[doc]
            try:
                seconds = run.result()
            except notebooks.ChapterError as error:
                failures.append(str(error))
                continue
            outputs = [notebooks.tidy_outputs(c.outputs) for c in notebook.cells if _is_code(c)]
            record = {"key": keys[doc], "seconds": round(seconds, 2), "outputs": outputs}
            text = json.dumps(record, ensure_ascii=False)
            notebooks.write(_cache_file(app, doc), text)
            print(f"  executed {path.name} in {seconds:.1f} s", flush=True)
    if failures:
        raise ExtensionError("\n\n".join(failures))


def _cache_file(app, doc: str) -> Path:
    return cache_folder(app) / (doc.replace("/", "-") + ".json")


def _stored(app, doc: str) -> bytes:
    try:
        return _cache_file(app, doc).read_bytes()
    except OSError:
        return b""


def _record(stored: bytes) -> dict:
    try:
        return json.loads(stored)
    except ValueError:
        return {}


def executed(app, doc: str) -> nbformat.NotebookNode:
    """Return a chapter as executed for this build: today's prose, the cache's outputs.

    A dozen tables read every chapter, so the same two texts are put together once; whoever reads
    the notebook must not write to it.
    """
    source = Path(app.env.doc2path(doc)).read_text(encoding="utf-8")
    return _put_together(source, _stored(app, doc))


@lru_cache(maxsize=64)
def _put_together(source: str, stored: bytes) -> nbformat.NotebookNode:
    notebook = nbformat.reads(source, as_version=4)
    outputs = iter(_record(stored).get("outputs", []))
    for cell in notebook.cells:
        if _is_code(cell):
            cell.outputs = nbformat.from_dict(next(outputs, []))
    hide_machinery(notebook)
    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    return notebook


SHOWS_AN_EXERCISE = re.compile(r"^(exercise|solution)\(.*\)$", re.DOTALL)


def hide_machinery(notebook) -> None:
    """Hide in the page the calls that only make an exercise appear there.

    Where the page's own form checks the answer, the cell with ``check`` is hidden too; an answer
    that is code is written in the notebook, and there the cell says how.
    """
    written = True  # whether the exercise at hand is answered in the notebook
    for cell in filter(_is_code, notebook.cells):
        tags = list(cell.metadata.get("tags", []))
        for output in cell.outputs:
            about = output.get("metadata", {}).get("nnbook", {})
            if about.get("kind") == "exercise":
                written = about.get("type", "").lower() == "code"
        if SHOWS_AN_EXERCISE.match(cell.source.strip()):
            tags.append("remove-input")
        if "nb-check" in tags and not written:
            tags.append("remove-cell")
        cell.metadata["tags"] = tags


def all_executed(app) -> dict[str, nbformat.NotebookNode]:
    """Return every chapter of this build by document name, in the order of the file names."""
    docs = sorted(getattr(app.env, "nn_keys", {}))
    return {doc: executed(app, doc) for doc in docs}


def records(app) -> list[dict]:
    """Return what the executed chapters' outputs say of themselves, with the document's name."""
    return [
        {"doc": doc, **output["metadata"]["nnbook"], "data": output.get("data", {})}
        for doc, notebook in all_executed(app).items()
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "nnbook" in output.get("metadata", {})
    ]


def anchors_shown(app) -> dict[str, str]:
    """Return the document in which each id of an output is displayed."""
    return {
        anchor: doc
        for doc, notebook in all_executed(app).items()
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        for anchor in ANCHOR.findall("".join(output.get("data", {}).get("text/html", "")))
    }


def read_executed(app, doc, content) -> None:
    """Put the executed chapter in the place of the stored one."""
    if doc in getattr(app.env, "nn_keys", {}):
        content[0] = nbformat.writes(executed(app, doc))
