// The ticket of a session: filled from the rows, sent under a key, and told about by toasts.
// Everything it does is also possible without it; the server computes every figure.
import * as quote from "./ticket-quote.js";
import { form, refresh } from "./ticket-quote.js";

const TOASTS_MAX = 5;
const STAYS_MS = 12_000;
const WORDS = { holds: (left) => `Holds for ${left} s.`, old: "It is old now." };

function put(name, value) {
  const field = form().elements.namedItem(name);
  if (!field) return;
  if (field.type === "checkbox") field.checked = Boolean(value);
  else field.value = value;
}

function choose(number) {
  for (const row of document.querySelectorAll("[data-outcome]")) {
    row.toggleAttribute("data-chosen", row.dataset.outcome === number);
  }
  document.body.dispatchEvent(new CustomEvent("refresh-session-book"));
  const name = document.querySelector(`[data-outcome="${number}"]`)?.dataset.name ?? "";
  for (const element of document.querySelectorAll("[data-bar-name]")) element.textContent = name;
  for (const element of document.querySelectorAll("[data-ticket-price], [data-bar]")) {
    const token = element.dataset.ticketPrice ?? element.dataset.bar;
    const price = document.querySelector(`[data-price="${number}${token}"]`);
    if (price) element.textContent = price.textContent;
  }
  const page = new URL(location.href);
  page.search = `?outcome=${number}`;
  history.replaceState(null, "", page);
}

function fill(query) {
  const before = form().elements.outcome.value;
  for (const [name, value] of new URLSearchParams(query)) put(name, value);
  if (form().elements.outcome.value !== before) choose(form().elements.outcome.value);
  refresh();
}

// Outcomes that have gone can no longer be chosen; whoever was about to trade one is moved on.
function drop(prices) {
  const { outcome } = form().elements;
  const chosen = outcome.value;
  for (const option of [...outcome.options]) if (!prices[Number(option.value)]) option.remove();
  if (outcome.value !== chosen) choose(outcome.value);
  refresh();
}

// A share of what is free; the server works the size out and says it with the preview. It goes
// along with every question until its answer is there, for a later question replaces an earlier.
let share = "";
function ask(wanted) {
  share = wanted;
  refresh();
}

function takeSize(preview) {
  if (share && preview.dataset.size) put("size", preview.dataset.size);
  share = "";
}

function onClick(event) {
  const pick = event.target.closest("[data-pick]");
  const size = event.target.closest("button[data-size]");
  const chip = event.target.closest("[data-share]");
  if (pick) {
    event.preventDefault();
    fill(pick.dataset.pick);
    if (pick.dataset.openTicket && !matchMedia("(max-width: 767px)").matches) {
      form().elements.size.focus();
    }
  } else if (size) {
    put("size", size.dataset.size);
    refresh();
  } else if (chip) ask(chip.dataset.share);
  else if (event.target.closest("[data-dismiss]")) event.target.closest(".toast").remove();
}

function toast(markup) {
  const list = document.getElementById("toasts");
  list.append(markup);
  const added = list.lastElementChild;
  window.htmx?.process(added);
  while (list.children.length > TOASTS_MAX) list.firstElementChild.remove();
}

// A toast that has said its last word goes by itself, except a refusal.
function ageToasts() {
  for (const element of document.querySelectorAll(".toast")) {
    const { state } = element.dataset;
    if (state === "accepted" || state === "rejected" || element.matches(":hover, :focus-within")) {
      continue;
    }
    element.dataset.saidAt ??= String(Date.now());
    if (Date.now() - Number(element.dataset.saidAt) > STAYS_MS) element.remove();
  }
}

function told(answer) {
  const said = answer.querySelector("[data-toast]");
  if (!said) return;
  toast(said.content);
  document.getElementById("sheet")?.close?.();
}

// 1 to 9, and 0 for the tenth, choose an outcome, y and n its token, m all of the balance; switched
// off with the other shortcuts.
function onKey(event) {
  const { target, key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (document.documentElement.dataset.keys === "off") return;
  if (target.closest("input:not([type=radio], [type=checkbox]), textarea, select")) return;
  if (key === "y" || key === "n") fill(`token=${key === "y" ? "yes" : "no"}`);
  if (key === "m") document.querySelector("[data-share='100']")?.click();
  const option = form().elements.outcome.options[(Number(key) + 9) % 10];
  if (/^[0-9]$/.test(key) && option) fill(`outcome=${option.value}`);
}

function start() {
  document.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey);
  document.addEventListener("session:gone", (event) => drop(event.detail.prices));
  form().elements.size.addEventListener("input", () => (share = ""));
  document.addEventListener("htmx:configRequest", (event) => {
    if (share && event.detail.elt === form()) event.detail.parameters.share = share;
  });
  form().elements.outcome.addEventListener("change", (event) => choose(event.target.value));
  document.addEventListener("ticket:open", (event) => {
    const { side } = event.detail;
    if (!side) return;
    if (form().elements.side.value !== side) {
      put("side", side);
      refresh();
    }
    form().elements.size.focus();
  });
  quote.start({ quantity: "size", words: WORDS, told, swapped: takeSize });
  setInterval(ageToasts, 1_000);
}

if (form()) start();
