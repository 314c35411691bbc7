// The card over the chart: what the prices were where the crosshair stands, or are now.
import { decimal } from "./format.js";

export class Card {
  constructor(owner, element) {
    this.owner = owner;
    this.element = element;
    this.fields = Object.fromEntries(
      [...element.querySelectorAll("[data-at]")].map((part) => [part.dataset.at, part]),
    );
    this.held = false;
    owner.chart.subscribeCrosshairMove((point) => {
      const row = point.time && owner.rows.find((each) => each.time === point.time);
      this.held = Boolean(row);
      this.write(row ?? owner.rows[owner.rows.length - 1]);
    });
  }

  /** Show the newest values, unless the crosshair is being read. */
  rest() {
    if (!this.held) this.write(this.owner.rows[this.owner.rows.length - 1]);
  }

  write(row) {
    if (!row) return;
    const places = Number(this.owner.root.dataset.places);
    const price = (value) => decimal(value.toFixed(6), places);
    const when = new Intl.DateTimeFormat("en-GB", {
      day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
    }).format(new Date(row.time * 1000));
    this.put("time", when);
    this.put("display", price(row.close));
    this.put("market", price(row.market));
    this.put("fundamental", price(row.fundamental));
    this.put("volume", decimal(row.volume.toFixed(2), 2));
    this.put("open", price(row.open));
    this.put("high", price(row.high));
    this.put("low", price(row.low));
  }

  put(name, text) {
    const part = this.fields[name];
    if (part && part.textContent !== text) part.textContent = text;
  }

  /** A sentence about one point, for the live region. */
  sentence(row, series) {
    const places = Number(this.owner.root.dataset.places);
    const price = decimal((series === "display" ? row.close : row[series]).toFixed(6), places);
    const names = { display: "Headline", market: "Market", fundamental: "Oracle view" };
    const shape = { dateStyle: "medium", timeStyle: "short" };
    const at = new Date(row.time * 1000).toLocaleString("en-GB", shape);
    const move = this.owner.causes.of(row.time);
    const cause = move ? `. Oracle move of ${move.applied}; Enter opens it` : "";
    return `${names[series]} ${price} at ${at}${cause}`;
  }
}
