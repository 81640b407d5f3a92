"""Serve everything from the book itself: MathJax and the icons, out of installed packages.

No third-party code is committed. What is copied is checked by SHA-256, so that another release of
a package cannot change the published page unnoticed.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from importlib import metadata
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from sphinx.errors import ExtensionError

MATHJAX_PACKAGE = "sphinx-mathjax-offline"
# MathJax 3.2.2: the script, and all its woff fonts together (names and contents, in order).
SCRIPT = "tex-chtml.js"
FONTS = "output/chtml/fonts/woff-v2"
SCRIPT_SHA256 = "0a6ded5abbce13331658dd239f34382abd06492c74b71b61e8caa8112ec55fa5"
FONTS_SHA256 = "55901a41a5f58440068a8ed8a6b5550dbce956e8a474a4728349a5715ee3fd27"

# The icons that the theme's templates and scripts name, beside those that its style sheet names.
ICONS = (
    "angle-left angle-right arrow-up bars chevron-down circle-half-stroke code download expand "
    "file file-lines home lightbulb list magnifying-glass moon outdent pencil play sun xmark"
).split()
ICON_FONT = "nnbook-icons.woff"
ICON_RULE = re.compile(r'((?:\.fa-[\w-]+:before,?)+)\{content:"[^"]*"\}')
# Parts of Bootstrap that no page of the book has.
UNUSED = re.compile(
    r"\.(?:sd-|carousel|offcanvas|accordion|toast|popover|spinner|placeholder|list-group|card|"
    r"pagination|page-item|page-link|progress|input-group|was-validated|is-valid|is-invalid|"
    r"valid-|invalid-|nav-tabs|nav-pills|form-floating|form-range|form-select|form-switch|badge|"
    r"btn-outline|btn-group|table-(?!of)|figure-|ratio|vr\b|hstack|vstack|DocSearch)"
)
RULE = re.compile(r"(?<=[{}])([^{}@]+)\{[^{}]*\}")
FONT_FACE = re.compile(r"@font-face\{[^}]*Font Awesome[^}]*\}")


def setup(app):
    """Point Sphinx at our MathJax, and copy the files when the pages are written."""
    app.connect("config-inited", use_own_mathjax)
    app.connect("build-finished", copy_assets)


def use_own_mathjax(app, config) -> None:
    """Load MathJax from the book, without the menu, whose files are not served."""
    config.mathjax_path = f"vendor/mathjax/{SCRIPT}"
    settings = dict(config.mathjax3_config or {})
    settings["options"] = {**settings.get("options", {}), "enableMenu": False}
    settings["chtml"] = {**settings.get("chtml", {}), "matchFontHeight": False}
    config.mathjax3_config = settings


def copy_assets(app, error) -> None:
    """Copy MathJax, make the small icon font, and drop what no page loads."""
    if error is not None or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    copy_mathjax(static / "vendor" / "mathjax")
    slim_icons(static)
    for path in static.rglob("*.map"):
        path.unlink()


def mathjax_files() -> Path:
    """Return the folder of the installed MathJax.

    Raises
    ------
    ExtensionError
        If the package is missing or holds other files than those that were tested.
    """
    try:
        files = metadata.files(MATHJAX_PACKAGE) or []
    except metadata.PackageNotFoundError:
        raise ExtensionError(f"{MATHJAX_PACKAGE} is not installed; see requirements.txt") from None
    found = [Path(f.locate()) for f in files if f.name == SCRIPT]
    if not found:
        raise ExtensionError(f"{MATHJAX_PACKAGE} holds no {SCRIPT}")
    folder = found[0].parent
    for name, actual, expected in (
        (SCRIPT, sha256_of(folder / SCRIPT), SCRIPT_SHA256),
        (FONTS, sha256_of_folder(folder / FONTS), FONTS_SHA256),
    ):
        if actual != expected:
            raise ExtensionError(
                f"{MATHJAX_PACKAGE}: {name} has SHA-256 {actual}, expected {expected}. If the "
                "release was changed on purpose, look at the pages and put the new value here."
            )
    return folder


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def sha256_of_folder(folder: Path) -> str:
    """Return one SHA-256 over the names and contents of a folder's files."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        digest.update(f"{path.name}:{sha256_of(path)}\n".encode())
    return digest.hexdigest()


def copy_mathjax(target: Path) -> None:
    """Copy the script and the fonts it may ask for."""
    source = mathjax_files()
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / SCRIPT, target / SCRIPT)
    shutil.copytree(source / FONTS, target / FONTS, dirs_exist_ok=True)


def slim_icons(static: Path) -> None:
    """Replace the theme's icon script (1.5 MB) and fonts by a font of the icons used (4 KB)."""
    sheet = static / "styles" / "pydata-sphinx-theme.css"
    fonts = static / "vendor" / "fontawesome" / "webfonts"
    css = sheet.read_text(encoding="utf-8")
    if (fonts / "fa-solid-900.ttf").exists():
        make_icon_font(fonts / "fa-solid-900.ttf", icon_characters(css), fonts / ICON_FONT)
    own = (
        "@font-face{font-display:block;font-family:Font Awesome\\ 6 Free;font-style:normal;"
        f'font-weight:900;src:url(../vendor/fontawesome/webfonts/{ICON_FONT}) format("woff")}}'
    )
    rest = ICON_RULE.sub(_rule_of_a_used_icon, FONT_FACE.sub("", css.replace(own, "")))
    sheet.write_text(own + RULE.sub(_rule_of_a_used_part, rest), encoding="utf-8")
    for path in fonts.glob("fa-*"):
        path.unlink()
    (static / "scripts" / "fontawesome.js").unlink(missing_ok=True)


def _rule_of_a_used_icon(rule: re.Match) -> str:
    return rule[0] if set(re.findall(r"\.fa-([\w-]+)", rule[1])) & set(ICONS) else ""


def _rule_of_a_used_part(rule: re.Match) -> str:
    return "" if all(UNUSED.search(one) for one in rule[1].split(",")) else rule[0]


def icon_characters(css: str) -> set[int]:
    """Return the code points of the icons used, read from the theme's style sheet."""
    points = set()
    for name in ICONS:
        match = re.search(rf'\.fa-{name}[,{{:][^}}]*?"\\([0-9a-f]+)"', css)
        if not match:
            raise ExtensionError(f"the theme's style sheet has no icon named {name}")
        points.add(int(match[1], 16))
    points |= {ord(icon) for icon in re.findall(r'--pst-[\w-]+:"([\ue000-\uf8ff])"', css)}
    for value in re.findall(r'content:"\\(f[0-9a-f]{3})";font-family:Font Awesome', css):
        points.add(int(value, 16))
    return points


def make_icon_font(source: Path, points: set[int], target: Path) -> None:
    """Write a font with the given code points only."""
    options = subset.Options(flavor="woff", layout_features=[], notdef_outline=False, hinting=False)
    font = TTFont(source)
    tool = subset.Subsetter(options)
    tool.populate(unicodes=points)
    tool.subset(font)
    font.flavor = "woff"
    font["head"].modified = font["head"].created  # the same file whenever it is made
    font.recalcTimestamp = False
    font.save(target)
