"""Write requirements.txt: the exact versions, in this environment, of all that is needed.

What is needed is read from pyproject.toml's extras, and followed through the installed packages'
own requirements; ``python tasks.py upgrade`` runs this after it has installed newer releases.
"""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
HEAD = """\
# Every package that building, testing and reading the book needs, exactly as tested.
# Made by `make upgrade`; what is wanted, and why, stands in pyproject.toml.
"""
# Needed on one system only, so that the installed packages cannot tell.
ELSEWHERE = {
    "appnope": 'sys_platform == "darwin"',
    "colorama": 'sys_platform == "win32"',
    "pywinpty": 'sys_platform == "win32"',
}
UNIX_ONLY = ("pexpect", "ptyprocess")
BUILD = ("setuptools", "wheel", "packaging")


def plain(name: str) -> str:
    """Return a package's name in the form in which names are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted() -> list[str]:
    """Return what pyproject.toml asks for, all extras together but what is only compared with."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {k: v for k, v in project["optional-dependencies"].items() if k != "bench"}
    lists = [project["dependencies"], *extras.values()]
    return [r for requirements in lists for r in requirements if not r.startswith("nnbook")]


def closure(requirements: list[str]) -> dict[str, str]:
    """Return name and version of every installed package that the requirements lead to."""
    found: dict[str, str] = {}
    seen: dict[str, set[str]] = {}
    queue = [(Requirement(r), "") for r in [*requirements, *BUILD]]
    while queue:
        requirement, extra = queue.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = plain(requirement.name)
        extras = {"", *requirement.extras} - seen.setdefault(name, set())
        if not extras:
            continue
        seen[name] |= extras
        distribution = metadata.distribution(requirement.name)
        found[name] = f"{distribution.metadata['Name']}=={distribution.version}"
        for line in distribution.requires or []:
            queue += [(Requirement(line), one) for one in extras]
    return found


def pins(found: dict[str, str], old: str) -> str:
    """Return the text of requirements.txt."""
    lines = []
    for name, pin in found.items():
        marker = ' ; sys_platform != "win32"' if name in UNIX_ONLY else ""
        lines.append(pin + marker)
    for name, marker in ELSEWHERE.items():
        kept = re.search(rf"^{name}==\S+", old, re.MULTILINE)
        if kept and name not in found:
            lines.append(f"{kept[0]} ; {marker}")
    return HEAD + "\n".join(sorted(lines, key=str.lower)) + "\n"


if __name__ == "__main__":
    target = ROOT / "requirements.txt"
    before = target.read_text(encoding="utf-8")
    after = pins(closure(wanted()), before)
    target.write_text(after, encoding="utf-8", newline="\n")
    changed = sorted(set(before.splitlines()) ^ set(after.splitlines()), key=str.lower)
    for line in changed:
        print(("- " if line in before.splitlines() else "+ ") + line)
    print(f"{len(changed)} lines of requirements.txt changed")
