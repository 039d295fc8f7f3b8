// SPDX-License-Identifier: Apache-2.0

// Keeps the page up to date: the server sends the fragments that changed, and a sign of life when none did.
"use strict";

(() => {
  // The server speaks every second. Silence for this long means that the page may be out of date.
  const patience = 5000;

  const live = document.getElementById("live");
  const liveText = document.getElementById("live-text");
  const stale = document.getElementById("stale");
  const waiting = new Map();
  let heard = Date.now();
  let source;

  const clock = (time) => new Date(time).toLocaleTimeString();

  // Times come in the server's zone; the reader lives in another.
  const localize = (root) => root.querySelectorAll("time").forEach((time) => { time.textContent = clock(time.dateTime); });

  // Replacing text under a selection would take it from the reader.
  const selected = (element) => {
    const selection = document.getSelection();
    return !selection.isCollapsed && selection.rangeCount > 0 && selection.getRangeAt(0).intersectsNode(element);
  };

  function replace(fragment) {
    const element = document.getElementById(fragment.id);
    if (!element || element.dataset.version === fragment.version) return;
    if (selected(element)) {
      waiting.set(fragment.id, fragment);
      return;
    }
    waiting.delete(fragment.id);
    // Outputs keep their scroll position and the focus.
    const outputs = () => [...element.querySelectorAll("pre")];
    const before = outputs().map((pre) => [pre.scrollTop, pre.scrollLeft, pre === document.activeElement]);
    element.innerHTML = fragment.html;
    element.dataset.version = fragment.version;
    localize(element);
    outputs().forEach((pre, i) => {
      if (!before[i]) return;
      [pre.scrollTop, pre.scrollLeft] = before[i];
      if (before[i][2]) pre.focus({ preventScroll: true });
    });
  }

  function update(message) {
    if (message.shape !== document.body.dataset.shape) {
      location.reload();
      return;
    }
    heard = Date.now();
    document.title = message.title;
    message.fragments.forEach(replace);
    show();
  }

  function show() {
    const old = Date.now() - heard > patience;
    document.body.classList.toggle("is-stale", old);
    live.classList.toggle("off", old);
    live.hidden = false;
    liveText.textContent = old ? "not live" : "live";
    const text = old ? `Lost the connection to the server. What you see is from ${clock(heard)}; this page catches up by itself.` : "";
    if (stale.textContent !== text) stale.textContent = text;
    stale.hidden = !old;
  }

  function connect() {
    source = new EventSource("/events");
    source.onmessage = (event) => update(JSON.parse(event.data));
    source.onerror = () => {
      // A browser retries a broken connection, but gives up on an answer that is no event stream.
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, 1000);
    };
  }

  document.addEventListener("selectionchange", () => [...waiting.values()].forEach(replace));
  localize(document);
  setInterval(show, 1000);
  connect();
})();
