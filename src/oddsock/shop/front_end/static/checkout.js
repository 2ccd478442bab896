// Places the order without leaving the page: one press is one order, and a lost connection is told in words.

import { follow } from "./live.js";

const form = document.getElementById("order");
const said = document.getElementById("said");

function say(id) {
  said.replaceChildren(document.getElementById(id).content.cloneNode(true));
  said.scrollIntoView({ block: "nearest" });
}

async function place() {
  const fields = new URLSearchParams(new FormData(form));
  const answer = await fetch(form.action, {
    method: "POST",
    body: fields,
    headers: { "Idempotency-Key": fields.get("order_token") },
  });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const main = document.adoptNode(page.querySelector("main"));
  document.querySelector("main").replaceWith(main);
  document.title = page.title;
  main.focus();
  if (main.querySelector("[data-stream]")) follow(main);
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  if (button.disabled) return;
  if (!navigator.onLine) {
    say("offline");
    return;
  }
  button.disabled = true;
  button.textContent = "Placing your order…";
  said.replaceChildren();
  try {
    await place();
  } catch {
    say("lost");
    button.disabled = false;
    button.textContent = "Place order";
  }
});
