"use strict";

// --- what there is, as Python wrote it down ------------------------------------------------------

const picture = JSON.parse(document.getElementById("picture").textContent);
const { lanes, operations, questions, stretches, lives, findings, keys } = picture;
const MESSAGE = ["source", "target", "sent", "arrived", "fate", "kind", "text", "question", "isAnswer", "operation", "trouble", "isCopy"];
const messages = picture.messages.map((row) => Object.fromEntries(MESSAGE.map((name, at) => [name, row[at]])));
for (const message of messages) message.text = picture.texts[message.text];
const marks = picture.marks.map(([lane, at, text]) => ({ lane, at, text }));
const operationEnd = (operation) => operation.end ?? picture.end;
const lastEnd = Math.max(1, ...operations.map(operationEnd));
const end = Math.max(1, Math.min(picture.end, lastEnd * 1.5), ...messages.filter((each) => each.operation >= 0).map((each) => each.arrived ?? each.sent));

function grouped(items, keyOf) {
  const groups = new Map();
  for (const item of items) {
    const key = keyOf(item);
    if (groups.has(key)) groups.get(key).push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

const questionsOf = grouped(questions.keys(), (at) => questions[at].operation ?? -1);
const messagesOf = grouped(messages, (each) => each.operation);
const messagesOfQuestion = grouped(messages, (each) => each.question);

// Half of the way that most messages take: as far is drawn what never came.
const flights = messages.filter((each) => each.arrived !== null).map((each) => each.arrived - each.sent).sort((a, b) => a - b);
const usualFlight = flights.length ? flights[flights.length >> 1] : 1;
const cameThrough = (message) => message.arrived !== null;
const isTrouble = (message) => message.fate !== "arrived" || message.trouble !== "" || message.isCopy;

// --- versions and their colours ------------------------------------------------------------------

const COLOURS = 8;
const versionNumbers = new Map(picture.versions.map((etag, at) => [etag, at]));
function versionClass(etag) {
  return versionNumbers.has(etag) ? `v${versionNumbers.get(etag) % COLOURS}` : "";
}

// --- at a moment ---------------------------------------------------------------------------------

// The last of items sorted by `at` that is not after a moment.
function lastAt(items, moment) {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (items[middle].at <= moment) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

const stateAt = (lane, moment) => picture.states[lane]?.[lastAt(picture.states[lane], moment)];
const lifeAt = (lane, moment) => lives.find((each) => each.lane === lane && each.at <= moment && moment < each.until)?.what ?? "";
const troublesAt = (lane, moment) => stretches.filter((each) => each.at <= moment && moment < each.until && each.lanes.includes(lane));
const operationAt = (lane, moment) => operations.find((each) => each.lane === lane && each.start <= moment && moment < operationEnd(each));

// Every moment at which something happens, once.
const moments = [...new Set([
  0,
  ...operations.flatMap((each) => [each.start, operationEnd(each)]),
  ...messages.flatMap((each) => (each.arrived === null ? [each.sent] : [each.sent, each.arrived])),
  ...stretches.flatMap((each) => [each.at, each.until]),
  ...Object.values(picture.states).flatMap((taken) => taken.map((each) => each.at)),
])].filter((at) => at <= end).sort((a, b) => a - b).map((at) => ({ at }));

// Of each host that was asked, the ways there and back; its first answer counts, if it was in time.
function rounds(question) {
  const said = messagesOfQuestion.get(questions.indexOf(question)) ?? [];
  return question.targets.map((target) => {
    const asked = said.filter((each) => !each.isAnswer && each.target === target);
    const answers = said.filter((each) => each.isAnswer && each.source === target);
    const back = answers.filter((each) => each.fate === "arrived").sort((a, b) => a.arrived - b.arrived)[0];
    const counted = question.answered.includes(target);
    return { target, asked: asked[0], answer: back ?? answers[0], back, counted };
  });
}

const msText = (at) => `${at.toFixed(at < 1000 ? 2 : 1)} ms`;
