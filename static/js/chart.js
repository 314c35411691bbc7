// The chart of a market: D as an area, M, F and the band when asked for, or candles of D, the
// oracle's moves as diamonds on the time axis. What it shows is also in the table below it.
import {
  AreaSeries,
  CandlestickSeries,
  HistogramSeries,
  LineSeries,
  LineStyle,
  createChart,
} from "../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import { Causes } from "./chart-causes.js";
import { Drag } from "./chart-drag.js";
import { Own } from "./chart-own.js";
import { fetchSeries, shapes, withTick } from "./chart-data.js";
import { Card } from "./chart-card.js";
import { bindKeys } from "./chart-keys.js";
import { walkOf } from "./chart-walk.js";
import { colours, options, seriesColours } from "./chart-style.js";
import { serverNow } from "./countdown.js";

const LINES = ["market", "fundamental"];

class MarketChart {
  constructor(root) {
    this.root = root;
    this.box = root.querySelector("[data-canvas]");
    this.url = root.dataset.url;
    this.market = Number(root.dataset.chart);
    this.range = root.dataset.range;
    this.shown = { candles: false, market: false, fundamental: true, band: false };
    this.rows = [];
    this.moves = [];
    this.box.replaceChildren();
    this.chart = createChart(this.box, options(colours(), Number(root.dataset.places)));
    this.build();
    this.card = new Card(this, root.querySelector("[data-card]"));
    this.own = new Own(this);
    this.drag = new Drag(this, this.own);
    bindKeys(this.root, walkOf(this));
    this.listen();
    this.load();
  }

  build() {
    const tint = colours();
    const quiet = { priceLineVisible: false, lastValueVisible: false, crosshairMarkerRadius: 3 };
    const thin = { ...quiet, lineWidth: 1 };
    const edge = { ...thin, lineStyle: LineStyle.Dotted, crosshairMarkerVisible: false };
    this.series = {
      volume: this.chart.addSeries(HistogramSeries, {
        ...quiet, priceScaleId: "volume", priceFormat: { type: "volume" },
      }),
      upper: this.chart.addSeries(LineSeries, edge),
      lower: this.chart.addSeries(LineSeries, edge),
      fundamental: this.chart.addSeries(LineSeries, thin),
      market: this.chart.addSeries(LineSeries, thin),
      candles: this.chart.addSeries(CandlestickSeries, { priceLineVisible: false }),
      display: this.chart.addSeries(AreaSeries, { lineWidth: 2, priceLineVisible: false }),
    };
    this.chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.86, bottom: 0 } });
    this.causes = new Causes(tint.oracle);
    this.series.display.attachPrimitive(this.causes);
    this.paint();
    this.show();
  }

  paint() {
    const tint = colours();
    this.tint = tint;
    this.chart.applyOptions(options(tint, Number(this.root.dataset.places)));
    for (const [name, values] of Object.entries(seriesColours(tint))) {
      this.series[name].applyOptions(values);
    }
    this.causes.recolour(tint);
    this.own?.draw();
  }

  show() {
    const { candles, market, fundamental, band } = this.shown;
    this.series.candles.applyOptions({ visible: candles });
    this.series.display.applyOptions({ visible: !candles });
    this.series.market.applyOptions({ visible: market });
    this.series.fundamental.applyOptions({ visible: fundamental });
    this.series.upper.applyOptions({ visible: band });
    this.series.lower.applyOptions({ visible: band });
    for (const button of this.root.querySelectorAll("[data-toggle]")) {
      button.setAttribute("aria-pressed", String(this.shown[button.dataset.toggle]));
    }
    for (const link of this.root.querySelectorAll("[data-range-link]")) {
      if (link.dataset.rangeLink === this.range) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  async load() {
    try {
      const age = serverNow() - Number(this.root.dataset.born);
      const series = await fetchSeries(this.url, this.range, age);
      this.interval = series.seconds;
      this.moves = series.moves;
      this.put(series.rows);
      this.chart.timeScale().fitContent();
      this.root.dataset.state = this.rows.length ? "ready" : "empty";
    } catch {
      this.root.dataset.state = "failed";
    }
  }

  put(rows) {
    this.rows = rows;
    const made = shapes(rows, Number(this.root.dataset.band));
    for (const [name, points] of Object.entries(made)) this.series[name].setData(points);
    this.causes.put(this.moves, rows.map((row) => row.time));
    this.own.draw();
    this.card.rest();
  }

  tick({ tick, trades }) {
    if (!this.interval) return;
    const { row, fresh } = withTick(this.rows, tick, trades ?? [], this.interval);
    if (!row) return;
    if (fresh) this.rows.push(row);
    else this.rows[this.rows.length - 1] = row;
    const made = shapes([row], Number(this.root.dataset.band));
    for (const [name, points] of Object.entries(made)) {
      if (points.length) this.series[name].update(points[0]);
    }
    if (fresh) this.causes.put(this.moves, this.rows.map((each) => each.time));
    this.root.dataset.state = "ready";
    this.root.dataset.ticks = String(Number(this.root.dataset.ticks ?? 0) + 1);
    this.card.rest();
  }

  choose(range) {
    this.range = range;
    this.show();
    this.load();
    const page = new URL(location.href);
    page.searchParams.set("range", range);
    history.replaceState(null, "", page);
  }

  openCause(move) {
    const card = document.getElementById(`move-${move.ref}`) ?? document.getElementById("causes");
    if (!card) return;
    card.scrollIntoView({ block: "center", behavior: "smooth" });
    card.focus({ preventScroll: true });
  }

  listen() {
    this.root.addEventListener("click", (event) => {
      const toggle = event.target.closest("[data-toggle]");
      const link = event.target.closest("[data-range-link]");
      if (toggle) {
        this.shown[toggle.dataset.toggle] = !this.shown[toggle.dataset.toggle];
        this.show();
        this.own.draw();
      } else if (link) {
        event.preventDefault();
        this.choose(link.dataset.rangeLink);
      }
    });
    this.chart.subscribeClick((point) => {
      const move = point.point && this.causes.at(point.point.x, point.point.y);
      if (move) this.openCause(move);
    });
    document.addEventListener("appearance", () => this.paint());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.paint());
    document.addEventListener("market:tick", (event) => {
      if (event.detail.market !== this.market) return;
      this.tick(event.detail);
      if (event.detail.oracle) setTimeout(() => this.load(), 1500);
    });
    document.addEventListener("market:gap", (event) => {
      if (event.detail.market === this.market) this.load();
    });
  }
}

for (const root of document.querySelectorAll("[data-chart]")) {
  root.chartOfMarket = new MarketChart(root);
}
