// The chart by keyboard: arrows walk along it, up and down change the series, Page keys jump
// between the oracle's moves, Enter opens a move's card, H lists the keys.

const SERIES = ["display", "market", "fundamental"];

export function bindKeys(owner) {
  const stage = owner.root.querySelector("[data-stage]");
  const spoken = owner.root.querySelector("[data-spoken]");
  const help = owner.root.querySelector("[data-chart-keys]");
  let index = -1;
  let series = 0;

  const available = () => SERIES.filter((name) => name === "display" || owner.shown[name]);

  function stand(to) {
    if (!owner.rows.length) return;
    index = Math.max(0, Math.min(owner.rows.length - 1, to));
    const name = available()[series % available().length];
    const row = owner.rows[index];
    const value = name === "display" ? row.close : row[name];
    const line = name === "display" && owner.shown.candles ? "candles" : name;
    owner.chart.setCrosshairPosition(value, row.time, owner.series[line]);
    owner.card.held = true;
    owner.card.write(row);
    spoken.textContent = owner.card.sentence(row, name);
  }

  function jump(step) {
    const stops = owner.rows.flatMap((row, n) => (owner.causes.of(row.time) ? [n] : []));
    const next = step > 0 ? stops.find((n) => n > index) : stops.filter((n) => n < index).pop();
    if (next === undefined) spoken.textContent = "No further oracle move in this range";
    else stand(next);
  }

  const actions = {
    ArrowLeft: () => stand(index - 1),
    ArrowRight: () => stand(index + 1),
    ArrowUp: () => { series += 1; stand(index); },
    ArrowDown: () => { series += available().length - 1; stand(index); },
    PageUp: () => jump(-1),
    PageDown: () => jump(1),
    Home: () => stand(0),
    End: () => stand(owner.rows.length - 1),
    Enter: () => {
      const move = owner.rows[index] && owner.causes.of(owner.rows[index].time);
      if (move) owner.openCause(move);
    },
    h: () => {
      help.hidden = !help.hidden;
      if (!help.hidden) spoken.textContent = help.textContent;
    },
    Escape: () => { help.hidden = true; },
  };

  stage.addEventListener("keydown", (event) => {
    const action = actions[event.key] ?? actions[event.key.toLowerCase()];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  });
  stage.addEventListener("focus", () => {
    if (index < 0) index = owner.rows.length - 1;
  });
  stage.addEventListener("blur", () => {
    owner.chart.clearCrosshairPosition();
    owner.card.held = false;
    owner.card.rest();
  });
}
