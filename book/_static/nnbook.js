/* nnbook: what the page needs beyond its style sheet. Without it everything can still be read. */
(() => {
  "use strict";

  // What scrolls sideways must be reachable by keyboard, and only then: a tab stop each.
  const SCROLLERS = ".nn-scroll, .nn-derivation-scroll, .nn-formula, div.math, mjx-container, pre, .nn-picture, .bd-article table, .bd-sidebar-primary";
  const NAMES = [["pre", "Code"], [".math, mjx-container, .nn-formula", "Equation"], [".nn-picture", "Figure"]];

  function reachScrollers() {
    for (const box of document.querySelectorAll(SCROLLERS)) {
      const scrolls = box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1;
      const clips = /auto|scroll/.test(getComputedStyle(box).overflowX + getComputedStyle(box).overflowY);
      if (scrolls && clips) {
        if (box.hasAttribute("tabindex")) continue;
        box.tabIndex = 0;
        box.dataset.nnScrolls = "";
        if (!box.hasAttribute("role") && !box.closest("[role=img]")) {
          box.dataset.nnScrolls = "named";
          box.setAttribute("role", "group");
          const kind = NAMES.find(([selector]) => box.matches(selector));
          box.setAttribute("aria-label", (kind ? kind[1] : "Table") + ", scrolls");
        }
      } else if ("nnScrolls" in box.dataset) {
        box.removeAttribute("tabindex");
        if (box.dataset.nnScrolls === "named") {
          box.removeAttribute("role");
          box.removeAttribute("aria-label");
        }
        delete box.dataset.nnScrolls;
      }
    }
  }

  // A link into the page is followed again once the mathematics above it has its height.
  function arrive() {
    const id = decodeURIComponent(location.hash.slice(1));
    const place = id && document.getElementById(id);
    if (place) place.scrollIntoView();
  }

  function settled() {
    reachScrollers();
    if (performance.now() < 4000 && !moved) arrive();
  }

  let moved = false; // the reader has scrolled: leave the page where it is
  for (const event of ["wheel", "touchmove", "keydown", "pointerdown"]) {
    addEventListener(event, () => { moved = true; }, { passive: true, once: true });
  }

  addEventListener("resize", () => requestAnimationFrame(reachScrollers));
  addEventListener("load", () => {
    reachScrollers();
    const mathjax = window.MathJax && window.MathJax.startup;
    if (mathjax && mathjax.promise) mathjax.promise.then(settled);
  });
  document.addEventListener("toggle", reachScrollers, true); // a <details> was opened
})();
