// What the page was made of, unpacked: segments lie video after video in typed arrays.

const content = JSON.parse(byId("data").textContent);
const { videos, labels, kinds } = content;
const NOT_SCORED = kinds.length;
const KIND_NAMES = [
  ...kinds.map((kind) => (kind === "true positive" ? "correct" : kind)),
  "not scored",
];
const FORMS = { f4: Float32Array, u4: Uint32Array, u2: Uint16Array, u1: Uint8Array };

function unpacked(text, form) {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let n = 0; n < bytes.length; n++) bytes[n] = characters.charCodeAt(n);
  return new FORMS[form](bytes.buffer);
}

const segmentsOf = (part) => ({
  first: unpacked(part.first, "u4"),
  start: unpacked(part.start, "f4"),
  end: unpacked(part.end, "f4"),
  label: unpacked(part.label, "u2"),
});

const durations = unpacked(content.durations, "f4");
const truth = content.truth && segmentsOf(content.truth);
const results = content.results.map((part, number) => ({
  name: part.name,
  colour: `series-${number}`,
  scores: part.scores,
  leftOut: part.left_out,
  ...segmentsOf(part),
  score: unpacked(part.score, "f4"),
  kind: part.kind && unpacked(part.kind, "u1"),
  matched: part.matched && unpacked(part.matched, "f4"), // by instance; NaN: missed
  videoAp: part.video_ap && unpacked(part.video_ap, "f4"),
  threshold: -Infinity,
}));
const several = results.length > 1;

// Detections of a video lie best first: returns behind the last that reaches the
// result's threshold.
function shownEnd(result, video) {
  let low = result.first[video],
    high = result.first[video + 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (result.score[middle] >= result.threshold) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Range of a result's scores, and the step of it (0 to STEPS) to begin with: where
// F1 = 2 correct / (shown + annotated) is largest; without annotations, where three
// detections a video are shown.
const STEPS = 1000;
function scoreRange(result) {
  let low = Infinity,
    high = -Infinity;
  for (const score of result.score) {
    if (score < low) low = score;
    if (score > high) high = score;
  }
  if (!(low < high))
    return { low: low === Infinity ? 0 : low, high: high === -Infinity ? 1 : high, begin: 0 };
  const shown = new Uint32Array(STEPS + 1),
    correct = new Uint32Array(STEPS + 1);
  for (let n = 0; n < result.score.length; n++) {
    const step = Math.floor(((result.score[n] - low) / (high - low)) * STEPS);
    if (!result.kind || result.kind[n] !== NOT_SCORED) shown[step]++;
    if (result.kind && result.kind[n] === 0) correct[step]++;
  }
  let begin = 0,
    best = 0,
    all = 0,
    right = 0;
  for (let step = STEPS; step >= 0; step--) {
    all += shown[step];
    right += correct[step];
    const value = truth
      ? (2 * right) / (all + truth.start.length)
      : all <= 3 * videos.length
        ? STEPS - step
        : 0;
    if (value > best) [best, begin] = [value, step];
  }
  return { low, high, begin };
}
