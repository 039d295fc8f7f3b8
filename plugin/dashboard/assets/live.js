// SPDX-License-Identifier: Apache-2.0

// Keeps the front as the server has it: whole at first, then by what changes.

// The server speaks every 5 seconds. Silence for this long means that it is gone.
const patience = 12000;

// apply returns a value with a merge patch (RFC 7396): what is null is removed.
export function apply(value, patch) {
  if (patch === null || typeof patch !== "object" || Array.isArray(patch)) return patch;
  const result = value !== null && typeof value === "object" && !Array.isArray(value) ? { ...value } : {};
  for (const [key, part] of Object.entries(patch)) {
    if (part === null) delete result[key];
    else result[key] = apply(result[key], part);
  }
  return result;
}

// follow calls onFront with the front whenever it changes, and onLife with how the connections fare.
export function follow(onFront, onLife) {
  let front = null;
  let heard = 0;
  let life = { answered: null, failure: "" };
  let source;
  let broken = false;

  const tell = () => onLife({ ...life, connected: !broken && heard > 0 && Date.now() - heard < patience, heard });
  const receive = (name, take) => source.addEventListener(name, (event) => {
    heard = Date.now();
    broken = false;
    take(JSON.parse(event.data));
  });

  function connect() {
    source = new EventSource("api/events");
    receive("front", (value) => { front = value; onFront(front); });
    receive("change", (patch) => { front = apply(front, patch); onFront(front); });
    receive("life", (value) => { life = value; tell(); });
    source.onerror = () => {
      broken = true;
      tell();
      // A browser tries again after a broken connection, but gives up on an answer that is no stream.
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
    };
  }
  setInterval(tell, 1000);
  connect();
}

// ask asks the server; null if it has not what is asked for, or cannot answer now.
export async function ask(what, parameters = {}) {
  try {
    const answer = await fetch(`api/${what}?${new URLSearchParams(parameters)}`);
    return answer.ok ? await answer.json() : null;
  } catch {
    return null; // The connection is lost, which is shown.
  }
}
