"use strict";

const calls = [...document.querySelectorAll(".call")];
const sections = [...document.querySelectorAll(".finding")];
const callsOf = new Map(sections.map((section) => [section, [...section.querySelectorAll(".call")]]));
const articleOf = (call) => document.getElementById(call.dataset.call);
const chosen = new Map();

// --- one call, with the state before and after -------------------------------------------------

function show(call) {
  const section = call.closest(".finding");
  const article = articleOf(call);
  for (const other of section.querySelectorAll(".detail")) other.hidden = other !== article;
  for (const other of callsOf.get(section)) other.classList.toggle("shown", other === call);
}

function choose(call) {
  const section = call.closest(".finding");
  chosen.set(section, call);
  for (const other of callsOf.get(section)) other.tabIndex = other === call ? 0 : -1;
  show(call);
}

function goTo(call) {
  if (!call) return;
  choose(call);
  call.focus({ preventScroll: true });
  reveal(call);
}

// The names of the clients cover the left edge of what scrolls.
function reveal(call) {
  const chart = call.closest(".chart");
  const room = chart.getBoundingClientRect();
  const bar = call.getBoundingClientRect();
  const left = room.left + chart.querySelector(".names").getBoundingClientRect().width + 12;
  if (bar.left < left) chart.scrollLeft -= left - bar.left;
  else if (bar.right > room.right) chart.scrollLeft += Math.min(bar.left - left, bar.right - room.right + 12);
  if (bar.top < room.top) chart.scrollTop -= room.top - bar.top + 12;
  else if (bar.bottom > room.bottom) chart.scrollTop += bar.bottom - room.bottom + 12;
  const now = call.getBoundingClientRect();
  if (now.top < 0) window.scrollBy(0, now.top - 12);
  else if (now.bottom > window.innerHeight) window.scrollBy(0, now.bottom - window.innerHeight + 12);
}

// All of the witnesses if the chart is wide enough, else the first of them.
function center(chart, witnesses) {
  const room = chart.getBoundingClientRect();
  const bars = witnesses.map((call) => call.getBoundingClientRect());
  const names = chart.querySelector(".names").getBoundingClientRect().width;
  const left = Math.min(...bars.map((bar) => bar.left));
  const top = Math.min(...bars.map((bar) => bar.top));
  const spare = (full, from, ends) => Math.max(24, (full - (Math.max(...ends) - from)) / 2);
  chart.scrollLeft += left - room.left - names - spare(room.width - names, left, bars.map((bar) => bar.right));
  chart.scrollTop += top - room.top - spare(room.height, top, bars.map((bar) => bar.bottom));
}

for (const call of calls) {
  call.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") show(call); });
  call.addEventListener("pointerleave", () => show(chosen.get(call.closest(".finding"))));
  call.addEventListener("click", () => goTo(call));
  call.addEventListener("focus", () => choose(call));
  call.addEventListener("keydown", (event) => move(event, call));
}

for (const section of sections) {
  const list = callsOf.get(section);
  if (!list.length) continue;
  const first = list.find((call) => call.classList.contains("witness")) ?? list[0];
  choose(first);
  const witnesses = list.filter((call) => call.classList.contains("witness"));
  if (witnesses.length) center(section.querySelector(".chart"), witnesses);
}

for (const link of document.querySelectorAll("[data-show]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    goTo(calls.find((call) => call.dataset.call === link.dataset.show));
  });
}

// --- the keyboard ------------------------------------------------------------------------------

function move(event, call) {
  const target = destination(event.key, call);
  if (target === undefined) return;
  event.preventDefault();
  goTo(target);
}

function destination(key, call) {
  const list = callsOf.get(call.closest(".finding"));
  const at = list.indexOf(call);
  switch (key) {
    case "ArrowRight": return list[at + 1] ?? null;
    case "ArrowLeft": return list[at - 1] ?? null;
    case "ArrowDown": return nearest(call, list, 1);
    case "ArrowUp": return nearest(call, list, -1);
    case "Home": return list[0];
    case "End": return list[list.length - 1];
    case "Enter": case " ": return call;
  }
}

function nearest(call, list, direction) {
  const from = call.querySelector(".bar").getBoundingClientRect();
  let best = null;
  let least = Infinity;
  for (const other of list) {
    const to = other.querySelector(".bar").getBoundingClientRect();
    const down = (to.top - from.top) * direction;
    const far = down * 1000 + Math.abs(to.left - from.left);
    if (down > 0 && far < least) [best, least] = [other, far];
  }
  return best;
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target === search) return;
  event.preventDefault();
  search?.focus();
});

// --- the search box ----------------------------------------------------------------------------

const search = document.getElementById("search");
const found = document.getElementById("found");
let matches = [];

function seek() {
  const wanted = search.value.trim().toLowerCase();
  matches = wanted ? calls.filter((call) => call.dataset.words.toLowerCase().includes(wanted)) : [];
  document.body.classList.toggle("searching", wanted !== "");
  for (const call of calls) call.classList.toggle("match", matches.includes(call));
  const hits = new Set(matches.map((call) => call.closest(".finding").id));
  for (const section of sections) section.hidden = wanted !== "" && !hits.has(section.id);
  for (const entry of document.querySelectorAll("[data-section]"))
    entry.hidden = wanted !== "" && !hits.has(entry.dataset.section);
  const number = wanted ? `${matches.length} of ${calls.length}` : calls.length;
  found.textContent = `${number} ${calls.length === 1 ? "call" : "calls"}`;
  if (matches.length) { choose(matches[0]); reveal(matches[0]); }
}

search?.addEventListener("input", seek);
search?.addEventListener("keydown", (event) => {
  if (event.key === "Escape") { search.value = ""; seek(); }
  if (event.key === "Enter") goTo(matches[0]);
});
