// One video: its file where it is at hand, a track per class, and tables of both.

const AXIS = 20,
  NAME = 17,
  BETWEEN = 8;

function showDetail(video, label) {
  const panel = byId("detail");
  if (video < 0) {
    panel.replaceChildren(el("p", { class: "empty" }, "Choose a video to see it class by class."));
    return;
  }
  const link = content.files[video];
  const player =
    link == null
      ? null
      : el("video", {
          src: link,
          controls: true,
          preload: "metadata",
          "aria-label": `Video ${videos[video]}`,
        });
  const seek = (time) => {
    if (player) player.currentTime = time;
    tracks.moveTo(time);
  };
  const tracks = trackPicture(video, label, seek);
  if (player) {
    player.addEventListener("timeupdate", () => tracks.moveTo(player.currentTime));
    player.addEventListener(
      "error",
      () =>
        player.replaceWith(
          el(
            "p",
            { class: "soft" },
            "This browser does not play ",
            el("a", { href: link }, decodeURIComponent(link)),
            ".",
          ),
        ),
      { once: true },
    );
  }
  const facts =
    truth &&
    several &&
    !Number.isNaN(results[0].videoAp[video]) &&
    el(
      "p",
      { class: "soft" },
      "Average precision of this video at tIoU 0.5: ",
      results.map((r, n) => `${n ? ", " : ""}${r.name} ${percent(100 * r.videoAp[video])}%`),
    );
  const key =
    several &&
    el(
      "p",
      { class: "soft" },
      `Lanes from top to bottom: ${[truth && "annotated", ...results.map((r) => r.name)].filter(Boolean).join(", ")}`,
    );
  panel.replaceChildren(
    el("a", { class: "back", href: "#browser" }, "Back to the list"),
    el("h3", {}, videos[video], " ", el("span", { class: "soft" }, seconds(durations[video]))),
    player ?? "",
    facts || "",
    marksLegend(),
    key || "",
    tracks.node,
    ...tables(video, label, player && seek),
  );
}

// The tracks on one canvas, with a mark that the pointer and the arrow keys move.
function trackPicture(video, label, seek) {
  const present = classesOf(video, label);
  const step = NAME + trackHeight + BETWEEN;
  const height = Math.max(1, present.length) * step + AXIS;
  const canvas = el("canvas");
  const now = el("div", { class: "now", hidden: true });
  const node = el(
    "div",
    {
      class: "tracks",
      role: "slider",
      tabindex: "0",
      "aria-label": "Time in the video",
      "aria-valuemin": "0",
      "aria-valuemax": durations[video].toFixed(1),
      "aria-valuenow": "0",
    },
    canvas,
    now,
  );
  let width = 0,
    time = 0;
  const redraw = () => {
    const context = prepared(canvas, width, height);
    context.font = `12px ${getComputedStyle(document.body).fontFamily}`;
    present.forEach((one, n) => {
      context.fillStyle = palette.ink;
      context.fillText(labels[one], 0, n * step + 12, width);
      drawLanes(context, video, one, width, n * step + NAME);
    });
    if (!present.length) {
      context.fillStyle = palette.soft;
      context.fillText("Nothing is annotated, and nothing found with such a score.", 0, 12, width);
    }
    drawAxis(context, durations[video], width, height - AXIS);
    moveTo(time);
  };
  function moveTo(to) {
    time = Math.min(Math.max(0, to), durations[video]);
    now.style.left = `${(time / durations[video]) * width}px`;
    now.hidden = time === 0;
    node.setAttribute("aria-valuenow", time.toFixed(1));
    node.setAttribute("aria-valuetext", [seconds(time), ...saidAt(video, label, time)].join("; "));
  }
  const timeAt = (event) =>
    ((event.clientX - node.getBoundingClientRect().left) / width) * durations[video];
  node.addEventListener("pointermove", (event) => {
    const at = timeAt(event);
    const track = present[Math.floor((event.clientY - node.getBoundingClientRect().top) / step)];
    showTip(event, [seconds(Math.max(0, at)), ...saidAt(video, track ?? label, at)].join("\n"));
    if (event.buttons) seek(at);
  });
  node.addEventListener("pointerleave", () => showTip());
  node.addEventListener("pointerdown", (event) => seek(timeAt(event)));
  node.addEventListener("keydown", (event) => {
    const page = durations[video] / 10;
    const by = { ArrowRight: 1, ArrowLeft: -1, PageUp: page, PageDown: -page }[event.key];
    const to =
      { Home: 0, End: durations[video] }[event.key] ?? (by && time + by * Math.min(1, page));
    if (to == null) return;
    event.preventDefault();
    seek(to);
  });
  onWidth(node, (wide) => {
    width = wide;
    redraw();
  });
  return { node, moveTo };
}

function drawAxis(context, duration, width, y) {
  const step =
    [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200].find(
      (one) => (duration / one) * 64 <= width,
    ) ?? duration;
  context.strokeStyle = palette.line;
  context.lineWidth = 1;
  context.fillStyle = palette.soft;
  context.beginPath();
  context.moveTo(0, y + 0.5);
  context.lineTo(width, y + 0.5);
  for (let time = 0; time <= duration; time += step) {
    const x = Math.min(width - 0.5, (time / duration) * width + 0.5);
    context.moveTo(x, y);
    context.lineTo(x, y + 4);
    const text =
      time < 60
        ? `${+time.toFixed(1)} s`
        : `${Math.floor(time / 60)}:${String(Math.round(time % 60)).padStart(2, "0")}`;
    context.textAlign = time === 0 ? "left" : x > width - 30 ? "right" : "center";
    context.fillText(text, x, y + 16);
  }
  context.textAlign = "left";
  context.stroke();
}

const MOST_ROWS = 100;

// Annotations and detections as tables; with a player, times are buttons that go there.
function tables(video, label, seek) {
  const from = (time) =>
    seek
      ? el(
          "button",
          { type: "button", class: "link", title: "Go there", onclick: () => seek(time) },
          time.toFixed(1),
        )
      : time.toFixed(1);
  const parts = [];
  if (truth) {
    const rows = [];
    for (let n = truth.first[video]; n < truth.first[video + 1]; n++) {
      if (label >= 0 && truth.label[n] !== label) continue;
      rows.push([
        labels[truth.label[n]],
        from(truth.start[n]),
        truth.end[n].toFixed(1),
        ...results.map((result) =>
          isFound(result, n)
            ? scoreText(result.matched[n])
            : el("span", { class: "worse" }, "missed"),
        ),
      ]);
    }
    parts.push(
      el("h4", {}, "Annotated"),
      rows.length
        ? el(
            "div",
            { class: "scroll", tabindex: "0" },
            table(
              [
                "Class",
                "Start, s",
                "End, s",
                ...results.map((result) => (several ? result.name : "Found at")),
              ],
              rows,
            ),
          )
        : el("p", { class: "soft" }, "Nothing."),
    );
  }
  for (const result of results) {
    const rows = [];
    for (let n = result.first[video]; n < shownEnd(result, video); n++) {
      if (label >= 0 && result.label[n] !== label) continue;
      rows.push([
        labels[result.label[n]],
        from(result.start[n]),
        result.end[n].toFixed(1),
        scoreText(result.score[n]),
        ...(result.kind
          ? [el("span", {}, dot(`kind-${result.kind[n]}`), " ", KIND_NAMES[result.kind[n]])]
          : []),
      ]);
    }
    const more = rows.length > MOST_ROWS ? `, the best ${MOST_ROWS} of ${rows.length}` : "";
    parts.push(
      el(
        "h4",
        {},
        several ? `Found by ${result.name}` : "Found",
        el("span", { class: "soft" }, more),
      ),
      rows.length
        ? el(
            "div",
            { class: "scroll", tabindex: "0" },
            table(
              ["Class", "Start, s", "End, s", "Score", ...(result.kind ? ["Verdict"] : [])],
              rows.slice(0, MOST_ROWS),
            ),
          )
        : el("p", { class: "soft" }, "Nothing with such a score."),
    );
  }
  return parts;
}
