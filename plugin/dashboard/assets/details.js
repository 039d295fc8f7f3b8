// SPDX-License-Identifier: Apache-2.0

// Tells of what is selected, beside the drawing.

import { count, fill, h, sign } from "./dom.js";
import { ask } from "./live.js";

const pageSize = 25;
const levels = { good: "ok", bad: "bad", doubtful: "warn", none: "idle" };

export class Details {
  #root;
  #open;
  #close;
  #concern;
  #one = null;
  #turn = 0;
  #list = { text: "", level: "", offset: 0 };
  #refreshing = 0;

  constructor(root, open, close, concern) {
    this.#root = root;
    this.#open = open;
    this.#close = close;
    this.#concern = concern;
  }

  show(one, front) {
    this.#one = one;
    this.#root.hidden = one === null;
    if (one === null) {
      fill(this.#root);
      return;
    }
    this.#list = { text: "", level: front?.namespaces[one.name]?.bad ? "bad" : "", offset: 0 };
    this.#render(one, "idle", [h("p", { class: "empty" }, "Reading …")]);
    this.#root.focus({ preventScroll: true });
    if (front) this.#load(true);
  }

  // refresh asks again, at most every second: what is told may have changed with the front.
  refresh() {
    if (this.#one === null || this.#refreshing) return;
    this.#refreshing = setTimeout(() => { this.#refreshing = 0; this.#load(false); }, 1000);
  }

  async #load(anew) {
    const one = this.#one, turn = ++this.#turn;
    if (one === null) return;
    const list = one.kind === "Namespace";
    const answer = list ? await ask("services", { namespace: one.name, ...this.#list, limit: pageSize }) : await ask("details", { kind: one.kind, namespace: one.namespace, name: one.name });
    if (turn !== this.#turn) return;
    if (answer === null) this.#render(one, "idle", [h("p", { class: "empty" }, "There is no such object any more, or the connection is lost.")]);
    else if (list) this.#services(one, answer);
    else this.#object(answer);
    if (anew && matchMedia("(max-width: 60rem)").matches) this.#root.scrollIntoView({ block: "nearest" });
  }

  #render(one, level, children) {
    const scroll = this.#root.scrollTop;
    fill(this.#root,
      h("header", {}, sign(level), h("div", {}, h("p", { class: "kind" }, one.kind), h("h2", {}, one.namespace && h("span", { class: "namespace" }, one.namespace + "/"), one.name)),
        h("button", { type: "button", class: "tool", "aria-label": "Close", title: "Close (Esc)", "data-key": "close", click: this.#close }, "×")),
      children);
    this.#root.scrollTop = scroll;
  }

  #object(d) {
    this.#concern(d);
    this.#render(d, d.level, [
      d.state && h("p", { class: `state ${d.level}` }, d.state),
      d.message && h("p", { class: "message" }, d.message),
      d.facts.length > 0 && h("dl", { class: "facts" }, d.facts.map((f) => h("div", {}, h("dt", {}, f.name), h("dd", {}, f.value)))),
      d.links.length > 0 && [h("h3", {}, d.kind === "Service" ? "From the request to the routers" : "What it depends on"), h("ol", { class: "chain" }, d.links.map((l) => this.#link(l)))],
      d.unknown && h("p", { class: "empty" }, d.unknown),
      d.maps.map((m) => heat(m, this.#open)),
      d.kind === "Service" && (!d.unknown || d.nodes.length > 0) && this.#who("Announced by", "Node", d.nodes, "No node announces it."),
      d.kind === "Service" && d.peers.length > 0 && this.#who("To", "Peer", d.peers),
      d.kind === "Node" && (!d.unknown || d.peers.length > 0) && this.#who("Sessions with", "Peer", d.peers, "It has no session."),
      d.kind === "Peer" && !d.unknown && this.#who("Sessions of", "Node", d.nodes, "No node has a session with it."),
      h("h3", {}, "In a terminal"), d.commands.map(copyable),
    ]);
  }

  #link(l) {
    const level = levels[l.mark] ?? "idle";
    return h("li", { class: level }, sign(level), h("div", {}, h("p", { class: "subject" }, l.subject), h("p", {}, l.text),
      (l.remedies ?? []).map((r) => h("div", { class: "remedy" }, r.text && h("p", {}, "→ " + r.text), r.command && copyable(r.command)))));
  }

  #who(title, kind, names, none) {
    const shown = names.slice(0, 30);
    return [h("h3", {}, names.length > 1 ? `${title} ${count(names.length, kind.toLowerCase())}` : title),
      names.length === 0 ? h("p", { class: "empty" }, none) : h("ul", { class: "chips" }, shown.map((n) => h("li", {}, h("button", { type: "button", class: "chip", "data-key": `${kind}/${n}`, click: () => this.#open(kind, "", n) }, n))),
        names.length > shown.length && h("li", { class: "note" }, `and ${names.length - shown.length} more`))];
  }

  #services(one, answer) {
    const set = (change) => { Object.assign(this.#list, { offset: 0 }, change); this.#load(false); };
    const choice = (value, text) => h("button", { type: "button", class: "choice", "data-key": "level-" + value, "aria-pressed": String(this.#list.level === value), click: () => set({ level: value }) }, text);
    const typed = h("input", { type: "search", placeholder: "Filter by name or address", "aria-label": "Filter by name or address", "data-key": "filter", value: this.#list.text, input: (e) => set({ text: e.target.value }) });
    const end = this.#list.offset + answer.rows.length;
    this.#render(one, "idle", [
      typed, h("div", { class: "filters" }, choice("", "all"), choice("bad", "not announced"), choice("warn", "in part"), choice("ok", "announced")),
      answer.rows.length === 0 ? h("p", { class: "empty" }, "No service is like that.") : h("ul", { class: "rows" }, answer.rows.map((s) => serviceRow(s, this.#open))),
      h("div", { class: "pages" }, h("span", { class: "note" }, answer.total ? `${this.#list.offset + 1}–${end} of ${answer.total.toLocaleString()}` : ""),
        this.#list.offset > 0 && h("button", { type: "button", class: "plain", "data-key": "before", click: () => set({ offset: Math.max(0, this.#list.offset - pageSize) }) }, "Before"),
        end < answer.total && h("button", { type: "button", class: "plain", "data-key": "next", click: () => set({ offset: end }) }, "Next")),
    ]);
    const again = this.#root.querySelector("input");
    if (document.activeElement === again) again.setSelectionRange(again.value.length, again.value.length);
  }
}

function serviceRow(s, open) {
  return h("li", {}, h("button", { type: "button", class: `row ${s.level}`, "data-key": `Service/${s.namespace}/${s.name}`, click: () => open("Service", s.namespace, s.name) },
    h("span", { class: "lamp", "aria-hidden": "true" }), h("span", { class: "label" }, s.name), h("span", { class: "mono note" }, s.addresses.join(", ")), s.level !== "ok" && h("span", { class: "how" }, `${s.state}: ${s.reason ?? ""}`)));
}

function heat(map, open) {
  const held = map.all.filter((c) => c.holders.length > 0);
  return h("div", { class: "heat-large" }, h("h3", { class: "mono" }, map.name),
    h("div", { class: "heat", role: "img", "aria-label": `${held.length} of ${map.all.length} blocks are used` }, map.all.map((c) => h("span", { class: `h${c.heat}`, title: c.name + (c.holders.length ? ": " + c.holders.join(", ") : ": free") }))),
    map.rest && h("p", { class: "note" }, "The range goes on, with free addresses only."),
    map.block !== "1" && h("p", { class: "note" }, `A cell is ${map.block} addresses.`),
    h("ul", { class: "rows" }, held.slice(0, 12).map((c) => h("li", {}, h("span", { class: "mono" }, c.name), " ", c.holders.map((holder) => {
      const [namespace, name] = holder.split("/");
      return h("button", { type: "button", class: "chip", "data-key": `${c.name}/${holder}`, click: () => open("Service", namespace, name) }, holder);
    })))),
    held.length > 12 && h("p", { class: "note" }, `and ${count(held.length - 12, "more block")}`));
}

function copyable(command) {
  const button = h("button", { type: "button", class: "copy", "data-key": "copy-" + command, "aria-label": `Copy: ${command}`, click: async () => {
    await navigator.clipboard.writeText(command);
    button.textContent = "copied";
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  } }, "copy");
  return h("div", { class: "command" }, h("code", { tabindex: "0" }, command), button);
}
