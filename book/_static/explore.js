/* nnbook: figures that move without a kernel. Each figure holds one SVG and, for every place in it
   that changes, the different values; moving a control writes those that differ. */
(() => {
  "use strict";
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const print = matchMedia("print");
  const REST = 500; // ms without a change before a screen reader hears the caption

  function setUp(figure) {
    const one = (selector) => figure.querySelector(selector);
    const data = JSON.parse(one("script[type='application/json']").textContent);
    const svg = one("svg"), caption = one(".nn-caption"), status = one(".nn-status");
    const numbers = figure.querySelectorAll(".nn-num");
    const find = (path) => path.split(".").reduce((node, i) => node.children[i], svg);
    const slots = data.slots.map(([path, name, values, list]) =>
      ({ node: path === "" ? svg : find(path), name, values, list: data.lists[list] }));
    const start = data.controls.map((c) => c.start);
    const shown = slots.map(() => -1); // which value a slot holds; -1: the one it came with
    let at = start.slice(), resting = 0, playing = null;

    const state = () => at.reduce((n, i, c) => n * data.controls[c].labels.length + i, 0);

    function draw() {
      const s = state(), text = data.captions[s];
      slots.forEach((slot, k) => {
        const which = slot.list[s], value = slot.values[which];
        if (shown[k] === which) return;
        shown[k] = which;
        if (slot.name === "") slot.node.textContent = value;
        else if (slot.name === "<") slot.node.innerHTML = value;
        else if (value === null) slot.node.removeAttribute(slot.name);
        else slot.node.setAttribute(slot.name, value);
      });
      numbers.forEach((node, k) => { node.firstChild.data = data.numbers[k][s]; });
      caption.textContent = text;
      svg.setAttribute("aria-label", text);
      controls.forEach((control, c) => control.show(at[c]));
    }

    function rest() {
      clearTimeout(resting);
      resting = setTimeout(() => {
        if (playing === null) status.textContent = data.captions[state()];
        remember();
      }, REST);
    }

    function move(c, i) {
      const last = data.controls[c].labels.length - 1;
      i = Math.max(0, Math.min(last, i));
      if (i === at[c]) return;
      at[c] = i;
      draw();
      rest();
    }

    // The address: ?slope.k=2.0 beside any #anchor; a control at its start is left out.
    function remember() {
      const url = new URL(location.href);
      data.controls.forEach((c, k) => {
        const key = data.name + "." + c.name;
        if (at[k] === c.start) url.searchParams.delete(key);
        else url.searchParams.set(key, c.labels[at[k]]);
      });
      if (url.href === location.href) return;
      try { history.replaceState(history.state, "", url); } catch { /* a file that may not */ }
    }

    function recall() {
      const query = new URLSearchParams(location.search);
      data.controls.forEach((c, k) => {
        const text = query.get(data.name + "." + c.name);
        if (text === null) return;
        let i = c.labels.indexOf(text);
        const number = (label) => parseFloat(label.replace("\u2212", "-"));
        if (i < 0 && isFinite(number(text)) && c.labels.every((l) => isFinite(number(l)))) {
          const far = c.labels.map((l) => Math.abs(number(l) - number(text)));
          i = far.indexOf(Math.min(...far)); // the grid has changed since the link was made
        }
        if (i >= 0) at[k] = i;
      });
    }

    function player(c, box) {
      const button = box.querySelector(".nn-play"), last = data.controls[c].labels.length - 1;
      const stop = () => {
        clearInterval(playing);
        playing = null;
        button.textContent = "Play";
      };
      const play = () => {
        if (at[c] === last) move(c, 0);
        button.textContent = "Pause";
        playing = setInterval(() => {
          move(c, at[c] + 1);
          if (at[c] === last) { stop(); rest(); }
        }, +box.dataset.interval);
      };
      const still = () => { button.hidden = calm.matches; if (calm.matches) stop(); };
      button.addEventListener("click", () => { if (playing === null) play(); else { stop(); rest(); } });
      box.querySelector(".nn-back").addEventListener("click", () => { stop(); move(c, at[c] - 1); });
      box.querySelector(".nn-next").addEventListener("click", () => { stop(); move(c, at[c] + 1); });
      document.addEventListener("visibilitychange", () => { if (document.hidden) stop(); });
      calm.addEventListener("change", still);
      still();
      return stop;
    }

    const controls = data.controls.map((c, k) => {
      const node = one(`[data-control="${c.name}"]`);
      const value = node.parentNode.querySelector(".nn-value");
      const box = node.parentNode.querySelector(".nn-buttons");
      const radios = node.querySelectorAll("input");
      const stop = box ? player(k, box) : () => {};
      node.addEventListener(node.type === "range" ? "input" : "change", (event) => {
        stop();
        move(k, node.tagName === "SELECT" ? node.selectedIndex : +event.target.value);
      });
      const show = (i) => {
        if (radios.length) radios[i].checked = true;
        else if (node.tagName === "SELECT") node.selectedIndex = i;
        else {
          if (+node.value !== i) node.value = i;
          node.setAttribute("aria-valuetext", c.labels[i]);
          value.textContent = c.labels[i];
        }
      };
      return { show, stop };
    });

    const halt = () => controls.forEach((control) => control.stop());
    one(".nn-reset").addEventListener("click", () => { halt(); at = start.slice(); draw(); rest(); });
    // The text of the page speaks of the first state, so that is what is printed.
    let before = null;
    print.addEventListener("change", () => {
      if (print.matches) { halt(); before = at; at = start.slice(); } else at = before || at;
      draw();
    });
    recall();
    draw();
    one(".nn-controls").hidden = false;
  }

  const all = () => document.querySelectorAll("figure.nn-explore").forEach(setUp);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", all);
  else all();
})();
