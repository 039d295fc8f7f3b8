// SPDX-License-Identifier: Apache-2.0

// Makes elements. Texts come from the cluster, so none is ever parsed as HTML.

const svgNames = new Set(["svg", "path", "circle", "rect", "g", "title", "line", "text"]);

// h returns an element with these attributes and children. A function is a listener; true is an attribute without a value; false, null and undefined are none.
export function h(name, attributes = {}, ...children) {
  const element = svgNames.has(name) ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === false || value === null || value === undefined) continue;
    if (typeof value === "function") element.addEventListener(key, value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return element;
}

// fill replaces what an element has, and keeps the focus on what stands for the same.
export function fill(element, ...children) {
  const focused = element.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  element.replaceChildren(...children.flat(2).filter(Boolean));
  if (focused !== undefined) element.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

const signs = { ok: "M7.5 12.5l3 3 6-6.5", warn: "M12 7v6.5M12 16.8h.01", bad: "M8.5 8.5l7 7M15.5 8.5l-7 7", idle: "M8 12h8" };

// sign returns the mark of a level.
export const sign = (level) => h("svg", { class: `sign ${level}`, viewBox: "0 0 24 24", "aria-hidden": "true" }, h("circle", { cx: 12, cy: 12, r: 10 }), h("path", { d: signs[level] ?? signs.idle }));

export const clock = (time) => new Date(time).toLocaleTimeString();

export const count = (n, one, more = one + "s") => `${n.toLocaleString()} ${n === 1 ? one : more}`;

// ago says how long something is ago, in the largest unit.
export function ago(time) {
  const seconds = Math.max(0, Math.round((Date.now() - new Date(time)) / 1000));
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["min", 60]]) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit} ago`;
  }
  return `${seconds} s ago`;
}

// level words are said to those who do not see colours.
export const words = { ok: "fine", warn: "partly", bad: "wrong", idle: "not in use" };
