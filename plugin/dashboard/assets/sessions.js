// SPDX-License-Identifier: Apache-2.0

// Shows sessions with a timeline of the last hour each, what is wrong first.

import { ago, clock, count, fill, h } from "./dom.js";
import { ask } from "./live.js";

const pageSize = 12;

export class Sessions {
  #root;
  #filters;
  #open;
  #query = { level: "", peer: "", offset: 0 };
  #peers = [];
  #waiting = 0;
  #turn = 0;

  constructor(root, filters, open) {
    this.#root = root;
    this.#filters = filters;
    this.#open = open;
    setInterval(() => this.#load(), 30000); // The hour moves on.
  }

  refresh(front) {
    this.#peers = Object.keys(front.peers).sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
    this.#showFilters();
    if (this.#waiting) return;
    this.#waiting = setTimeout(() => { this.#waiting = 0; this.#load(); }, this.#turn === 0 ? 0 : 1000);
  }

  #set(change) {
    Object.assign(this.#query, { offset: 0 }, change);
    this.#showFilters();
    this.#load();
  }

  #showFilters() {
    const choice = (level, text) => h("button", { type: "button", class: "choice", "data-key": "sessions-" + level, "aria-pressed": String(this.#query.level === level), click: () => this.#set({ level }) }, text);
    fill(this.#filters, choice("", "all"), choice("bad", "down"),
      this.#peers.length > 1 && h("select", { "aria-label": "Peer", "data-key": "sessions-peer", change: (e) => this.#set({ peer: e.target.value }) },
        h("option", { value: "" }, "every peer"), this.#peers.map((p) => h("option", { value: p, selected: p === this.#query.peer }, p))));
  }

  async #load() {
    const turn = ++this.#turn;
    const answer = await ask("sessions", { ...this.#query, limit: pageSize });
    if (answer === null || turn !== this.#turn) return;
    if (answer.total === 0) {
      fill(this.#root, h("p", { class: "empty" }, this.#query.level || this.#query.peer ? "No session is like that." : "No node has reported a session yet."));
      return;
    }
    const end = this.#query.offset + answer.rows.length;
    fill(this.#root,
      h("div", { class: "scale", "aria-hidden": "true" }, ["an hour ago", "30 min", "now"].map((t) => h("span", {}, t))),
      h("ul", { class: "timelines" }, answer.rows.map((row) => this.#row(row, new Date(answer.from), new Date(answer.to)))),
      h("ul", { class: "legend" }, [["ok", "up"], ["bad", "down"], ["idle", "drains"], ["unknown", "not known"]].map(([level, text]) => h("li", {}, h("span", { class: `swatch ${level}` }), text))),
      h("div", { class: "pages" }, h("span", { class: "note" }, `${this.#query.offset + 1}–${end} of ${count(answer.total, "session")}`),
        this.#query.offset > 0 && h("button", { type: "button", class: "plain", "data-key": "sessions-before", click: () => this.#set({ offset: Math.max(0, this.#query.offset - pageSize) }) }, "Before"),
        end < answer.total && h("button", { type: "button", class: "plain", "data-key": "sessions-next", click: () => this.#set({ offset: end }) }, "Next")));
  }

  #row(row, from, to) {
    const x = (time) => (1000 * (new Date(time) - from)) / (to - from);
    const name = (kind, text) => h("button", { type: "button", class: "link", "data-key": `${kind}/${row.node}/${row.peer}`, click: () => this.#open(kind, "", text) }, text);
    const says = row.spans.map((s) => `${clock(s.from)} to ${clock(s.to)}: ${s.text}`).join("; ");
    return h("li", { class: row.level },
      h("p", { class: "who" }, h("span", { class: "lamp", "aria-hidden": "true" }), name("Node", row.node), h("span", { class: "note", "aria-hidden": "true" }, "↔"), name("Peer", row.peer),
        h("span", { class: "how" }, row.level === "bad" ? row.state : count(row.prefixes, "prefix", "prefixes")),
        row.since && h("span", { class: "note" }, `since ${ago(row.since).replace(" ago", "")}`)),
      h("svg", { class: "timeline", viewBox: "0 0 1000 14", preserveAspectRatio: "none", role: "img", "aria-label": says },
        row.spans.map((s) => h("rect", { class: s.level || "unknown", x: x(s.from), y: 0, width: Math.max(x(s.to) - x(s.from), 2), height: 14 }, h("title", {}, `${clock(s.from)}–${clock(s.to)}: ${s.text}`))),
        row.marks.map((m) => h("rect", { class: "mark", x: Math.max(0, x(m.at) - 2), y: 0, width: 4, height: 14 }, h("title", {}, `${clock(m.at)}: ${m.text}`)))),
      row.level === "bad" && row.error && h("p", { class: "why" }, row.error));
  }
}
