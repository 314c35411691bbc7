// Checks one's own leaf against the published root and total, in this browser alone.

const LEAF = 0, NODE = 1, SUM_BYTES = 16;

const bytesOf = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const sumBytes = (sum) => bytesOf(sum.toString(16).padStart(2 * SUM_BYTES, "0"));

const hash = async (...parts) => {
  const all = new Uint8Array(parts.flatMap((part) => [...part]));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", all));
};

const leafOf = async (told) => {
  const name = new TextEncoder().encode(told.account);
  const sum = BigInt(told.amount_micro);
  const length = [name.length >> 8, name.length & 255];
  return { hash: await hash([LEAF], bytesOf(told.salt), length, name, sumBytes(sum)), sum };
};

// A parent commits to each child's sum by itself; none may be negative.
const join = async (left, right) => {
  if (left.sum < 0n || right.sum < 0n) throw new Error("a negative sum");
  const made = await hash([NODE], left.hash, sumBytes(left.sum), right.hash, sumBytes(right.sum));
  return { hash: made, sum: left.sum + right.sum };
};

export const climb = async (told) => {
  let at = await leafOf(told);
  for (const step of told.path) {
    const sibling = { hash: bytesOf(step.hash), sum: BigInt(step.sum_micro) };
    at = step.left ? await join(sibling, at) : await join(at, sibling);
  }
  return { root: hexOf(at.hash), total: at.sum };
};

const place = document.getElementById("leaf");
place?.querySelector("[data-check]")?.addEventListener("click", async () => {
  const verdict = place.querySelector("[data-verdict]");
  const say = (good, words) => { verdict.dataset.verdict = good; verdict.textContent = words; };
  try {
    const told = await (await fetch(place.dataset.leaf)).json();
    const found = await climb(told);
    const good = found.root === place.dataset.root && found.total === BigInt(place.dataset.total);
    say(good, good
      ? `Your leaf leads to the published root and total, over ${told.path.length} steps.`
      : "Your leaf does not lead to the published root. Keep the file and tell us, or anybody.");
  } catch {
    say(false, "The leaf could not be read. Try again, or use the file and the program.");
  }
});
