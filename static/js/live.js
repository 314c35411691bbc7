// Writes ticks into the page: every [data-live] element names its market (data-of) and its figure.
// Widths are fixed by tabular figures, so nothing moves; a change is tinted for a moment.
import { change, decimal } from "./format.js";

const PRICES = new Set(["display", "market", "fundamental"]);
const MONEY = new Set(["pool", "free_capital"]);

const FRAGMENTS = ["prices", "trades", "position", "orders", "news", "status", "oracle"];

let elements = new Map();

/** Find the live elements again, after a fragment was swapped in. */
export function scan() {
  elements = new Map();
  for (const element of document.querySelectorAll("[data-live][data-of]")) {
    const key = Number(element.dataset.of);
    if (!elements.has(key)) elements.set(key, []);
    elements.get(key).push(element);
  }
}

function tint(element, before, after) {
  if (before === undefined || before === after) return;
  element.classList.remove("went-up", "went-down");
  void element.offsetWidth; // restarts the animation
  element.classList.add(Number(after) > Number(before) ? "went-up" : "went-down");
}

function writeFigure(element, value, places) {
  const before = element.dataset.value;
  if (before === value) return;
  element.dataset.value = value;
  element.textContent = decimal(value, places);
  tint(element, before, value);
}

/** Write a change from `before` to `now` with its arrow, sign and word. */
export function writeChange(element, now, before) {
  const { text, arrow, word, tone } = change(now, before);
  const parts = { "[data-arrow]": arrow, "[data-word]": word, "[data-text]": text };
  for (const [selector, content] of Object.entries(parts)) {
    const part = element.querySelector(selector);
    if (part && part.textContent !== content) part.textContent = content;
  }
  element.classList.remove("up", "down", "muted");
  element.classList.add(tone);
}

function writeTick({ market, tick }) {
  for (const element of elements.get(market) ?? []) {
    const figure = element.dataset.live;
    if (PRICES.has(figure)) writeFigure(element, tick[figure], Number(element.dataset.places ?? 4));
    else if (MONEY.has(figure)) writeFigure(element, tick[figure], 2);
    else if (figure === "change") writeChange(element, tick.display, element.dataset.open);
    else if (figure === "oracle-age") element.dataset.since = tick.oracle_s;
    else if (figure === "oracle-next") {
      element.dataset.until = tick.oracle_s + Number(element.dataset.interval);
    } else if (figure === "status" && element.dataset.value !== tick.status) refreshLater("status");
  }
}

function writeVolume({ market, trades }) {
  const added = trades.reduce((sum, trade) => sum + Number(trade.value), 0);
  for (const element of elements.get(market) ?? []) {
    if (element.dataset.live !== "volume") continue;
    writeFigure(element, (Number(element.dataset.value) + added).toFixed(6), 2);
  }
}

function writeTrades({ market, trades }) {
  const body = document.querySelector(`[data-trades="${market}"]`);
  const mould = document.getElementById("trade-row");
  if (!body || !mould) return;
  for (const trade of trades) {
    const row = mould.content.cloneNode(true);
    const fill = (name, text) => (row.querySelector(`[data-cell="${name}"]`).textContent = text);
    const time = row.querySelector("time");
    const at = new Date(trade.t * 1000);
    time.setAttribute("datetime", at.toISOString());
    time.title = at.toUTCString();
    time.textContent = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" }).format(at);
    fill("side", trade.side === "buy" ? "▲ Buy" : "▼ Sell");
    row.querySelector('[data-cell="side"]').classList.add(trade.side === "buy" ? "up" : "down");
    fill("shares", decimal(trade.shares, 4));
    fill("price", decimal(trade.price, 4));
    fill("value", decimal(trade.value, 2));
    body.prepend(row);
  }
  while (body.rows.length > 30) body.lastElementChild.remove();
  document.getElementById("trades-empty")?.remove();
}

// Fragments that follow ticks are asked for again at most every two seconds, spread by chance.
// Nobody looks at a page in the background: it is brought up to date when it is seen again.
const waiting = new Map();
const missed = new Set();
export function refreshLater(what, least = 800, spread = 1_200) {
  const wait = least + Math.random() * spread;
  const due = performance.now() + wait;
  const before = waiting.get(what);
  if (before && before.due <= due) return;
  clearTimeout(before?.timer);
  const timer = setTimeout(() => {
    waiting.delete(what);
    if (document.hidden) missed.add(what);
    else document.body.dispatchEvent(new CustomEvent(`refresh-${what}`));
  }, wait);
  waiting.set(what, { timer, due });
}

function catchUp() {
  if (document.hidden) return;
  for (const what of missed) refreshLater(what);
  missed.clear();
}

let heard = null;
const WORDS = { live: "Live", stale: "Stale", reconnecting: "Reconnecting" };
function writeConnection({ state, heardAt }) {
  const root = document.documentElement;
  root.dataset.connection = state;
  for (const element of document.querySelectorAll(".connection")) {
    element.dataset.state = state;
    const words = element.querySelector("[data-words]");
    const since = element.querySelector("[data-quiet]");
    words.textContent = WORDS[state] ?? "Connecting";
    since.hidden = state === "live" || !heardAt;
    if (heardAt) since.querySelector("[data-since]").dataset.since = Math.floor(heardAt / 1000);
  }
}

// For those who listen: the headline, politely, at most every ten seconds, and only if asked for.
const SPOKEN_MS = 10_000;
let spokenAt = 0;
function announce({ market, tick }) {
  const region = document.getElementById("announcer");
  const wanted = document.documentElement.dataset.announce === "on";
  if (!wanted || Number(region?.dataset.market) !== market) return;
  const text = `Headline ${decimal(tick.display, 4)}`;
  if (Date.now() - spokenAt < SPOKEN_MS || region.textContent === text) return;
  spokenAt = Date.now();
  region.textContent = text;
}

export function start() {
  scan();
  document.addEventListener("htmx:afterSwap", () => {
    scan();
    if (heard) writeConnection(heard); // a fragment brings a badge that knows nothing yet
  });
  document.addEventListener("connection", (event) => writeConnection((heard = event.detail)));
  document.addEventListener("market:tick", (event) => {
    writeTick(event.detail);
    announce(event.detail);
    refreshLater("prices");
    if (event.detail.oracle) refreshLater("oracle");
  });
  document.addEventListener("market:trades", (event) => {
    writeTrades(event.detail);
    writeVolume(event.detail);
  });
  document.addEventListener("market:own", (event) => {
    for (const element of document.querySelectorAll('[data-live="cash"]')) {
      writeFigure(element, event.detail.cash, 2);
    }
    for (const what of ["position", "orders"]) refreshLater(what);
    // What others set off is said, in a region that is read out.
    if (event.detail.fills) refreshLater("news");
  });
  document.addEventListener("market:gap", () => {
    for (const what of FRAGMENTS) refreshLater(what);
  });
  document.addEventListener("visibilitychange", catchUp);
}
