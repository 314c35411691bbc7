// A session's page: prices, book, trades and what is one's own follow the news of its ticks. What
// was missed, and what a new state looks like, is asked for; another page is loaded anew.
import { serverNow } from "./countdown.js";
import { decimal } from "./format.js";
import { refreshLater, writeChange } from "./live.js";
import * as book from "./session-book.js";
import * as own from "./session-own.js";
import { SessionFeed } from "./socket.js";

const root = document.querySelector("[data-session]");
const isHost = root && "host" in root.dataset;
const isTrading = Boolean(document.getElementById("session-head"));
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const FAST_MS = 100;
// A whole hall asks at once when trading freezes: so long for each of those who take part.
const SPREAD_MS = 8;
// Own news is written as it comes; now and then the server's figures take its place.
const SETTLE_MS = [10_000, 10_000];

function tint(element, before, after) {
  if (!before || before === after || !element.dataset) return;
  element.classList.remove("went-up", "went-down");
  void element.offsetWidth; // restarts the animation
  element.classList.add(Number(after) > Number(before) ? "went-up" : "went-down");
}

function write(element, value, text) {
  const before = element.dataset.value;
  if (before === value) return;
  element.dataset.value = value;
  element.dataset.live = "";
  element.textContent = text;
  tint(element, before, value);
}

const chance = (price) => `${decimal(String(shift(price)), 1)}\u202f%`;

/** A decimal string times a hundred, without rounding. */
function shift(text) {
  const [whole, rest = ""] = text.split(".");
  const digits = rest.padEnd(2, "0");
  return `${Number(whole + digits.slice(0, 2))}.${digits.slice(2)}`;
}

/** The change since the launch, which stands beside a chance, moves along with it. */
function showChange(number, price) {
  const row = document.querySelector(`[data-outcome="${number}"]`);
  const element = row?.querySelector(".change");
  if (element && row.dataset.launch) writeChange(element, price, row.dataset.launch);
}

function showPrices({ prices, volume }) {
  let sum = 0;
  prices.forEach((pair, number) => {
    if (!pair) return;
    sum += Number(pair[0]);
    for (const element of document.querySelectorAll(`[data-chance="${number}"]`)) {
      write(element, pair[0], chance(pair[0]));
    }
    showChange(number, pair[0]);
    for (const token of [0, 1]) {
      for (const element of document.querySelectorAll(`[data-price="${number}${token}"]`)) {
        write(element, pair[token], decimal(pair[token], 3));
      }
    }
  });
  const chosen = prices[Number(document.getElementById("id_outcome")?.value)];
  for (const element of document.querySelectorAll("[data-ticket-price], [data-bar]")) {
    const token = Number(element.dataset.ticketPrice ?? element.dataset.bar);
    if (chosen) element.textContent = decimal(chosen[token], 3);
  }
  for (const element of document.querySelectorAll("[data-session-sum]")) {
    write(element, sum.toFixed(12), decimal(sum.toFixed(12), 3));
  }
  for (const element of document.querySelectorAll("[data-session-volume]")) {
    if (volume !== undefined) write(element, volume, decimal(volume, 2));
  }
}

let known = root?.dataset.status;
function enter(status) {
  if (!status || status === known) return;
  known = status;
  // Another state has another page; on the trading page the end first shows its own banner.
  if (status === "ended" && isTrading) return later(["head", "mine"]);
  if (!isTrading || status === "resolved") setTimeout(() => location.reload(), 300);
}

const spread = Math.max(1_200, SPREAD_MS * Number(root?.dataset.people ?? 0));
const later = (parts, least = 800, most = spread) => {
  for (const part of parts) refreshLater(`session-${part}`, least, most);
};

let phase = "";
let gone = "";
function onTick(message) {
  const { tick } = message;
  showPrices(tick);
  if (isTrading) {
    book.take(message);
    own.reprice(tick);
  }
  const out = tick.prices.map((pair) => (pair ? 1 : 0)).join("");
  if ((phase && tick.status !== phase) || (gone && out !== gone)) {
    later(["head", "mine", "book"]);
    if (gone && out !== gone) {
      later(["rows"]);
      document.dispatchEvent(new CustomEvent("session:gone", { detail: tick }));
    }
    document.getElementById("ticket-form")?.dispatchEvent(new CustomEvent("refresh"));
    if (isHost) setTimeout(() => location.reload(), 300);
  }
  phase = tick.status;
  gone = out;
  if (tick.winner !== null && tick.winner !== undefined) enter("resolved");
}

function onOwn(news) {
  for (const element of document.querySelectorAll("[data-session-cash]")) {
    if (news.cash) write(element, news.cash, decimal(news.cash, 2));
  }
  document.body.dispatchEvent(new CustomEvent("refresh-session-own"));
  if (!isTrading) return;
  own.take(news);
  later(["mine"], ...SETTLE_MS);
}

// The time to the next batch, from the server's clock and the session's own zero.
function beat() {
  const started = Number(root.dataset.started);
  const batch = Number(root.dataset.batch);
  if (!started || !batch) return;
  const past = serverNow() * 1000 - started;
  const left = past < 0 ? 0 : batch - (past % batch);
  const fast = batch <= 10_000 && !calm.matches;
  const text = fast ? (left / 1000).toFixed(1) : String(Math.ceil(left / 1000));
  for (const element of document.querySelectorAll("[data-batch-clock]")) {
    element.textContent = `${text}\u202fs`;
  }
}

// A round that waits for its host brings no tick; the console is asked for again when it is due.
function awaitChoice() {
  const due = Number(root.dataset.choice);
  if (!due || serverNow() < due + 1) return;
  delete root.dataset.choice;
  location.reload();
}

function copyLink(button) {
  const link = document.querySelector("[data-copy-source]")?.href;
  const word = button.querySelector("[data-copy-word]");
  navigator.clipboard?.writeText(link).then(() => (word.textContent = "Copied"));
}

if (root) {
  if (isTrading) {
    book.start();
    own.start();
  }
  const { session, seq } = root.dataset;
  new SessionFeed(session, seq === undefined ? undefined : Number(seq));
  document.addEventListener("session:tick", (event) => onTick(event.detail));
  document.addEventListener("session:own", (event) => onOwn(event.detail));
  document.addEventListener("session:status", (event) => enter(event.detail.status));
  document.addEventListener("session:event", (event) => {
    const { joined, status } = event.detail;
    if (joined) later(["people"]);
    enter(status);
  });
  document.addEventListener("session:gap", () => {
    later(["head", "mine", "book", "trades", "people"]);
  });
  document.addEventListener("click", (event) => {
    const copy = event.target.closest("[data-copy]");
    if (copy) copyLink(copy);
  });
  if (isHost) setInterval(awaitChoice, 1_000);
  beat();
  setInterval(beat, calm.matches ? 1_000 : FAST_MS);
}
