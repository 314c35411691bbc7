// The ticket: quick amounts, a stepper, the life of a quote, and an order whose answer got lost.
// Everything it does is also possible without it; the server computes every figure.
import { serverNow } from "./countdown.js";
import * as filling from "./ticket-fill.js";

const RETRY_MS = [1_000, 2_000, 3_000, 5_000, 8_000];
const form = () => document.getElementById("ticket-form");

function refresh() {
  form()?.dispatchEvent(new CustomEvent("refresh"));
}

function setQuantity(text) {
  const field = form().elements.quantity;
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function relabel() {
  const elements = form()?.elements;
  if (!elements) return;
  const unit = form().querySelector("[data-unit]");
  const ticker = form().dataset.ticker;
  const shares = elements.mode.value === "shares" || elements.type.value === "exit";
  if (unit) unit.textContent = shares ? ticker : "USDC";
  form().dataset.side = elements.side.value;
}

// What is held decides what the ticket offers; closing it is meant to close only.
function takeHeld() {
  const held = document.querySelector(".position")?.dataset.held ?? "";
  if (form().dataset.held === held) return;
  form().dataset.held = held;
  form().elements.reduce_only.checked = true;
  refresh();
}

function step(field, sign) {
  const value = Number(field.value);
  if (!Number.isFinite(value)) return;
  const size = value >= 100 ? 10 : 1;
  setQuantity(String(Math.max(0, Math.round((value + sign * size) * 100) / 100)));
}

function onClick(event) {
  if (event.target.closest("[data-refresh-quote]")) {
    event.preventDefault();
    refresh();
  }
}

function onKey(event) {
  if (event.target.name !== "quantity" || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
  event.preventDefault();
  step(event.target, event.key === "ArrowUp" ? 1 : -1);
}

// A quote lives for a few seconds; after that its button asks for a new one instead.
function beat() {
  const preview = document.getElementById("preview");
  const until = Number(preview?.dataset.validUntil);
  if (!until || preview.dataset.sending) return;
  const left = Math.max(0, Math.ceil(until - serverNow()));
  const label = preview.querySelector("[data-valid]");
  if (label) label.textContent = left ? `Valid for ${left} s` : "This quote has expired";
  preview.querySelector("[data-confirm]")?.toggleAttribute("hidden", !left);
  preview.querySelector("[data-refresh-quote]")?.toggleAttribute("hidden", Boolean(left));
}

let figures = new Map();
function remember() {
  const lines = [...document.querySelectorAll("#preview [data-line]")];
  figures = new Map(lines.map((line) => [line.dataset.line, line.textContent.trim()]));
}
function markChanges() {
  for (const element of document.querySelectorAll("#preview [data-line]")) {
    const before = figures.get(element.dataset.line);
    if (before !== undefined && before !== element.textContent.trim()) {
      element.classList.add("changed");
      element.title = `was ${before}`;
    }
  }
}

// An order is sent with a key of its own. When no answer comes, it is sent again with the same
// key, which can never act twice, until the truth is known.
async function send(confirm, attempt = 0) {
  const preview = document.getElementById("preview");
  preview.dataset.sending = "1";
  const wait = preview.querySelector("[data-checking]");
  for (const button of confirm.querySelectorAll("button")) button.disabled = true;
  try {
    const answer = await fetch(confirm.action, {
      method: "POST",
      body: new FormData(confirm),
      headers: { "X-Requested-With": "ticket" },
    });
    if (answer.status >= 500) throw new Error(String(answer.status));
    if (answer.redirected) return location.assign(answer.url);
    document.getElementById("preview").outerHTML = await answer.text();
    const fresh = document.getElementById("preview");
    window.htmx?.process(fresh);
    fresh.querySelector("[tabindex='-1']")?.focus();
  } catch {
    wait.hidden = false;
    preview.querySelector("[data-valid]")?.remove();
    setTimeout(() => send(confirm, attempt + 1), RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]);
  }
}

export function start() {
  if (!form()) return;
  relabel();
  document.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey);
  document.addEventListener("change", (event) => {
    if (form()?.contains(event.target)) relabel();
  });
  document.addEventListener("submit", (event) => {
    if (event.target.id === "ticket-form") {
      event.preventDefault();
      refresh();
    } else if (event.target.matches("[data-order]")) {
      event.preventDefault();
      send(event.target);
    }
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id === "preview") remember();
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "preview" || event.detail.elt.id === "preview") markChanges();
    beat();
  });
  document.addEventListener("ticket:open", (event) => {
    const { side } = event.detail;
    if (!side) return;
    if (form().elements.side.value !== side) filling.fill(`side=${side}`);
    form().elements.quantity.focus();
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "position") takeHeld();
  });
  filling.start();
  setInterval(beat, 1_000);
}

start();
