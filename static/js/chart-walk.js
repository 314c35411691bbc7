// How the keyboard walks along the chart of a market: its candles, from one oracle move to another.

const SERIES = ["display", "market", "fundamental"];

export function walkOf(owner) {
  const available = () => SERIES.filter((name) => name === "display" || owner.shown[name]);
  const moves = () => owner.rows.flatMap((row, n) => (owner.causes.of(row.time) ? [n] : []));
  return {
    beyond: "No further oracle move in this range",
    count: () => owner.rows.length,
    lines: () => available().length,
    show(index, line) {
      const name = available()[line];
      const row = owner.rows[index];
      const value = name === "display" ? row.close : row[name];
      const drawn = name === "display" && owner.shown.candles ? "candles" : name;
      owner.chart.setCrosshairPosition(value, row.time, owner.series[drawn]);
      owner.card.held = true;
      owner.card.write(row);
      return owner.card.sentence(row, name);
    },
    jump(index, step) {
      return step > 0
        ? moves().find((n) => n > index)
        : moves().filter((n) => n < index).pop();
    },
    open(index) {
      const move = owner.rows[index] && owner.causes.of(owner.rows[index].time);
      if (move) owner.openCause(move);
    },
    leave() {
      owner.chart.clearCrosshairPosition();
      owner.card.held = false;
      owner.card.rest();
    },
  };
}
