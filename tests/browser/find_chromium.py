"""Find a Chromium on this machine, or install one: ``python tests/browser/find_chromium.py``.

Prints the path of the browser and ends with status 0; where there is none and none can be had, it
says on stderr what was tried and ends with status 1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)


def find() -> str | None:
    """Return the path of a Chromium: the system's, or Playwright's own."""
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return found
    for place in PLACES:
        if Path(place).exists():
            return place
    return _playwrights_own()


def _playwrights_own() -> str | None:
    code = (
        "from playwright.sync_api import sync_playwright as s\n"
        "with s() as p: print(p.chromium.executable_path)"
    )
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    path = asked.stdout.strip()
    return path if path and Path(path).exists() else None


def install() -> str | None:
    """Install one, Debian's package as root and Playwright's own elsewhere; return its path."""
    for commands in _ways():
        try:
            for command in commands:
                subprocess.run(command, check=True, stdout=sys.stderr)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"could not install a Chromium: {error}", file=sys.stderr)
            continue
        found = find()
        if found:
            return found
    return None


def _ways() -> list[list[list[str]]]:
    ways = []
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        apt = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium"]
        ways.append([["apt-get", "update", "-q"], apt])
    ways.append([[sys.executable, "-m", "playwright", "install", "chromium"]])
    return ways


if __name__ == "__main__":
    browser = find() or install()
    if not browser:
        sys.exit("no Chromium was found, and none could be installed")
    print(browser)
