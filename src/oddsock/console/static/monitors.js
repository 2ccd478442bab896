// The list of monitors, anew every few seconds.

import { clockOf } from "./figures.js";

const REFRESH_MS = 4000;

async function refresh() {
  const rows = document.getElementById("monitors");
  if (rows && !document.hidden) {
    const looked = document.getElementById("looked");
    try {
      const answer = await fetch(location.href);
      if (!answer.ok) throw new Error(`the console answered ${answer.status}.`);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const id of ["monitors", "states"]) document.getElementById(id).replaceChildren(...document.importNode(fresh.getElementById(id), true).childNodes);
      looked.textContent = `as of ${clockOf(Date.now())} UTC`;
    } catch (failure) {
      looked.textContent = `Not refreshed: ${failure.message}`;
    }
  }
  setTimeout(refresh, REFRESH_MS);
}

setTimeout(refresh, REFRESH_MS);
