// What the ticket of a market and that of a session share: how long a quote holds, marks on figures
// that have changed, arrow keys on the size, and an order that is asked for until its answer is
// known.
import { serverNow } from "./countdown.js";

const RETRY_MS = [1_000, 2_000, 3_000, 5_000, 8_000];
export const form = () => document.getElementById("ticket-form");
const preview = () => document.getElementById("preview");

export function refresh() {
  form()?.dispatchEvent(new CustomEvent("refresh"));
}

// A quote lives for a few seconds; after that its button asks for a new one instead. Who had the
// keyboard on one button has it on the other.
let renewed = false;
function beat(words) {
  const shown = preview();
  const until = Number(shown?.dataset.validUntil);
  if (!until || shown.dataset.sending) return;
  const left = Math.max(0, Math.ceil(until - serverNow()));
  const label = shown.querySelector("[data-valid]");
  if (label) label.textContent = left ? words.holds(left) : words.old;
  const confirm = shown.querySelector("[data-confirm]");
  const renew = shown.querySelector("[data-refresh-quote]");
  const held = !left && confirm?.contains(document.activeElement);
  confirm?.toggleAttribute("hidden", !left);
  renew?.toggleAttribute("hidden", Boolean(left));
  if (held) renew?.focus({ preventScroll: true });
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

/** The fields that the summary of what is wrong leads to are marked, until the next answer. */
function markWrong() {
  for (const field of form().querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
  }
  for (const { hash } of preview().querySelectorAll("[role='alert'] a")) {
    form().elements[hash.replace("#id_", "")]?.setAttribute?.("aria-invalid", "true");
  }
}

// A quote that did not come is asked for until it does; what stands there is not for what is typed.
const LOST = "No estimate came: the site could not be reached. It is asked again by itself.";
let again = 0;
function onLost(event) {
  const shown = preview();
  const { target, xhr } = event.detail;
  if (!shown || shown.dataset.sending || target?.id !== "preview") return;
  if (xhr?.status >= 400 && xhr.status < 500) return location.reload(); // it says why by itself
  delete shown.dataset.validUntil;
  for (const part of shown.querySelectorAll("[data-confirm], [data-reason]")) part.hidden = true;
  if (!shown.querySelector("[data-lost]")) {
    const note = document.createElement("p");
    note.className = "notice notice-warn";
    note.dataset.lost = "";
    note.setAttribute("role", "status");
    note.textContent = LOST;
    shown.prepend(note);
  }
  clearTimeout(again);
  again = setTimeout(refresh, RETRY_MS[2]);
}

// An order is sent with a key of its own. When no answer comes, it is sent again with the same
// key, which can never act twice, until the truth is known.
async function send(confirm, told, attempt = 0) {
  const asking = preview();
  asking.dataset.sending = "1";
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
    const fresh = mould.content.querySelector("#preview");
    if (!fresh) return location.reload(); // a page that says why there is no ticket any more
    preview().replaceWith(fresh);
    window.htmx?.process(preview());
    preview().querySelector("[tabindex='-1']")?.focus({ preventScroll: Boolean(told) });
    told?.(mould.content);
  } catch {
    asking.querySelector("[data-checking]").hidden = false;
    asking.querySelector("[data-valid]")?.remove();
    const wait = RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)];
    setTimeout(() => send(confirm, told, attempt + 1), wait);
  }
}

function step(field, sign) {
  const value = Number(field.value);
  if (!Number.isFinite(value)) return;
  const size = value >= 100 ? 10 : 1;
  field.value = String(Math.max(0, Math.round((value + sign * size) * 100) / 100));
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function onSubmit(event, told) {
  if (event.target.id === "ticket-form") refresh();
  else if (event.target.matches("[data-order]")) send(event.target, told);
  else return;
  event.preventDefault();
}

/** Watch over the ticket's quote. `quantity` names its field; `told` gets the answer to an order. */
export function start({ quantity, words, told, swapped }) {
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-refresh-quote]")) return;
    renewed = true;
    refresh();
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.name !== quantity || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    step(event.target, event.key === "ArrowUp" ? 1 : -1);
  });
  document.addEventListener("submit", (event) => onSubmit(event, told));
  // A field that was typed in has asked already. Asking again when it is left would change the
  // button under the finger that presses it.
  document.addEventListener("change", ({ target }) => {
    if (form()?.contains(target) && target.matches("select, [type=radio], [type=checkbox]")) {
      refresh();
    }
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id === "preview") remember();
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "preview" || event.detail.elt.id === "preview") {
      markChanges();
      markWrong();
      if (renewed && document.activeElement === document.body) {
        preview().querySelector("[data-confirm]")?.focus({ preventScroll: true });
      }
      renewed = false;
      swapped?.(preview());
    }
    beat(words);
  });
  for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
    document.addEventListener(name, onLost);
  }
  addEventListener("online", () => {
    if (preview()?.querySelector("[data-lost]")) refresh();
  });
  setInterval(() => beat(words), 1_000);
}
