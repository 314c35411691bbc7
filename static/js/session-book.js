// The book and the trades of a session's page, written from what its ticks carry. Rows are clones
// of the server's own (the page's moulds), so that they look as if it had sent them.
import { local } from "./format.js";
import { limit, MILLION, micro, price, tokens } from "./money.js";

const LEVELS = 5;
const ROWS = 30;
const KEPT = 50;
const NONE = { bids: [], asks: [] };

const root = document.querySelector("[data-session]");
let book = null;
let quotes = null;
let pairs = null;
const recent = [];

/** Return a fresh row of a kind, and a way to its cells. */
export function cast(name) {
  const mould = document.querySelector(`template[data-mould="${name}"]`);
  const row = mould.content.firstElementChild.cloneNode(true);
  return [row, (cell) => row.querySelector(`[data-cell="${cell}"]`)];
}

/** Return what the page knows of an outcome: its name and its colour. */
export function outcome(number) {
  const row = document.querySelector(`.outcome-row[data-outcome="${number}"]`);
  const tone = [...(row?.classList ?? [])].find((name) => name.startsWith("tone-"));
  return { name: row?.dataset.name ?? "", tone: tone ?? "tone-grey" };
}

const read = (levels) => levels.map(([at, size]) => ({ at: micro(at), size: micro(size) }));

// An order of the other token makes or takes apart pairs of 1 USDC with one of this.
function merged(own, other) {
  const found = new Map();
  for (const { at, size } of own) found.set(at, { at, size, paired: 0n });
  for (const { at, size } of other) {
    const level = found.get(MILLION - at) ?? { at: MILLION - at, size: 0n, paired: 0n };
    found.set(level.at, { at: level.at, size: level.size + size, paired: size });
  }
  return [...found.values()];
}

/** Of the sells of the other token, the cheapest first, as many as there are pairs. */
function within(levels, left) {
  const found = [];
  for (const { at, size } of levels) {
    if (left <= 0n) break;
    found.push({ at, size: size < left ? size : left });
    left -= size;
  }
  return found;
}

const dearest = (a, b) => (a.at < b.at ? 1 : -1);

function sideOf(levels, number, token) {
  const mints = "mints" in root.dataset;
  const [own, other] = [levels[2 * number + token] ?? NONE, levels[2 * number + 1 - token] ?? NONE];
  const minted = micro(pairs?.[number] ?? "0");
  const asks = merged(read(own.asks), mints ? read(other.bids) : []);
  const bids = merged(read(own.bids), mints ? within(read(other.asks), minted) : []);
  return {
    asks: asks.sort(dearest).slice(-LEVELS),
    bids: bids.sort(dearest).slice(0, LEVELS),
  };
}

function rung(name, { at, size, paired }, deepest) {
  const [row, cell] = cast(name);
  const bar = (100n * size) / deepest;
  cell("price").textContent = limit(at);
  cell("bar").setAttribute("width", String(bar > 1n ? bar : 1n));
  cell("size").textContent = tokens(size);
  cell("paired").textContent = paired ? tokens(paired) : "";
  return row;
}

function showQuotes(number) {
  for (const element of document.querySelectorAll("#session-book [data-quote]")) {
    const quoted = quotes?.[number]?.slice(2 * element.dataset.quote, 2 * element.dataset.quote + 2);
    if (quoted) element.textContent = quoted.map((text) => price(micro(text))).join(" / ");
  }
}

function showBook() {
  const shown = document.querySelector("#session-book [data-book]");
  if (!shown) return;
  const number = Number(shown.dataset.book);
  showQuotes(number);
  if (!book || book.seq <= Number(shown.dataset.seq)) return;
  shown.dataset.seq = book.seq;
  for (const body of shown.querySelectorAll("tbody[data-side]")) {
    const { asks, bids } = sideOf(book.levels, number, Number(body.dataset.side));
    const deepest = [...asks, ...bids].reduce((most, { size }) => (size > most ? size : most), 1n);
    const rows = asks.map((level) => rung("ask", level, deepest));
    rows.push(...bids.map((level) => rung("bid", level, deepest)));
    body.replaceChildren(...(rows.length ? rows : [cast("no-rung")[0]]));
  }
}

function trade(found, at) {
  const [row, cell] = cast(mouldOf(found));
  const { name, tone } = outcome(found.outcome);
  const time = document.createElement("time");
  time.setAttribute("datetime", at.toISOString());
  time.title = at.toUTCString();
  time.dataset.time = "clock";
  time.textContent = local(at, "clock");
  cell("time").replaceChildren(time);
  cell("token").textContent = found.token.toUpperCase();
  cell("tone").className = tone;
  cell("name").textContent = name;
  cell("size").textContent = tokens(micro(found.size));
  cell("price").textContent = price(micro(found.price));
  return row;
}

function mouldOf({ kind, side }) {
  const between = document.querySelector(`template[data-mould="${kind}"]`);
  return between ? kind : `${kind}-${side}`;
}

function showTrades({ seq, tick, trades }) {
  const body = document.querySelector("[data-trades-until]");
  if (!body || seq <= Number(body.dataset.tradesUntil)) return;
  body.dataset.tradesUntil = seq;
  const at = new Date(Number(root.dataset.started) + tick.t_ms);
  for (const found of trades) body.prepend(trade(found, at));
  while (body.rows.length > ROWS) body.lastElementChild.remove();
  body.closest("[hidden]")?.removeAttribute("hidden");
  document.querySelector("[data-no-trades]")?.remove();
}

/** Write what a tick says of the book and of trades. */
export function take(message) {
  const { seq, tick, trades, book: levels } = message;
  quotes = tick.quotes ?? quotes;
  pairs = tick.pairs ?? pairs;
  if (levels) book = { seq, levels };
  showBook();
  if (!trades) return;
  recent.push(message);
  recent.splice(0, recent.length - KEPT);
  showTrades(message);
}

// A part that was asked for may be older than what was heard meanwhile.
export function start() {
  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (detail.target.id === "session-book") showBook();
    if (detail.target.id === "session-trades") recent.forEach(showTrades);
  });
}
