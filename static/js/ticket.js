// The ticket of a market: its labels, what is held, and the side that somebody has chosen.
// Everything it does is also possible without it; the server computes every figure.
import * as filling from "./ticket-fill.js";
import * as quote from "./ticket-quote.js";
import { form, refresh } from "./ticket-quote.js";

const WORDS = { holds: (left) => `Valid for ${left} s`, old: "This quote has expired" };

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

export function start() {
  if (!form()) return;
  relabel();
  document.addEventListener("change", (event) => {
    if (form()?.contains(event.target)) relabel();
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
  quote.start({ quantity: "quantity", words: WORDS });
}

start();
