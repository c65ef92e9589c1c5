// The section of errors: what detections are, and which actions are missed.

function showErrors() {
  const parts = (errors) =>
    kinds.map((kind, n) => ({
      name: KIND_NAMES[n],
      colour: `kind-${n}`,
      value: n ? errors.false_positives[kind] : errors.true_positives,
    }));
  const bars = results.flatMap((result) => [
    el("span", {}, several ? result.name : times(result.scores.errors.predictions, "detection")),
    stacked(parts(result.scores.errors)),
  ]);
  const rows = kinds.map((kind, n) => [
    KIND_NAMES[n],
    ...results.map((result) => {
      const { value } = parts(result.scores.errors)[n];
      return `${count(value)} (${percent((100 * value) / (result.scores.errors.predictions || 1))}%)`;
    }),
  ]);
  byId("kinds").append(
    el(
      "figure",
      { class: "card" },
      el(
        "figcaption",
        {},
        "What detections are ",
        el(
          "span",
          { class: "soft" },
          "at tIoU 0.5; of each class the best-scored, ten per annotated action",
        ),
      ),
      el("div", { class: "stack" }, bars),
      el(
        "ul",
        { class: "legend" },
        kinds.map((_, n) => el("li", {}, dot(`kind-${n}`), KIND_NAMES[n])),
      ),
      folded("Table", table(["Kind", ...results.map((result) => result.name)], rows)),
    ),
  );
  byId("misses").append(
    missCard("Missed by length", "in seconds, fifths of the actions", "misses_by_length"),
    missCard("Missed by coverage", "part of the video that an action covers", "misses"),
  );
}

const COVERAGE = {
  XS: "up to 20%",
  S: "20 to 40%",
  M: "40 to 60%",
  L: "60 to 80%",
  XL: "over 80%",
  unknown: "unknown",
};

function missCard(title, note, key) {
  const bins = Object.keys(results[0].scores.errors[key]).filter(
    (bin) => results[0].scores.errors[key][bin][1],
  );
  const rows = bins.map((bin) => [
    COVERAGE[bin] ?? bin,
    count(results[0].scores.errors[key][bin][1]),
    ...results.map((result) => {
      const [missed, all] = result.scores.errors[key][bin];
      return measure([(100 * missed) / all], result.colour);
    }),
  ]);
  return el(
    "div",
    { class: "card" },
    el("h3", {}, title, " ", el("span", { class: "soft" }, note)),
    el(
      "div",
      { class: "scroll", tabindex: "0" },
      table(
        [
          key === "misses" ? "Coverage" : "Length",
          "Actions",
          ...results.map((result) => (several ? result.name : "Missed, %")),
        ],
        rows,
      ),
    ),
  );
}
