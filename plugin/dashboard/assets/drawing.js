// SPDX-License-Identifier: Apache-2.0

// Draws routers, nodes and services in three columns, on phones in three rows, with the sessions between them. What is drawn is ordinary text and
// buttons; only the lines are a picture, which is laid over them.

import { count, fill, h, words } from "./dom.js";

// Up to so many nodes are drawn each; more are cells in groups. The server draws services the same way.
const phone = matchMedia("(max-width: 44rem)");
const fewNodes = () => (phone.matches ? 6 : 16);
// Up to so many lines between nodes and services are drawn each; more are one bundle, until something is selected.
const fewLines = 40;
const maxPeers = 14;
const rank = { idle: 0, ok: 1, warn: 2, bad: 3 };

export const keyOf = (kind, namespace, name) => [kind, namespace ?? "", name].join("/");

const byTrouble = ([nameA, a], [nameB, b]) => rank[b.level] - rank[a.level] || nameA.localeCompare(nameB, undefined, { numeric: true });
const byName = ([a], [b]) => a.localeCompare(b, undefined, { numeric: true });
export const levelOf = (c) => (c.bad ? "bad" : c.warn ? "warn" : "ok");

export class Drawing {
  #root;
  #open;
  #front = null;
  #selected = null;
  #concerned = null;
  #boxes = new Map();
  #edges = [];
  #wanted = 0;
  #current = null;

  constructor(root, open) {
    this.#root = root;
    this.#open = open;
    root.addEventListener("keydown", (event) => this.#move(event));
    root.addEventListener("focusin", (event) => { if (event.target.dataset.key) this.#current = event.target.dataset.key; });
    new ResizeObserver(() => this.#later()).observe(root);
    phone.addEventListener("change", () => { if (this.#front) this.show(this.#front); });
  }

  show(front) {
    this.#front = front;
    const peers = Object.entries(front.peers).sort(byTrouble);
    const nodes = Object.entries(front.nodes);
    this.#boxes.clear();
    this.svg = h("svg", { class: "edges", "aria-hidden": "true" });
    fill(this.#root, this.svg,
      this.#column("Routers", "peers", peers.length === 0 ? [this.#none("no BGPPeer: nothing is announced")] : [
        ...peers.slice(0, maxPeers).map(([name, p]) => this.#box("Peer", "", name, p.level, `${p.address} · AS ${p.asn}`, `${p.up} of ${p.desired} sessions up`)),
        peers.length > maxPeers && this.#none(`and ${peers.length - maxPeers} more: search for them`)]),
      this.#column(nodes.length > fewNodes() && front.groupedBy ? `Nodes by ${front.groupedBy}` : "Nodes", "nodes", this.#nodes(nodes)),
      this.#column("Services", "services", this.#services(front)));
    this.#edges = this.#sessionEdges(peers.slice(0, maxPeers)).concat(this.#serviceEdges());
    this.#dim();
    this.#later();
  }

  #column(title, name, children) {
    return h("section", { class: `column ${name}`, "aria-label": title }, h("h3", {}, title), h("div", { class: "boxes" }, children.filter(Boolean)));
  }

  #none(text) { return h("p", { class: "none" }, text); }

  #register(element, kind, namespace, name) {
    const key = keyOf(kind, namespace, name);
    element.dataset.key = key;
    element.tabIndex = -1;
    element.addEventListener("click", () => this.#open(kind, namespace, name));
    this.#boxes.set(key, element);
    return element;
  }

  #box(kind, namespace, name, level, note, state) {
    return this.#register(h("button", { type: "button", class: `box ${level}` },
      h("span", { class: "label" }, namespace && h("span", { class: "namespace" }, namespace + "/"), name), note && h("span", { class: "note" }, note), state && h("span", { class: "how" }, state)), kind, namespace, name);
  }

  #nodes(nodes) {
    if (nodes.length === 0) return [this.#none("no node can be read")];
    if (nodes.length <= fewNodes()) {
      return nodes.sort(byName).map(([name, n]) => this.#box("Node", "", name, n.level, n.note || "all sessions up", ""));
    }
    const groups = new Map();
    for (const [name, node] of nodes) {
      const group = node.group || "without this label";
      if (!groups.has(group)) groups.set(group, []);
      groups.get(group).push([name, node]);
    }
    return [...groups].sort(byName).map(([name, members]) => {
      const wrong = members.filter(([, n]) => n.level === "bad" || n.level === "warn").length;
      const group = h("div", { class: "group", role: "group", "aria-label": `${name}: ${count(members.length, "node")}` },
        h("p", { class: "label" }, name, h("span", { class: "note" }, " " + count(members.length, "node") + (wrong ? ` · ${wrong} in trouble` : ""))),
        h("div", { class: "cells" }, members.sort(byName).map(([node, n]) => {
          const cell = this.#register(h("button", { type: "button", class: `cell ${n.level}`, title: `${node}: ${n.note || "all sessions up"}`, "aria-label": `${node}, ${words[n.level]}` }), "Node", "", node);
          cell.dataset.group = name;
          return cell;
        })));
      this.#boxes.set("group/" + name, group);
      return group;
    });
  }

  #services(front) {
    const each = Object.values(front.each);
    const total = front.services.ok + front.services.warn + front.services.bad;
    if (total === 0) return [this.#none(front.unread.includes("services") ? "no Service can be read" : "no Service of type LoadBalancer")];
    if (each.length > 0) {
      return each.sort((a, b) => rank[b.level] - rank[a.level] || a.namespace.localeCompare(b.namespace) || a.name.localeCompare(b.name))
        .map((s) => this.#box("Service", s.namespace, s.name, s.level, s.addresses.join(", ") || "no address", s.level === "ok" ? "" : s.state));
    }
    const named = Object.entries(front.namespaces).sort(([a, x], [b, y]) => y.bad - x.bad || y.warn - x.warn || sum(y) - sum(x) || a.localeCompare(b));
    const most = Math.max(...named.map(([, c]) => sum(c)));
    return [
      ...named.map(([name, c]) => this.#register(h("button", { type: "button", class: `box namespace-box ${levelOf(c)}`, "aria-label": `namespace ${name}: ${sum(c)} services, ${c.bad} wrong, ${c.warn} partly` },
        h("span", { class: "label" }, name), h("span", { class: "note" }, troubleOf(c)), stack(c, most)), "Namespace", "", name)),
      front.hiddenNamespaces > 0 && this.#none(`and ${count(front.hiddenNamespaces, "namespace")} more: search for them`),
    ];
  }

  // anchor returns the element that stands for a node in lines: itself, or its group.
  #anchor(name) {
    const own = this.#boxes.get(keyOf("Node", "", name));
    return own?.dataset.group !== undefined ? "group/" + own.dataset.group : keyOf("Node", "", name);
  }

  // sessionEdges returns one line for the sessions of a peer with a node, or for each level of those with a group.
  #sessionEdges(peers) {
    const found = new Map();
    for (const [name, node] of Object.entries(this.#front.nodes)) {
      for (const [peer] of peers) {
        const level = node.sessions[peer];
        if (!level) continue;
        const edge = { from: keyOf("Peer", "", peer), to: this.#anchor(name), level: level === "warn" ? "bad" : level };
        const id = [edge.from, edge.to, edge.level].join("|");
        if (!found.has(id)) found.set(id, { ...edge, size: 0, nodes: new Set() });
        found.get(id).size++;
        found.get(id).nodes.add(name);
      }
    }
    return [...found.values()].sort((a, b) => rank[a.level] - rank[b.level]);
  }

  #serviceEdges() {
    const found = new Map();
    for (const [key, service] of Object.entries(this.#front.each)) {
      for (const node of service.nodes ?? []) {
        const edge = { from: this.#anchor(node), to: keyOf("Service", ...key.split("/")), level: "told" };
        const id = [edge.from, edge.to].join("|");
        if (!found.has(id)) found.set(id, { ...edge, size: 1, nodes: new Set() });
        found.get(id).nodes.add(node);
      }
    }
    return [...found.values()];
  }

  // bundle are the two sides of what is announced: the nodes that announce anything, and what is announced.
  #bundle() {
    const from = new Set(Object.entries(this.#front.nodes).filter(([, n]) => n.announces).map(([name]) => this.#anchor(name)));
    const to = [
      ...Object.entries(this.#front.each).filter(([, s]) => (s.nodes ? s.nodes.length > 0 : s.level === "ok" || s.level === "warn")).map(([key]) => "Service/" + key),
      ...(Object.keys(this.#front.each).length === 0 ? Object.entries(this.#front.namespaces).filter(([, c]) => c.ok + c.warn > 0).map(([name]) => keyOf("Namespace", "", name)) : []),
    ];
    return { from: [...from], to };
  }

  select(one) {
    this.#selected = one;
    this.#concerned = one === null ? null : new Set([keyOf(one.kind, one.namespace, one.name)]);
    if (one !== null && this.#front) this.#related(one);
    this.#dim();
    this.#later();
  }

  // related adds what the front tells of: the peers of a node, the nodes of a peer, the nodes of a service.
  #related(one) {
    const nodes = new Set();
    if (one.kind === "Node") nodes.add(one.name);
    for (const [name, node] of Object.entries(this.#front.nodes)) {
      if (one.kind === "Peer" && node.sessions[one.name]) nodes.add(name);
    }
    if (one.kind === "Service") (this.#front.each[`${one.namespace}/${one.name}`]?.nodes ?? []).forEach((n) => nodes.add(n));
    const peers = one.kind === "Node" ? Object.keys(this.#front.nodes[one.name]?.sessions ?? {}) : [];
    this.#add([...nodes], peers);
    for (const [key, service] of Object.entries(this.#front.each)) {
      if (one.kind === "Node" && service.nodes?.includes(one.name)) this.#concerned.add("Service/" + key);
    }
  }

  #add(nodes, peers) {
    for (const node of nodes) this.#concerned.add(keyOf("Node", "", node)).add(this.#anchor(node));
    for (const peer of peers) this.#concerned.add(keyOf("Peer", "", peer));
  }

  // highlight adds what the details of the selected object tell of.
  highlight({ kind, namespace, name, nodes, peers }) {
    if (!this.#selected || keyOf(kind, namespace, name) !== keyOf(this.#selected.kind, this.#selected.namespace, this.#selected.name)) return;
    this.#add(nodes, peers);
    if (kind === "Service" && !this.#boxes.has(keyOf(kind, namespace, name))) {
      this.#concerned.add(keyOf("Namespace", "", namespace));
      this.extra = nodes.map((n) => ({ from: this.#anchor(n), to: keyOf("Namespace", "", namespace), level: "told", size: 1, nodes: new Set([n]) }));
    }
    this.#dim();
    this.#later();
  }

  #dim() {
    const on = this.#concerned !== null && ["Service", "Node", "Peer"].includes(this.#selected.kind);
    this.#root.classList.toggle("has-selection", on);
    if (!on) this.extra = [];
    for (const [key, element] of this.#boxes) {
      element.classList.toggle("concerned", on && this.#concerned.has(key));
      if (element.tagName === "BUTTON") element.setAttribute("aria-pressed", String(this.#selected !== null && key === keyOf(this.#selected.kind, this.#selected.namespace, this.#selected.name)));
    }
    const buttons = this.#buttons();
    const first = buttons.find((b) => b.dataset.key === this.#current) ?? buttons[0];
    buttons.forEach((b) => { b.tabIndex = b === first ? 0 : -1; });
  }

  // later draws the lines when the boxes have their places.
  #later() {
    if (this.#wanted) return;
    this.#wanted = requestAnimationFrame(() => {
      this.#wanted = 0;
      if (this.svg) this.#lines();
    });
  }

  #lines() {
    const around = this.#root.getBoundingClientRect();
    this.svg.setAttribute("viewBox", `0 0 ${around.width} ${around.height}`);
    const places = new Map();
    const place = (key) => {
      if (!places.has(key)) places.set(key, this.#boxes.get(key)?.getBoundingClientRect());
      return places.get(key);
    };
    const columns = getComputedStyle(this.#root).getPropertyValue("--flow").trim() !== "down";
    const on = this.#root.classList.contains("has-selection");
    const told = this.#edges.filter((e) => e.level === "told");
    const bundled = told.length > fewLines || told.length === 0 || Object.keys(this.#front.each).length === 0 || !columns;
    const edges = unique([...this.#edges, ...(this.extra ?? [])]).filter((e) => !bundled || e.level !== "told" || (on && this.#touches(e)));
    const seen = new Map();
    const paths = edges.map((edge) => {
      const from = place(edge.from), to = place(edge.to);
      if (!from || !to) return null;
      const pair = edge.from + "|" + edge.to;
      const shift = (seen.get(pair) ?? 0) * 5;
      seen.set(pair, (seen.get(pair) ?? 0) + 1);
      const path = h("path", { class: `edge ${edge.level}${on && this.#touches(edge) ? " concerned" : ""}`, d: line(columns, outOf(columns, from, around, shift), into(columns, to, around, shift)) });
      path.style.strokeWidth = edge.level === "told" ? 1.25 : Math.min(3.5, 1.5 + 0.35 * Math.log2(edge.size));
      return path;
    });
    this.svg.replaceChildren(...(bundled ? this.#bus(columns, around, place) : []), ...paths.filter(Boolean));
  }

  // bus draws the bundle: lines that meet in the middle of the gap, and part again.
  #bus(columns, around, place) {
    const { from, to } = this.#bundle();
    const starts = from.map(place).filter(Boolean).map((r) => outOf(columns, r, around, 0));
    const ends = to.map(place).filter(Boolean).map((r) => into(columns, r, around, 0));
    if (starts.length === 0 || ends.length === 0) return [];
    const along = columns ? "x" : "y", aside = columns ? "y" : "x";
    const last = Math.max(...starts.map((p) => p[along])), first = Math.min(...ends.map((p) => p[along]));
    const mean = (points) => points.reduce((sum, p) => sum + p[aside], 0) / points.length;
    const level = columns ? (mean(starts) + mean(ends)) / 2 : around.width / 2;
    const point = (share) => ({ [along]: last + (first - last) * share, [aside]: level });
    const enter = point(0.46), leave = point(0.54);
    const path = (a, b, more = "") => h("path", { class: `edge bus${more}`, d: line(columns, a, b) });
    return [...starts.map((p) => path(p, enter)), path(enter, leave, " trunk"), ...ends.map((p) => path(leave, p))];
  }

  #touches(edge) {
    if (!this.#concerned.has(edge.from) || !this.#concerned.has(edge.to)) return false;
    const { kind } = this.#selected;
    if (kind === "Node" && !edge.nodes.has(this.#selected.name)) return false;
    return kind !== "Service" || edge.level === "told" || [...edge.nodes].some((n) => this.#concerned.has(keyOf("Node", "", n)));
  }

  #buttons() { return [...this.#root.querySelectorAll("button[data-key]")]; }

  // focus goes to the element of an object, or to where it was last.
  focus(one) {
    const key = one && keyOf(one.kind, one.namespace, one.name);
    (this.#boxes.get(key) ?? this.#root.querySelector("button[tabindex='0']"))?.focus();
  }

  // move goes to the nearest element in the direction of an arrow.
  #move(event) {
    const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const here = event.target.closest("button[data-key]");
    if (!direction || !here) return;
    event.preventDefault();
    const from = center(here.getBoundingClientRect());
    let best = null;
    for (const button of this.#buttons()) {
      const to = center(button.getBoundingClientRect());
      const along = (to.x - from.x) * direction[0] + (to.y - from.y) * direction[1];
      const aside = Math.abs((to.x - from.x) * direction[1]) + Math.abs((to.y - from.y) * direction[0]);
      const cost = along + 2.5 * aside;
      if (along > 4 && (best === null || cost < best.cost)) best = { button, cost };
    }
    if (!best) return;
    here.tabIndex = -1;
    best.button.tabIndex = 0;
    best.button.focus();
  }
}

const center = (r) => ({ x: r.x + r.width / 2, y: r.y + r.height / 2 });
const sum = (c) => c.ok + c.warn + c.bad;

function troubleOf(c) {
  const parts = [count(sum(c), "service")];
  if (c.bad) parts.push(`${c.bad.toLocaleString()} not announced`);
  if (c.warn) parts.push(`${c.warn.toLocaleString()} in part`);
  return parts.join(" · ");
}

// stack is a bar as long as there are services, against the most, in the colours of how they fare.
function stack(c, most) {
  const scale = 100 / most;
  let x = 0;
  const parts = ["ok", "warn", "bad"].filter((l) => c[l] > 0).map((l) => {
    const width = Math.max(c[l] * scale, 1.2);
    const part = h("rect", { class: l, x, y: 0, width, height: 4 });
    x += width;
    return part;
  });
  return h("svg", { class: "stack", viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true" }, parts);
}

// outOf and into are where a line leaves a box, and where it comes in.
const outOf = (columns, r, around, shift) => (columns ? { x: r.right - around.x, y: r.top + r.height / 2 - around.y + shift } : { x: r.left + r.width / 2 - around.x + shift, y: r.bottom - around.y });
const into = (columns, r, around, shift) => (columns ? { x: r.left - around.x, y: r.top + r.height / 2 - around.y + shift } : { x: r.left + r.width / 2 - around.x + shift, y: r.top - around.y });

// line is a curve that leaves and arrives straight.
function line(columns, a, b) {
  const bend = columns ? (b.x - a.x) / 2 : (b.y - a.y) / 2;
  return columns ? `M${a.x} ${a.y}C${a.x + bend} ${a.y} ${b.x - bend} ${b.y} ${b.x} ${b.y}` : `M${a.x} ${a.y}C${a.x} ${a.y + bend} ${b.x} ${b.y - bend} ${b.x} ${b.y}`;
}

function unique(edges) {
  const known = new Map(edges.map((e) => [`${e.from}|${e.to}|${e.level}`, e]));
  return [...known.values()];
}
