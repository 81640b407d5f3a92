"""The built pages in Chromium, as a reader meets them."""

import gzip
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, unquote, urljoin, urlsplit

import pytest

from tests.browser.steps import FRAME, p95, step_times, told

HTML = Path(__file__).resolve().parents[2] / "_build" / "html"
PAGES = sorted(p.relative_to(HTML).as_posix() for p in HTML.rglob("*.html"))
PAGES = [p for p in PAGES if p != "index.html" and not p.startswith("_")]
CHAPTERS = [p for p in PAGES if re.match(r"book/\d\d_", p)]
LIVE = ["book/intro.html", *CHAPTERS]
MODES = {
    "desktop, light": {},
    "desktop, dark": {"dark": True},
    "phone, light": {"phone": True},
    "phone, dark": {"phone": True, "dark": True},
}
# Colours depend on light and dark, structure hardly on the width: a chapter's is looked at on the
# desktop, and on the phone what scrolls there and what one touches. Nothing is done twice. The
# pages of docstrings are long and all of one kind: of all but one the structure is looked at, once.
AXE = {"desktop, light": "", "desktop, dark": "contrast", "phone, light": "structure"}
# A chapter has thousands of coloured words of code, in the same few colours as every other.
WITH_CODE = {"book/intro.html", "book/05_units.html", "book/api/showing.html"}
ALIKE = [p for p in PAGES if p.startswith("book/api/") and p != "book/api/showing.html"]
FIRST_VISIT, FIRST_VISIT_RAW = 1_500_000, 2_500_000
PACKED = {".woff", ".woff2", ".png", ".jpg", ".ico"}


def kept(complaints):
    if complaints:
        pytest.fail("\n".join(complaints), pytrace=False)


class Anchors(HTMLParser):
    """The ids of a page, and where its links lead."""

    def __init__(self, name):
        super().__init__()
        self.ids, self.links = set(), []
        self.feed((HTML / name).read_text("utf-8"))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if "id" in attrs:
            self.ids.add(attrs["id"])
        if tag == "a" and attrs.get("href"):
            self.links.append(attrs["href"])


@pytest.fixture(scope="module")
def anchors():
    return {name: Anchors(name) for name in PAGES}


def test_the_book_is_built():
    assert PAGES, "no pages in _build/html: run `make book` first"


class TestEveryPage:
    """No error, no other host, nothing for axe, nothing beyond the screen's edge, and light."""

    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("name", PAGES)
    def test_opens_clean(self, visit, site, checks, report, name, mode):
        seen = visit(site + name, **MODES[mode])
        complaints = seen.complaints()
        if mode in AXE and name not in ALIKE:
            only = "width" if mode == "phone, light" and name in CHAPTERS else AXE[mode]
            complaints += checks["axe"](seen.page, only, code=name in WITH_CODE)
        elif mode == "desktop, light":
            complaints += checks["axe"](seen.page, "structure", code=False)
        beyond = checks["overflow"](seen.page)
        if beyond > 0:
            complaints.append(f"the page is {beyond} px wider than the screen")
        if mode == "desktop, light":
            packed, raw = weight(seen.responses)
            line = f"{packed / 1e6:6.2f} MB gzipped {raw / 1e6:6.2f} MB raw  {name}"
            report("5 first visit of a page (limits 1.5 and 2.5 MB)", line)
            if packed > FIRST_VISIT or raw > FIRST_VISIT_RAW:
                complaints.append(f"too heavy: {line}")
        kept(complaints)


def weight(responses):
    """Return the bytes of a first visit: texts packed as servers send them, and all raw."""
    packed = raw = 0
    for url, response in responses.items():
        body = response.body()
        raw += len(body)
        binary = Path(urlsplit(url).path).suffix in PACKED
        packed += len(body) if binary else len(gzip.compress(body, 6))
    return packed, raw


class TestTheChecks:
    """Each check of this file finds what it looks for in a page that has it."""

    GOOD = (
        "<!doctype html><html lang=en><title>t</title>"
        "<meta name=viewport content='width=device-width'>"
        "<main><h1>t</h1>{}</main>"
    )

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ("<img alt=a src='https://example.org/x.png'>", "another host"),
            ("<script src='https://example.org/x.js'></script>", "another host"),
            ("<img alt=a src='missing.png'>", "could not be had"),
            ("<script>null.x</script>", "console"),
            ("<script>console.error('no')</script>", "console"),
            ("<div style='width:3000px'>wide</div>", "overflow"),
            ("<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>", "axe image-alt"),
            ("<p style='color:#999'>pale</p>", "axe color-contrast"),
            ("<p>fine</p>", ""),
        ],
    )
    def test_find_what_is_wrong(self, visit, checks, tmp_path, body, words):
        path = tmp_path / "page.html"
        path.write_text(self.GOOD.format(body))
        seen = visit(path.as_uri())
        complaints = seen.complaints() + checks["axe"](seen.page)
        if checks["overflow"](seen.page) > 0:
            complaints.append("overflow")
        if words:
            assert any(words in c for c in complaints), complaints
        else:
            assert not complaints

    def test_axe_finds_what_scrolls_out_of_reach_on_a_narrow_screen(self, visit, checks, tmp_path):
        path = tmp_path / "page.html"
        path.write_text(self.GOOD.format(f"<pre style='overflow:auto'>{60 * 'x'}</pre>"))
        assert not checks["axe"](visit(path.as_uri()).page, "width")
        found = checks["axe"](visit(path.as_uri(), phone=True).page, "width")
        assert found and all("scrollable-region-focusable" in sentence for sentence in found)

    @pytest.mark.parametrize("code", [True, False])
    def test_axe_looks_at_code_where_it_is_asked_to(self, visit, checks, tmp_path, code):
        path = tmp_path / "page.html"
        pale = "<div class=highlight><pre><span style='color:#999'>pale</span></pre></div>"
        path.write_text(self.GOOD.format(pale))
        assert bool(checks["axe"](visit(path.as_uri()).page, code=code)) == code

    def test_weigh_all_that_a_page_loads(self, visit, tmp_path):
        (tmp_path / "data.js").write_text("//" + "x" * 50_000)
        path = tmp_path / "page.html"
        path.write_text(self.GOOD.format("<p>fine</p><script src=data.js></script>"))
        packed, raw = weight(visit(path.as_uri()).responses)
        assert raw == 50_002 + path.stat().st_size
        assert packed < 1000

    @pytest.mark.parametrize(
        ("only", "words"), [("contrast", "axe color-contrast"), ("structure", "axe image-alt")]
    )
    def test_half_of_axe_finds_its_half(self, visit, checks, tmp_path, only, words):
        path = tmp_path / "page.html"
        image = "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>"
        path.write_text(self.GOOD.format(f"<p style='color:#999'>pale</p>{image}"))
        found = checks["axe"](visit(path.as_uri()).page, only)
        assert found and all(words in sentence for sentence in found)


class TestLinks:
    """Every link within the book arrives."""

    def test_lead_to_a_page_and_a_place_in_it(self, anchors):
        broken = []
        for name, found in anchors.items():
            for link in found.links:
                parts = urlsplit(urljoin("http://book/" + name, link))
                if parts.netloc != "book":
                    continue
                target = unquote(parts.path.lstrip("/")) or name
                if not (HTML / target).exists():
                    broken.append(f"{name}: {link}")
                elif parts.fragment and target in anchors:
                    if unquote(parts.fragment) not in anchors[target].ids:
                        broken.append(f"{name}: {link} (no such place)")
        kept(broken)

    def test_a_link_that_leads_nowhere_would_be_found(self, anchors):
        assert "no-such-place" not in anchors[PAGES[0]].ids
        assert all(found.links for found in anchors.values())

    @pytest.mark.parametrize("name", LIVE)
    def test_to_equations_bring_them_into_view(self, visit, site, anchors, name):
        page = visit(site + name).page
        ids = [i for i in sorted(anchors[name].ids) if re.fullmatch(r"(eq|ex|fig)-[\w-]+", i)]
        ids = [i for i in ids if not re.match(r"ex-\d+-\d+-", i)]
        missed = []
        for i in ids:
            page.evaluate("i => { location.hash = ''; location.hash = i; }", i)
            page.wait_for_timeout(50)
            top = page.evaluate("i => document.getElementById(i).getBoundingClientRect().top", i)
            if not -2 <= top <= 450 and not _at_the_end(page):
                missed.append(f"{i} is at {top:.0f} px")
        kept(missed)

    @pytest.mark.parametrize("name", CHAPTERS)
    def test_from_outside_arrive_too_though_mathematics_takes_its_place_later(
        self, visit, site, anchors, name
    ):
        ids = sorted((i for i in anchors[name].ids if re.fullmatch(r"eq-\d+-\d+", i)), key=_number)
        page = visit(f"{site}{name}#{ids[-1]}").page
        page.wait_for_timeout(300)
        top = page.evaluate("i => document.getElementById(i).getBoundingClientRect().top", ids[-1])
        assert -2 <= top <= 450 or _at_the_end(page), top


def _number(identifier):
    return [int(part) for part in re.findall(r"\d+", identifier)]


def _at_the_end(page):
    return page.evaluate("scrollY + innerHeight >= document.documentElement.scrollHeight - 2")


class TestSearch:
    """The search box knows every equation by its name."""

    def test_finds_each_equation_by_its_name(self, visit, site, anchors):
        """Ask the page's own search for every name, and look at the list it shows for a few."""
        titles = _equation_titles()
        assert titles
        first = next(iter(titles.values()))
        page = visit(f"{site}search.html?q={quote(first)}").page
        page.wait_for_selector("#search-results ul.search li")     # the index has come
        found = {a: page.evaluate(FOUND, title) for a, title in titles.items()}
        kept([f"{titles[a]!r} does not find #{a}" for a, places in found.items()
              if not any(place.endswith(f"#{a}") for place in places)])
        for anchor in list(titles)[::20]:
            page.goto(f"{site}search.html?q={quote(titles[anchor])}")
            page.wait_for_selector(f'#search-results a[href*="#{anchor}"]', timeout=4000)

    def test_its_index_is_loaded_where_one_searches_alone(self):
        assert [p for p in PAGES if "searchindex.js" in (HTML / p).read_text("utf-8")] == [
            "search.html"
        ]

    def test_finds_nothing_for_nonsense(self, visit, site):
        page = visit(site + "search.html?q=zzxqj").page
        page.wait_for_timeout(800)
        assert page.locator("#search-results ul.search li").count() == 0


FOUND = "q => Search._performSearch(...Search._parseQuery(q)).map(r => r[0] + r[2])"


def _equation_titles():
    """Read the equations' names from the ledger page."""
    text = (HTML / "book" / "ledger.html").read_text("utf-8")
    rows = re.findall(
        r'href="[^"]*#(eq-[\w-]+)".*?</td>\s*<td>(?:<p>)?(.*?)(?:</p>)?</td>', text, re.DOTALL
    )
    plain = {}
    for anchor, title in rows:
        words = re.sub(r"<[^>]+>|&\w+;", " ", title)
        plain[anchor] = re.sub(r"[^\w\s]", " ", words).strip()
    return plain


class TestWithoutJavaScript:
    """Prose, the first state of each figure, captions and exercises are there."""

    @pytest.mark.parametrize("name", LIVE)
    def test_the_page_can_be_read(self, visit, site, name):
        page = visit(site + name, javascript=False).page
        assert page.locator("article h1").is_visible()
        assert len(page.locator("article").inner_text().split()) > 150
        for i in range(page.locator("figure.nn-explore").count()):
            figure = page.locator("figure.nn-explore").nth(i)
            assert figure.locator("svg").first.is_visible()
            assert re.search(r"\d", figure.locator("figcaption").inner_text())
            assert not figure.locator(".nn-controls").is_visible()
        for i in range(page.locator(".nn-exercise").count()):
            assert page.locator(".nn-exercise .nn-ex-statement").nth(i).is_visible()

    @pytest.mark.parametrize("name", LIVE)
    def test_there_is_something_to_move_and_to_answer(self, visit, site, name):
        page = visit(site + name, javascript=False).page
        assert page.locator("figure.nn-explore").count() >= 1
        if name in CHAPTERS:
            assert page.locator(".nn-exercise").count() >= 3


class TestKeyboard:
    """All can be reached and moved by keyboard, and one sees where one is."""

    def test_the_first_stop_skips_to_the_text(self, visit, site):
        page = visit(site + LIVE[0]).page
        page.keyboard.press("Tab")
        assert "main" in page.evaluate("document.activeElement.textContent").lower()
        page.keyboard.press("Enter")
        assert page.evaluate("location.hash") == "#main-content"

    @pytest.mark.parametrize("name", LIVE)
    def test_every_stop_is_seen_and_every_control_is_reached(self, visit, site, name):
        page = visit(site + name).page
        wanted = page.evaluate(
            "document.querySelectorAll('.nn-explore input, .nn-explore select, .nn-exercise input,"
            " .nn-exercise button').length"
        )
        unseen, reached, stops = [], set(), 0
        for _ in range(900):
            page.keyboard.press("Tab")
            stop = page.evaluate(FOCUS)
            if stop is None:
                break
            stops += 1
            if not stop["seen"]:
                unseen.append(stop["html"])
            if stop["control"]:
                reached.add(stop["key"])
        kept([f"focus cannot be seen: {html}" for html in unseen])
        assert stops > 10 and (not wanted or reached), f"{stops} stops, {len(reached)} controls"

    @pytest.mark.parametrize("name", LIVE)
    def test_a_slider_moves_by_arrow_keys(self, visit, site, name):
        page = visit(site + name).page
        figure = page.locator("figure.nn-explore:has(input[type=range])").first
        slider = figure.locator("input[type=range]").first
        slider.focus()
        before = figure.locator("figcaption").inner_text(), figure.locator("svg").first.inner_html()
        forward = page.evaluate("e => +e.value < +e.max", slider.element_handle())
        page.keyboard.press("ArrowRight" if forward else "ArrowLeft")
        page.wait_for_timeout(100)
        after = figure.locator("figcaption").inner_text(), figure.locator("svg").first.inner_html()
        assert before[0] != after[0] and before[1] != after[1]


FOCUS = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const style = getComputedStyle(e);
  const box = e.getBoundingClientRect();
  const drawn = n => { const s = getComputedStyle(n);
    const line = s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0;
    return line || s.boxShadow !== 'none'; };
  const near = [e, e.parentElement, e.querySelector('*')].filter(Boolean);
  const all = [...document.querySelectorAll('input, select, button')];
  return {html: e.outerHTML.slice(0, 140), seen: near.some(drawn) && box.width > 0,
          control: !!e.closest('.nn-explore, .nn-exercise'), key: all.indexOf(e)};
}"""


class TestPrint:
    """On paper stand the text and the first states, and no furniture."""

    @pytest.mark.parametrize("name", LIVE)
    def test_prints_the_text_alone(self, visit, site, name):
        page = visit(site + name).page
        page.emulate_media(media="print")
        for furniture in ("#pst-primary-sidebar", "#pst-secondary-sidebar", ".nn-controls"):
            assert not page.locator(furniture).first.is_visible(), furniture
        assert page.locator("h1:visible").count() == 1
        assert page.locator("figure.nn-explore svg").first.is_visible()
        assert len(page.pdf()) > 10_000


class TestFromTheFileSystem:
    """The book opens without a server."""

    def test_the_first_page_leads_to_the_introduction(self, visit):
        seen = visit("about:blank")
        seen.page.goto((HTML / "index.html").as_uri(), wait_until="commit")
        seen.page.wait_for_url("**/book/intro.html")
        assert seen.page.locator("article h1").is_visible()
        kept(seen.complaints())

    @pytest.mark.parametrize("name", LIVE)
    def test_a_chapter_is_alive(self, visit, name):
        seen = visit((HTML / name).as_uri())
        slider = seen.page.locator(".nn-explore input[type=range]").first
        slider.focus()
        before = seen.page.locator(".nn-explore figcaption").first.inner_text()
        seen.page.keyboard.press("End")
        seen.page.keyboard.press("Home")
        seen.page.keyboard.press("ArrowRight")
        seen.page.wait_for_timeout(100)
        assert seen.page.locator("mjx-container").count() > 3
        assert before and not seen.complaints(), seen.complaints()

    def test_search_works(self, visit):
        anchor, title = next(iter(_equation_titles().items()))
        seen = visit((HTML / "search.html").as_uri() + f"?q={quote(title)}")
        seen.page.wait_for_selector(f'#search-results a[href*="#{anchor}"]', timeout=5000)
        kept(seen.complaints())


class TestSteps:
    """A figure follows the hand: one step takes less than a frame."""

    @pytest.mark.parametrize("name", LIVE)
    def test_every_figure_steps_within_a_frame(self, visit, site, report, name):
        page = visit(site + name).page
        figures = page.eval_on_selector_all("figure.nn-explore", "all => all.map((f) => f.id)")
        assert figures
        for figure in figures:
            times = step_times(page, figure)
            report("7 one step of a figure (limit 16 ms)", f"{told(times)}  {name}#{figure}")
            assert p95(times) < FRAME, (figure, told(times))
