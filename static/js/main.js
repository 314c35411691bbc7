// Every page: local times, countdowns, menus that close, shortcuts, parts that ask again by
// themselves, and the feed where prices live.
import * as countdown from "./countdown.js";
import * as keys from "./keys.js";
import * as live from "./live.js";
import { Feed } from "./socket.js";

countdown.start();
keys.start();
live.start();

const figures = [...document.querySelectorAll("[data-live][data-of]")];
const ids = new Set(figures.map((element) => Number(element.dataset.of)));
if (ids.size) new Feed([...ids].slice(0, 50));

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open], details.term[open]")) {
    if (!menu.contains(except)) menu.open = false;
  }
}

document.addEventListener("click", (event) => closeMenus(event.target));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.activeElement?.closest("details.menu[open], details.term[open]");
  closeMenus(null);
  menu?.querySelector("summary").focus();
});

// Who was signed out meanwhile gets the page to sign in, not a part of one with it inside.
const SIGN_IN = "/accounts/login/";
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (new URL(detail.xhr.responseURL).pathname !== SIGN_IN) return;
  detail.shouldSwap = false;
  location.reload();
});

// What asks every few seconds says so while no answer comes; the next answer takes its place.
const SILENT = "The site does not answer at the moment, so this may be old. It is asked again by itself.";
function tellSilence({ detail: { elt } }) {
  if (!elt.matches("[hx-trigger^='every']") || elt.querySelector("[data-silent]")) return;
  const note = document.createElement("p");
  note.className = "notice notice-warn";
  note.role = "status";
  note.dataset.silent = "";
  note.textContent = SILENT;
  elt.prepend(note);
}
for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.addEventListener(name, tellSilence);
}

// A page that came back with errors says so first.
document.querySelector("[data-focus]")?.focus();
