// Fills the ticket from a query, as a link carries one: quick amounts, the way out of a refusal,
// "Close" of a position, and a line that was dragged on the chart.

import { form, refresh } from "./ticket-quote.js";

function put(elements, name, value) {
  const field = elements.namedItem(name);
  if (!field) return;
  if (field instanceof RadioNodeList) field.value = value;
  else if (field.type === "checkbox") field.checked = Boolean(value);
  else field.value = value;
}

/** Put a query into the ticket and ask for its preview; a type that is named starts afresh. */
export function fill(query) {
  const given = new URLSearchParams(query);
  const { elements } = form();
  if (given.has("type")) {
    put(elements, "replaces", "");
    document.getElementById("replacing")?.remove();
  }
  for (const [name, value] of given) put(elements, name, value);
  elements.quantity.dispatchEvent(new Event("change", { bubbles: true }));
  refresh();
}

function confirmSoon() {
  const settled = (event) => {
    if (event.detail.target?.id !== "preview" && event.detail.elt?.id !== "preview") return;
    document.removeEventListener("htmx:afterSwap", settled);
    const button = document.querySelector("#preview [data-confirm], #preview [role]");
    button?.scrollIntoView({ block: "nearest" });
    if (button?.matches("button")) button.focus({ preventScroll: true });
  };
  document.addEventListener("htmx:afterSwap", settled);
}

export function start() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-fill]");
    const link = event.target.closest("[data-fill-link]");
    if (!button && !link) return;
    event.preventDefault();
    document.dispatchEvent(new CustomEvent("ticket:open", { detail: { quiet: Boolean(button) } }));
    if (button) return fill(button.value);
    confirmSoon();
    fill(link.search);
  });
  document.addEventListener("ticket:fill", (event) => {
    document.dispatchEvent(new CustomEvent("ticket:open", { detail: {} }));
    confirmSoon();
    fill(event.detail.query);
  });
}
