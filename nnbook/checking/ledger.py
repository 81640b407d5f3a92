"""The ledger: every equation of the book, the function held to it, and how well it held.

The rows are read from executed notebooks, where derivations and verifications leave them in the
metadata of their outputs; nothing is imported and nothing is run.
"""

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

EQUATIONS = ("derivation", "definition", "theorem")
NEEDS_NO_FUNCTION = ("definition", "theorem")
# How strong a level is. T stands beside the order: a quantified statement has no stronger form.
STRENGTH = {"S": 5, "A": 4, "F": 3, "N": 2, "D": 1}


class LedgerError(ValueError):
    """The book's equations and their verifications do not fit together.

    Attributes
    ----------
    problems : list of str
        One sentence each.
    """

    def __init__(self, problems):
        super().__init__("the ledger does not balance:\n  " + "\n  ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Row:
    """An equation and one function held to it; ``function`` is empty where there is none."""

    number: str
    title: str
    kind: str
    level: str
    anchor: str
    chapter: str
    function: str = ""
    bound: float | None = None
    unit: str = ""
    points: int | None = None
    worst_error: float | None = None
    worst_at: dict | None = None
    domain: str = ""
    narrowed: str | None = None
    excused: bool = False

    @property
    def link(self):
        """The place of the equation, from a page in the same folder."""
        return f"{self.chapter}.ipynb#{self.anchor}" if self.chapter else f"#{self.anchor}"


def _records(notebook):
    """Yield what nnbook left in the metadata of a notebook's outputs, in order."""
    if not isinstance(notebook, dict) or "cells" not in notebook:
        raise TypeError("notebook must be a notebook's JSON as a dict with cells, got "
                        f"{type(notebook).__name__}")
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            record = (output.get("metadata") or {}).get("nnbook")
            if isinstance(record, dict):
                yield record


def _key(number):
    """Sort 5.2 before 5.10, and 5.2 before 5.2a."""
    chapter, _, rest = str(number).partition(".")
    digits = re.match(r"\d*", rest)[0]
    return int(chapter or 0), int(digits or 0), rest


def rows(notebook, chapter=""):
    """Return the ledger's rows of one executed notebook.

    Parameters
    ----------
    notebook : dict
        The notebook's JSON.
    chapter : str
        Its file name without ``.ipynb``.

    Returns
    -------
    found : list of Row
        One per equation and function, sorted by number; an equation that nothing verifies has
        one row with an empty function.

    Examples
    --------
    >>> record = {"kind": "definition", "number": "5.1", "title": "A layer"}
    >>> cell = {"outputs": [{"metadata": {"nnbook": record}}]}
    >>> rows({"cells": [cell]}, "05_units")[0].link
    '05_units.ipynb#eq-5-1'
    """
    equations, checks = {}, {}
    for record in _records(notebook):
        number = str(record.get("number"))
        if record.get("kind") in EQUATIONS:
            equations.setdefault(number, record)
        elif record.get("kind") == "verification":
            checks.setdefault(number, []).append(record)
    found = []
    for number in sorted(equations, key=_key):
        e = equations[number]
        level = "D" if e["kind"] == "definition" else str(e.get("level", ""))[:1]
        about = {"number": number, "title": e.get("title", ""), "kind": e["kind"], "level": level,
                 "anchor": e.get("anchor") or "eq-" + number.replace(".", "-"), "chapter": chapter}
        for c in checks.get(number, [{}]):
            found.append(Row(**about, function=c.get("function", ""), bound=c.get("bound"),
                             unit=c.get("unit", ""), points=c.get("points"),
                             worst_error=c.get("worst_error"), worst_at=c.get("worst_at"),
                             domain=c.get("domain", ""), narrowed=c.get("narrowed"),
                             excused=c.get("unit") == "none"))
    return found


def problems(notebooks):
    """Return what is wrong with the equations of some notebooks, one sentence each.

    Parameters
    ----------
    notebooks : sequence
        Paths, or pairs (chapter, notebook dict).

    Returns
    -------
    found : list of str
        Empty if each equation is displayed once under a number of its own, and each derivation
        is verified or excused with a reason.
    """
    found, owner = [], {}
    for chapter, notebook in _opened(notebooks):
        here, verified = {}, set()
        for record in _records(notebook):
            number = str(record.get("number"))
            if record.get("kind") == "verification":
                verified.add(number)
            elif record.get("kind") in EQUATIONS:
                if number in owner:
                    found.append(f"({number}) is displayed in {owner[number]} and again in "
                                 f"{chapter}, as {record.get('title', '')!r}: give the second one "
                                 "a number of its own")
                owner.setdefault(number, chapter)
                here[number] = record
                prefix = re.match(r"(\d+)_", chapter)
                if prefix and _key(number)[0] != int(prefix[1]):
                    found.append(f"({number}) stands in {chapter}: its number belongs to "
                                 f"chapter {_key(number)[0]}")
        for number, record in here.items():
            if number not in verified and record["kind"] not in NEEDS_NO_FUNCTION:
                found.append(f"({number}) {record.get('title', '')} in {chapter} has no "
                             "verification: hold a function to it with verify(), or say with "
                             "verify(d, unverifiable=...) why there is none")
        found += [f"({number}) is verified in {chapter} and not derived there"
                  for number in sorted(verified - set(here), key=_key)]
    return found


def ledger(notebooks):
    """Return the rows of a book, in order; refuse a book whose equations are not all accounted for.

    Parameters
    ----------
    notebooks : sequence
        Paths of executed notebooks, or pairs (chapter, notebook dict).

    Returns
    -------
    found : list of Row
        Sorted by equation number.

    Raises
    ------
    LedgerError
        If a derivation has no verification, a number is used twice, or a verification is of no
        equation in its chapter.
    """
    opened = list(_opened(notebooks))
    wrong = problems(opened)
    if wrong:
        raise LedgerError(wrong)
    found = [row for chapter, notebook in opened for row in rows(notebook, chapter)]
    return sorted(found, key=lambda row: _key(row.number))


def _opened(notebooks):
    for item in notebooks:
        if isinstance(item, tuple):
            yield item
        else:
            path = Path(item)
            yield path.stem, json.loads(path.read_text(encoding="utf-8"))


def read_map(path):
    """Return the committed map of the book's equations, a list of dicts.

    Parameters
    ----------
    path : path-like
        ``book/data/equations.toml``.

    Raises
    ------
    ValueError
        If an entry has no id, an unknown level or status, or an id occurs twice.
    """
    entries = tomllib.loads(Path(path).read_text(encoding="utf-8")).get("equation", [])
    seen = set()
    for entry in entries:
        number = entry.get("id")
        if not number or number in seen:
            raise ValueError(f"{path}: each equation needs an id of its own, got {number!r}")
        seen.add(number)
        if entry.get("level") not in (*STRENGTH, "T"):
            raise ValueError(f"{path}: equation {number} has the level {entry.get('level')!r}; "
                             "expected S, A, F, N, T or D")
        if entry.get("status") not in ("planned", "landed"):
            raise ValueError(f"{path}: equation {number} has the status {entry.get('status')!r}; "
                             "expected planned or landed")
    return entries


def _strong_enough(found, planned):
    if planned == "T":
        return found in ("T", "S", "A")
    return STRENGTH.get(found, 0) >= STRENGTH[planned]


def missing(planned, found):
    """Return where the map of equations and the ledger disagree, one sentence each.

    Parameters
    ----------
    planned : list of dict
        From `read_map`.
    found : list of Row
        From `ledger`.

    Returns
    -------
    disagreements : list of str
        A landed equation that is not in the ledger, or at a weaker level than planned with no
        note that says why, or not held to the function that the map names; an equation in the
        ledger that the map does not know, or calls planned still.

    Examples
    --------
    >>> missing([{"id": "5.3", "level": "S", "status": "landed", "note": ""}], [])
    ['(5.3) has landed by the map, and no chapter derives it']
    """
    by_number, messages = {}, []
    for row in found:
        by_number.setdefault(row.number, []).append(row)
    for entry in planned:
        number, held = entry["id"], by_number.get(entry["id"])
        if entry["status"] == "planned":
            if held:
                messages.append(f"({number}) is in the ledger: its status in the map is landed")
            continue
        if not held:
            messages.append(f"({number}) has landed by the map, and no chapter derives it")
            continue
        if not _strong_enough(held[0].level, entry["level"]) and not entry.get("note"):
            messages.append(f"({number}) is planned at level {entry['level']} and derived at "
                            f"{held[0].level}, and no note says why")
        wanted = entry.get("function", "")
        names = {row.function.rsplit(".", 1)[-1] for row in held}
        if wanted and wanted.rsplit(".", 1)[-1] not in names and not entry.get("note") \
                and held[0].kind not in NEEDS_NO_FUNCTION:
            messages.append(f"({number}) is to be held to {wanted}, and is held to "
                            f"{', '.join(sorted(names - {''})) or 'nothing'}")
    known = {entry["id"] for entry in planned}
    messages += [f"({number}) is in the book and not in the map"
                 for number in sorted(set(by_number) - known, key=_key)]
    return messages
