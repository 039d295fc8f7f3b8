// SPDX-License-Identifier: Apache-2.0

import { clock, count, fill, h, sign } from "./dom.js";
import { follow } from "./live.js";
import { Drawing } from "./drawing.js";
import { Details } from "./details.js";
import { Search } from "./search.js";
import { Sessions } from "./sessions.js";
import { showChanges, showPools } from "./panels.js";

const at = (id) => document.getElementById(id);

// What is selected is in the address, so that the browser's back button goes back to what was selected before.
const selection = {
  get() {
    const parts = location.hash.slice(1).split("/").map(decodeURIComponent);
    return parts.length === 3 ? { kind: parts[0], namespace: parts[1], name: parts[2] } : null;
  },
  set(one) {
    const hash = one ? "#" + [one.kind, one.namespace ?? "", one.name].map(encodeURIComponent).join("/") : "";
    if (location.hash === hash) return;
    history.pushState(null, "", hash || location.pathname);
    select();
  },
};
const open = (kind, namespace, name) => selection.set({ kind, namespace, name });
const close = () => {
  const was = selection.get();
  selection.set(null);
  drawing.focus(was);
};

const drawing = new Drawing(at("canvas"), open);
const details = new Details(at("details"), open, close, (concerned) => drawing.highlight(concerned));
const sessions = new Sessions(at("sessions"), at("session-filters"), open);
new Search(at("search"), at("found"), open);

let front = null;

function select() {
  const one = selection.get();
  drawing.select(one);
  details.show(one, front);
  at("stage").classList.toggle("has-details", one !== null);
}

function show(next) {
  const first = front === null;
  front = next;
  const trouble = front.problems.length + front.unread.length + front.unwatched.length;
  document.title = (front.problems.length ? `(${front.problems.length}) ` : "✓ ") + "MetalLB";
  const parts = Object.entries(front.workloads).map(([name, w]) => `${name} ${w.ready}/${w.desired}${w.versions.length ? " " + w.versions.join(", ") : ""}`);
  fill(at("lede"), [`namespace ${front.namespace}`, ...parts, count(front.services.ok + front.services.warn + front.services.bad, "service"), count(Object.keys(front.nodes).length, "node")].join(" · "));
  showVerdict(trouble);
  drawing.show(front);
  showPools(at("pools"), front, open);
  showChanges(at("changes"), front, open);
  sessions.refresh(front);
  if (first) select();
  else details.refresh(front);
  // When the first picture is there, in milliseconds since the page was asked for.
  if (first) requestAnimationFrame(() => { document.body.dataset.ready = performance.now(); });
}

function showVerdict(trouble) {
  const level = trouble === 0 ? "ok" : "bad";
  const lines = [
    ...front.problems,
    ...front.objects.map((o) => `${o.kind} ${o.name}: ${o.message}`),
    ...front.unread.map((part) => `${part}: you may not read this, so what it says is missing here`),
    ...front.unwatched.map((part) => `${part}: you may not watch this, so what is shown of it is not live, and may be some time old`),
  ];
  fill(at("verdict"), h("div", { class: `verdict ${level}` }, sign(level), h("div", {},
    h("p", { class: "word" }, trouble === 0 ? "All is well" : `${count(trouble, "thing")} to look at`),
    lines.length > 0 && h("ul", { class: "why" }, lines.slice(0, 6).map((line) => h("li", {}, line)), lines.length > 6 && h("li", {}, `and ${lines.length - 6} more: kubectl metallb status -o wide`)))));
}

function showLife(life) {
  at("live").classList.toggle("off", !life.connected || life.failure !== "");
  const since = life.answered && new Date(life.answered).getFullYear() > 1 ? clock(life.answered) : null;
  at("live-text").textContent = !life.connected ? (since ? "not live" : "connecting") : life.failure ? "not live" : since ? `live ${since}` : "reading";
  let text = "";
  if (!life.connected && since) text = `Lost the connection to the command. What you see is of ${since}. This page connects by itself when the command runs again at this address.`;
  else if (life.failure && since) text = `The cluster's API server does not answer. What you see is of ${since}. ${life.failure}`;
  else if (life.failure) text = life.failure;
  if (at("stale").textContent !== text) at("stale").textContent = text;
  at("stale").hidden = text === "";
  document.body.classList.toggle("is-stale", text !== "");
}

function switchTheme() {
  const dark = (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  document.documentElement.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", document.documentElement.dataset.theme);
}

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && !at("keys").open && selection.get()) {
    close();
    return;
  }
  if (event.target.matches("input, textarea, select")) return;
  const action = { "/": () => at("search").focus(), "?": () => at("keys").showModal(), t: switchTheme, d: () => drawing.focus(selection.get()) }[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

const theme = localStorage.getItem("theme");
if (theme) document.documentElement.dataset.theme = theme;
at("theme").addEventListener("click", switchTheme);
at("help").addEventListener("click", () => at("keys").showModal());
document.addEventListener("keydown", press);
addEventListener("popstate", select);
addEventListener("hashchange", select);
follow(show, showLife);
