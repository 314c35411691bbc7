// The chart's colours, read from the tokens so that there is one list of them for page and chart.
import {
  CrosshairMode,
  LineType,
} from "../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import { decimal } from "./format.js";

const NAMES = ["text", "muted", "line", "surface", "headline", "oracle", "you-pay", "up", "down"];

/** Resolve the role tokens to what they are in the theme of the moment. */
export function colours() {
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  const found = {};
  for (const name of NAMES) {
    probe.style.color = `var(--${name})`;
    found[name.replace("-", "")] = getComputedStyle(probe).color;
  }
  probe.remove();
  return found;
}

/** The same colour, see-through. */
export function faint(colour, alpha) {
  const [r, g, b] = colour.match(/[\d.]+/g);
  return `rgba(${r}, ${g}, ${b}, ${alpha})`;
}

function axisTime(time, kind) {
  const at = new Date(time * 1000);
  const shape =
    kind === 0 ? { year: "numeric" }
    : kind === 1 ? { month: "short" }
    : kind === 2 ? { day: "numeric", month: "short" }
    : { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  return new Intl.DateTimeFormat("en-GB", shape).format(at);
}

/** Options of the whole chart in the given colours. */
export function options(tint, places) {
  return {
    autoSize: true,
    layout: {
      background: { color: "transparent" },
      textColor: tint.muted,
      fontFamily: getComputedStyle(document.body).fontFamily,
      fontSize: 12,
      attributionLogo: false,
    },
    grid: { vertLines: { visible: false }, horzLines: { color: tint.line } },
    // A label that the edge of the chart would cut is left out.
    rightPriceScale: {
      borderVisible: false, entireTextOnly: true, scaleMargins: { top: 0.08, bottom: 0.2 },
    },
    timeScale: {
      borderColor: tint.line,
      timeVisible: true,
      secondsVisible: false,
      rightOffset: 6,
      tickMarkFormatter: axisTime,
    },
    crosshair: {
      mode: CrosshairMode.Magnet,
      vertLine: { color: tint.muted, labelBackgroundColor: tint.text, width: 1 },
      horzLine: { color: tint.muted, labelBackgroundColor: tint.text, width: 1 },
    },
    localization: {
      priceFormatter: (value) => decimal(value.toFixed(6), places),
      timeFormatter: (time) =>
        new Intl.DateTimeFormat("en-GB", {
          day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
        }).format(new Date(time * 1000)),
    },
    handleScroll: { vertTouchDrag: false },
  };
}

/** Colours of each series: every price keeps its hue. */
export function seriesColours(tint) {
  return {
    display: {
      lineColor: tint.headline,
      topColor: faint(tint.headline, 0.16),
      bottomColor: faint(tint.headline, 0.01),
      lineType: LineType.Simple,
    },
    candles: {
      upColor: tint.up, downColor: tint.down, borderVisible: false,
      wickUpColor: tint.up, wickDownColor: tint.down,
    },
    market: { color: tint.youpay },
    // F moves at oracle events only, so it is drawn in steps.
    fundamental: { color: tint.oracle, lineType: LineType.WithSteps },
    upper: { color: faint(tint.oracle, 0.7), lineType: LineType.WithSteps },
    lower: { color: faint(tint.oracle, 0.7), lineType: LineType.WithSteps },
    volume: { color: faint(tint.muted, 0.28) },
  };
}
