// Puts the page together, and lets it be used.

const THEMES = { auto: "as the system", light: "light", dark: "dark" };
const STORED = "ahernet-page-theme";

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  byId("theme").textContent = `◐ ${theme}`;
  byId("theme").setAttribute("aria-label", `Colours: ${THEMES[theme]}; change`);
  try {
    localStorage.setItem(STORED, theme);
  } catch {
    /* a page from a file may have no storage */
  }
  readPalette();
  list.update();
  showDetail(state.selected, state.label);
}

function storedTheme() {
  try {
    return localStorage.getItem(STORED) in THEMES ? localStorage.getItem(STORED) : "auto";
  } catch {
    return "auto";
  }
}

function choose(video) {
  state.selected = video;
  list.reveal(state.order.indexOf(video));
  showDetail(video, state.label);
}

// Shows the videos of one class; called from the tables above.
function browseClass(label, show = "all") {
  filters.label.value = labels.indexOf(label);
  filters.show.value = show;
  filters.label.dispatchEvent(new Event("change"));
  filters.show.dispatchEvent(new Event("change"));
  byId("browser").scrollIntoView();
  byId("list").focus({ preventScroll: true });
}

const filters = {};
function buildFilters() {
  const field = (text, control) => el("label", {}, text, control);
  const changed = (name, read) => (event) => {
    state[name] = read(event.target.value);
    applyFilters(name === "label");
    list.toTop();
  };
  const options = (choices) =>
    Object.entries(choices).map(([value, [text]]) => el("option", { value }, text));
  const sortedLabels = labels
    .map((label, n) => [label, n])
    .sort((a, b) => a[0].localeCompare(b[0]));
  const search = el("input", {
    type: "search",
    placeholder: "part of a name",
    oninput: changed("text", String),
  });
  filters.label = el(
    "select",
    { onchange: changed("label", Number) },
    el("option", { value: ALL }, "All classes"),
    sortedLabels.map(([label, n]) => el("option", { value: n }, label)),
  );
  const { differ, ...alone } = SHOW;
  const shows = !truth ? SHOW_WITHOUT_TRUTH : several ? SHOW : alone;
  filters.show = el("select", { onchange: changed("show", String) }, options(shows));
  const sort = el("select", { onchange: changed("sort", String) }, options(SORTS));
  state.sort = sort.value;
  byId("filters").append(
    field("Name", search),
    field("Class", filters.label),
    field("Show", filters.show),
    field("Order", sort),
    ...results.map(slider),
  );
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
}

function slider(result) {
  const { low, high, begin } = result.range;
  const said = el("output");
  const name = several ? `Scores of ${result.name}` : "Scores";
  const range = el("input", {
    type: "range",
    min: 0,
    max: STEPS,
    value: begin,
    "aria-label": name,
  });
  const read = () => {
    const step = Number(range.value);
    result.threshold = step ? low + ((high - low) * step) / STEPS : -Infinity;
    const text = step ? `from ${scoreText(result.threshold)}` : "all";
    said.textContent = text;
    range.setAttribute("aria-valuetext", text);
  };
  range.addEventListener("input", () => {
    read();
    applyFilters(true);
  });
  read();
  return el("label", { class: "range" }, el("span", {}, name, said), range);
}

function describe() {
  if (several)
    byId("legend").append(
      ...results.map((result) => el("li", {}, dot(result.colour), result.name)),
    );
  const notes = Object.entries(content.notes);
  const cut = results
    .filter((result) => result.leftOut)
    .map((result) => `${count(result.leftOut)} of ${result.name}`);
  if (cut.length)
    notes.push([
      "Not in the timelines",
      `detections beyond the best of each video: ${cut.join(", ")}; they are scored`,
    ]);
  byId("notes").append(
    ...notes.flatMap(([name, text]) => [el("dt", {}, name), el("dd", {}, text)]),
  );
  byId("about").hidden = !notes.length;
  byId("about").querySelector("summary").textContent = truth
    ? "How this was scored"
    : "Where this is from";
  byId("foot").textContent =
    `Made by ahernet_tf ${content.version}.${truth ? " Scores are those of the ActivityNet evaluation; the order of videos goes by the average precision of each, all its detections ranked together, at tIoU 0.5." : ""}`;
}

if (truth) {
  showScores();
  showClasses();
  showErrors();
} else {
  document.querySelectorAll("[data-scored]").forEach((node) => node.remove());
}
for (const result of results) result.range = scoreRange(result);
describe();
readPalette();
const list = virtualList(byId("list"), choose);
buildFilters();
applyFilters(true);
setTheme(storedTheme());
if (state.order.length) choose(state.order[0]);
byId("theme").addEventListener("click", () => {
  const names = Object.keys(THEMES);
  setTheme(names[(names.indexOf(document.documentElement.dataset.theme) + 1) % names.length]);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
  setTheme(document.documentElement.dataset.theme),
);
