// SPDX-License-Identifier: Apache-2.0

// Shows pools and what has changed.

import { clock, count, fill, h } from "./dom.js";

export function showPools(root, front, open) {
  const pools = Object.entries(front.pools).sort(([a, x], [b, y]) => y.share - x.share || a.localeCompare(b));
  fill(root, pools.length === 0 ? h("p", { class: "empty" }, "No IPAddressPool: no service gets an address.") : h("ul", { class: "pools" }, pools.map(([name, p]) => h("li", {},
    h("button", { type: "button", class: `pool ${p.level}`, "data-key": "Pool//" + name, click: () => open("Pool", "", name) },
      h("span", { class: "label" }, name),
      h("span", { class: "note" }, `${p.used.toLocaleString()} used · ${p.available >= 1e6 ? "over a million" : p.available.toLocaleString()} free`),
      p.ranges.map((r) => h("span", { class: "range" }, h("span", { class: "mono note" }, r.name + (r.block === "1" ? "" : ` · ${r.block} each`) + (r.rest ? " · …" : "")),
        h("span", { class: "heat", "aria-hidden": "true" }, [...r.cells].map((digit) => h("span", { class: "h" + digit }))))),
      p.more > 0 && h("span", { class: "note" }, `and ${count(p.more, "more range")}`))))));
}

export function showChanges(root, front, open) {
  const shown = front.changes.slice(0, 30);
  fill(root,
    shown.length === 0 ? h("p", { class: "empty" }, "Nothing in the last hour.") : h("ol", { class: "changes" }, shown.map((c) => h("li", { class: c.level },
      h("time", { datetime: c.time, title: new Date(c.time).toLocaleString() }, clock(c.time)), h("span", { class: "lamp", "aria-hidden": "true" }),
      h("p", {}, subject(c, open), " ", c.text)))),
    h("p", { class: "note" }, `Before ${clock(front.began)}, when the dashboard began to look on, only the latest change of each object is known.`));
}

function subject(c, open) {
  const name = c.namespace ? `${c.namespace}/${c.name ?? ""}` : c.name;
  const kind = { Service: "Service", Node: "Node", Pool: "Pool", IPAddressPool: "Pool", BGPPeer: "Peer" }[c.kind];
  if (!c.name && !c.namespace) return null;
  if (!c.name) return h("button", { type: "button", class: "link", "data-key": `change/${c.namespace}/${c.text}`, click: () => open("Namespace", "", c.namespace) }, c.namespace);
  if (!kind) return h("b", {}, `${c.kind === "Session" ? "" : c.kind + " "}${name}`);
  return h("button", { type: "button", class: "link", "data-key": `change/${c.kind}/${name}/${c.time}`, click: () => open(kind, c.namespace ?? "", c.name) }, name);
}
