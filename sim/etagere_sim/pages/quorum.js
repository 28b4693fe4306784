// --- the operation that is chosen: its questions, and how they came to have enough answers --------

const SVG = "http://www.w3.org/2000/svg";

function make(name, settings = {}, ...content) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(settings)) {
    if (key === "class") element.className = value;
    else element.setAttribute(key, value);
  }
  element.append(...content);
  return element;
}

function shape(name, settings) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(settings)) element.setAttribute(key, value);
  return element;
}

const SHOWN_QUESTIONS = 40;
const isOrAre = (number) => (number === 1 ? "is" : "are");

function describeOperation(number) {
  const operation = operations[number];
  const told = operation.end === null ? "never answered" : `${(operation.end - operation.start).toFixed(2)} ms`;
  const heading = make("h3", {}, `${lanes[operation.lane].name}, key ${operation.key}`);
  const parts = [
    make("p", {}, operation.letter ? make("b", { class: "name" }, operation.letter) : "", ` ${operation.sentence}`),
    make("p", { class: "soft small" }, `${msText(operation.start)} – ${operation.end === null ? "…" : msText(operation.end)} · ${told}`),
  ];
  const asked = questionsOf.get(number) ?? [];
  if (!asked.length) parts.push(describeMessages(messagesOf.get(number) ?? []));
  for (const at of asked.slice(0, SHOWN_QUESTIONS)) parts.push(describeQuestion(questions[at]));
  if (asked.length > SHOWN_QUESTIONS) parts.push(make("p", { class: "soft small" }, `and ${asked.length - SHOWN_QUESTIONS} questions more`));
  return [make("article", {}, heading, ...parts)];
}

// Of one that waits for nothing but its own answer: what was said for its sake.
function describeMessages(said) {
  if (!said.length) return make("p", { class: "soft small" }, "It said nothing to anybody.");
  const list = make("div", { class: "question rounds said" });
  for (const message of said.slice(0, SHOWN_QUESTIONS)) {
    const came = message.arrived === null ? FATES[message.fate] : `took ${(message.arrived - message.sent).toFixed(2)} ms`;
    const words = `${message.kind}${message.text ? ` (${message.text})` : ""} at ${msText(message.sent)}, ${came}`;
    list.append(make("span", { class: "who" }, `${lanes[message.source].name} → ${lanes[message.target].name}`), make("span", { class: "told" }, words));
  }
  return list;
}

function describeQuestion(question) {
  const targets = question.targets.map((each) => lanes[each].name).join(", ");
  const needs = question.enough ? `${question.enough} of ${question.targets.length} ${isOrAre(question.enough)} enough` : "its protocol tells when it has enough";
  const title = make("h3", {}, `${lanes[question.lane].name} asks: ${question.kind}`, make("span", {}, `${targets} · ${needs}`));
  const box = make("div", { class: "question" }, title);
  if (question.text) box.append(make("p", { class: "soft small" }, question.text));
  const grid = make("div", { class: "rounds" });
  const all = rounds(question);
  const last = Math.max(question.settled ?? question.at, ...all.map((each) => each.back?.arrived ?? 0), question.at + usualFlight);
  for (const round of all) {
    grid.append(
      make("span", { class: round.counted ? "who counted" : "who" }, lanes[round.target].name),
      legs(round, question, last),
      make("span", { class: "told" }, whatCame(round, question)),
    );
  }
  box.append(grid, make("p", { class: "small" }, outcomeOf(question)));
  return box;
}

function legs(round, question, last) {
  const span = (last - question.at) * 1.02 || 1;
  const x = (at) => `${Math.max(0, Math.min(100, ((at - question.at) / span) * 100))}%`;
  const svg = shape("svg", { "aria-hidden": "true" });
  svg.append(shape("line", { class: "axis", x1: "0%", x2: "100%", y1: 13, y2: 13 }));
  for (const [message, back] of [[round.asked, ""], [round.answer, " back"]]) {
    if (!message) continue;
    const until = message.arrived ?? message.sent + usualFlight / 2;
    const came = message.fate === "arrived" ? "" : " never";
    svg.append(shape("line", { class: `leg${back}${came}`, x1: x(message.sent), x2: x(until), y1: 13, y2: 13 }));
    if (!came) svg.append(shape("circle", { class: `point${back}${back && round.counted ? " counted" : ""}`, cx: x(until), cy: 13, r: 4 }));
  }
  if (question.settled !== null) svg.append(shape("line", { class: "enough", x1: x(question.settled), x2: x(question.settled), y1: 0, y2: 26 }));
  return svg;
}

const FATES = { lost: "was lost", cut: "was cut off", unheard: "reached no process", sent: "was on its way at the end" };

function whatCame(round, question) {
  if (!round.asked) return "";
  if (round.asked.fate !== "arrived" && !round.answer) return `the question ${FATES[round.asked.fate]}`;
  if (!round.answer) return "no answer";
  if (!round.back) return `${round.answer.kind} ${FATES[round.answer.fate]}`;
  const when = `after ${(round.back.arrived - question.at).toFixed(2)} ms`;
  return `${round.back.kind}${round.back.text ? ` (${round.back.text})` : ""} ${when}${round.counted ? "" : ", too late to count"}`;
}

function outcomeOf(question) {
  if (question.settled === null) return "Nobody waited any longer: the asker died.";
  const who = question.answered.map((each) => lanes[each].name).join(", ") || "nobody";
  const when = `after ${(question.settled - question.at).toFixed(2)} ms, at ${msText(question.settled)}`;
  if (question.why === "enough answers") return `${question.enough ? "Enough" : "Decided"} ${when}: ${who}.`;
  return `Not enough when ${question.why} ${when}: ${who}.`;
}
