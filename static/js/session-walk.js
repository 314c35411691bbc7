// How the keyboard walks along the graph of a session: its ticks, a tenth of the way by Page keys.
import { remaining } from "./format.js";

const TENTH = 10;

export function walkOf(owner) {
  const last = () => owner.points.length - 1;
  return {
    beyond: "No further tick",
    count: () => (owner.drawn ? owner.points.length : 0),
    lines: () => Math.max(1, owner.drawn.length),
    show(index, line) {
      const point = owner.points[index];
      const at = `at ${remaining(Math.floor(point.t_ms / 1000))}`;
      const shown = owner.drawn[line];
      if (!shown) return `No line is shown, ${at}`;
      const value = shown.pick(point);
      if (value === null) {
        owner.chart.clearCrosshairPosition();
        owner.write(point.t_ms, ({ pick }) => pick(point));
        return `${shown.name} is out ${at}`;
      }
      owner.chart.setCrosshairPosition(value, point.t_ms, shown.series);
      owner.write(point.t_ms, ({ pick }) => pick(point));
      return `${shown.name} ${owner.figure(value)} ${at}`;
    },
    jump(index, step) {
      const to = index + step * Math.max(1, Math.round(last() / TENTH));
      if (index === (step > 0 ? last() : 0)) return undefined;
      return Math.max(0, Math.min(last(), to));
    },
    leave() {
      owner.chart?.clearCrosshairPosition();
    },
  };
}
