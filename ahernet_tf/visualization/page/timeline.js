// Segments on canvas: a lane of the truth, beneath it a lane per result.

const LANE = 9,
  GAP = 3;
const lanes = (truth ? 1 : 0) + results.length;
const trackHeight = lanes * (LANE + GAP);

function prepared(canvas, width, height) {
  const scale = devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  return context;
}

// Whether a result shown now matches an instance.
const isFound = (result, instance) => result.matched[instance] >= result.threshold;

// Draws one video's lanes from `top` on; `label` -1 for all classes.
function drawLanes(context, video, label, width, top) {
  const scale = width / durations[video];
  const box = (part, n) => {
    const left = Math.min(part.start[n] * scale, width - 2);
    return [left, Math.max(2, Math.min(part.end[n] * scale, width) - left)];
  };
  let y = top;
  context.fillStyle = palette.fill;
  for (let n = 0; n < lanes; n++) context.fillRect(0, top + n * (LANE + GAP), width, LANE);
  if (truth) {
    for (let n = truth.first[video]; n < truth.first[video + 1]; n++) {
      if (label >= 0 && truth.label[n] !== label) continue;
      const [left, wide] = box(truth, n);
      if (results.some((result) => isFound(result, n))) {
        context.fillStyle = palette.truth;
        context.fillRect(left, y, wide, LANE);
      } else {
        context.strokeStyle = palette.missed;
        context.lineWidth = 1.5;
        context.setLineDash([3, 2]);
        context.strokeRect(left + 0.75, y + 0.75, Math.max(1, wide - 1.5), LANE - 1.5);
        context.setLineDash([]);
      }
    }
    y += LANE + GAP;
  }
  for (const result of results) {
    const range = result.range.high - result.range.low;
    for (let n = shownEnd(result, video) - 1; n >= result.first[video]; n--) {
      if (label >= 0 && result.label[n] !== label) continue;
      const [left, wide] = box(result, n);
      context.fillStyle = palette.fill; // so that colours of those beneath do not mix in
      context.fillRect(left, y, wide, LANE);
      context.globalAlpha =
        range > 0 ? 0.35 + 0.65 * ((result.score[n] - result.range.low) / range) : 1;
      context.fillStyle = palette[result.kind ? `kind-${result.kind[n]}` : result.colour];
      context.fillRect(left, y, wide, LANE);
      context.globalAlpha = 1;
      if (wide > 4) {
        // an edge between those that overlap
        context.strokeStyle = palette.card;
        context.lineWidth = 1;
        context.strokeRect(left, y - 1, wide, LANE + 2);
      }
    }
    y += LANE + GAP;
  }
}

// Classes of a video: annotated ones, then those found, best first.
function classesOf(video, label) {
  const found = new Set();
  if (truth)
    for (let n = truth.first[video]; n < truth.first[video + 1]; n++) found.add(truth.label[n]);
  for (const result of results) {
    for (let n = result.first[video]; n < shownEnd(result, video); n++) found.add(result.label[n]);
  }
  return [...found].filter((one) => label < 0 || one === label);
}

// What is annotated and found at a time of a video, in words.
function saidAt(video, label, time) {
  const lines = [];
  const holds = (part, n) =>
    part.start[n] <= time && time <= part.end[n] && (label < 0 || part.label[n] === label);
  if (truth) {
    for (let n = truth.first[video]; n < truth.first[video + 1]; n++) {
      if (holds(truth, n)) lines.push(`annotated: ${labels[truth.label[n]]}`);
    }
  }
  for (const result of results) {
    for (let n = result.first[video]; n < shownEnd(result, video); n++) {
      if (!holds(result, n)) continue;
      const verdict = result.kind ? `, ${KIND_NAMES[result.kind[n]]}` : "";
      lines.push(
        `${several ? result.name : "found"}: ${labels[result.label[n]]}, ${scoreText(result.score[n])}${verdict}`,
      );
    }
  }
  return lines.length > 9 ? [...lines.slice(0, 8), `and ${lines.length - 8} more`] : lines;
}

const marksLegend = () =>
  el(
    "ul",
    { class: "legend marks" },
    truth && [
      el("li", {}, dot("truth"), "annotated, found"),
      el("li", {}, dot("missed", true), "annotated, missed"),
    ],
    truth
      ? KIND_NAMES.map((name, n) => el("li", {}, dot(`kind-${n}`), name))
      : results.map((result) =>
          el(
            "li",
            {},
            dot(result.colour),
            several ? result.name : "found; the surer, the stronger",
          ),
        ),
  );
