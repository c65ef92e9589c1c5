// The list of videos: filtered and sorted as a whole, drawn where it is seen.

const ALL = -1,
  NARROW = "(max-width: 900px)";
const state = { text: "", label: ALL, show: "all", sort: "", selected: -1, order: [] };
const tallies = results.map(() => ({
  found: new Uint32Array(videos.length), // instances that a shown detection matches
  wrong: new Uint32Array(videos.length), // shown detections that match none
  shown: new Uint32Array(videos.length),
  kinds: new Uint8Array(videos.length), // a bit per kind among the shown
}));
const instances = new Uint32Array(videos.length);
const lowerNames = videos.map((name) => name.toLowerCase());

// Counts, per video and result, what is shown of the chosen class.
function tally() {
  const { label } = state;
  if (truth) {
    for (let video = 0; video < videos.length; video++) {
      let number = 0;
      for (let n = truth.first[video]; n < truth.first[video + 1]; n++)
        if (label < 0 || truth.label[n] === label) number++;
      instances[video] = number;
    }
  }
  results.forEach((result, place) => {
    const counts = tallies[place];
    for (let video = 0; video < videos.length; video++) {
      let right = 0,
        shown = 0,
        bits = 0;
      const end = shownEnd(result, video);
      for (let n = result.first[video]; n < end; n++) {
        if (label >= 0 && result.label[n] !== label) continue;
        shown++;
        if (!result.kind) continue;
        bits |= 1 << result.kind[n];
        if (result.kind[n] === 0 || result.kind[n] === NOT_SCORED) right++;
      }
      let found = 0;
      if (truth) {
        for (let n = truth.first[video]; n < truth.first[video + 1]; n++) {
          if ((label < 0 || truth.label[n] === label) && isFound(result, n)) found++;
        }
      }
      counts.shown[video] = shown;
      counts.found[video] = found;
      counts.wrong[video] = result.kind ? shown - right : 0;
      counts.kinds[video] = bits;
    }
  });
}

const any = (test) => tallies.some(test);
const SHOW = {
  all: ["Every video", () => true],
  errors: ["With errors", (v) => any((t) => t.wrong[v] || t.found[v] < instances[v])],
  misses: ["With missed actions", (v) => any((t) => t.found[v] < instances[v])],
  ...Object.fromEntries(
    KIND_NAMES.slice(1, NOT_SCORED).map((name, n) => [
      `kind-${n + 1}`,
      [`With: ${name}`, (v) => any((t) => t.kinds[v] & (1 << (n + 1)))],
    ]),
  ),
  differ: ["Where results differ", (v) => any((t) => t.found[v] !== tallies[0].found[v])],
  clean: [
    "Without errors",
    (v) => instances[v] && !any((t) => t.wrong[v] || t.found[v] < instances[v]),
  ],
};
const SHOW_WITHOUT_TRUTH = {
  all: SHOW.all,
  some: ["With detections", (v) => any((t) => t.shown[v])],
  none: ["Without detections", (v) => !any((t) => t.shown[v])],
};

const ap = (n, v) => results[n].videoAp[v];
const last = (value, end) => (Number.isNaN(value) ? end : value);
const best = (v) =>
  Math.max(...results.map((r) => (r.first[v] < r.first[v + 1] ? r.score[r.first[v]] : -Infinity)));
// Name of an order -> what rises in it.
const SORTS = truth
  ? {
      worst: [
        several ? `Worst of ${results[0].name} first` : "Worst first",
        (v) => last(ap(0, v), 2),
      ],
      best: [
        several ? `Best of ${results[0].name} first` : "Best first",
        (v) => -last(ap(0, v), -1),
      ],
      ...(results.length === 2
        ? {
            loss: [`Largest loss of ${results[1].name}`, (v) => last(ap(1, v) - ap(0, v), 9)],
            gain: [`Largest gain of ${results[1].name}`, (v) => last(ap(0, v) - ap(1, v), 9)],
          }
        : {}),
      misses: ["Most missed", (v) => -(instances[v] - tallies[0].found[v])],
      wrong: ["Most wrong detections", (v) => -tallies[0].wrong[v]],
      longest: ["Longest", (v) => -durations[v]],
      file: ["As in the file", (v) => v],
    }
  : {
      best: ["Highest score", (v) => -best(v)],
      most: ["Most detections", (v) => -tallies[0].shown[v]],
      longest: ["Longest", (v) => -durations[v]],
      file: ["As in the file", (v) => v],
    };

// `counted`: whether scores or class changed, and with them what is counted and drawn.
function applyFilters(counted) {
  if (counted) tally();
  const shows = (truth ? SHOW : SHOW_WITHOUT_TRUTH)[state.show][1];
  const text = state.text.toLowerCase();
  const chosen = [];
  for (let video = 0; video < videos.length; video++) {
    if (text && !lowerNames[video].includes(text)) continue;
    if (state.label >= 0 && !instances[video] && !any((t) => t.shown[video])) continue;
    if (shows(video)) chosen.push(video);
  }
  const key = SORTS[state.sort][1];
  const keys = new Float64Array(videos.length);
  for (const video of chosen) keys[video] = key(video);
  state.order = chosen.sort((a, b) => keys[a] - keys[b] || instances[b] - instances[a] || a - b);
  const shown = tallies.map((t) => chosen.reduce((sum, video) => sum + t.shown[video], 0));
  byId("count").textContent =
    `${times(chosen.length, "video")} of ${count(videos.length)}; ${results.map((result, n) => `${times(shown[n], "detection")}${several ? ` of ${result.name}` : ""}`).join(", ")} shown`;
  list.update();
  if (counted) showDetail(state.selected, state.label);
}

const factsOf = (video) =>
  results.map((result, n) => {
    const t = tallies[n];
    const text = !truth
      ? times(t.shown[video], "detection")
      : results.length > 2
        ? `${t.found[video]}/${instances[video]}`
        : several
          ? `${t.found[video]} of ${instances[video]}, ${t.wrong[video]} wrong`
          : `${t.found[video]} of ${instances[video]} found, ${t.wrong[video]} wrong`;
    return el(
      "span",
      { title: several ? result.name : null },
      several && [dot(result.colour), " "],
      text,
    );
  });

// Rows are made for what is seen and used again; each draws its own canvas.
function virtualList(node, choose) {
  const rowHeight = 2 * 8 + 24 + trackHeight + 2;
  const spacer = node.appendChild(el("div", { class: "spacer" }));
  const rows = new Map(); // position in the order -> row
  let width = 0,
    waiting = false,
    chosen = -1; // position of the chosen video
  const later = () => {
    if (!waiting) requestAnimationFrame(draw);
    waiting = true;
  };
  function rowAt(position) {
    const row = el(
      "div",
      { class: "row", role: "option", id: `row-${position}` },
      el(
        "div",
        { class: "line" },
        el("span", { class: "name" }),
        el("span", { class: "length" }),
        el("span", { class: "facts" }),
      ),
      el("canvas", { "aria-hidden": "true" }),
    );
    row.style.height = `${rowHeight}px`;
    row.style.transform = `translateY(${position * rowHeight}px)`;
    row.addEventListener("click", () => {
      choose(state.order[position]);
      if (matchMedia(NARROW).matches) byId("detail").scrollIntoView();
    });
    return row;
  }
  function render(row, position) {
    const video = state.order[position];
    row.querySelector(".name").replaceChildren(el("bdi", {}, videos[video]));
    row.querySelector(".length").replaceChildren(clock(durations[video]));
    row.querySelector(".facts").replaceChildren(...factsOf(video));
    row.setAttribute("aria-selected", video === state.selected);
    row.setAttribute("aria-posinset", position + 1);
    row.setAttribute("aria-setsize", state.order.length);
    const wide = width - 30;
    drawLanes(
      prepared(row.querySelector("canvas"), wide, trackHeight),
      video,
      state.label,
      wide,
      0,
    );
  }
  function draw() {
    waiting = false;
    const first = Math.max(0, Math.floor(node.scrollTop / rowHeight) - 2);
    const behind = Math.min(
      state.order.length,
      Math.ceil((node.scrollTop + node.clientHeight) / rowHeight) + 2,
    );
    for (const [position, row] of rows) {
      if (position >= first && position < behind) continue;
      row.remove();
      rows.delete(position);
    }
    for (let position = first; position < behind; position++) {
      if (rows.has(position)) continue;
      const row = rowAt(position);
      render(row, position);
      spacer.append(row);
      rows.set(position, row);
    }
    if (rows.has(chosen)) node.setAttribute("aria-activedescendant", `row-${chosen}`);
    else node.removeAttribute("aria-activedescendant");
  }
  function update() {
    spacer.style.height = `${state.order.length * rowHeight}px`;
    for (const row of rows.values()) row.remove();
    rows.clear();
    chosen = state.order.indexOf(state.selected);
    node.querySelector(".empty")?.remove();
    if (!state.order.length)
      node.append(el("p", { class: "empty" }, "No video passes these filters."));
    later();
  }
  function reveal(position) {
    chosen = position;
    const top = position * rowHeight;
    if (top < node.scrollTop) node.scrollTop = top;
    else if (top + rowHeight > node.scrollTop + node.clientHeight)
      node.scrollTop = top + rowHeight - node.clientHeight;
    draw();
    for (const [place, row] of rows) row.setAttribute("aria-selected", place === position);
  }
  node.addEventListener("scroll", later, { passive: true });
  node.addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor(node.clientHeight / rowHeight) - 1);
    const at = state.order.indexOf(state.selected);
    const to = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: Infinity,
    }[event.key];
    if (to == null || !state.order.length) return;
    event.preventDefault();
    choose(state.order[Math.min(Math.max(0, to), state.order.length - 1)]);
  });
  onWidth(node, (wide) => {
    width = wide;
    update();
  });
  return { update, reveal, toTop: () => (node.scrollTop = 0) };
}
