// The graph of a session: a line per outcome, or volume, or the maker's risk and result. Its time
// is the session's clock in milliseconds, so that fast batches stay apart.
import {
  createChart,
  LineSeries,
  LineType,
} from "../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import { colours, options } from "./chart-style.js";
import { decimal, remaining } from "./format.js";

const clock = (ms) => remaining(Math.floor(ms / 1000));
const SPARK_POINTS = 60;
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
  }

  async load() {
    try {
      const answer = await fetch(this.root.dataset.url, { headers: { accept: "application/json" } });
      if (!answer.ok) return; // the drawing of the server stays
      this.points = [this.launch(), ...(await answer.json()).results];
      this.draw();
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
    this.chart.timeScale().fitContent();
    this.root.dataset.state = this.points.length ? "ready" : "empty";
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
    this.sparks();
    this.root.dataset.ticks = String(Number(this.root.dataset.ticks ?? 0) + 1);
  }

  /** Draw the small lines in the outcomes' rows, as the server does. */
  sparks() {
    if (this.points[0]?.t_ms !== 0) return; // what was before is not known: the server's stay
    const step = Math.max(1, Math.floor(this.points.length / SPARK_POINTS));
    const thin = this.points.filter((_, n, all) => n % step === 0 || n === all.length - 1);
    for (const line of document.querySelectorAll("[data-outcome] .outcome-spark polyline")) {
      const number = Number(line.closest("[data-outcome]").dataset.outcome);
      const known = thin.map((p) => p.prices[number]).filter(Boolean).map(([yes]) => Number(yes));
      if (known.length < 2) continue;
      const low = Math.min(...known);
      const span = Math.max(...known) - low || 1;
      const dots = known.map((value, n) => {
        const [x, y] = [(100 * n) / (known.length - 1), 28 - (26 * (value - low)) / span];
        return `${x.toFixed(1)},${y.toFixed(1)}`;
      });
      line.setAttribute("points", dots.join(" "));
    }
  }

  tell(at) {
    if (!at.time) return void (this.read.textContent = "\u00a0");
    const parts = this.drawn.map(({ series, name }) => {
      const found = at.seriesData.get(series);
      return found ? `${name} ${decimal(found.value.toFixed(6), this.show === "prices" ? 3 : 2)}` : "";
    });
    this.read.textContent = [clock(at.time), ...parts.filter(Boolean)].join(" · ");
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

  // A picture of the canvas with the page's background, its name and its legend.
  save() {
    const drawn = this.chart.takeScreenshot();
    const ratio = window.devicePixelRatio || 1;
    const [head, foot] = [44 * ratio, 36 * ratio];
    const picture = document.createElement("canvas");
    picture.width = drawn.width;
    picture.height = drawn.height + head + foot;
    const pen = picture.getContext("2d");
    const style = getComputedStyle(document.body);
    pen.fillStyle = getComputedStyle(document.documentElement).backgroundColor;
    pen.fillRect(0, 0, picture.width, picture.height);
    pen.drawImage(drawn, 0, head);
    pen.fillStyle = style.color;
    pen.font = `650 ${18 * ratio}px ${style.fontFamily}`;
    pen.fillText(this.root.dataset.name, 12 * ratio, 28 * ratio);
    pen.font = `${13 * ratio}px ${style.fontFamily}`;
    let x = 12 * ratio;
    for (const { name, colour } of this.drawn) {
      pen.fillStyle = colour;
      pen.fillRect(x, picture.height - 22 * ratio, 10 * ratio, 10 * ratio);
      pen.fillStyle = style.color;
      pen.fillText(name, x + 16 * ratio, picture.height - 12 * ratio);
      x += pen.measureText(name).width + 36 * ratio;
    }
    picture.toBlob((blob) => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = `${this.root.dataset.name}.png`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1_000);
    });
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
      else if (event.target.closest("[data-save]") && this.chart) this.save();
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
