// The section of classes: the precision of each, and which are taken for which.

function showClasses() {
  const rows = Object.entries(results[0].scores.instances_per_class).map(([label, instances]) => ({
    label,
    instances,
  }));
  const top = roundTop(
    Math.max(
      ...results.flatMap((result) =>
        Object.values(result.scores.ap_per_class).map((v) => v[2] ?? v[0]),
      ),
    ),
  );
  const columns = [
    {
      name: "Class",
      value: (row) => row.label.toLowerCase(),
      cell: (row) =>
        el(
          "button",
          {
            type: "button",
            class: "link",
            title: "Show its videos",
            onclick: () => browseClass(row.label),
          },
          row.label,
        ),
    },
    {
      name: "Actions",
      right: true,
      first: "descending",
      value: (row) => row.instances,
      cell: (row) => count(row.instances),
    },
    ...results.map((result) => ({
      name: several ? result.name : "Average precision, %",
      value: (row) => result.scores.ap_per_class[row.label][0],
      first: "descending",
      cell: (row) => measure(result.scores.ap_per_class[row.label], result.colour, top),
    })),
    ...results
      .filter((result) => result.scores.difference)
      .map((result) => ({
        name: "Difference",
        right: true,
        value: (row) => result.scores.difference.ap_per_class[row.label][0],
        cell: (row) => changed(result.scores.difference.ap_per_class[row.label]),
      })),
  ];
  byId("per-class").append(
    el(
      "div",
      { class: "card" },
      el(
        "h3",
        {},
        "Average precision by class ",
        el(
          "span",
          { class: "soft" },
          `averaged over tIoU${content.samples ? "; lines are 95% intervals" : ""}; bars end at ${top}%`,
        ),
      ),
      sortable(columns, rows, 2),
    ),
  );
  if (rows.length > 1) byId("confusions").append(el("div", { class: "card" }, confusionCard()));
}

const MOST_CLASSES = 20,
  MOST_PAIRS = 15;

function confusionCard() {
  const body = el("div", { class: "matrices" });
  const show = (number) => body.replaceChildren(...confusion(results[number]));
  show(0);
  const heading = el(
    "h3",
    {},
    "Confusion ",
    el(
      "span",
      { class: "soft" },
      "of the best-scored detections of a class that reach an annotated action (tIoU 0.5), the share that reaches one of another class",
    ),
  );
  const choice =
    several &&
    el(
      "select",
      { "aria-label": "Result", onchange: (event) => show(event.target.value) },
      results.map((result, n) => el("option", { value: n }, result.name)),
    );
  if (choice) choice.style.maxWidth = "20rem";
  return el("div", {}, heading, choice, body);
}

function confusion(result) {
  const reaching = result.scores.errors.confusions.filter(([, annotated]) => annotated != null);
  const wrong = reaching.filter(([found, annotated]) => found !== annotated);
  if (!wrong.length)
    return [el("p", { class: "soft" }, "No detection reaches an action of another class.")];
  const often = new Map(),
    totals = new Map();
  for (const [found, , number] of reaching) totals.set(found, (totals.get(found) ?? 0) + number);
  for (const [found, annotated, number] of wrong) {
    for (const label of [found, annotated]) often.set(label, (often.get(label) ?? 0) + number);
  }
  const shown = [...often]
    .sort((a, b) => b[1] - a[1])
    .slice(0, MOST_CLASSES)
    .map(([label]) => label);
  const names = labels.filter((label) => shown.includes(label));
  const value = new Map(
    reaching.map(([found, annotated, number]) => [JSON.stringify([found, annotated]), number]),
  );
  const cells = names.map((found) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, found),
      names.map((annotated) => {
        const number = value.get(JSON.stringify([found, annotated])) ?? 0;
        const share = (100 * number) / (totals.get(found) || 1);
        const cell = el(
          "td",
          { title: `found as ${found}, annotated as ${annotated}: ${times(number, "detection")}` },
          number ? share.toFixed(0) : "",
        );
        const colour = found === annotated ? "kind-0" : "kind-2";
        cell.style.background = `color-mix(in srgb, var(--${colour}) ${Math.round(0.75 * share)}%, var(--fill))`;
        return cell;
      }),
    ),
  );
  const few =
    names.length < often.size ? ` (the ${names.length} most confused of ${often.size})` : "";
  const said = el(
    "p",
    { class: "soft" },
    `Rows: found as; columns: annotated as; percent of the row${few}.`,
  );
  const matrix = el(
    "div",
    { class: "scroll", tabindex: "0" },
    el(
      "table",
      { class: "matrix", "aria-label": "Confusion" },
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          el("td"),
          names.map((name) => el("th", { scope: "col" }, el("span", {}, name))),
        ),
      ),
      el("tbody", {}, cells),
    ),
  );
  const pairs = wrong
    .slice(0, MOST_PAIRS)
    .map(([found, annotated, number]) => [
      el(
        "button",
        {
          type: "button",
          class: "link",
          title: "Show its videos",
          onclick: () => browseClass(found, "kind-2"),
        },
        found,
      ),
      el("span", {}, annotated),
      count(number),
    ]);
  return [
    said,
    matrix,
    el(
      "div",
      { class: "scroll", tabindex: "0" },
      table(["Found as", "Annotated as", "Detections"], pairs),
    ),
  ];
}
