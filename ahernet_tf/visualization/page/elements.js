"use strict";
// Elements, numbers in words, colours. Text only ever becomes text: no markup is parsed.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.flat(2).filter((child) => child != null && child !== false));
  return node;
}

const el = (name, attributes, ...children) =>
  fill(document.createElement(name), attributes, children);
const svg = (name, attributes, ...children) =>
  fill(document.createElementNS(SVG, name), attributes, children);
const byId = (id) => document.getElementById(id);

const thousands = new Intl.NumberFormat("en");
const count = (value) => thousands.format(value);
const percent = (value) => (value == null ? "–" : value.toFixed(1));
const signed = (value) =>
  value == null ? "–" : (value < 0 ? "−" : "+") + Math.abs(value).toFixed(1);
const seconds = (value) =>
  value < 60
    ? `${value.toFixed(1)} s`
    : `${Math.floor(value / 60)}:${(value % 60).toFixed(1).padStart(4, "0")} min`;
const clock = (value) =>
  value < 60
    ? `${Math.round(value)} s`
    : `${Math.floor(value / 60)}:${String(Math.floor(value % 60)).padStart(2, "0")}`;
const times = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;
const scoreText = (value) => {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 3;
  return value.toFixed(digits).replace("-", "−");
};

// Canvas needs colours resolved: those of custom properties, as the theme has them now.
const palette = {};
function readPalette() {
  const probe = document.body.appendChild(el("span", { hidden: true }));
  const names = ["ink", "soft", "line", "fill", "card", "truth", "missed"];
  for (let n = 0; n < 6; n++) names.push(`kind-${n}`);
  for (let n = 0; n < 10; n++) names.push(`series-${n}`);
  for (const name of names) {
    probe.style.color = `var(--${name})`;
    palette[name] = getComputedStyle(probe).color;
  }
  probe.remove();
}

// A square of a colour, such as a legend has.
function dot(name, hollow) {
  const node = el("span", { class: hollow ? "dot hollow" : "dot", "aria-hidden": "true" });
  node.style.color = `var(--${name})`;
  return node;
}

function showTip(event, text) {
  const tip = byId("tip");
  tip.hidden = !text;
  if (!text) return;
  tip.textContent = text;
  const { width, height } = tip.getBoundingClientRect();
  const left = Math.min(event.clientX + 14, innerWidth - width - 8);
  const top =
    event.clientY + 18 + height > innerHeight ? event.clientY - height - 12 : event.clientY + 18;
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${top}px`;
}

// Calls back with the width of a node, now and whenever it changes.
function onWidth(node, draw) {
  let known = 0;
  new ResizeObserver(() => {
    const width = Math.floor(node.clientWidth);
    if (width && width !== known) draw((known = width));
  }).observe(node);
}

// A table whose first cell of a row is its header. Cells are elements, or numbers as
// text, which are set right.
function table(heads, rows) {
  const right = heads.map(
    (_, place) => place > 0 && rows.every((row) => typeof row[place] === "string"),
  );
  const cell = (name, content, place, more) =>
    el(name, { class: right[place] ? "number" : null, ...more }, content);
  return el(
    "table",
    {},
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        heads.map((head, place) => cell("th", head, place, { scope: "col" })),
      ),
    ),
    el(
      "tbody",
      {},
      rows.map((row) =>
        el(
          "tr",
          {},
          row.map((content, place) =>
            cell(place ? "td" : "th", content, place, place ? null : { scope: "row" }),
          ),
        ),
      ),
    ),
  );
}

const folded = (summary, content) =>
  el(
    "details",
    {},
    el("summary", {}, summary),
    el("div", { class: "scroll", tabindex: "0" }, content),
  );
