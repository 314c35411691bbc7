// One WebSocket per page. Speaks to the rest of the page by events on the document:
// "market:tick", "market:trades", "market:own", "market:gap" and "connection"; those of a session
// are called "session:…".
import { setServerTime } from "./countdown.js";

const STALE_MS = 12_000;
const BACKOFF_MS = [500, 1_000, 2_000, 4_000, 8_000, 15_000];

const say = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));

/** A line to the server that comes back by itself and says how it stands. */
class Line {
  constructor(path) {
    this.path = path;
    this.attempt = 0;
    this.heardAt = 0;
    this.state = "";
    this.open();
    setInterval(() => this.watch(), 1_000);
    window.addEventListener("offline", () => this.enter("reconnecting"));
    window.addEventListener("online", () => this.again(0));
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.state !== "live") this.again(0);
    });
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}${this.path}`);
    this.socket = socket;
    this.frames = 0;
    this.enter(this.heardAt ? "reconnecting" : "connecting");
    socket.addEventListener("message", (event) => {
      if (socket !== this.socket) return;
      this.heardAt = Date.now();
      this.attempt = 0;
      this.enter("live");
      this.take(JSON.parse(event.data));
    });
    socket.addEventListener("close", () => {
      if (socket !== this.socket) return;
      this.enter("reconnecting");
      const wait = BACKOFF_MS[Math.min(this.attempt++, BACKOFF_MS.length - 1)];
      // Half fixed, half by chance: a server that comes back is not met by everybody at once.
      this.again(wait / 2 + (Math.random() * wait) / 2);
    });
  }

  again(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.socket.readyState <= WebSocket.OPEN && this.state === "live") return;
      const old = this.socket;
      this.open();
      old.close();
    }, wait);
  }

  watch() {
    const quiet = Date.now() - this.heardAt;
    if (this.heardAt && quiet > STALE_MS && this.state !== "stale") {
      this.enter("stale");
      if (this.socket.readyState === WebSocket.OPEN) this.again(0);
    }
  }

  enter(state) {
    if (state === this.state || (state === "reconnecting" && this.state === "stale")) return;
    this.state = state;
    say("connection", { state, heardAt: this.heardAt });
  }

  beat(message) {
    setServerTime(message.server_ms);
    // The answer says how many frames were read, so that a slow reader is not flooded.
    this.socket.send(JSON.stringify({ ack: this.frames }));
  }
}

/** The ticks of one or more markets. */
export class Feed extends Line {
  constructor(ids) {
    super(`/ws/markets/?m=${ids.join(",")}`);
    this.last = new Map();
  }

  take(message) {
    if (message.type === "heartbeat") {
      this.beat(message);
    } else if (message.type === "snapshot") {
      setServerTime(message.server_ms);
      for (const [id, { seq, tick }] of Object.entries(message.markets)) {
        const known = this.last.get(Number(id));
        this.last.set(Number(id), seq);
        if (tick && "display" in tick) say("market:tick", { market: Number(id), seq, tick });
        if (known !== undefined && known !== seq) say("market:gap", { market: Number(id) });
      }
    } else if (message.type === "tick") {
      this.order(message);
    } else if (message.type === "own") {
      say("market:own", message);
    }
  }

  order(message) {
    this.frames += 1;
    const known = this.last.get(message.market);
    if (known !== undefined && message.seq <= known) return;
    this.last.set(message.market, message.seq);
    say("market:tick", message);
    if (message.trades) say("market:trades", message);
    if (known !== undefined && message.seq !== known + 1) {
      say("market:gap", { market: message.market });
    }
  }
}

/** The ticks of one session, what happens in it, and one's own news. `seq` is what the page has. */
export class SessionFeed extends Line {
  constructor(code, seq) {
    super(`/ws/sessions/${code}/`);
    this.last = seq;
  }

  take(message) {
    if (message.type === "heartbeat") {
      this.beat(message);
    } else if (message.type === "snapshot") {
      setServerTime(message.server_ms);
      say("session:status", { status: message.status });
      if (message.tick && message.tick.prices) say("session:tick", message);
      if (this.last !== undefined && this.last !== message.seq) say("session:gap", {});
      this.last = message.seq;
    } else if (message.type === "tick") {
      this.frames += 1;
      if (this.last !== undefined && message.seq <= this.last) return;
      const gap = this.last !== undefined && message.seq !== this.last + 1;
      this.last = message.seq;
      say("session:tick", message);
      if (gap) say("session:gap", {});
    } else if (message.type === "event") {
      this.frames += 1;
      say("session:event", message.event);
    } else if (message.type === "own") {
      say("session:own", message);
    }
  }
}
