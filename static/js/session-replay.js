// The scrubber of a session's end: it plays the ticks one after the other; the server settles them.

const STEP_MS = 500;
const scrub = document.querySelector("[data-scrub]");

if (scrub) {
  const range = scrub.elements.tick;
  const shown = scrub.querySelector("[data-tick-out]");
  const play = scrub.querySelector("[data-play]");
  let timer = 0;

  const write = () => (shown.textContent = `${range.value} / ${range.max}`);
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    play.setAttribute("aria-pressed", "false");
    play.querySelector("[data-play-word]").textContent = "Play";
  };
  const step = () => {
    const jump = Math.max(1, Math.round(Number(range.max) / 120));
    range.value = String(Math.min(Number(range.max), Number(range.value) + jump));
    write();
    range.dispatchEvent(new Event("change", { bubbles: true }));
    if (range.value === range.max) stop();
  };

  range.addEventListener("input", write);
  play.addEventListener("click", () => {
    if (timer) return stop();
    if (range.value === range.max) range.value = "0";
    timer = setInterval(step, STEP_MS);
    play.setAttribute("aria-pressed", "true");
    play.querySelector("[data-play-word]").textContent = "Pause";
  });
  scrub.addEventListener("submit", (event) => event.preventDefault());
}
