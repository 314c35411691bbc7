// Stop, target and limit lines can be dragged by mouse or finger. Letting go changes nothing: it
// fills the ticket, whose button confirms. Without a pointer the ticket's own fields do the same.

const NEAR = { mouse: 7, touch: 18, pen: 12 };
const PLACES = 4;

export class Drag {
  constructor(owner, own) {
    this.owner = owner;
    this.own = own;
    this.stage = owner.root.querySelector("[data-stage]");
    this.held = null;
    const box = owner.box;
    box.addEventListener("pointerdown", (event) => this.take(event), true);
    box.addEventListener("pointermove", (event) => this.move(event), true);
    box.addEventListener("pointerup", (event) => this.drop(event), true);
    box.addEventListener("pointercancel", () => this.release(), true);
    // A finger on a line drags the line, not the page and not the chart.
    for (const name of ["touchstart", "touchmove", "mousedown"]) {
      box.addEventListener(name, (event) => this.keep(event), { capture: true, passive: false });
    }
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.held) this.release();
    });
  }

  y(event) {
    return event.clientY - this.owner.box.getBoundingClientRect().top;
  }

  near(event) {
    const reach = NEAR[event.pointerType] ?? NEAR.mouse;
    let best = null;
    for (const each of this.own.lines) {
      if (!each.drags) continue;
      const away = Math.abs(each.series.priceToCoordinate(each.price) - this.y(event));
      if (away <= reach && (!best || away < best.away)) best = { each, away };
    }
    return best?.each ?? null;
  }

  take(event) {
    const line = event.button === 0 ? this.near(event) : null;
    if (!line) return;
    this.held = line;
    this.pointer = event.pointerId;
    this.owner.box.setPointerCapture(event.pointerId);
    this.owner.chart.applyOptions({ handleScroll: false, handleScale: false });
    this.stage.dataset.dragging = line.kind;
    event.stopPropagation();
  }

  keep(event) {
    if (!this.held) return;
    event.preventDefault();
    event.stopPropagation();
  }

  move(event) {
    if (!this.held) {
      const hovers = event.pointerType === "mouse" && this.near(event);
      this.stage.toggleAttribute("data-near", Boolean(hovers));
      return;
    }
    event.stopPropagation();
    const price = this.held.series.coordinateToPrice(this.y(event));
    if (!(price > 0)) return;
    this.to = price.toFixed(PLACES);
    this.held.line.applyOptions({ price: Number(this.to), title: `${this.held.title} ?` });
  }

  drop(event) {
    if (!this.held) return;
    event.stopPropagation();
    const { held, to } = this;
    this.release();
    if (to && Number(to).toFixed(PLACES) !== held.price.toFixed(PLACES)) this.ask(held, to);
  }

  /** Give the line back; only the server moves it for good. */
  release() {
    if (this.pointer !== undefined && this.owner.box.hasPointerCapture(this.pointer)) {
      this.owner.box.releasePointerCapture(this.pointer);
    }
    this.held = null;
    this.to = null;
    delete this.stage.dataset.dragging;
    this.owner.paint();
  }

  ask(line, price) {
    document.dispatchEvent(
      new CustomEvent("ticket:fill", { detail: { query: this.query(line, price) } }),
    );
  }

  query(line, price) {
    if (line.kind === "limit") {
      const { ref, side, shares, closes, margin } = line.limit;
      return new URLSearchParams({
        type: "limit", side, mode: "shares", quantity: shares, price,
        reduce_only: closes ? "on" : "", margin, replaces: String(ref),
      });
    }
    const { stop, target } = this.own.own;
    const kept = { stop: stop ?? "", target: target ?? "" };
    return new URLSearchParams({ type: "protect", ...kept, [line.kind]: price });
  }
}
