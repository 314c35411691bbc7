// Every page: local times, countdowns, menus that close, shortcuts, and the feed where prices live.
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

// A page that came back with errors says so first.
document.querySelector("[data-focus]")?.focus();
