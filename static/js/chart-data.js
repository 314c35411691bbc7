// From the API's rows to what the chart library draws, and from a tick to the newest candle.

const SECONDS = { "1m": 60, "1h": 3_600, "1d": 86_400 };
const RANGES = { "1h": 3_600, "1d": 86_400, "1w": 604_800, "1mo": 2_592_000, all: Infinity };
// A chart takes some three thousand points: the finest candles that stay below that.
const FINEST = [["1m", 2 * 86_400], ["1h", 120 * 86_400], ["1d", Infinity]];

function intervalFor(range, ageSeconds) {
  const span = Math.min(RANGES[range] ?? RANGES["1d"], ageSeconds);
  return FINEST.find(([, most]) => span <= most)[0];
}

/** Fetch candles and the oracle's moves of a range. */
export async function fetchSeries(url, range, ageSeconds) {
  const interval = intervalFor(range, ageSeconds);
  const answer = await fetch(`${url}?interval=${interval}&range=${range}`, {
    headers: { accept: "application/json" },
  });
  if (!answer.ok) throw new Error(`candles: ${answer.status}`);
  const { candles, moves } = await answer.json();
  return {
    seconds: SECONDS[interval],
    rows: candles.map(([time, o, h, l, c, m, f, volume, trades]) => ({
      time: Number(time),
      open: Number(o), high: Number(h), low: Number(l), close: Number(c),
      market: Number(m), fundamental: Number(f),
      volume: Number(volume) / 1e6, trades: Number(trades),
    })),
    moves: (moves ?? []).map((move) => ({ ...move, t: Number(move.t) })),
  };
}

/** The points of every series; the band is a fraction of F, or nothing. */
export function shapes(rows, band) {
  const line = (pick) => rows.map((row) => ({ time: row.time, value: pick(row) }));
  return {
    display: line((row) => row.close),
    candles: rows.map(({ time, open, high, low, close }) => ({ time, open, high, low, close })),
    market: line((row) => row.market),
    fundamental: line((row) => row.fundamental),
    upper: band ? line((row) => row.fundamental * (1 + band)) : [],
    lower: band ? line((row) => row.fundamental * (1 - band)) : [],
    volume: line((row) => row.volume),
  };
}

/** The newest candle after a tick, and whether it starts a bucket of its own. */
export function withTick(rows, tick, trades, seconds) {
  const time = Math.floor(tick.t / seconds) * seconds;
  const display = Number(tick.display);
  const last = rows[rows.length - 1];
  if (last && time < last.time) return { row: null, fresh: false };
  const prices = { market: Number(tick.market), fundamental: Number(tick.fundamental) };
  const traded = trades.reduce((sum, trade) => sum + Number(trade.value), 0);
  if (!last || time > last.time) {
    const flat = { open: display, high: display, low: display, close: display };
    const row = { time, ...flat, ...prices, volume: traded, trades: trades.length };
    return { row, fresh: true };
  }
  const row = {
    ...last,
    ...prices,
    high: Math.max(last.high, display),
    low: Math.min(last.low, display),
    close: display,
    volume: last.volume + traded,
    trades: last.trades + trades.length,
  };
  return { row, fresh: false };
}
