// The small lines in the rows of a session's outcomes, which grow with its ticks.

const SPARK_POINTS = 60;

/** Draw the small lines in the outcomes' rows, as the server does. */
export function drawSparks(points) {
  if (points[0]?.t_ms !== 0) return; // what was before is not known: the server's stay
  const step = Math.max(1, Math.floor(points.length / SPARK_POINTS));
  const thin = points.filter((_, n, all) => n % step === 0 || n === all.length - 1);
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
