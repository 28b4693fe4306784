// --- messages on their way -----------------------------------------------------------------------

const HEAD = 6;

function isShown(message) {
  if (view.shown === "chosen" && view.chosen.size) return view.chosen.has(message.operation);
  if (view.shown === "trouble") return isTrouble(message);
  return true;
}

const isFocus = (message) => (view.wanted !== "" ? view.matches.has(message) : view.chosen.has(message.operation));

// From where to where a message is drawn: one that never came ends on its way.
function wayOf(message) {
  const [y1, y2] = [laneEdge(message.source, message.target), laneEdge(message.target, message.source)];
  if (cameThrough(message)) return [xOf(message.sent), y1, xOf(message.arrived), y2];
  const share = message.fate === "cut" ? 0.3 : 0.5;
  return [xOf(message.sent), y1, xOf(message.sent + usualFlight * share), y1 + (y2 - y1) * share];
}

// The edge of a lane that faces another.
function laneEdge(lane, other) {
  if (!lanes[lane].is_replica) return laneLine(lane);
  return laneTop(lane) + (other < lane ? 0 : STRIP);
}

function styleOf(message) {
  if (!cameThrough(message) && message.fate !== "sent") return "lost";
  return message.isAnswer ? "answer" : "request";
}

// Many arrows at once: one path for each style.
function drawMessages(pen) {
  const visible = messages.filter((each) => inSight(each.sent, each.arrived ?? each.sent + usualFlight) && isShown(each));
  const heads = visible.length < 3000 && perMs() > 0.4;
  const isDim = view.chosen.size > 0 || view.wanted !== "";
  for (const focus of [false, true]) {
    const layer = visible.filter((each) => isFocus(each) === focus);
    const crowd = Math.max(0.16, Math.min(0.75, 150 / Math.max(1, layer.length)));
    pen.globalAlpha = focus ? 1 : isDim ? Math.min(0.22, crowd) : crowd;
    for (const style of ["answer", "request", "lost"]) drawStyle(pen, layer.filter((each) => styleOf(each) === style), style, focus, heads);
    if (focus && layer.length < 150) drawKinds(pen, layer);
  }
  pen.globalAlpha = 1;
  if (view.hover && messages.includes(view.hover)) drawStyle(pen, [view.hover], styleOf(view.hover), true, true, 1.2);
}

function drawStyle(pen, layer, style, focus, heads, more = 0) {
  if (!layer.length) return;
  pen.strokeStyle = pen.fillStyle = colours[style];
  pen.lineWidth = (style === "answer" ? 1 : 1.4) * (focus ? 1.5 : 1) + more;
  if (style === "lost") pen.setLineDash([5, 4]);
  pen.beginPath();
  for (const message of layer) {
    const [x1, y1, x2, y2] = wayOf(message);
    pen.moveTo(x1, y1);
    pen.lineTo(x2, y2);
  }
  pen.stroke();
  pen.setLineDash([]);
  if (style === "lost") {
    for (const message of layer) {
      const [, , x, y] = wayOf(message);
      cross(pen, x, y, focus || heads ? 4 : 2.5);
    }
  } else if (heads) {
    pen.beginPath();
    for (const message of layer) if (cameThrough(message)) head(pen, ...wayOf(message));
    pen.fill();
  }
}

function head(pen, x1, y1, x2, y2) {
  const angle = Math.atan2(y2 - y1, x2 - x1);
  pen.moveTo(x2, y2);
  pen.lineTo(x2 - HEAD * Math.cos(angle - 0.42), y2 - HEAD * Math.sin(angle - 0.42));
  pen.lineTo(x2 - HEAD * Math.cos(angle + 0.42), y2 - HEAD * Math.sin(angle + 0.42));
}

// What messages are, along their arrows, where there is room.
function drawKinds(pen, layer) {
  const places = [];
  font(pen, 500, 10.5);
  for (const message of layer) {
    const [x1, y1, x2, y2] = wayOf(message);
    if (Math.hypot(x2 - x1, y2 - y1) < message.kind.length * 6.4 + 34 || x2 - x1 < 26) continue;
    const [x, y] = [x1 + (x2 - x1) * 0.35, y1 + (y2 - y1) * 0.35];
    if (places.some((each) => Math.hypot(each[0] - x, each[1] - y) < 30)) continue;
    places.push([x, y]);
    drawKind(pen, message, x, y, Math.atan2(y2 - y1, x2 - x1));
  }
}

function drawKind(pen, message, x, y, angle) {
  const text = message.kind;
  pen.save();
  pen.translate(x, y);
  pen.rotate(angle);
  pen.textAlign = "center";
  pen.lineWidth = 4;
  pen.lineJoin = "round";
  pen.strokeStyle = colours.sheet;
  pen.strokeText(text, 0, -3);
  pen.fillStyle = colours[styleOf(message)];
  pen.fillText(text, 0, -3);
  pen.restore();
}

// Where messages are that are on their way at the moment.
function drawFlying(pen) {
  for (const message of messages) {
    if (message.arrived === null || message.sent > view.now || message.arrived <= view.now || !isShown(message)) continue;
    const [x1, y1, x2, y2] = wayOf(message);
    const share = (view.now - message.sent) / (message.arrived - message.sent);
    pen.globalAlpha = dimmed(isFocus(message), isFocus(message)) ? 0.3 : 1;
    pen.fillStyle = colours[styleOf(message)];
    pen.beginPath();
    pen.arc(x1 + (x2 - x1) * share, y1 + (y2 - y1) * share, 4, 0, 2 * Math.PI);
    pen.fill();
  }
  pen.globalAlpha = 1;
}

// When there were enough answers to the questions of what is chosen.
function drawQuorums(pen) {
  const last = new Map();
  for (const operation of view.chosen) {
    for (const number of questionsOf.get(operation) ?? []) {
      const question = questions[number];
      if (question.settled === null || !inSight(question.settled, question.settled)) continue;
      const x = xOf(question.settled);
      const y = laneLine(question.lane);
      const enough = question.why === "enough answers";
      const counted = question.answered.length;
      const text = enough ? `✓ ${counted} of ${question.targets.length}` : `✗ ${counted} of ${question.targets.length}`;
      font(pen, 650, 10.5, "sans");
      const width = pen.measureText(text).width + 10;
      const colour = enough ? colours.ink : colours.lost;
      pen.fillStyle = colour;
      pen.beginPath();
      pen.arc(x, y, 3.5, 0, 2 * Math.PI);
      pen.fill();
      if (x - width / 2 < last.get(question.lane)) continue;
      last.set(question.lane, x + width / 2);
      pen.beginPath();
      pen.roundRect(x - width / 2, y + 6, width, 15, 7);
      pen.fill();
      pen.fillStyle = colours.sheet;
      pen.textAlign = "center";
      pen.fillText(text, x, y + 17);
    }
  }
}
