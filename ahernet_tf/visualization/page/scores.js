// The section of scores, where there is a truth.

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
    ...[0, ...(middle ? [middle] : [])].map((n) => [
      `mAP at tIoU ${tious[n].toFixed(2)}`,
      (s) => s.map_at_tiou[n],
    ]),
    ["AUC of AR-AN", (s) => s.auc],
    ...["10", "100"].map((number) => [`AR@${number}`, (s) => s.ar_at[number]]),
  ];
  byId("tiles").append(...metrics.map(([name, value]) => tile(name, value)));
  byId("curves").append(
    curves({
      title: "mAP over tIoU",
      note: bandNote(),
      xName: "tIoU",
      xs: tious,
      xText: (v) => v.toFixed(2),
      xTicks: tious.filter((_, n) => n % Math.ceil(tious.length / 6) === 0),
      series: results.map((r) => ({ ...r, values: r.scores.map_at_tiou })),
    }),
    curves({
      title: "Average recall",
      note: "over proposals per video, whatever their class",
      xName: "proposals per video",
      xs: head.average_numbers,
      xText: (v) => `${+v.toFixed(1)}`,
      xTicks: [1, 20, 40, 60, 80, 100],
      series: results.map((r) => ({ ...r, values: r.scores.ar_at_an })),
    }),
  );
}

const bandNote = () =>
  content.samples ? `with 95% intervals, ${count(content.samples)} resamples of the videos` : "";

function tile(name, value) {
  const interval = ([, low, high]) => (low == null ? "" : `${percent(low)} to ${percent(high)}`);
  const node = el("div", { class: "tile" }, el("h3", {}, name));
  if (!several) {
    const one = value(results[0].scores);
    node.append(
      el("div", { class: "value" }, percent(one[0]), el("small", {}, " %")),
      el("p", {}, interval(one)),
    );
    return node;
  }
  const lines = results.flatMap((result) => {
    const one = value(result.scores);
    return [
      dot(result.colour),
      el(
        "div",
        { title: `${result.name}: ${withInterval(one)}` },
        el("span", { class: "value" }, percent(one[0])),
        " ",
        el("small", { class: "soft" }, interval(one)),
      ),
    ];
  });
  node.append(el("div", { class: "several" }, lines));
  if (results.at(-1).scores.difference) {
    const difference = value(results.at(-1).scores.difference);
    node.append(
      el(
        "p",
        {},
        "difference ",
        changed(difference),
        ` (${signed(difference[1])} to ${signed(difference[2])})`,
      ),
    );
  }
  return node;
}

// A difference; coloured where its interval leaves 0 out.
function changed([value, low, high]) {
  const kind = low > 0 ? "better" : high < 0 ? "worse" : null;
  return el(
    "span",
    { class: kind, title: low == null ? null : `${signed(low)} to ${signed(high)}` },
    signed(value),
  );
}
