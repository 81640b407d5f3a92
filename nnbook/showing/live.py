"""The figure in a running kernel: ipywidgets, and a drawing that follows them."""

import asyncio
from html import escape

from nnbook.showing.controls import Choice, Play
from nnbook.showing.page import MOST_RADIO_BUTTONS

REST, LONGEST_WAIT = 0.03, 0.15
"""Seconds without a change before drawing; seconds after which a drag draws all the same."""

_STYLE = (
    "<style>.nn-live svg{width:100%;height:auto;font-family:var(--jp-ui-font-family,sans-serif);"
    "--nn-ink:var(--jp-ui-font-color1,currentColor);--nn-muted:var(--jp-ui-font-color2,#566069);"
    "--nn-grid:var(--jp-border-color2,#d5dae0);--nn-paper:var(--jp-layout-color0,#fff)}"
    'body[data-jp-theme-light="false"] .nn-live svg{--nn-c1:#56b4e9;--nn-c2:#ff8c42;'
    "--nn-c3:#2fcb9b;--nn-c4:#e59ac6;--nn-c5:#e6b800;--nn-c6:#a8b8c8}</style>"
)


def widget(figure, start):
    """Return the box of widgets that shows ``figure``.

    Parameters
    ----------
    figure : nnbook.showing.figure.Figure
    start : State
        The state that the controls stand at.
    """
    import ipywidgets as w

    picture, caption, formula = w.HTML(), w.HTML(), w.HTMLMath()
    movers = {name: _mover(w, name, c) for name, c in figure.controls.items()}
    reset = w.Button(description="Reset", layout=w.Layout(width="6em"))

    def put(state):
        width = round(figure.size[0] * 100)
        picture.value = (
            f'{_STYLE}<div class="nn-live" style="max-width:{width}px">'
            + state.svg.replace(
                "<svg ", f'<svg role="img" aria-label="{escape(state.caption)}" ', 1
            )
            + "</div>"
        )
        number = f"Figure {escape(figure.number)}. " if figure.number else ""
        if figure.title:
            number += f"<strong>{escape(figure.title.rstrip('.'))}.</strong> "
        caption.value = (
            f'<p class="nn-live-caption" role="status" style="max-width:{width}px;'
            f'line-height:1.4">{number}{escape(state.caption)}</p>'
        )
        if figure.lines:
            formula.value = _formula(figure, state)

    def redraw():
        try:
            put(figure.state(**{name: mover.value for name, mover in movers.items()}))
        except Exception as error:  # a callback's traceback would go to a log nobody reads
            caption.value = f'<p class="nn-live-caption" role="alert">{escape(str(error))}</p>'

    later = _Later(redraw)
    for mover in movers.values():
        mover.observe(lambda _: later(), "value")

    def to_start(_):
        for name, value in figure.start.items():
            movers[name].value = value

    reset.on_click(to_start)
    put(start)
    rows = [_with_player(w, figure.controls[name], mover) for name, mover in movers.items()]
    below = [formula] if figure.lines else []
    box = w.VBox([picture, *below, *rows, reset, caption])
    box.nn_movers = movers
    return box


def _mover(w, name, control):
    options = list(zip(control.labels, control.values, strict=True))
    common = {
        "options": options,
        "value": control.start,
        "description": control.label or name,
        "style": {"description_width": "initial"},
        "layout": w.Layout(width="32em"),
    }
    if isinstance(control, Choice):
        kind = w.RadioButtons if len(control) <= MOST_RADIO_BUTTONS else w.Dropdown
        return kind(**common)
    return w.SelectionSlider(continuous_update=True, **common)


def _with_player(w, control, mover):
    if not isinstance(control, Play):
        return mover
    player = w.Play(
        min=0, max=len(control) - 1, value=mover.index, interval=control.interval,
        description=control.label or "play",
    )  # fmt: skip
    w.jslink((player, "value"), (mover, "index"))
    return w.HBox([player, mover])


def _formula(figure, state) -> str:
    numbers = iter(state.numbers)
    lines = []
    for line in figure.lines:
        parts = [f"<b>{next(numbers)}</b>" if isinstance(p, tuple) else f"${p}$" for p in line]
        lines.append(" ".join(parts))
    return "<br>".join(lines)


class _Later:
    """Call a function when the controls rest, so that dragging does not queue drawings."""

    def __init__(self, function):
        self.function, self.handle, self.first = function, None, None

    def __call__(self):
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.function()  # no loop, no later: a test, or a plain interpreter
            return
        now = loop.time()
        if self.handle is None:
            self.first = now
        else:
            self.handle.cancel()
        wait = max(0.0, min(REST, self.first + LONGEST_WAIT - now))
        self.handle = loop.call_later(wait, self._run)

    def _run(self):
        self.handle = None
        self.function()
