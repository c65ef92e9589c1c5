// The sections above the videos: scores, classes, errors. Only where there is a truth.

function showScores() {
  const head = results[0].scores;
  const facts = [
    times(head.counts.ground_truth_videos, "video"),
    times(head.counts.ground_truth_instances, "annotated action"),
    times(head.counts.classes, "class", "classes"),
  ];
  byId("scores-title").append(" ", el("span", { class: "soft" }, facts.join(" · ")));
  const tious = content.thresholds;
  const middle = Math.floor((tious.length - 1) / 2);
  const metrics = [
    ["Average mAP", (s) => s.average_map],
    ...[0, ...(middle ? [middle] : [])].map((n) => [`mAP at tIoU ${tious[n].toFixed(2)}`, (s) => s.map_at_tiou[n]]),
    ["AUC of AR-AN", (s) => s.auc],
    ...["10", "100"].map((number) => [`AR@${number}`, (s) => s.ar_at[number]]),
  ];
  byId("tiles").append(...metrics.map(([name, value]) => tile(name, value)));
  byId("curves").append(
    curves({
      title: "mAP over tIoU", note: bandNote(), xName: "tIoU", xs: tious, xText: (v) => v.toFixed(2),
      xTicks: tious.filter((_, n) => n % Math.ceil(tious.length / 6) === 0),
      series: results.map((r) => ({ ...r, values: r.scores.map_at_tiou })),
    }),
    curves({
      title: "Average recall", note: "over proposals per video, whatever their class", xName: "proposals per video", xs: head.average_numbers, xText: (v) => `${+v.toFixed(1)}`,
      xTicks: [1, 20, 40, 60, 80, 100],
      series: results.map((r) => ({ ...r, values: r.scores.ar_at_an })),
    }));
}

const bandNote = () => (content.samples ? `with 95% intervals, ${count(content.samples)} resamples of the videos` : "");

function tile(name, value) {
  const interval = ([, low, high]) => (low == null ? "" : `${percent(low)} to ${percent(high)}`);
  const node = el("div", { class: "tile" }, el("h3", {}, name));
  if (!several) {
    const one = value(results[0].scores);
    node.append(el("div", { class: "value" }, percent(one[0]), el("small", {}, " %")), el("p", {}, interval(one)));
    return node;
  }
  const lines = results.flatMap((result) => {
    const one = value(result.scores);
    return [dot(result.colour), el("div", { title: `${result.name}: ${withInterval(one)}` },
      el("span", { class: "value" }, percent(one[0])), " ", el("small", { class: "soft" }, interval(one)))];
  });
  node.append(el("div", { class: "several" }, lines));
  if (results.at(-1).scores.difference) {
    const difference = value(results.at(-1).scores.difference);
    node.append(el("p", {}, "difference ", changed(difference), ` (${signed(difference[1])} to ${signed(difference[2])})`));
  }
  return node;
}

// A difference; coloured where its interval leaves 0 out.
function changed([value, low, high]) {
  const kind = low > 0 ? "better" : high < 0 ? "worse" : null;
  return el("span", { class: kind, title: low == null ? null : `${signed(low)} to ${signed(high)}` }, signed(value));
}

function showClasses() {
  const rows = Object.entries(results[0].scores.instances_per_class).map(([label, instances]) => ({ label, instances }));
  const top = roundTop(Math.max(...results.flatMap((result) => Object.values(result.scores.ap_per_class).map((v) => v[2] ?? v[0]))));
  const columns = [
    { name: "Class", value: (row) => row.label.toLowerCase(), cell: (row) => el("button", { type: "button", class: "link", title: "Show its videos", onclick: () => browseClass(row.label) }, row.label) },
    { name: "Actions", right: true, first: "descending", value: (row) => row.instances, cell: (row) => count(row.instances) },
    ...results.map((result) => ({
      name: several ? result.name : "Average precision, %", value: (row) => result.scores.ap_per_class[row.label][0], first: "descending",
      cell: (row) => measure(result.scores.ap_per_class[row.label], result.colour, top),
    })),
    ...results.filter((result) => result.scores.difference).map((result) => ({
      name: "Difference", right: true,
      value: (row) => result.scores.difference.ap_per_class[row.label][0],
      cell: (row) => changed(result.scores.difference.ap_per_class[row.label]),
    })),
  ];
  byId("per-class").append(el("div", { class: "card" },
    el("h3", {}, "Average precision by class ", el("span", { class: "soft" }, `averaged over tIoU${content.samples ? "; lines are 95% intervals" : ""}; bars end at ${top}%`)),
    sortable(columns, rows, 2)));
  if (rows.length > 1) byId("confusions").append(el("div", { class: "card" }, confusionCard()));
}

const MOST_CLASSES = 20, MOST_PAIRS = 15;

function confusionCard() {
  const body = el("div", { class: "matrices" });
  const show = (number) => body.replaceChildren(...confusion(results[number]));
  show(0);
  const heading = el("h3", {}, "Confusion ", el("span", { class: "soft" },
    "of the best-scored detections of a class that reach an annotated action (tIoU 0.5), the share that reaches one of another class"));
  const choice = several && el("select", { "aria-label": "Result", onchange: (event) => show(event.target.value) },
    results.map((result, n) => el("option", { value: n }, result.name)));
  if (choice) choice.style.maxWidth = "20rem";
  return el("div", {}, heading, choice, body);
}

function confusion(result) {
  const reaching = result.scores.errors.confusions.filter(([, annotated]) => annotated != null);
  const wrong = reaching.filter(([found, annotated]) => found !== annotated);
  if (!wrong.length) return [el("p", { class: "soft" }, "No detection reaches an action of another class.")];
  const often = new Map(), totals = new Map();
  for (const [found, , number] of reaching) totals.set(found, (totals.get(found) ?? 0) + number);
  for (const [found, annotated, number] of wrong) {
    for (const label of [found, annotated]) often.set(label, (often.get(label) ?? 0) + number);
  }
  const shown = [...often].sort((a, b) => b[1] - a[1]).slice(0, MOST_CLASSES).map(([label]) => label);
  const names = labels.filter((label) => shown.includes(label));
  const value = new Map(reaching.map(([found, annotated, number]) => [JSON.stringify([found, annotated]), number]));
  const cells = names.map((found) => el("tr", {}, el("th", { scope: "row" }, found), names.map((annotated) => {
    const number = value.get(JSON.stringify([found, annotated])) ?? 0;
    const share = (100 * number) / (totals.get(found) || 1);
    const cell = el("td", { title: `found as ${found}, annotated as ${annotated}: ${times(number, "detection")}` }, number ? share.toFixed(0) : "");
    const colour = found === annotated ? "kind-0" : "kind-2";
    cell.style.background = `color-mix(in srgb, var(--${colour}) ${Math.round(0.75 * share)}%, var(--fill))`;
    return cell;
  })));
  const few = names.length < often.size ? ` (the ${names.length} most confused of ${often.size})` : "";
  const said = el("p", { class: "soft" }, `Rows: found as; columns: annotated as; percent of the row${few}.`);
  const matrix = el("div", { class: "scroll", tabindex: "0" }, el("table", { class: "matrix", "aria-label": "Confusion" },
    el("thead", {}, el("tr", {}, el("td"), names.map((name) => el("th", { scope: "col" }, el("span", {}, name))))),
    el("tbody", {}, cells)));
  const pairs = wrong.slice(0, MOST_PAIRS).map(([found, annotated, number]) => [
    el("button", { type: "button", class: "link", title: "Show its videos", onclick: () => browseClass(found, "kind-2") }, found),
    el("span", {}, annotated), count(number)]);
  return [said, matrix, el("div", { class: "scroll", tabindex: "0" }, table(["Found as", "Annotated as", "Detections"], pairs))];
}

function showErrors() {
  const parts = (errors) => kinds.map((kind, n) => ({
    name: KIND_NAMES[n], colour: `kind-${n}`, value: n ? errors.false_positives[kind] : errors.true_positives,
  }));
  const bars = results.flatMap((result) => [
    el("span", {}, several ? result.name : times(result.scores.errors.predictions, "detection")), stacked(parts(result.scores.errors))]);
  const rows = kinds.map((kind, n) => [KIND_NAMES[n], ...results.map((result) => {
    const { value } = parts(result.scores.errors)[n];
    return `${count(value)} (${percent((100 * value) / (result.scores.errors.predictions || 1))}%)`;
  })]);
  byId("kinds").append(el("figure", { class: "card" },
    el("figcaption", {}, "What detections are ", el("span", { class: "soft" }, "at tIoU 0.5; of each class the best-scored, ten per annotated action")),
    el("div", { class: "stack" }, bars),
    el("ul", { class: "legend" }, kinds.map((_, n) => el("li", {}, dot(`kind-${n}`), KIND_NAMES[n]))),
    folded("Table", table(["Kind", ...results.map((result) => result.name)], rows))));
  byId("misses").append(
    missCard("Missed by length", "in seconds, fifths of the actions", "misses_by_length"),
    missCard("Missed by coverage", "part of the video that an action covers", "misses"));
}

const COVERAGE = { XS: "up to 20%", S: "20 to 40%", M: "40 to 60%", L: "60 to 80%", XL: "over 80%", unknown: "unknown" };

function missCard(title, note, key) {
  const bins = Object.keys(results[0].scores.errors[key]).filter((bin) => results[0].scores.errors[key][bin][1]);
  const rows = bins.map((bin) => [COVERAGE[bin] ?? bin, count(results[0].scores.errors[key][bin][1]), ...results.map((result) => {
    const [missed, all] = result.scores.errors[key][bin];
    return measure([(100 * missed) / all], result.colour);
  })]);
  return el("div", { class: "card" }, el("h3", {}, title, " ", el("span", { class: "soft" }, note)),
    el("div", { class: "scroll", tabindex: "0" }, table([key === "misses" ? "Coverage" : "Length", "Actions", ...results.map((result) => several ? result.name : "Missed, %")], rows)));
}
