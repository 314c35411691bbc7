// The ticket of a session: filled from the rows, sent under a key, and told about by toasts.
// Everything it does is also possible without it; the server computes every figure.
import { serverNow } from "./countdown.js";

const RETRY_MS = [1_000, 2_000, 3_000, 5_000, 8_000];
const TOASTS_MAX = 5;
const STAYS_MS = 12_000;
const form = () => document.getElementById("ticket-form");
const refresh = () => form()?.dispatchEvent(new CustomEvent("refresh"));

function put(name, value) {
  const field = form().elements.namedItem(name);
  if (!field) return;
  if (field.type === "checkbox") field.checked = Boolean(value);
  else if (name === "size") field.value = value.includes(".") ? value.replace(/\.?0+$/, "") : value;
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

function sellAll() {
  const { outcome, token } = form().elements;
  const held = `${outcome.value}${token.value === "no" ? 1 : 0}`;
  const found = document.querySelector(`[data-held="${held}"]`);
  put("size", found?.dataset.free ?? "0");
  refresh();
}

function onClick(event) {
  const pick = event.target.closest("[data-pick]");
  const size = event.target.closest("[data-size]");
  if (pick) {
    event.preventDefault();
    fill(pick.dataset.pick);
    if (pick.dataset.openTicket && !matchMedia("(max-width: 767px)").matches) {
      form().elements.size.focus();
    }
  } else if (size) {
    put("size", size.dataset.size);
    refresh();
  } else if (event.target.closest("[data-size-all]")) sellAll();
  else if (event.target.closest("[data-refresh-quote]")) refresh();
  else if (event.target.closest("[data-dismiss]")) event.target.closest(".toast").remove();
}

function beat() {
  const preview = document.getElementById("preview");
  const until = Number(preview?.dataset.validUntil);
  if (!until || preview.dataset.sending) return;
  const left = Math.max(0, Math.ceil(until - serverNow()));
  const label = preview.querySelector("[data-valid]");
  if (label) label.textContent = left ? `Holds for ${left} s.` : "It is old now.";
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
    const mould = document.createElement("template");
    mould.innerHTML = await answer.text();
    const said = mould.content.querySelector("[data-toast]");
    document.getElementById("preview").replaceWith(mould.content.querySelector("#preview"));
    const fresh = document.getElementById("preview");
    window.htmx?.process(fresh);
    fresh.querySelector("[tabindex='-1']")?.focus({ preventScroll: true });
    if (said) {
      toast(said.content);
      document.getElementById("sheet")?.close?.();
    }
  } catch {
    wait.hidden = false;
    setTimeout(() => send(confirm, attempt + 1), RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]);
  }
}

// 1 to 9 choose an outcome, y and n its token; switched off with the other shortcuts.
function onKey(event) {
  const { target, key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (document.documentElement.dataset.keys === "off") return;
  if (target.closest("input:not([type=radio], [type=checkbox]), textarea, select")) return;
  if (key === "y" || key === "n") fill(`token=${key === "y" ? "yes" : "no"}`);
  const option = form().elements.outcome.options[Number(key) - 1];
  if (/^[1-9]$/.test(key) && option) fill(`outcome=${option.value}`);
}

function start() {
  document.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey);
  document.addEventListener("session:gone", (event) => drop(event.detail.prices));
  form().elements.outcome.addEventListener("change", (event) => choose(event.target.value));
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
    if (form().elements.side.value !== side) {
      put("side", side);
      refresh();
    }
    form().elements.size.focus();
  });
  setInterval(() => {
    beat();
    ageToasts();
  }, 1_000);
}

if (form()) start();
