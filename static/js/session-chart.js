// The graph of a session: a line per outcome, or volume, or the maker's risk and result. Its time
// is the session's clock in milliseconds, so that fast batches stay apart.
import {
  createChart,
  LineSeries,
  LineType,
} from "../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import { bindKeys } from "./chart-keys.js";
import { colours, options } from "./chart-style.js";
import { decimal, remaining } from "./format.js";
import { savePicture } from "./session-picture.js";
import { drawSparks } from "./session-sparks.js";
import { walkOf } from "./session-walk.js";

// Batches of less than a second would share a label: those get tenths.
const clock = (ms) => {
  const tenths = Math.floor((ms % 1000) / 100);
  return remaining(Math.floor(ms / 1000)) + (tenths ? `.${tenths}` : "");
};
const MAKER = [["risk", "down"], ["profit", "accent"]];

class SessionChart {
  constructor(root) {
    this.root = root;
    this.stage = root.querySelector("[data-stage]");
    this.read = root.querySelector("[data-read]");
    this.show = root.dataset.show;
    this.hidden = new Set();
    this.points = [];
    this.load();
    this.listen();
    bindKeys(root, walkOf(this));
  }

  async load() {
    try {
      const answer = await fetch(this.root.dataset.url, { headers: { accept: "application/json" } });
      if (!answer.ok) return; // the drawing of the server stays
      const found = [this.launch(), ...(await answer.json()).results];
      // ticks may have come while the answer was on its way
      const until = found[found.length - 1].t_ms;
      this.points = [...found, ...this.points.filter(({ t_ms }) => t_ms > until)];
      this.draw();
      drawSparks(this.points);
    } catch {
      // the drawing of the server stays
    }
  }

  launch() {
    const chips = [...this.root.querySelectorAll("[data-line]")];
    const prices = chips.map((chip) => [chip.dataset.launch]);
    return { t_ms: 0, prices, volume: "0", risk: "0", profit: "0" };
  }

  build() {
    this.stage.replaceChildren();
    this.stage.dataset.live = "";
    this.chart = createChart(this.stage, this.options());
    this.chart.subscribeCrosshairMove((at) => this.tell(at));
  }

  options() {
    const given = options(colours(), this.show === "prices" ? 3 : 2);
    given.timeScale.tickMarkFormatter = (time) => clock(time);
    given.timeScale.rightOffset = 2;
    given.localization.timeFormatter = (time) => clock(time);
    given.rightPriceScale.scaleMargins = { top: 0.08, bottom: 0.08 };
    return given;
  }

  names() {
    return [...this.root.querySelectorAll("[data-line]")].map((chip) => ({
      number: Number(chip.dataset.line),
      name: chip.textContent.trim(),
      colour: getComputedStyle(chip.querySelector(".hue")).backgroundColor,
    }));
  }

  lines() {
    const tint = colours();
    if (this.show === "volume") {
      return [{ name: "Volume", colour: tint.headline, pick: (p) => Number(p.volume) }];
    }
    if (this.show === "maker") {
      return MAKER.map(([name, role]) => ({
        name, colour: role === "down" ? tint.down : tint.headline, pick: (p) => Number(p[name]),
      }));
    }
    return this.names()
      .filter((line) => !this.hidden.has(line.number))
      .map((line) => ({
        ...line, pick: (p) => (p.prices[line.number] ? Number(p.prices[line.number][0]) : null),
      }));
  }

  draw() {
    if (!this.chart) this.build();
    this.chart.applyOptions(this.options());
    for (const { series } of this.drawn ?? []) this.chart.removeSeries(series);
    this.drawn = this.lines().map((line) => {
      const series = this.chart.addSeries(LineSeries, {
        color: line.colour, lineWidth: 2, lineType: LineType.WithSteps,
        priceLineVisible: false, lastValueVisible: this.show !== "prices", title: "",
      });
      series.setData(this.dots(line));
      return { ...line, series };
    });
    this.fit();
    this.root.dataset.state = this.points.length ? "ready" : "empty";
  }

  /** Show the whole course, with room for the first label and a little for what comes. */
  fit() {
    const last = this.points.length - 1;
    const scale = this.chart.timeScale();
    if (last < 1) scale.fitContent();
    else scale.setVisibleLogicalRange({ from: -0.06 * last, to: 1.06 * last });
  }

  dots(line) {
    const dots = [];
    for (const point of this.points) {
      const value = line.pick(point);
      if (value === null) continue;
      const last = dots[dots.length - 1];
      if (last && point.t_ms <= last.time) last.value = value;
      else dots.push({ time: point.t_ms, value });
    }
    return dots;
  }

  tick({ tick }) {
    const last = this.points[this.points.length - 1];
    if (!tick.prices || (last && tick.t_ms <= last.t_ms)) return;
    const { t_ms, prices, volume, risk, profit } = tick;
    this.points.push({ t_ms, prices, volume, risk, profit });
    if (!this.drawn) return void this.draw();
    for (const { series, pick } of this.drawn) {
      const value = pick(this.points[this.points.length - 1]);
      if (value !== null) series.update({ time: t_ms, value });
    }
    drawSparks(this.points);
    this.root.dataset.ticks = String(Number(this.root.dataset.ticks ?? 0) + 1);
  }

  tell(at) {
    if (!at.time) return void (this.read.textContent = "\u00a0");
    this.write(at.time, ({ series }) => at.seriesData.get(series)?.value ?? null);
  }

  /** Write what every line shown has at a time. */
  write(time, valueOf) {
    const parts = this.drawn.map((line) => [line.name, valueOf(line)]);
    const known = parts.filter(([, value]) => value !== null);
    const said = known.map(([name, value]) => `${name} ${this.figure(value)}`);
    this.read.textContent = [clock(time), ...said].join(" · ");
  }

  figure(value) {
    return decimal(value.toFixed(6), this.show === "prices" ? 3 : 2);
  }

  choose(button) {
    this.show = button.dataset.show;
    for (const other of this.root.querySelectorAll("button[data-show]")) {
      other.setAttribute("aria-pressed", String(other === button));
    }
    const legend = this.root.querySelector("[data-legend]");
    const maker = this.root.querySelector("[data-legend-maker]");
    if (legend) legend.hidden = this.show !== "prices";
    if (maker) maker.hidden = this.show !== "maker";
    this.draw();
  }

  listen() {
    this.root.addEventListener("click", (event) => {
      const line = event.target.closest("[data-line]");
      const show = event.target.closest("button[data-show]");
      if (line) {
        const number = Number(line.dataset.line);
        if (!this.hidden.delete(number)) this.hidden.add(number);
        line.setAttribute("aria-pressed", String(!this.hidden.has(number)));
        if (this.points.length) this.draw();
      } else if (show) this.choose(show);
      else if (event.target.closest("[data-save]") && this.chart) savePicture(this);
    });
    document.addEventListener("session:tick", (event) => this.tick(event.detail));
    document.addEventListener("session:gap", () => this.load());
    const repaint = () => this.chart && this.draw();
    document.addEventListener("appearance", repaint);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  }
}

for (const root of document.querySelectorAll("[data-session-chart]")) {
  root.chartOfSession = new SessionChart(root);
}
