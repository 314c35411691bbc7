// Figures as the server writes them: cut, never rounded up; grouped by thin spaces; minus sign.
const GROUP = "\u202f";
const MINUS = "\u2212";

/** Cut a decimal string to `places` decimals and group its thousands. */
export function decimal(text, places) {
  const negative = text.startsWith("-");
  const [whole, rest = ""] = (negative ? text.slice(1) : text).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, GROUP);
  const cut = rest.padEnd(places, "0").slice(0, places);
  return (negative ? MINUS : "") + grouped + (places ? `.${cut}` : "");
}

/** A relative change in percent with sign, and the words and arrow that go with it. */
export function change(now, before) {
  const rate = Number(before) > 0 ? Number(now) / Number(before) - 1 : 0;
  const hundredths = Math.trunc(Math.round(rate * 1e8) / 1e4);
  const text = decimal((Math.abs(hundredths) / 100).toFixed(2), 2);
  const direction = Math.sign(hundredths);
  return {
    text: `${direction > 0 ? "+" : direction < 0 ? MINUS : ""}${text}${GROUP}%`,
    arrow: direction > 0 ? "▲" : direction < 0 ? "▼" : "■",
    word: direction > 0 ? "up" : direction < 0 ? "down" : "unchanged",
    tone: direction > 0 ? "up" : direction < 0 ? "down" : "muted",
  };
}

/** How long, in its largest units, as the server's `age` filter writes it. */
export function age(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s}${GROUP}s`;
  if (s < 3600) return `${Math.floor(s / 60)}${GROUP}min`;
  if (s < 86400) {
    const minutes = Math.floor((s % 3600) / 60);
    return `${Math.floor(s / 3600)}${GROUP}h${minutes ? ` ${minutes}${GROUP}min` : ""}`;
  }
  const hours = Math.floor((s % 86400) / 3600);
  return `${Math.floor(s / 86400)}${GROUP}d${hours ? ` ${hours}${GROUP}h` : ""}`;
}

/** Minutes and seconds until something, as a clock shows them. */
export function remaining(seconds) {
  const s = Math.max(0, Math.ceil(seconds));
  if (s >= 86400) return age(s);
  const two = (n) => String(n).padStart(2, "0");
  const hours = Math.floor(s / 3600);
  const minutes = Math.floor((s % 3600) / 60);
  return hours ? `${hours}:${two(minutes)}:${two(s % 60)}` : `${minutes}:${two(s % 60)}`;
}

const SHAPES = {
  clock: { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
  short: { day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  full: {
    day: "2-digit", month: "short", year: "numeric",
    hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
  },
};

/** An instant in the reader's own zone. */
export function local(date, shape) {
  return new Intl.DateTimeFormat("en-GB", SHAPES[shape] ?? SHAPES.short)
    .format(date)
    .replace(",", "");
}
