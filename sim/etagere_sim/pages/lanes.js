// --- lanes, and what is in them ------------------------------------------------------------------

const LETTER_WIDTH = 6.7;

function clipped(text, width) {
  const room = Math.floor(width / LETTER_WIDTH);
  if (text.length <= room) return text;
  return room < 3 ? "" : `${text.slice(0, room - 1)}…`;
}

function font(pen, weight, size, family = "mono") {
  pen.font = `${weight} ${size}px ${colours[family]}`;
}

const inSight = (from, to) => to >= view.from && from <= view.to;
const dimmed = (isMatch, isChosen) => (view.wanted !== "" ? !isMatch : view.chosen.size > 0 && !isChosen);

function hatch(pen, x, y, width, height, colour) {
  pen.save();
  pen.beginPath();
  pen.rect(x, y, width, height);
  pen.clip();
  pen.strokeStyle = colour;
  pen.lineWidth = 1;
  pen.globalAlpha *= 0.55;
  pen.beginPath();
  const first = Math.max(x, -height) - ((Math.max(x, -height) + y) % 7) - height;
  for (let at = first; at < Math.min(x + width, view.width) + height; at += 7) {
    pen.moveTo(at, y + height);
    pen.lineTo(at + height, y);
  }
  pen.stroke();
  pen.restore();
}

function drawCalm(pen) {
  const x = Math.max(xOf(picture.calm), 0);
  if (picture.calm >= end || x > view.width) return;
  pen.fillStyle = colours.hush;
  pen.fillRect(x, RULER, view.width - x, view.height);
  pen.fillStyle = colours.soft;
  pen.textAlign = "left";
  font(pen, 400, 11, "sans");
  pen.fillText("all is calm", Math.max(x, namesWidth()) + 5, stageHeight - 4);
}

function drawRuler(pen) {
  const span = view.to - view.from;
  const least = (span / plotWidth()) * 80;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= least);
  font(pen, 400, 11);
  pen.textAlign = "center";
  for (let at = Math.ceil(Math.max(0, view.from) / step) * step; at <= view.to; at += step) {
    const x = xOf(at);
    pen.fillStyle = colours.line;
    pen.fillRect(x, RULER - 6, 1, view.height - RULER);
    pen.fillStyle = colours.soft;
    const text = `${Number(at.toPrecision(8))} ms`;
    pen.fillText(text, Math.max(x, namesWidth() + text.length * 3.4 + 2), RULER - 11);
  }
}

function drawStretches(pen) {
  for (const stretch of stretches) {
    if (!inSight(stretch.at, stretch.until + end / 12)) continue;
    const x = Math.max(xOf(stretch.at), namesWidth());
    const width = Math.max(3, xOf(stretch.until) - x);
    const faint = dimmed(view.matches.has(stretch), true);
    pen.globalAlpha = faint ? 0.35 : 1;
    for (const lane of stretch.lanes) {
      const [top, height] = band(lane);
      pen.fillStyle = colours["fault-wash"];
      pen.fillRect(x, top, width, height);
      hatch(pen, x, top, width, height, colours.fault);
    }
    const y = RULER + 4 + trackOf.get(stretch) * TRACK;
    pen.fillStyle = colours["fault-wash"];
    pen.fillRect(x, y, width, TRACK - 3);
    pen.fillStyle = colours.fault;
    pen.fillRect(x, y, width, 2);
    pen.fillStyle = colours.ink;
    pen.textAlign = "left";
    font(pen, 400, 11, "sans");
    const room = trackRoom(stretch) - x - 8;
    pen.fillText(clipped(stretch.label, room * 1.12), x + 4, y + 13);
    pen.globalAlpha = 1;
    if (view.hover === stretch) drawWays(pen, stretch, x, width);
  }
}

// Up to the next one of its track.
function trackRoom(stretch) {
  const next = stretches.find((each) => each.at > stretch.at && trackOf.get(each) === trackOf.get(stretch));
  return next ? xOf(next.at) : view.width;
}

function band(lane) {
  const top = laneTop(lane);
  return lanes[lane].is_replica ? [top - 6, STRIP + 12] : [top - 5, BAR + 18];
}

// Between whom nothing gets through: a bracket for each pair, at the beginning of the cut.
function drawWays(pen, stretch, x, width) {
  pen.strokeStyle = colours.fault;
  pen.fillStyle = colours.fault;
  pen.lineWidth = 1.5;
  const pairs = [...new Map(stretch.ways.map((way) => [way.toSorted((a, b) => a - b).join(), way])).values()];
  pairs.forEach(([source, target], at) => {
    const middle = x + (width * (at + 1)) / (pairs.length + 1);
    const [from, to] = [laneLine(source), laneLine(target)];
    pen.setLineDash([2, 3]);
    pen.beginPath();
    pen.moveTo(middle, from);
    pen.lineTo(middle, to);
    pen.stroke();
    pen.setLineDash([]);
    cross(pen, middle, (from + to) / 2, 4);
  });
}

function cross(pen, x, y, size) {
  pen.beginPath();
  pen.moveTo(x - size, y - size);
  pen.lineTo(x + size, y + size);
  pen.moveTo(x + size, y - size);
  pen.lineTo(x - size, y + size);
  pen.stroke();
}

function drawLines(pen) {
  pen.lineWidth = 1;
  pen.strokeStyle = colours["calm-line"];
  for (const lane of lanes.keys()) {
    if (lanes[lane].is_replica) continue;
    const y = laneLine(lane);
    pen.globalAlpha = 0.5;
    pen.beginPath();
    pen.moveTo(namesWidth(), y);
    pen.lineTo(view.width, y);
    pen.stroke();
    pen.globalAlpha = 1;
  }
}

function drawReplicas(pen) {
  for (const lane of lanes.keys()) {
    if (!lanes[lane].is_replica) continue;
    const taken = versionsOf(lane);
    for (let at = Math.max(0, lastAt(taken, view.from)); at < taken.length && taken[at].at <= view.to; at++) {
      drawVersion(pen, lane, taken[at], taken[at + 1]?.at ?? picture.end);
    }
  }
}

// The states of a replica in which the version of the key is another than before.
const versionsKnown = new Map();
function versionsOf(lane) {
  const name = `${lane} ${view.key}`;
  if (!versionsKnown.has(name)) {
    const version = (state) => (state.held === null ? "corrupt" : JSON.stringify(state.held[view.key] ?? null));
    const taken = picture.states[lane] ?? [];
    versionsKnown.set(name, taken.filter((state, at) => at === 0 || version(state) !== version(taken[at - 1])));
  }
  return versionsKnown.get(name);
}

function drawVersion(pen, lane, state, until) {
  const y = laneTop(lane);
  const x = Math.max(xOf(state.at), namesWidth());
  const width = Math.min(xOf(until), view.width) - x;
  if (width <= 0) return;
  const version = state.held === null ? null : state.held[view.key];
  pen.fillStyle = version ? versionColour(version[1]) : colours.hush;
  pen.fillRect(x, y, Math.max(1, width - 0.5), STRIP);
  pen.strokeStyle = colours["calm-line"];
  pen.globalAlpha = 0.6;
  pen.strokeRect(x, y + 0.5, width, STRIP - 1);
  pen.globalAlpha = 1;
  font(pen, 500, 11);
  pen.fillStyle = version ? colours.ink : colours.soft;
  pen.textAlign = "left";
  const text = state.held === null ? "disk is corrupt" : version ? version[0] : "nothing";
  pen.fillText(clipped(text, width - 10), x + 5, y + 14);
}

function drawLives(pen) {
  for (const life of lives) {
    if (!inSight(life.at, life.until)) continue;
    const x = Math.max(xOf(life.at), namesWidth());
    const width = Math.max(2, Math.min(xOf(life.until), view.width) - x);
    const [top, height] = band(life.lane);
    pen.globalAlpha = 0.75;
    pen.fillStyle = life.what === "down" ? colours.down : colours.hush;
    pen.fillRect(x, top, width, height);
    pen.globalAlpha = 1;
    if (life.what === "paused") hatch(pen, x, top, width, height, colours.soft);
    font(pen, 600, 11, "sans");
    pen.fillStyle = colours.ink;
    pen.textAlign = "left";
    pen.fillText(clipped(life.what, width - 8), x + 5, top + height - 4);
  }
}

function drawMarks(pen) {
  if (perMs() < 1) return;
  for (const mark of marks) {
    if (!inSight(mark.at, mark.at)) continue;
    const isMatch = view.matches.has(mark);
    pen.globalAlpha = dimmed(isMatch, true) ? 0.25 : 1;
    diamond(pen, ...markPlace(mark), isMatch || view.hover === mark ? 5 : 3.5, colours.soft);
  }
  pen.globalAlpha = 1;
}

const markPlace = (mark) => [xOf(mark.at), lanes[mark.lane].is_replica ? laneTop(mark.lane) + STRIP + 9 : laneLine(mark.lane) + 8];

function diamond(pen, x, y, size, colour) {
  pen.fillStyle = colour;
  pen.beginPath();
  pen.moveTo(x, y - size);
  pen.lineTo(x + size, y);
  pen.lineTo(x, y + size);
  pen.lineTo(x - size, y);
  pen.fill();
}

// --- operations ----------------------------------------------------------------------------------

function drawOperations(pen) {
  operations.forEach((operation, number) => {
    if (inSight(operation.start, operationEnd(operation))) drawOperation(pen, operation, number);
  });
}

function drawOperation(pen, operation, number) {
  const x = Math.max(xOf(operation.start), namesWidth() - 8);
  const width = Math.max(4, Math.min(xOf(operationEnd(operation)), view.width + 8) - x);
  const y = laneTop(operation.lane);
  const isChosen = view.chosen.has(number);
  const isWitness = operation.letter !== "" && operation.letter !== undefined;
  pen.globalAlpha = dimmed(view.matches.has(operation), isChosen || isWitness) ? 0.5 : 1;
  pen.beginPath();
  pen.roundRect(x, y, width, BAR, Math.min(5, width / 2));
  const isOpen = operation.status === "info";
  const isRefused = operation.status !== "ok";
  pen.fillStyle = isWitness ? colours["accent-wash"] : isRefused ? colours.sheet : colours.calm;
  pen.fill();
  pen.save();
  pen.clip();
  if (operation.version && !isOpen && width > 6) {
    pen.fillStyle = versionColour(operation.version);
    pen.fillRect(x, y, Math.min(7, width), BAR);
  }
  const inset = 12 + (isWitness ? 20 : 0);
  pen.textAlign = "left";
  font(pen, 600, 11.5);
  pen.fillStyle = colours.ink;
  pen.fillText(clipped(operation.asked, width - inset - 4), x + inset, y + 14);
  font(pen, 400, 11);
  pen.fillStyle = isWitness ? colours.ink : colours.soft;
  pen.fillText(clipped(operation.answered, width - inset - 4), x + inset, y + 28);
  pen.restore();
  const isHot = isChosen || view.hover === operation || (view.wanted !== "" && view.matches.has(operation));
  pen.strokeStyle = isWitness ? colours.accent : isHot ? colours.ink : colours["calm-line"];
  pen.lineWidth = isHot ? 2.5 : isWitness ? 2 : 1;
  if (isOpen) pen.setLineDash([5, 4]);
  pen.stroke();
  pen.setLineDash([]);
  pen.lineWidth = 1;
  if (isWitness) drawLetter(pen, operation.letter, width > 34 ? x + 20 : x + width / 2, width > 34 ? y + BAR / 2 : y - 6);
  pen.globalAlpha = 1;
}

function drawLetter(pen, letter, x, y) {
  pen.fillStyle = colours.accent;
  pen.beginPath();
  pen.arc(x, y, 9, 0, 2 * Math.PI);
  pen.fill();
  pen.fillStyle = colours["on-accent"];
  font(pen, 650, 11, "sans");
  pen.textAlign = "center";
  pen.fillText(letter, x, y + 4);
}

function drawNames(pen) {
  const width = namesWidth();
  pen.fillStyle = colours.sheet;
  pen.fillRect(0, RULER, width - 1, view.height);
  pen.fillRect(0, 0, width - 1, RULER);
  pen.fillStyle = colours.line;
  pen.fillRect(width - 1, 0, 1, view.height);
  pen.textAlign = "left";
  lanes.forEach((lane, at) => {
    const y = lane.is_replica ? laneTop(at) + 14 : laneTop(at) + BAR / 2 + 4;
    font(pen, 650, 12);
    pen.fillStyle = colours.ink;
    pen.fillText(clipped(lane.name, width - 8), 10, y);
  });
  if (trackEnds.length && width > 50) {
    font(pen, 400, 11, "sans");
    pen.fillStyle = colours.soft;
    pen.fillText("faults", 10, RULER + 17);
  }
}
