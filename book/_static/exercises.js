// Checks answers in the page, without a kernel and without eval. It reads the same records and
// says the same words as nnbook/checking/{grammar,judge}.py; tests/browser holds the two together.
(() => {
"use strict";
const GREEK = {}, LOW = "₀₁₂₃₄₅₆₇₈₉", HIGH = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺";
("alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau phi chi psi " +
 "omega Delta Phi Sigma Omega epsilon phi mu theta").split(" ").forEach((n, i) => {
  GREEK["αβγδεζηθικλμνξπρστφχψωΔΦΣΩϵϕµϑ"[i]] = n; });
const SAME = { "−": "-", "–": "-", "·": "*", "×": "*", "⋅": "*", "∗": "*", "÷": "/", "[": "(", "]": ")" };
const ALIAS = { sigmoid: "sigma", logistic: "sigma", r: "relu", ReLU: "relu", ln: "log" };
const CONSTANTS = new Map([["e", Math.E], ["pi", Math.PI]]);
const relu = (z) => Math.max(z, 0);
const FUNCTIONS = { sigma: (z) => 1 / (1 + Math.exp(-z)), relu, H: (z) => (z > 0 ? 1 : 0),
  softplus: (z) => relu(z) + Math.log1p(Math.exp(-Math.abs(z))), max: Math.max, min: Math.min };
for (const f of "exp log sqrt sin cos tan sinh cosh tanh abs sign".split(" ")) FUNCTIONS[f] = Math[f];
const isFunction = (n) => Object.hasOwn(FUNCTIONS, Object.hasOwn(ALIAS, n) ? ALIAS[n] : n);
const isMany = (n) => n === "max" || n === "min";
const OPERATORS = { "+": (a, b) => a + b, "-": (a, b) => a - b, "*": (a, b) => a * b, "/": (a, b) => a / b, "^": Math.pow };
const COMMA = "A comma stands between two digits, or between the arguments of max or min.";
const BLANK = "[ \\t\\n\\r\\u00a0\\u2000-\\u200b\\u202f\\u2060\\u3000\\ufeff]+", SPACE = new RegExp(BLANK, "y");
const POINT = /(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?/y;
const DECIMAL = /(?:[0-9]+(?:\.[0-9]*|,[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?/y;
const NAME = /[A-Za-z][A-Za-z0-9_₀-₉]*|[α-ωΔΦΣΩϵϕµϑ][0-9_₀-₉]*|√/y;
const MODULE = /(?:np|numpy|math|Math|sp|sympy)\./y;
const RAISED = /[⁰¹²³⁴-⁹⁻⁺]+/y;

class Unread extends Error {}
const stop = (text) => { throw new Unread(text); };
const short = (text) => { const c = [...text]; return c.length <= 30 ? text : c.slice(0, 30).join("") + "…"; };
const canonical = (n) => n === "√" ? "sqrt" : [...n].filter((c) => c !== "_")
  .map((c) => GREEK[c] ?? (LOW.includes(c) ? LOW.indexOf(c) : c)).join("");

function character(c) {
  const code = c.codePointAt(0), name = "U+" + code.toString(16).toUpperCase().padStart(4, "0");
  const hidden = code < 32 || (code >= 127 && code < 160) || (code >= 0x2000 && code <= 0x206f) || (code >= 0xd800 && code <= 0xf8ff);
  return hidden ? name : `“${c}” (${name})`;
}

function semicolonAhead(text, i) {            // is this argument list separated by semicolons?
  for (let depth = 0; i < text.length; i++) {
    if ("([".includes(text[i])) depth++;
    else if (")]".includes(text[i]) && --depth < 0) return false;
    else if (text[i] === ";" && !depth) return true;
  }
  return false;
}

function cut(text, variables) {
  const found = [], decimal = [true];         // decimal: one entry per open parenthesis
  let i = 0, m;
  const match = (pattern) => { pattern.lastIndex = i; m = pattern.exec(text)?.[0]; return m; };
  while (i < text.length) {
    let c = SAME[text[i]] ?? text[i];
    if (match(SPACE) || match(MODULE)) { /* passed over */ }
    else if (match(decimal.at(-1) ? DECIMAL : POINT)) {
      const value = Number(m.replace(",", "."));
      if (value === Infinity) stop(`${short(m)} is too large for a number.`);
      found.push(["number", value]);
    } else if (match(RAISED)) {
      const raised = [...m].map((d) => "0123456789-+"[HIGH.indexOf(d)]).join("");
      if (!/^[+-]?[0-9]+$/.test(raised)) stop(`The power ${short(m)} is not understood.`);
      found.push(["^", "^"]);
      if (raised[0] === "-") found.push(["-", "-"]);
      found.push(["number", Number(raised.replace(/^[+-]/, ""))]);
    } else if (match(NAME)) found.push(["name", canonical(m)]);
    else if ("+-*/^(),;|".includes(c)) {
      if (text.startsWith("**", i)) { c = "^"; i++; }
      if (c === "(") {
        const before = found.at(-1)?.[1];
        decimal.push(!(isMany(before) && !variables.includes(before)) || semicolonAhead(text, i + 1));
      } else if (c === ")" && decimal.length > 1) decimal.pop();
      found.push([c, c]);
      i++;
      continue;
    } else if (c === "=") stop("Write the formula alone, without an equals sign.");
    else if (c === "\\") stop("LaTeX is not read here: write sigma(z), exp(-z), sqrt(z), a/b.");
    else stop(`The character ${character(String.fromCodePoint(text.codePointAt(i)))} is not part of a formula.`);
    i += m.length;
  }
  return found;
}

function parse(text, names = []) {            // steps for a stack machine
  const size = [...text].length, variables = names.map(canonical);
  if (size > 500) stop(`That is ${size} characters; an answer has at most 500.`);
  const tokens = cut(text, variables), steps = [];
  if (!tokens.length) stop("Nothing is written yet.");
  let at = 0, depth = 0, bars = 0;
  const kind = (ahead = 0) => tokens[at + ahead]?.[0] ?? "end";
  const known = (n) => variables.includes(n) || CONSTANTS.has(n);
  const missing = () => {
    const before = at ? tokens[at - 1][1] : null, where = typeof before === "string" ? ` after “${before}”` : "";
    stop(kind() === "end" ? `The formula stops too early${where}: something is missing.`
      : `“${tokens[at][1]}” stands where a number or a name is expected${where}.`);
  };
  const inside = () => { const b = bars; bars = 0; sum(); return b; };
  function close() {
    if (",;".includes(kind())) stop(COMMA);
    if (kind() !== ")") stop("A “(” is not closed.");
    at++;
  }
  function sum() {
    product();
    while ("+-".includes(kind())) { const sign = kind(); at++; product(); steps.push([sign]); }
  }
  function product() {
    signed();
    for (let last = "*"; ;) {
      const k = kind();
      if ("*/".includes(k)) { last = k; at++; signed(); steps.push([k]); }
      else if (k === "number") stop(`Before ${show(tokens[at][1])} an operator is missing, such as * or ^.`);
      else if (k === "name" || k === "(" || (k === "|" && !bars)) {
        if (last === "/") stop("A product without sign after “/” can be read in two ways: write a/(b*c) or (a/b)*c.");
        power(); steps.push(["*"]);
      } else return;
    }
  }
  function signed() {                         // every recursion passes here
    if (++depth > 40) stop("The formula is nested more than 40 deep.");
    if ("+-".includes(kind())) { const sign = kind(); at++; signed(); if (sign === "-") steps.push(["negate"]); }
    else power();
    depth--;
  }
  function power() {
    atom();
    if (kind() === "^") { at++; signed(); steps.push(["^"]); }
  }
  function atom() {
    const k = kind();
    if (k === "number") steps.push(["number", tokens[at++][1]]);
    else if (k === "(") { at++; bars = inside(); close(); }
    else if (k === "|") {
      at++; bars++; sum();
      if (kind() !== "|") stop("A “|” is not closed.");
      bars--; at++; steps.push(["abs", 1]);
    } else if (k === "name") name();
    else missing();
  }
  function split(whole) {
    const pieces = [];
    for (let rest = whole; rest;) {
      if (known(rest) || isFunction(rest)) return [...pieces, rest];
      let k = rest.length - 1;
      while (k > 0 && !known(rest.slice(0, k))) k--;
      if (k <= 0) break;
      pieces.push(rest.slice(0, k)); rest = rest.slice(k);
    }
    stop(`“${short(whole)}” is not known here` + (names.length ? `. The variables are ${names.join(", ")}; a product of names needs *.`
      : ": a number is expected."));
  }
  function name() {
    const pieces = split(tokens[at][1]), n = pieces[0];
    if (pieces.length > 1) tokens.splice(at, 1, ...pieces.map((p) => ["name", p]));
    at++;
    if (variables.includes(n)) steps.push(["variable", variables.indexOf(n)]);
    else if (CONSTANTS.has(n)) steps.push(["number", CONSTANTS.get(n)]);
    else call(n);
  }
  function call(shown) {
    const n = Object.hasOwn(ALIAS, shown) ? ALIAS[shown] : shown;
    let raised = null, count = 1;
    if (kind() === "^" && kind(1) === "number" && kind(2) === "(") { raised = tokens[at + 1][1]; at += 2; }
    if (kind() !== "(") stop(`Write ${shown}(…) with its argument in parentheses.`);
    at++;
    const before = inside();
    for (; isMany(n) && ",;".includes(kind()); count++) { at++; sum(); }
    bars = before;
    if (",;".includes(kind())) stop(`${shown} takes one argument.`);
    close();
    if (isMany(n) && count < 2) stop(`${shown} takes two arguments or more.`);
    steps.push([n, count]);
    if (raised !== null) steps.push(["number", raised], ["^"]);
  }
  sum();
  if (kind() === ")") stop("A “)” has no “(” before it.");
  if (",;".includes(kind())) stop(COMMA);
  if (kind() !== "end") missing();
  return steps;
}

function evaluate(steps, point) {
  const stack = [];
  for (const [kind, x] of steps) {
    if (kind === "number") stack.push(x);
    else if (kind === "variable") stack.push(point[x]);
    else if (kind === "negate") stack.push(-stack.pop());
    else if (OPERATORS[kind]) { const b = stack.pop(); stack.push(OPERATORS[kind](stack.pop(), b)); }
    else stack.push(FUNCTIONS[kind](...stack.splice(-x)));
  }
  return stack[0];
}

function show(x, digits = 4) {                // integers in full, else rounded, with a true minus
  if (Number.isInteger(x) && Math.abs(x) < 1e15) return String(x).replace("-", "−");
  const sign = x < 0 ? "−" : "", [mantissa, e] = Math.abs(x).toExponential(digits - 1).split("e"), exponent = Number(e);
  let figures = mantissa.replace(".", "").replace(/0+$/, "");
  if (exponent < -4 || exponent >= 15)
    return (sign + figures[0] + (figures.length > 1 ? "." + figures.slice(1) : "") + "e" + exponent).replace("-", "−");
  if (exponent < 0) return sign + "0." + "0".repeat(-exponent - 1) + figures;
  figures = figures.padEnd(exponent + 1, "0");
  const part = figures.slice(exponent + 1);
  return sign + figures.slice(0, exponent + 1) + (part && "." + part);
}

const say = (verdict, message, mistake = null) => ({ verdict, mistake, message });
const agree = (a, b) => a.map((x, i) => x === null || b[i] === null ? x === b[i] : Math.abs(x - b[i]) <= 1e-11 + 1e-8 * Math.abs(b[i]));
const all = (list) => list.every(Boolean);

function readings(record, text) {             // 109,386 is 109.386 and 109386
  if ([...text].length > 500) parse(text);
  text = trim(text);
  for (const unit of [...record.units].sort((a, b) => b.length - a.length)) {
    const head = text.slice(0, Math.max(0, text.length - unit.length));
    if (text.toLowerCase().endsWith(unit.toLowerCase()) && !/[A-Za-z]$/.test(head)) { text = trim(head); break; }
  }
  const share = text.endsWith("%");
  if (share) text = trim(text.slice(0, -1));
  const values = [];
  let failure;
  try {
    const value = evaluate(parse(text), []);
    if (!Number.isFinite(value)) stop("That has no finite value.");
    values.push(value);
  } catch (error) { if (!(error instanceof Unread)) throw error; failure = error; }
  if (/^[+-]?[0-9]{1,3}(?:[, '\u2019\u00a0\u2009\u202f][0-9]{3})+(?:\.[0-9]+)?$/.test(text)) values.push(Number(text.replace(/[^0-9.+-]/g, "")));
  if (!values.length) throw failure;
  return share ? values.map((v) => v / 100) : values;
}
const trim = (text) => text.replace(new RegExp(`^${BLANK}|${BLANK}$`, "g"), "");
const near = (a, b, tolerance) => Math.abs(a - b) <= Math.max(tolerance, 1e-12 * Math.abs(b));

function number(record, answer) {
  const values = readings(record, answer), { value: target, tolerance } = record;
  if (values.some((v) => near(v, target, tolerance))) return say("right", "Right.");
  for (const m of record.mistakes)
    if (values.some((v) => near(v, m.value, tolerance))) return say("wrong", m.hint, m.name);
  const value = values.at(-1);
  if (near(-value, target, tolerance)) return say("wrong", "The size is right, the sign is not.");
  if (tolerance && Math.abs(value - target) <= 10 * tolerance)
    return say("wrong", `Close, but it is asked to within ${show(tolerance)}: compute it to more digits.`);
  return say("wrong", `Not yet: your number, ${show(value, 6)}, is too ${value > target ? "large" : "small"}.`);
}

function choice(record, answer) {
  const chosen = record.keys.filter((k) => answer.includes(k)), right = record.right;
  if (!chosen.length) stop("Nothing is chosen yet.");
  const equal = (keys) => String(keys) === String(chosen);
  if (equal(right)) return say("right", "Right.");
  for (const m of record.mistakes) if (equal(m.keys)) return say("wrong", m.hint, m.name);
  const extra = chosen.filter((k) => !right.includes(k)).length, lacking = right.filter((k) => !chosen.includes(k)).length;
  return say("wrong", `Not yet: of your choices ${extra} should not be there, and ${lacking} more should.`);
}

const place = (record, i) => record.variables.map((n, k) => `${n} = ${show(record.points[i][k], 15)}`).join(", ");

function difference(record, values) {         // where two formulas part
  const target = record.values, same = agree(values, target), i = same.indexOf(false), what = record.what;
  let mine = values[i], real = target[i], text = `At ${place(record, i)} your formula `;
  if (mine === null) text += `has no value; ${what} is ${show(real)}.`;
  else if (real === null) text += `gives ${show(mine)}; ${what} has no value there.`;
  else {
    const digits = [4, 6, 9, 12].find((d) => show(mine, d) !== show(real, d)) ?? 15;
    text += `gives ${show(mine, digits)}; ${what} is ${show(real, digits)}.`;
  }
  const wrong = same.filter((x) => !x).length, total = same.length;
  if (wrong === total) return text + ` It fails at all ${total} points tried.`;
  text += ` It fails at ${wrong} of the ${total} points tried`;
  if (wrong > 1 && record.variables.length === 1) {
    const places = record.points.map((p) => p[0]).filter((_, k) => !same[k]);
    text += `, between ${show(Math.min(...places), 15)} and ${show(Math.max(...places), 15)}`;
  }
  return text + ".";
}

function formula(record, answer) {
  const steps = parse(answer, record.variables);
  const values = record.points.map((p) => evaluate(steps, p)).map((v) => Number.isFinite(v) ? v : null);
  if (all(agree(values, record.values)))
    return say("right", `Right: it agrees with ${record.what} at all ${values.length} points tried.`);
  for (const m of record.mistakes)
    if (m.values && all(agree(values, m.values))) return say("wrong", `${m.hint} ${difference(record, values)}`, m.name);
  return say("wrong", `Not yet. ${difference(record, values)}`);
}

function repair(record, { line, formula: text }) {
  if (line === null) stop("Choose the line that is false.");
  if (line !== record.line) {
    const m = record.mistakes.find((x) => x.line === line);
    return m ? say("wrong", m.hint, m.name) : say("wrong", `Line ${line} follows from the line before it: at ${place(record, 0)}, ` +
      `and wherever they are tried, the two agree (${show(record.lines[line - 1][0])}).`);
  }
  const found = judge({ ...record, type: "formula", mistakes: record.mistakes.filter((m) => m.line === line) }, text);
  found.message = found.verdict === "right"
    ? `Right: line ${line} is the false one, and your formula agrees with ${record.what} at all ${record.points.length} points tried.`
    : `Line ${line} is the false one. ${found.message.replace(/^Not yet\. /, "")}`;
  return found;
}

function judge(record, answer) {
  try { return { number, choice, formula, repair }[record.type](record, answer); }
  catch (error) { if (error instanceof Unread) return say("unread", error.message); throw error; }
}

// The page: one form for each exercise, answers kept in this browser alone.
const store = {
  get: (key) => { try { return JSON.parse(localStorage.getItem(key)); } catch { return null; } },
  set: (key, value) => { try {
    if (value === null) localStorage.removeItem(key); else localStorage.setItem(key, JSON.stringify(value));
  } catch { /* private windows and some file: pages keep nothing */ } },
};

function start(section) {
  const form = section.querySelector("form"), data = section.querySelector("script[type='application/json']");
  if (!form || !data) return;
  const record = JSON.parse(atob(JSON.parse(data.textContent))), key = `nnbook:${section.id}`;
  const out = section.querySelector(".nn-ex-verdict"), text = form.elements.formula;
  const picked = (name) => [...form.querySelectorAll(`[name=${name}]:checked`)].map((x) => x.value);
  const read = () => record.type === "choice" ? picked("choice")
    : record.type === "repair" ? { line: Number(picked("line")[0]) || null, formula: text.value } : text.value;
  const tell = (found) => {
    section.dataset.verdict = found?.verdict ?? "";
    out.textContent = found?.message ?? "";
    if (text) text.setAttribute("aria-invalid", String(found?.verdict === "unread"));
  };
  const fill = (answer) => {
    if (text) text.value = String(answer.formula ?? answer);
    const chosen = record.type === "choice" ? [answer].flat() : [String(answer.line)];
    form.querySelectorAll("[type=radio], [type=checkbox]").forEach((x) => { x.checked = chosen.includes(x.value); });
  };
  form.addEventListener("submit", (event) => { event.preventDefault(); store.set(key, read()); tell(judge(record, read())); });
  form.addEventListener("reset", () => { store.set(key, null); tell(null); });
  form.addEventListener("input", () => tell(null));
  const kept = store.get(key);
  if (kept !== null) { fill(kept); tell(judge(record, read())); }
  form.querySelector(".nn-ex-buttons").hidden = false;
}

window.nnbookExercises = { judge, parse, evaluate, show };
const ready = () => document.querySelectorAll(".nn-exercise").forEach(start);
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", ready); else ready();
})();
