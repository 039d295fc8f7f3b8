// SPDX-License-Identifier: Apache-2.0

// Searches while one types; arrows choose, Enter opens, Esc closes.

import { fill, h, words } from "./dom.js";
import { ask } from "./live.js";

export class Search {
  #input;
  #list;
  #open;
  #found = [];
  #chosen = 0;
  #turn = 0;

  constructor(input, list, open) {
    this.#input = input;
    this.#list = list;
    this.#open = open;
    input.addEventListener("input", () => this.#search());
    input.addEventListener("focus", () => { if (input.value) this.#search(); });
    input.addEventListener("blur", () => this.#hide());
    input.addEventListener("keydown", (event) => this.#press(event));
  }

  async #search() {
    const turn = ++this.#turn;
    const text = this.#input.value.trim();
    const found = text ? await ask("search", { text }) : [];
    if (turn !== this.#turn) return;
    this.#found = found ?? [];
    this.#chosen = 0;
    this.#show(text);
  }

  #show(text) {
    this.#list.hidden = text === "";
    this.#list.dataset.text = text;
    this.#input.setAttribute("aria-expanded", String(text !== ""));
    fill(this.#list, this.#found.length === 0 ? h("li", { class: "empty" }, "Nothing is called like that, and no service has such an address.") : this.#found.map((f, i) => h("li", {
      id: `found-${i}`, role: "option", class: f.level, "aria-selected": String(i === this.#chosen), mousedown: (event) => { event.preventDefault(); this.#take(i); },
    }, h("span", { class: "lamp", "aria-hidden": "true" }), h("span", { class: "kind" }, f.kind), h("span", { class: "label" }, f.namespace && h("span", { class: "namespace" }, f.namespace + "/"), f.name), h("span", { class: "note" }, f.note || words[f.level]))));
    this.#mark();
  }

  #mark() {
    [...this.#list.children].forEach((li, i) => li.setAttribute("aria-selected", String(i === this.#chosen)));
    if (this.#found.length > 0) this.#input.setAttribute("aria-activedescendant", `found-${this.#chosen}`);
    this.#list.children[this.#chosen]?.scrollIntoView({ block: "nearest" });
  }

  #take(i) {
    const f = this.#found[i];
    if (!f) return;
    this.#hide();
    this.#input.value = "";
    this.#open(f.kind, f.namespace ?? "", f.name);
  }

  #hide() {
    this.#turn++;
    this.#list.hidden = true;
    this.#input.setAttribute("aria-expanded", "false");
    this.#input.removeAttribute("aria-activedescendant");
  }

  #press(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.#found.length > 0) {
      event.preventDefault();
      this.#chosen = (this.#chosen + step + this.#found.length) % this.#found.length;
      this.#mark();
    } else if (event.key === "Enter") {
      this.#take(this.#chosen);
    } else if (event.key === "Escape") {
      event.stopPropagation();
      this.#input.value = "";
      this.#found = [];
      this.#hide();
      this.#input.blur();
    }
  }
}
