// The oracle's moves as small diamonds on the time axis; where they crowd, one with a count.

const SIZE = 5;
const CROWD = 28;

/** A primitive of the chart library that draws the diamonds of the moves in view. */
export class Causes {
  constructor(colour) {
    this.colour = colour;
    this.text = colour;
    this.groups = [];
    this.moves = [];
    this.times = [];
    this.view = { zOrder: () => "top", renderer: () => ({ draw: (target) => this.draw(target) }) };
  }

  attached({ chart, requestUpdate }) {
    this.chart = chart;
    this.update = requestUpdate;
  }

  detached() {
    this.chart = null;
  }

  paneViews() {
    return [this.view];
  }

  updateAllViews() {}

  recolour(tint) {
    this.colour = tint.oracle;
    this.text = tint.surface;
    this.update?.();
  }

  put(moves, times) {
    this.moves = moves;
    this.times = times;
    this.update?.();
  }

  /** The move nearest to a point of the axis, newest of its group. */
  at(x, y) {
    const near = this.groups.find(
      (group) => Math.abs(group.x - x) <= SIZE * 2 && Math.abs(group.y - y) <= SIZE * 3,
    );
    return near ? near.moves[near.moves.length - 1] : null;
  }

  /** The newest move inside the bucket that starts at `time`. */
  of(time) {
    const index = this.times.indexOf(time);
    const end = this.times[index + 1] ?? Infinity;
    return this.moves.filter((move) => move.t >= time && move.t < end).pop() ?? null;
  }

  bucket(move) {
    let found = null;
    for (const time of this.times) {
      if (time > move.t) break;
      found = time;
    }
    return found;
  }

  collect(height) {
    const groups = [];
    const scale = this.chart.timeScale();
    for (const move of this.moves) {
      const time = this.bucket(move);
      const x = time === null ? null : scale.timeToCoordinate(time);
      if (x === null) continue;
      const last = groups[groups.length - 1];
      if (last && x - last.x < CROWD) last.moves.push(move);
      else groups.push({ x, y: height - SIZE * 2, moves: [move] });
    }
    this.groups = groups;
  }

  draw(target) {
    if (!this.chart) return;
    target.useMediaCoordinateSpace(({ context, mediaSize }) => {
      this.collect(mediaSize.height);
      context.textAlign = "center";
      context.textBaseline = "bottom";
      context.font = "500 10px 'Inter Variable', sans-serif";
      context.fillStyle = this.colour;
      for (const { x, y, moves } of this.groups) {
        context.beginPath();
        context.moveTo(x, y - SIZE);
        context.lineTo(x + SIZE, y);
        context.lineTo(x, y + SIZE);
        context.lineTo(x - SIZE, y);
        context.closePath();
        context.fill();
        if (moves.length > 1) context.fillText(String(moves.length), x, y - SIZE - 1);
      }
    });
  }
}
