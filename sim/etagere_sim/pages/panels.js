// --- what everybody knows at the moment ----------------------------------------------------------

const momentPanel = document.getElementById("moment");
const chosenPanel = document.getElementById("chosen");
const clock = document.getElementById("clock");
const slider = document.getElementById("time");
const rows = lanes.map((lane) => {
  const held = make("div", { class: "held" });
  const row = make("div", { class: "host" }, make("b", {}, lane.name), held);
  const disk = make("dl");
  if (lane.is_replica) row.append(make("details", { class: "disk" }, make("summary", {}, "on its disk"), disk));
  momentPanel.append(row);
  return { held, disk, told: "", kept: undefined };
});
const flying = make("p", { class: "soft small" });
momentPanel.append(flying);
slider.max = end;

function showMoment() {
  clock.textContent = msText(view.now);
  slider.value = view.now;
  slider.setAttribute("aria-valuetext", msText(view.now));
  lanes.forEach((lane, at) => (lane.is_replica ? showReplica(at) : showClient(at)));
  const number = messages.filter((each) => each.sent <= view.now && each.arrived !== null && each.arrived > view.now).length;
  flying.textContent = `${number} ${number === 1 ? "message is" : "messages are"} on the way.`;
}

function fill(at, parts) {
  const told = parts.map((each) => `${each.className} ${each.textContent}`).join("\n");
  if (rows[at].told === told) return;
  rows[at].told = told;
  rows[at].held.replaceChildren(...parts);
}

function troubleParts(at) {
  const life = lifeAt(at, view.now);
  const labels = troublesAt(at, view.now).map((each) => each.label);
  return [...(life ? [life] : []), ...labels].map((text) => make("span", { class: "trouble" }, text));
}

function showReplica(at) {
  const state = stateAt(at, view.now);
  const shown = state?.held ? Object.entries(state.held) : [];
  const chips = shown.map(([key, version]) => {
    const text = version ? (version[0] === version[1] ? version[0] : `${version[0]} · ${version[1]}`) : "absent";
    return make("span", { class: `chip ${version ? versionClass(version[1]) : ""}` }, `${key} = ${text}`);
  });
  if (!chips.length) chips.push(make("span", { class: "soft small" }, state && state.held === null ? "its disk is corrupt" : "holds nothing"));
  fill(at, [...chips, ...troubleParts(at)]);
  if (rows[at].kept === state) return;
  rows[at].kept = state;
  rows[at].disk.replaceChildren(...(state?.disk ?? []).flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, picture.texts[text])]));
}

function showClient(at) {
  const operation = operationAt(at, view.now);
  const words = operation ? `${operation.asked}${waitsFor(operation)}` : "does nothing";
  fill(at, [make("span", { class: operation ? "small" : "soft small" }, words), ...troubleParts(at)]);
}

// Of the question that is open now: how many answers are there.
function waitsFor(operation) {
  const asked = questionsOf.get(operations.indexOf(operation)) ?? [];
  const open = asked.map((each) => questions[each]).filter((each) => each.at <= view.now && view.now < (each.settled ?? end)).pop();
  if (!open) return "";
  const came = rounds(open).filter((each) => each.back && each.back.arrived <= view.now).length;
  return ` · ${open.kind}: ${came} of ${open.targets.length} answered${open.enough ? `, ${open.enough} ${isOrAre(open.enough)} enough` : ""}`;
}

function setNow(at, { follow = true } = {}) {
  view.now = Math.max(0, Math.min(end, at));
  if (follow) reveal(view.now);
  showMoment();
  redraw();
}

// --- choosing ------------------------------------------------------------------------------------

function choose(numbers, { go = false } = {}) {
  view.chosen = new Set(numbers);
  const first = numbers[0];
  if (first === undefined) {
    chosenPanel.replaceChildren(make("p", { class: "soft" }, "Point at an operation, tap it or go to it with ↑ and ↓, to see whom it asked, which answers came when, and when there were enough."));
  } else {
    chosenPanel.replaceChildren(...numbers.flatMap(describeOperation));
    if (operations[first].key !== view.key) setKey(operations[first].key);
    if (go) showOperations(numbers);
  }
  redraw();
}

// At the start of the last of them: what it found, the others had left.
function showOperations(numbers) {
  lookAtOperations(numbers);
  setNow(Math.max(...numbers.map((each) => operations[each].start)));
}

const keyBox = document.getElementById("key");
keyBox.append(...keys.map((key) => make("option", { value: key }, key)));
keyBox.closest("label").hidden = keys.length < 2;

function setKey(key) {
  view.key = keyBox.value = key;
  redraw();
}
