// --- what is looked at, and where it is on the canvas --------------------------------------------

const chart = document.getElementById("chart");
const LEAST_SPAN = 0.5;
const RULER = 30;
const TRACK = 20;
const BAR = 34;
const CLIENT = 62;
const BETWEEN = 44;
const REPLICA = 64;
const STRIP = 20;

const view = {
  from: 0,
  to: end,
  now: 0,
  chosen: new Set(),
  finding: -1,
  key: keys[0] ?? "",
  shown: "all",
  hover: null,
  wanted: "",
  matches: new Set(),
  width: 800,
  height: 400,
};

// Faults that overlap stand one below the other.
const trackOf = new Map();
const trackEnds = [];
for (const stretch of stretches) {
  let track = trackEnds.findIndex((until) => until <= stretch.at);
  if (track < 0) track = trackEnds.length;
  // Room for its words, however short it was.
  trackEnds[track] = Math.max(stretch.until, stretch.at + end / 12);
  trackOf.set(stretch, track);
}

const lanesTop = RULER + trackEnds.length * TRACK + (trackEnds.length ? 14 : 10);
const clientCount = lanes.filter((lane) => !lane.is_replica).length;

function laneTop(lane) {
  if (lane < clientCount) return lanesTop + lane * CLIENT;
  return lanesTop + clientCount * CLIENT + BETWEEN + (lane - clientCount) * REPLICA;
}
// Where arrows begin and end.
const laneLine = (lane) => laneTop(lane) + (lanes[lane].is_replica ? STRIP / 2 : BAR + 8);
const stageHeight = laneTop(lanes.length) - 12;
const namesWidth = () => (view.width < 600 ? 40 : 56);
const plotWidth = () => view.width - namesWidth() - 12;
const xOf = (at) => namesWidth() + ((at - view.from) / (view.to - view.from)) * plotWidth();
const atOf = (x) => view.from + ((x - namesWidth()) / plotWidth()) * (view.to - view.from);
const perMs = () => plotWidth() / (view.to - view.from);

function look(from, to) {
  const span = Math.min(end * 1.02, Math.max(LEAST_SPAN, to - from));
  view.from = Math.max(-end * 0.01, Math.min(from, end * 1.01 - span));
  view.to = view.from + span;
  redraw();
}

function zoom(factor, around = (view.from + view.to) / 2) {
  const span = Math.max(LEAST_SPAN, (view.to - view.from) / factor);
  const share = (around - view.from) / (view.to - view.from);
  look(around - span * share, around + span * (1 - share));
}

const pan = (ms) => look(view.from + ms, view.to + ms);

function lookAtOperations(numbers) {
  const shown = numbers.map((number) => operations[number]);
  const from = Math.min(...shown.map((each) => each.start));
  const to = Math.max(...shown.map((each) => Math.min(operationEnd(each), each.start + end / 2)));
  const room = Math.max((to - from) * 0.18, usualFlight * 2);
  look(from - room, to + room);
}

function reveal(at) {
  const span = view.to - view.from;
  if (at < view.from || at > view.to) look(at - span * 0.25, at + span * 0.75);
}

// --- colours, from the style sheet ---------------------------------------------------------------

const colours = {};
function readColours() {
  const style = getComputedStyle(document.documentElement);
  const names = ["paper", "sheet", "ink", "soft", "line", "hush", "calm", "calm-line", "accent", "accent-wash", "on-accent", "request", "answer", "lost", "fault", "fault-wash", "down", "now"];
  for (let at = 0; at < COLOURS; at++) names.push(`v${at}`);
  for (const name of names) colours[name] = style.getPropertyValue(`--${name}`).trim();
  colours.mono = style.getPropertyValue("--mono").trim();
  colours.sans = style.getPropertyValue("--sans").trim();
}
const versionColour = (etag) => colours[versionClass(etag)] ?? colours.hush;
