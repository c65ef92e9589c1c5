// Drawn numbers. Each chart is followed by the table of what it draws.

const Y = (height, top) => (value) => height - (Math.max(0, value) / top) * height;
const roundTop = (value) => [5, 10, 20, 40, 60, 80, 100].find((top) => value <= top) ?? 100;

const MOST_DOTS = 12; // points of a curve that are marked

// Curves of percentages over x, with the bands of their intervals.
// series: [{ name, colour, values: [[estimate, low, high], ...] }]
function curves({ title, note, xName, xs, xText, xTicks, series }) {
  const plot = el("div", { class: "plot" });
  const top = roundTop(Math.max(...series.flatMap((one) => one.values.map((v) => v[2] ?? v[0]))));
  const height = 220,
    left = 34,
    bottom = 38,
    right = 10;
  onWidth(plot, (width) => {
    const inner = width - left - right;
    const x = (value) => ((value - xs[0]) / (xs.at(-1) - xs[0] || 1)) * inner;
    const y = Y(height, top);
    const line = (points) =>
      "M" + points.map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`).join("L");
    const marks = svg("g", { transform: `translate(${left},8)` });
    for (let n = 0; n <= 4; n++) {
      const value = (top * n) / 4;
      marks.append(
        svg("line", { class: "grid", x2: inner, y1: y(value), y2: y(value) }),
        svg("text", { x: -8, y: y(value) + 4, "text-anchor": "end" }, `${value}`),
      );
    }
    for (const value of xTicks) {
      marks.append(
        svg("text", { x: x(value), y: height + 18, "text-anchor": "middle" }, xText(value)),
      );
    }
    marks.append(svg("text", { x: inner / 2, y: height + 36, "text-anchor": "middle" }, xName));
    for (const { colour, values } of series) {
      const stroke = `var(--${colour})`;
      if (values.every((v) => v[1] != null)) {
        const band = [
          ...values.map((v, n) => [xs[n], v[1]]),
          ...values.map((v, n) => [xs[n], v[2]]).reverse(),
        ];
        marks.append(svg("path", { d: `${line(band)}Z`, fill: stroke, opacity: 0.13 }));
      }
      marks.append(
        svg("path", {
          d: line(values.map((v, n) => [xs[n], v[0]])),
          fill: "none",
          stroke,
          "stroke-width": 2,
          "stroke-linejoin": "round",
        }),
      );
      if (xs.length <= MOST_DOTS)
        marks.append(
          ...values.map((v, n) => svg("circle", { cx: x(xs[n]), cy: y(v[0]), r: 3, fill: stroke })),
        );
    }
    const guide = svg("line", { class: "grid", y2: height, visibility: "hidden" });
    marks.prepend(guide);
    const area = svg("rect", { width: inner, height, fill: "transparent" });
    area.addEventListener("pointermove", (event) => {
      const at =
        ((event.clientX - area.getBoundingClientRect().left) / inner) * (xs.at(-1) - xs[0]) + xs[0];
      const n = xs.reduce(
        (best, value, place) => (Math.abs(value - at) < Math.abs(xs[best] - at) ? place : best),
        0,
      );
      guide.setAttribute("x1", x(xs[n]));
      guide.setAttribute("x2", x(xs[n]));
      guide.setAttribute("visibility", "visible");
      showTip(
        event,
        [
          `${xName} ${xText(xs[n])}`,
          ...series.map((one) => `${several ? `${one.name}: ` : ""}${withInterval(one.values[n])}`),
        ].join("\n"),
      );
    });
    area.addEventListener("pointerleave", () => {
      guide.setAttribute("visibility", "hidden");
      showTip();
    });
    marks.append(area);
    plot.replaceChildren(
      svg(
        "svg",
        {
          height: height + bottom + 8,
          role: "img",
          "aria-label": `${title}; the table below has the numbers`,
        },
        marks,
      ),
    );
  });
  const rows = xs.map((value, n) => [
    xText(value),
    ...series.map((one) => withInterval(one.values[n])),
  ]);
  return el(
    "figure",
    { class: "card" },
    el("figcaption", {}, title, " ", el("span", { class: "soft" }, note)),
    plot,
    folded("Table", table([xName, ...series.map((one) => one.name)], rows)),
  );
}

const withInterval = ([value, low, high]) =>
  low == null ? `${percent(value)}%` : `${percent(value)}% (${percent(low)} to ${percent(high)})`;

// A bar from 0 to `top` with its interval, and the number: a cell of a table.
function measure([value, low, high], colour, top = 100) {
  const place = (number) => `${Math.min(100, Math.max(0, (100 * number) / top))}%`;
  const picture = svg(
    "svg",
    { "aria-hidden": "true" },
    svg("rect", { width: "100%", y: 6, height: 2, fill: "var(--fill)" }),
    svg("rect", {
      width: place(value ?? 0),
      y: 2,
      height: 10,
      rx: 2,
      fill: `var(--${colour})`,
      opacity: 0.8,
    }),
    low == null
      ? null
      : svg("line", {
          x1: place(low),
          x2: place(high),
          y1: 7,
          y2: 7,
          stroke: "var(--ink)",
          "stroke-width": 1.5,
        }),
  );
  const title = low == null ? null : `${percent(low)} to ${percent(high)}`;
  return el("div", { class: "measure", title }, picture, el("span", {}, percent(value)));
}

// One bar of parts: [{ name, colour, value }].
function stacked(parts) {
  const total = parts.reduce((sum, part) => sum + part.value, 0) || 1;
  const bar = el("div", { class: "parts", "aria-hidden": "true" });
  for (const { name, colour, value } of parts) {
    const text = `${name}: ${count(value)} (${percent((100 * value) / total)}%)`;
    const node = el("span", {
      onpointermove: (event) => showTip(event, text),
      onpointerleave: () => showTip(),
    });
    node.style.width = `${(100 * value) / total}%`;
    node.style.background = `var(--${colour})`;
    bar.append(node);
  }
  return bar;
}

// A table that its heads sort. columns: [{ name, value: (row) => sortable, cell: (row) => content, first: "ascending"|"descending" }]
function sortable(columns, rows, sorted) {
  const body = el("tbody");
  const heads = columns.map((column, place) =>
    el(
      "th",
      { scope: "col" },
      el("button", { type: "button", onclick: () => order(place) }, column.name),
    ),
  );
  let at = -1,
    rising = true;
  function order(place) {
    rising = place === at ? !rising : columns[place].first !== "descending";
    at = place;
    heads.forEach((head, n) => {
      if (n === at) head.setAttribute("aria-sort", rising ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
      head.firstChild.textContent = columns[n].name + (n === at ? (rising ? " ↑" : " ↓") : "");
    });
    const { value } = columns[at];
    const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0) * (rising ? 1 : -1);
    const sortedRows = [...rows].sort((a, b) => compare(value(a), value(b)));
    body.replaceChildren(
      ...sortedRows.map((row) =>
        el(
          "tr",
          {},
          columns.map((column, n) =>
            el(
              n ? "td" : "th",
              n ? { class: column.right ? "number" : null } : { scope: "row" },
              column.cell(row),
            ),
          ),
        ),
      ),
    );
  }
  columns.forEach((column, n) => column.right && heads[n].classList.add("number"));
  order(sorted);
  return el(
    "div",
    { class: "scroll", tabindex: "0" },
    el("table", {}, el("thead", {}, el("tr", {}, heads)), body),
  );
}
