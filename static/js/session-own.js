// What somebody has in a session: money, tokens, open orders. Their own news brings what changed,
// every tick new prices; the server's page gives what was before.
import { cast, outcome } from "./session-book.js";
import { count, showOrder, write } from "./session-orders.js";
import { floor, gain, MILLION, micro, plain, price, tokens, usdc } from "./money.js";

const KEPT = 20;
const WORDS = ["YES", "NO"];

let mine = null;
let prices = null;
const recent = [];

const all = (selector) => document.querySelectorAll(selector);

/** Read what the server has written. */
function read() {
  const panel = document.querySelector("[data-own]");
  if (!panel) return (mine = null);
  const { seq, cash, reserved, began } = panel.dataset;
  const held = new Map();
  for (const { dataset } of all("[data-own-list='positions'] > [data-held]")) {
    const [free, locked, bought, cost] = [dataset.free, dataset.locked, dataset.bought, dataset.cost];
    held.set(dataset.held, {
      free: BigInt(free), locked: BigInt(locked), bought: BigInt(bought), cost: BigInt(cost),
    });
  }
  mine = { seq: Number(seq), cash: BigInt(cash), reserved: BigInt(reserved), held };
  mine.began = began === undefined ? null : BigInt(began);
}

const keyOf = ({ outcome: number, token }) => `${number}.${token === "no" ? 1 : 0}`;
const nothing = () => ({ free: 0n, locked: 0n, bought: 0n, cost: 0n });

/** Take over what somebody's news say: money and tokens as they are, executions as a change. */
function apply(own) {
  if (!mine || own.seq <= mine.seq) return;
  mine.seq = own.seq;
  if (own.cash !== undefined) mine.cash = micro(own.cash);
  if (own.reserved !== undefined) mine.reserved = micro(own.reserved);
  if (own.holdings) {
    const before = mine.held;
    mine.held = new Map();
    for (const row of own.holdings) {
      const known = before.get(keyOf(row)) ?? nothing();
      mine.held.set(keyOf(row), { ...known, free: micro(row.free), locked: micro(row.locked) });
    }
  }
  for (const fill of own.fills ?? []) {
    const row = fill.side === "buy" && mine.held.get(keyOf(fill));
    if (!row) continue;
    row.bought += micro(fill.size);
    row.cost += micro(fill.amount);
  }
  for (const order of own.orders ?? []) showOrder(order);
  for (const element of all("[data-own-waiting]")) element.remove();
  show();
  document.querySelector("[data-own]").dataset.seq = own.seq;
}

const valueOf = (key, { free, locked }) => {
  const [number, side] = key.split(".");
  return ((free + locked) * micro(prices?.[number]?.[side] ?? "0")) / MILLION;
};

function showGain(element, count) {
  const { text, arrow, word, tone } = gain(count);
  const [shown, spoken, figure] = element.firstElementChild.children;
  element.firstElementChild.className = `change ${tone}`;
  for (const [part, said] of [[shown, arrow], [spoken, word], [figure, text]]) {
    if (part.textContent !== said) part.textContent = said;
  }
}

function newPosition(key) {
  const [row, cell] = cast("position");
  const [number, side] = key.split(".");
  const { name, tone } = outcome(number);
  row.className = tone;
  row.dataset.held = key;
  cell("name").textContent = name;
  cell("side").textContent = WORDS[side];
  cell("spoken").textContent = ` ${WORDS[side]} of ${name}`;
  return row;
}

function showPosition(row, key, held) {
  const cell = (name) => row.querySelector(`[data-cell="${name}"]`);
  const [number, side] = key.split(".");
  const size = held.free + held.locked;
  const value = valueOf(key, held);
  cell("size").textContent = tokens(size);
  cell("value").textContent = usdc(value);
  cell("right").textContent = usdc(size);
  cell("locked").hidden = !held.locked;
  cell("locked-size").textContent = tokens(held.locked);
  cell("gain").hidden = !held.bought;
  if (held.bought) {
    const average = (held.cost * MILLION) / held.bought;
    cell("average").textContent = price(average);
    showGain(cell("gain"), value - (size * held.cost) / held.bought);
  }
  const pick = `outcome=${number}&token=${side === "1" ? "no" : "yes"}&side=sell&size=${sizeOf(held)}`;
  cell("sell")?.setAttribute("href", `?${pick}#ticket`);
  if (cell("sell")) cell("sell").dataset.pick = pick;
}

const sizeOf = ({ free }) => plain(free).replace(/\.?0+$/, "");

function showPositions() {
  const place = document.querySelector("[data-own-list='positions']");
  const rows = new Map([...place.children].map((row) => [row.dataset.held, row]));
  for (const [key, row] of rows) if (!mine.held.has(key)) row.remove();
  for (const [key, held] of [...mine.held].sort()) {
    const row = rows.get(key) ?? newPosition(key);
    if (!row.isConnected) {
      const after = [...place.children].find((other) => other.dataset.held > key);
      place.insertBefore(row, after ?? null);
    }
    showPosition(row, key, held);
  }
  count("positions");
}

function showHolds() {
  for (const element of all(".outcome-row [data-hold]")) {
    const { outcome: number } = element.closest("[data-outcome]").dataset;
    const parts = WORDS.flatMap((word, side) => {
      const held = mine.held.get(`${number}.${side}`);
      return held ? [`${tokens(held.free + held.locked)} ${word}`] : [];
    });
    element.hidden = !parts.length;
    element.querySelector("[data-hold-what]").textContent = parts.join(", ");
  }
}

function showMoney() {
  const liquid = mine.cash + mine.reserved;
  const worth = [...mine.held].reduce((sum, [key, held]) => sum + valueOf(key, held), liquid);
  write("[data-own-cash]", usdc(mine.cash));
  write("[data-own-reserved], [data-session-reserved]", usdc(mine.reserved));
  write("[data-own-worth]", usdc(worth));
  for (const element of all("[data-own-reserved]")) element.parentElement.hidden = !mine.reserved;
  for (const element of all("[data-session-aside]")) element.hidden = !mine.reserved;
  const gained = document.querySelector("[data-own-gain]");
  if (gained && mine.began !== null) showGain(gained, floor(worth - mine.began, 1n));
  for (const element of all("[data-if-wins]")) {
    const paid = [...mine.held].reduce((sum, [key, { free, locked }]) => {
      const [number, side] = key.split(".");
      return (number === element.dataset.ifWins) === (side === "0") ? sum + free + locked : sum;
    }, liquid);
    element.textContent = usdc(paid);
  }
}

// Without a tick there are no prices to value tokens at: what the server wrote stands.
function show() {
  if (!mine || !prices) return;
  showPositions();
  showHolds();
  showMoney();
}

/** Take over one's own news. */
export function take(own) {
  recent.push(own);
  recent.splice(0, recent.length - KEPT);
  apply(own);
}

/** Value what is held at the newest prices. */
export function reprice(tick) {
  prices = tick.prices;
  show();
}

// A part that was asked for may be older than what was heard meanwhile.
export function start() {
  read();
  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (detail.target.id !== "session-mine") return;
    read();
    recent.forEach(apply);
    show();
  });
}
