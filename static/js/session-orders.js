// The open orders on a session's page, as their owner's news changes them.
import { cast, outcome } from "./session-book.js";
import { limit, micro, tokens } from "./money.js";

const RESTS = new Set(["open", "partial"]);
const WORDS = { yes: "YES", no: "NO" };

const all = (selector) => document.querySelectorAll(selector);

/** Write a text into every element that matches. */
export function write(selector, text) {
  for (const element of all(selector)) {
    if (element.textContent !== text) element.textContent = text;
  }
}

/** Say how many rows a list has; an empty one gives way to a sentence. */
export function count(name) {
  const found = document.querySelector(`[data-own-list="${name}"]`);
  const rows = found.children.length;
  found.hidden = !rows;
  write(`[data-count="${name}"]`, String(rows));
  for (const element of all(`[data-with="${name}"]`)) element.hidden = !rows;
  for (const element of all(`[data-without="${name}"]`)) element.hidden = Boolean(rows);
}

/** Show what rests of an order: of one at the market nothing is left after its batch. */
export function showOrder(order) {
  const place = document.querySelector("[data-own-list='orders']");
  let row = place.querySelector(`[data-ref="${order.ref}"]`);
  if (order.price === null || !RESTS.has(order.status)) row?.remove();
  else {
    if (!row) place.prepend((row = newOrder(order)));
    const cell = (name) => row.querySelector(`[data-cell="${name}"]`);
    const [left, size] = [micro(order.remaining), micro(order.size)];
    cell("left").textContent = tokens(left);
    cell("asked").textContent = left === size ? "" : ` · ${tokens(size)} asked`;
  }
  count("orders");
}

function newOrder(order) {
  const [row, cell] = cast("order");
  const form = row.querySelector("form");
  const url = form.getAttribute("action").replace("/orders/0/", `/orders/${order.ref}/`);
  row.dataset.ref = order.ref;
  form.setAttribute("action", url);
  form.setAttribute("hx-post", url);
  form.elements.key.value = form.elements.key.value.replace(/\.0$/, `.${order.ref}`);
  cell("what").textContent = order.side === "buy" ? "Buy" : "Sell";
  cell("side").textContent = WORDS[order.token];
  cell("price").textContent = limit(micro(order.price));
  cell("name").textContent = outcome(order.outcome).name;
  cell("auto").textContent = order.auto_fill ? " · auto-fill" : "";
  cell("ref").textContent = order.ref;
  window.htmx?.process(row);
  return row;
}
