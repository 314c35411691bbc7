// A person's own on the chart: marks of their fills with what set them off, and a line each for
// entry, stop, target, open limits and the liquidation level. The figures come with the panel.
import {
  LineStyle,
  createSeriesMarkers,
} from "../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";

// Lines this near to the price widen the scale until they can be seen and dragged.
const SHOWN_WITHIN = 0.12;
const CAUSES = {
  command: "", limit: "Limit", stop: "Stop", target: "Target", exit: "Exit",
  commit: "Waited", margin: "Liquidated",
};

/** What the server says is the reader's own, or nothing. */
export function readOwn() {
  const source = document.getElementById("own-lines");
  return source ? JSON.parse(source.textContent) : { side: "", limits: [], fills: [] };
}

export class Own {
  constructor(owner) {
    this.owner = owner;
    this.lines = [];
    this.marks = new Map();
    this.read();
    document.addEventListener("htmx:afterSwap", (event) => {
      if (event.detail.target.id === "position") this.read();
    });
  }

  series() {
    return this.owner.shown.candles ? this.owner.series.candles : this.owner.series.display;
  }

  read() {
    this.own = readOwn();
    this.draw();
  }

  /** Draw all of it again: after news, after a change of theme, after new candles. */
  draw() {
    for (const { series, line } of this.lines) series.removePriceLine(line);
    this.lines = [];
    const { entry, stop, target, liquidation, limits } = this.own;
    const tint = this.owner.tint;
    this.add({ kind: "entry", price: entry, title: "Entry", color: tint.muted });
    this.add({ kind: "liquidation", price: liquidation, title: "Liquidation", color: tint.down });
    this.add({ kind: "stop", price: stop, title: "Stop", color: tint.down, drags: true });
    this.add({ kind: "target", price: target, title: "Target", color: tint.up, drags: true });
    for (const limit of limits) {
      const title = `${limit.side === "buy" ? "Buy" : "Sell"} limit`;
      const color = limit.side === "buy" ? tint.up : tint.down;
      this.add({ kind: "limit", price: limit.price, title, color, drags: true, limit });
    }
    this.mark();
    this.widen();
    this.owner.root.dataset.own = this.lines.map(({ kind }) => kind).join(" ");
  }

  add({ price, title, color, drags = false, ...rest }) {
    if (!price) return;
    const series = this.series();
    const line = series.createPriceLine({
      price: Number(price), title: drags ? `\u2195 ${title}` : title, color, lineWidth: 1,
      lineStyle: drags ? LineStyle.Dashed : LineStyle.Dotted, axisLabelVisible: true,
    });
    this.lines.push({ series, line, price: Number(price), drags, title, ...rest });
  }

  /** Let the price scale reach the lines that are near. */
  widen() {
    const last = this.owner.rows[this.owner.rows.length - 1]?.close;
    const near = this.lines
      .map(({ price }) => price)
      .filter((price) => last && Math.abs(price / last - 1) <= SHOWN_WITHIN);
    const autoscaleInfoProvider = (original) => {
      const found = original();
      if (!found || !near.length) return found;
      const { minValue, maxValue } = found.priceRange;
      const priceRange = {
        minValue: Math.min(minValue, ...near), maxValue: Math.max(maxValue, ...near),
      };
      return { ...found, priceRange };
    };
    this.series().applyOptions({ autoscaleInfoProvider });
  }

  /** Marks stand on the candle in which the fill happened. */
  mark() {
    const times = this.owner.rows.map((row) => row.time);
    const tint = this.owner.tint;
    const found = [];
    for (const fill of this.own.fills) {
      const time = times.filter((each) => each <= fill.t).pop();
      if (time === undefined) continue;
      const bought = fill.side === "buy";
      found.push({
        time, id: fill.id, size: 1,
        position: bought ? "belowBar" : "aboveBar",
        shape: fill.cause === "margin" ? "square" : bought ? "arrowUp" : "arrowDown",
        color: bought && fill.cause !== "margin" ? tint.up : tint.down,
        text: CAUSES[fill.cause] ?? "",
      });
    }
    found.sort((a, b) => a.time - b.time);
    for (const series of [this.owner.series.display, this.owner.series.candles]) {
      const shown = series === this.series() ? found : [];
      if (this.marks.has(series)) this.marks.get(series).setMarkers(shown);
      else this.marks.set(series, createSeriesMarkers(series, shown));
    }
    this.owner.root.dataset.marks = String(found.length);
  }
}
