// Amounts as whole numbers of millionths, and as the server writes them: cut, never rounded up.
import { decimal } from "./format.js";

export const MILLION = 1_000_000n;
const PLUS = "+";

/** Read a decimal string as millionths. */
export function micro(text) {
  const [whole, rest = ""] = text.replace("-", "").split(".");
  const count = BigInt(whole + rest.padEnd(6, "0").slice(0, 6));
  return text.startsWith("-") ? -count : count;
}

/** Write millionths as a plain decimal string. */
export function plain(count) {
  const size = count < 0n ? -count : count;
  const digits = String(size).padStart(7, "0");
  return `${count < 0n ? "-" : ""}${digits.slice(0, -6)}.${digits.slice(-6)}`;
}

export const usdc = (count) => decimal(plain(count), 2);
export const price = (count) => decimal(plain(count), 3);

/** With at most `most` decimals, of which zeros beyond `least` are left out. */
function trimmed(count, least, most) {
  const text = decimal(plain(count), most);
  const zeros = /0*$/.exec(text)[0].length;
  return text.slice(0, text.length - Math.min(zeros, most - least)).replace(/\.$/, "");
}

export const tokens = (count) => trimmed(count, 0, 2);
export const limit = (count) => trimmed(count, 2, 4);

/** The arrow, word, sign and tone of a gain or a loss; less than a cent is cut away. */
export function gain(count) {
  const cents = floor(count, 10_000n);
  const sign = cents > 0n ? 1 : cents < 0n ? -1 : 0;
  const text = decimal(plain(cents * 10_000n), 2);
  return {
    text: (sign > 0 ? PLUS : "") + text,
    arrow: ["▼", "■", "▲"][sign + 1],
    word: ["loss", "even", "gain"][sign + 1],
    tone: ["down", "muted", "up"][sign + 1],
  };
}

/** Divide and round down, below zero too. */
export function floor(count, by) {
  const found = count / by;
  return count % by < 0n ? found - 1n : found;
}
