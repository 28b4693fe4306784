// --- the picture, and the small one of the whole run ---------------------------------------------

const map = document.getElementById("map");
let isDue = false;

function redraw() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    draw();
  });
}

function penOf(canvas, width, height) {
  const scale = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  return pen;
}

function draw() {
  view.width = chart.clientWidth;
  view.height = stageHeight;
  chart.style.height = `${stageHeight}px`;
  const pen = penOf(chart, view.width, view.height);
  pen.save();
  pen.beginPath();
  pen.rect(namesWidth(), 0, view.width, view.height);
  pen.clip();
  drawCalm(pen);
  drawRuler(pen);
  drawStretches(pen);
  drawLines(pen);
  drawMessages(pen);
  drawReplicas(pen);
  drawLives(pen);
  drawMarks(pen);
  drawOperations(pen);
  drawQuorums(pen);
  drawFlying(pen);
  drawNow(pen);
  pen.restore();
  drawNames(pen);
  drawMap();
}

function drawNow(pen) {
  const x = xOf(view.now);
  pen.fillStyle = colours.now;
  pen.fillRect(x - 0.75, 4, 1.5, view.height);
  pen.beginPath();
  pen.moveTo(x - 6, 2);
  pen.lineTo(x + 6, 2);
  pen.lineTo(x + 6, 9);
  pen.lineTo(x, 16);
  pen.lineTo(x - 6, 9);
  pen.fill();
}

function drawMap() {
  const [width, height] = [map.clientWidth, map.clientHeight];
  const pen = penOf(map, width, height);
  const at = (ms) => 6 + (Math.min(ms, end) / end) * (width - 12);
  pen.fillStyle = colours["fault-wash"];
  for (const stretch of stretches) pen.fillRect(at(stretch.at), 0, Math.max(2, at(stretch.until) - at(stretch.at)), height);
  const row = (height - 8) / lanes.length;
  operations.forEach((operation, number) => {
    const isHot = operation.letter || view.chosen.has(number) || view.matches.has(operation);
    pen.fillStyle = isHot ? colours.accent : colours["calm-line"];
    pen.fillRect(at(operation.start), 4 + operation.lane * row, Math.max(2, at(operationEnd(operation)) - at(operation.start)), Math.max(2, row - 2));
  });
  for (const [lane, taken] of Object.entries(picture.states)) {
    taken.forEach((state, number) => {
      const held = state.held?.[view.key];
      pen.fillStyle = held ? versionColour(held[1]) : colours.line;
      const until = at(taken[number + 1]?.at ?? end);
      pen.fillRect(at(state.at), 4 + lane * row, Math.max(1, until - at(state.at)), Math.max(2, row - 2));
    });
  }
  pen.strokeStyle = colours.ink;
  pen.lineWidth = 1.5;
  const left = at(Math.max(0, view.from));
  pen.strokeRect(left, 1, Math.max(4, at(view.to) - left), height - 2);
}
