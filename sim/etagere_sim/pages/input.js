// --- what is under the pointer -------------------------------------------------------------------

const tip = document.getElementById("tip");
const NEAR = 7;

function thingAt(x, y) {
  if (x < namesWidth() || y < RULER) return null;
  const at = atOf(x);
  const slack = 3 / perMs();
  const isHere = (each) => each.start - slack <= at && at <= operationEnd(each) + slack;
  const inLane = (lane) => y >= laneTop(lane) - 6 && y <= laneTop(lane) + BAR;
  const operation = operations.findLast((each) => inLane(each.lane) && isHere(each));
  if (operation) return operation;
  const track = stretches.find((each) => {
    const top = RULER + 4 + trackOf.get(each) * TRACK;
    return y >= top && y < top + TRACK && x >= xOf(each.at) && x <= Math.max(xOf(each.until), xOf(each.at) + Math.min(each.label.length * 6, trackRoom(each) - xOf(each.at)));
  });
  if (track) return track;
  const mark = perMs() >= 1 && marks.find((each) => Math.hypot(...markPlace(each).map((place, axis) => place - [x, y][axis])) < NEAR);
  return mark || nearestMessage(x, y) || stateUnder(at, y);
}

function nearestMessage(x, y) {
  let best = null;
  let least = NEAR;
  for (const message of messages) {
    if (!inSight(message.sent, message.arrived ?? message.sent + usualFlight) || !isShown(message)) continue;
    const far = distance(x, y, ...wayOf(message)) - (isFocus(message) ? 2 : 0);
    if (far < least) [best, least] = [message, far];
  }
  return best;
}

function distance(x, y, x1, y1, x2, y2) {
  const length = (x2 - x1) ** 2 + (y2 - y1) ** 2;
  const share = length ? Math.max(0, Math.min(1, ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length)) : 0;
  return Math.hypot(x - x1 - share * (x2 - x1), y - y1 - share * (y2 - y1));
}

function stateUnder(at, y) {
  const lane = lanes.findIndex((each, number) => each.is_replica && y >= laneTop(number) && y <= laneTop(number) + STRIP);
  const state = lane < 0 ? null : stateAt(lane, at);
  return state ? { lane, state } : null;
}

// Its heading and what there is to say of it.
function wordsOf(thing) {
  if (operations.includes(thing)) return [`${lanes[thing.lane].name}: ${thing.asked} (${thing.key})`, thing.sentence, `${msText(thing.start)} – ${thing.end === null ? "never answered" : msText(thing.end)}`];
  if (stretches.includes(thing)) return [thing.label, thing.until > thing.at ? `${msText(thing.at)} – ${msText(thing.until)}` : msText(thing.at)];
  if (marks.includes(thing)) return [thing.text, `${lanes[thing.lane].name}, ${msText(thing.at)}`];
  if (thing.state) return [`${lanes[thing.lane].name} holds ${thing.state.held?.[view.key]?.[0] ?? "nothing"}`, `since ${msText(thing.state.at)}`];
  const way = `${lanes[thing.source].name} → ${lanes[thing.target].name}`;
  const came = thing.arrived === null ? FATES[thing.fate] : `took ${(thing.arrived - thing.sent).toFixed(2)} ms${thing.fate === "unheard" ? `, ${FATES.unheard}` : ""}`;
  return [`${thing.kind}, ${way}`, thing.text, `${msText(thing.sent)} · ${came}`, thing.fate === thing.trouble ? "" : thing.trouble];
}

function point(x, y) {
  const thing = thingAt(x, y);
  chart.classList.toggle("over", thing !== null);
  chart.classList.toggle("ruler", thing === null && y < RULER);
  if (thing !== view.hover) {
    view.hover = thing;
    redraw();
  }
  tip.hidden = thing === null;
  if (thing === null) return;
  const [title, ...lines] = wordsOf(thing);
  tip.replaceChildren(make("b", {}, title), ...lines.filter(Boolean).map((line) => make("span", {}, line)));
  tip.style.left = `${Math.max(4, Math.min(x + 14, view.width - tip.offsetWidth - 4))}px`;
  tip.style.top = `${y + 18 + tip.offsetHeight > view.height ? Math.max(2, y - tip.offsetHeight - 12) : y + 18}px`;
}

function act(x, y) {
  const thing = thingAt(x, y);
  if (operations.includes(thing)) choose([operations.indexOf(thing)]);
  else if (messages.includes(thing) && thing.operation >= 0) choose([thing.operation]);
  if (x >= namesWidth()) setNow(atOf(x), { follow: false });
}

// --- the pointer ---------------------------------------------------------------------------------

const pointers = new Map();
let drag = null;
let pinch = null;

function placeOf(event) {
  const box = chart.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

chart.addEventListener("pointerdown", (event) => {
  if (event.button) return;
  stop();
  const [x, y] = placeOf(event);
  pointers.set(event.pointerId, x);
  chart.setPointerCapture(event.pointerId);
  pinch = pointers.size === 2 ? spread() : null;
  const isRuler = y < RULER || (event.pointerType === "mouse" && Math.abs(x - xOf(view.now)) < 4 && !thingAt(x, y));
  drag = { x, from: view.from, to: view.to, isRuler, isMoved: false };
  if (isRuler) setNow(atOf(x), { follow: false });
});

const spread = () => [...pointers.values()].sort((a, b) => a - b);

chart.addEventListener("pointermove", (event) => {
  const [x, y] = placeOf(event);
  if (!pointers.has(event.pointerId)) {
    if (event.pointerType === "mouse") point(x, y);
    return;
  }
  pointers.set(event.pointerId, x);
  if (pinch && pointers.size === 2) {
    const [left, right] = spread();
    const middle = atOf((pinch[0] + pinch[1]) / 2);
    zoom(Math.max(10, right - left) / Math.max(10, pinch[1] - pinch[0]), middle);
    pinch = [left, right];
    drag.isMoved = true;
  } else if (drag.isRuler) {
    setNow(atOf(x), { follow: false });
  } else if (drag.isMoved || Math.abs(x - drag.x) > 4) {
    drag.isMoved = true;
    chart.classList.add("dragging");
    tip.hidden = true;
    const ms = ((drag.x - x) / plotWidth()) * (drag.to - drag.from);
    look(drag.from + ms, drag.to + ms);
  }
});

function release(event) {
  if (!pointers.delete(event.pointerId)) return;
  chart.classList.remove("dragging");
  if (drag && !drag.isMoved && !drag.isRuler && event.type === "pointerup") {
    const place = placeOf(event);
    act(...place);
    if (event.pointerType !== "mouse") point(...place);
  }
  if (!pointers.size) drag = pinch = null;
}
chart.addEventListener("pointerup", release);
chart.addEventListener("pointercancel", release);
chart.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse" && !pointers.size) point(-1, -1); });
chart.addEventListener("dblclick", (event) => zoom(2, atOf(placeOf(event)[0])));
chart.addEventListener("wheel", (event) => {
  if (event.ctrlKey || event.metaKey) zoom(Math.exp(-event.deltaY / 300), atOf(placeOf(event)[0]));
  else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan(((event.deltaX || event.deltaY) / plotWidth()) * (view.to - view.from));
  else return;
  event.preventDefault();
}, { passive: false });

// --- time goes on --------------------------------------------------------------------------------

const PLAY_SECONDS = 25;
const playButton = document.getElementById("play");
const speed = document.getElementById("speed");
let playing = null;

function stop() {
  if (playing !== null) cancelAnimationFrame(playing);
  playing = null;
  playButton.textContent = "▶";
  playButton.setAttribute("aria-label", "Play");
}

// As fast as what is seen passes by in so many seconds, whatever the zoom.
function play() {
  if (view.now >= end) setNow(0);
  let last = performance.now();
  const step = (time) => {
    const ms = ((time - last) / 1000) * speed.value * ((view.to - view.from) / PLAY_SECONDS);
    last = time;
    setNow(view.now + Math.max(0, ms));
    if (view.now >= end) stop();
    else playing = requestAnimationFrame(step);
  };
  playing = requestAnimationFrame(step);
  playButton.textContent = "❚❚";
  playButton.setAttribute("aria-label", "Pause");
}

const toggle = () => (playing === null ? play() : stop());
playButton.addEventListener("click", toggle);
slider.addEventListener("input", () => { stop(); setNow(Number(slider.value)); });

function stepMoments(number) {
  stop();
  let at = lastAt(moments, view.now);
  if (number < 0 && moments[at]?.at < view.now) at++;
  setNow(moments[Math.max(0, Math.min(moments.length - 1, at + number))].at);
}

function stepOperations(number) {
  const at = view.chosen.size ? [...view.chosen][number > 0 ? view.chosen.size - 1 : 0] + number : number > 0 ? 0 : operations.length - 1;
  if (!operations[at]) return;
  choose([at]);
  if (!inSight(operations[at].start, operations[at].start)) lookAtOperations([at]);
  setNow(operations[at].start);
}

// --- keys, buttons, search -----------------------------------------------------------------------

const search = document.getElementById("search");
const found = document.getElementById("found");
const KEYS = {
  ArrowRight: (event) => stepMoments(event.shiftKey ? 10 : 1),
  ArrowLeft: (event) => stepMoments(event.shiftKey ? -10 : -1),
  ArrowDown: () => stepOperations(1),
  ArrowUp: () => stepOperations(-1),
  Home: () => setNow(0),
  End: () => setNow(end),
  " ": toggle,
  "+": () => zoom(1.5, view.now),
  "=": () => zoom(1.5, view.now),
  "-": () => zoom(1 / 1.5, view.now),
  0: () => look(0, end),
  "/": () => search.focus(),
  Escape: () => choose([]),
};

document.addEventListener("keydown", (event) => {
  if (event.target === search || event.target.matches("select, summary, pre") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("button, a") && [" ", "Enter"].includes(event.key)) return;
  const isOutside = event.target !== document.body && !event.target.closest("main");
  if (!KEYS[event.key] || isOutside) return;
  // Up, down and the ends scroll the page, unless the picture has the focus.
  if (["ArrowUp", "ArrowDown", "Home", "End", " "].includes(event.key) && event.target === document.body) return;
  event.preventDefault();
  KEYS[event.key](event);
});

const onClick = (id, act) => document.getElementById(id).addEventListener("click", act);
onClick("in", () => zoom(1.6, inSight(view.now, view.now) ? view.now : undefined));
onClick("out", () => zoom(1 / 1.6, inSight(view.now, view.now) ? view.now : undefined));
onClick("fit", () => look(0, end));
keyBox.addEventListener("change", () => setKey(keyBox.value));
document.getElementById("shown").addEventListener("change", (event) => { view.shown = event.target.value; redraw(); });
for (const link of document.querySelectorAll("[data-operation]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    choose([Number(link.dataset.operation)], { go: true });
    chart.focus({ preventScroll: true });
    chart.scrollIntoView({ block: "nearest" });
  });
}
for (const button of document.querySelectorAll("[data-finding]")) {
  button.addEventListener("click", () => {
    choose(findings[button.dataset.finding].witnesses, { go: true });
    chart.scrollIntoView({ block: "nearest" });
  });
}

const sought = [...operations, ...messages, ...stretches, ...marks].map((thing) => [thing, `${lanes[thing.lane ?? thing.source]?.name ?? ""} ${wordsOf(thing).join(" ")} ${thing.letter ?? ""}`.toLowerCase()]);
const startOf = (thing) => thing.start ?? thing.sent ?? thing.at;
let hits = [];
let hit = -1;

function seek() {
  view.wanted = search.value.trim().toLowerCase();
  hits = view.wanted ? sought.filter(([, words]) => words.includes(view.wanted)).map(([thing]) => thing) : [];
  hits.sort((a, b) => startOf(a) - startOf(b));
  view.matches = new Set(hits);
  hit = -1;
  found.textContent = view.wanted ? `${hits.length.toLocaleString("en")} of ${sought.length.toLocaleString("en")}` : "";
  redraw();
}

function goToHit(direction) {
  if (!hits.length) return;
  hit = (hit + direction + hits.length) % hits.length;
  found.textContent = `${hit + 1} of ${hits.length}`;
  if (operations.includes(hits[hit])) choose([operations.indexOf(hits[hit])]);
  view.hover = hits[hit];
  setNow(startOf(hits[hit]));
}

search.addEventListener("input", seek);
search.addEventListener("keydown", (event) => {
  if (event.key === "Enter") goToHit(event.shiftKey ? -1 : 1);
  if (event.key === "Escape") { search.value = ""; seek(); chart.focus({ preventScroll: true }); }
});

// --- the beginning -------------------------------------------------------------------------------

function begin() {
  readColours();
  draw();
  if (findings.length) choose(findings[0].witnesses, { go: true });
  else {
    choose([]);
    look(0, Math.min(end, lastEnd * 1.02));
    setNow(0);
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); redraw(); });
  new ResizeObserver(redraw).observe(chart);
}
begin();
