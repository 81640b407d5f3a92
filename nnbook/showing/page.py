"""The figure as it stands in the built page: native controls, one SVG, what changes."""

import gzip
import json
from html import escape

from nnbook.showing import patches, svg
from nnbook.showing.controls import Choice, Play

MOST_RADIO_BUTTONS = 4


def figure_html(figure, drawn) -> tuple[str, dict]:
    """Return the markup of a figure and its weight.

    Parameters
    ----------
    figure : nnbook.showing.figure.Figure
    drawn : list of State
        Every state, in the order of ``figure.grid()``.

    Returns
    -------
    markup : str
    weights : dict
        ``bytes`` of the markup and ``gzip``, the same compressed.
    """
    first = next(i for i, s in enumerate(drawn) if s.values == figure.start)
    # The state that the page opens with comes first: it is the tree that the page holds.
    order = [first, *(i for i in range(len(drawn)) if i != first)]
    base, slots = patches.merge([drawn[i].tree for i in order])
    back = [order.index(i) for i in range(len(drawn))]
    slots = [patches.Slot(s.path, s.attribute, tuple(s.values[i] for i in back)) for s in slots]
    start = drawn[first]
    width = figure.size[0] * 72
    # Margins that no state uses are cut off, the same in all.
    top, bottom = min(s.used[0] for s in drawn), max(s.used[1] for s in drawn)
    base.set("viewBox", f"0 {top:.0f} {width:g} {bottom - top:.0f}")
    base.set("role", "img")
    base.set("aria-label", start.caption)
    style = f";max-width:{width * 1.5:.0f}px"
    if width > 400:  # a wide figure scrolls on a phone rather than shrink beyond reading
        style += f";min-width:{width * 0.85:.0f}px"
    base.set("style", base.get("style") + style)
    rows, lists = patches.columns(slots)
    payload = {
        "name": figure.name,
        "controls": [
            {"name": name, "labels": c.labels, "start": c.index(c.start)}
            for name, c in figure.controls.items()
        ],
        "captions": [s.caption for s in drawn],
        "numbers": [list(column) for column in zip(*(s.numbers for s in drawn), strict=True)],
        "slots": rows,
        "lists": lists,
    }
    data = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    scroll = ' tabindex="0" role="group" aria-label="Picture, scrolls sideways"'
    heading = _heading(figure)
    markup = "\n".join(
        [
            f'<figure class="nn-explore" id="{figure.anchor}" aria-labelledby='
            f'"{figure.anchor}-caption">',
            '<div class="nn-stage">',
            f'<div class="nn-picture"{scroll if width > 400 else ""}>{svg.text(base)}</div>',
            _formula(figure, drawn, start),
            "</div>",
            f'<div class="nn-controls" role="group" aria-label="{escape(_name(figure))}: '
            f'controls" hidden>',
            *(_control(figure, name, c) for name, c in figure.controls.items()),
            '<button type="button" class="nn-reset">Reset</button>',
            "</div>",
            f'<figcaption id="{figure.anchor}-caption">{heading}'
            f'<span class="nn-caption">{escape(start.caption)}</span></figcaption>',
            '<span class="nn-status" role="status"></span>',
            '<noscript><p class="nn-noscript">With JavaScript on, this figure can be moved. '
            f"Shown is {escape(figure.where(start.values))}.</p></noscript>",
            f'<script type="application/json">{data}</script>',
            "</figure>",
        ]
    )
    raw = markup.encode()
    return markup, {"bytes": len(raw), "gzip": len(gzip.compress(raw, 6, mtime=0))}


def _name(figure) -> str:
    return f"Figure {figure.number}" if figure.number else figure.title or "Figure"


def _heading(figure) -> str:
    parts = []
    if figure.number:
        parts.append(f'<a class="nn-number" href="#{figure.anchor}">Figure {figure.number}</a>')
    if figure.title:
        parts.append(f'<strong class="nn-title">{escape(figure.title.rstrip("."))}.</strong>')
    return "".join(part + " " for part in parts)


def _formula(figure, drawn, start) -> str:
    if not figure.lines:
        return ""
    lines, hole = [], 0
    for line in figure.lines:
        parts = []
        for place, part in enumerate(line):
            if isinstance(part, tuple):
                longest = max(len(state.numbers[hole]) for state in drawn)
                parts.append(
                    f'<span class="nn-num" style="min-width:{longest}ch">'
                    f"{escape(start.numbers[hole])}</span>"
                )
                hole += 1
            else:
                # An empty group where the formula was cut keeps the space of an operator.
                before = "{}" if place else ""
                after = "{}" if place < len(line) - 1 else ""
                latex = escape(before + part.strip() + after)
                parts.append(f'<span class="math notranslate nohighlight">\\({latex}\\)</span>')
        lines.append(f"<p>{''.join(parts)}</p>")
    return f'<div class="nn-formula">{"".join(lines)}</div>'


def _control(figure, name, control) -> str:
    where = f"{figure.anchor}-{name}"
    label = escape(control.label or name)
    start = control.index(control.start)
    if isinstance(control, Choice):
        if len(control) <= MOST_RADIO_BUTTONS:
            return _radio_buttons(where, name, label, control, start)
        options = "".join(
            f"<option{' selected' if i == start else ''}>{escape(text)}</option>"
            for i, text in enumerate(control.labels)
        )
        return (
            f'<div class="nn-control"><label for="{where}">{label}</label>'
            f'<select id="{where}" data-control="{name}" autocomplete="off">{options}</select>'
            "</div>"
        )
    longest = max(map(len, control.labels))
    shown = escape(control.labels[start])
    buttons = ""
    if isinstance(control, Play):
        buttons = (
            f'<div class="nn-buttons" data-interval="{control.interval}">'
            '<button type="button" class="nn-play">Play</button>'
            '<button type="button" class="nn-back">Back</button>'
            '<button type="button" class="nn-next">Next</button></div>'
        )
    return (
        f'<div class="nn-control"><label for="{where}">{label}</label>'
        f'<span class="nn-value" aria-hidden="true" style="min-width:{min(longest, 32)}ch">'
        f"{shown}</span>"
        f'<input type="range" id="{where}" data-control="{name}" min="0" max="{len(control) - 1}" '
        f'step="1" value="{start}" aria-valuetext="{shown}" autocomplete="off">{buttons}</div>'
    )


def _radio_buttons(where, name, label, control, start) -> str:
    buttons = "".join(
        f'<label><input type="radio" name="{where}" value="{i}" autocomplete="off"'
        f"{' checked' if i == start else ''}>{escape(text)}</label>"
        for i, text in enumerate(control.labels)
    )
    return (
        f'<fieldset class="nn-control" data-control="{name}"><legend>{label}</legend>'
        f'<div class="nn-options">{buttons}</div></fieldset>'
    )
