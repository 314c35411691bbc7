// A chart by keyboard: arrows walk along it, up and down change the series, Page keys jump, H lists
// the keys. What is walked along says how: a market's candles, or the ticks of a session.

/**
 * Bind the keys to a chart's stage. `walk` knows `count()` of points and of `lines()`, shows one
 * with `show(index, line)` and returns the sentence that says it; `jump(index, step)` returns where
 * a Page key leads, or undefined behind the last place, which `beyond` puts in words; `open(index)`
 * is what Enter does there, and `leave()` gives up the reading.
 */
export function bindKeys(root, walk) {
  const stage = root.querySelector("[data-stage]");
  const spoken = root.querySelector("[data-spoken]");
  const help = root.querySelector("[data-chart-keys]");
  let index = -1;
  let line = 0;

  function stand(to) {
    const count = walk.count();
    if (!count) return;
    index = Math.max(0, Math.min(count - 1, to));
    spoken.textContent = walk.show(index, line % walk.lines());
  }

  function jump(step) {
    const next = walk.jump(index, step);
    if (next === undefined) spoken.textContent = walk.beyond;
    else stand(next);
  }

  const actions = {
    ArrowLeft: () => stand(index - 1),
    ArrowRight: () => stand(index + 1),
    ArrowUp: () => { line += 1; stand(index); },
    ArrowDown: () => { line += walk.lines() - 1; stand(index); },
    PageUp: () => jump(-1),
    PageDown: () => jump(1),
    Home: () => stand(0),
    End: () => stand(walk.count() - 1),
    Enter: () => walk.open?.(index),
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
    if (index < 0) index = walk.count() - 1;
  });
  stage.addEventListener("blur", () => walk.leave());
}
