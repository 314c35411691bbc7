// Everything on the page that counts seconds, by the server's clock: ages, countdowns, local times.
import { age, local, remaining } from "./format.js";

let offsetMs = 0;

/** Take over the server's clock, as heartbeats bring it. */
export function setServerTime(serverMs) {
  offsetMs = serverMs - Date.now();
}

export function serverNow() {
  return (Date.now() + offsetMs) / 1000;
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function beat() {
  const now = serverNow();
  for (const element of document.querySelectorAll("[data-since]")) {
    write(element, age(now - Number(element.dataset.since)));
  }
  for (const element of document.querySelectorAll("[data-until]")) {
    const left = Number(element.dataset.until) - now;
    write(element, left > 0 ? remaining(left) : element.dataset.over ?? "now");
  }
}

/** Rewrite instants in the reader's zone; the title keeps UTC. */
export function localise(root) {
  for (const element of root.querySelectorAll("time[data-time]")) {
    const date = new Date(element.getAttribute("datetime"));
    write(element, local(date, element.dataset.time));
  }
}

export function start() {
  localise(document);
  beat();
  setInterval(beat, 1000);
  document.addEventListener("htmx:afterSwap", (event) => {
    localise(event.detail.elt);
    beat();
  });
}
