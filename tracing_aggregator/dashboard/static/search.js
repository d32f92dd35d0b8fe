// The search field: what the text may mean is offered while it is typed.

import { address, h } from "./dom.js";

const WAIT_MS = 150;
const byId = (id) => document.getElementById(id);

/** Where a match leads to. */
export function target(match) {
  const path = { message: "/message", topic: "/flows", group: "/flows", client: "/client" }[match.kind];
  const name = { message: "subject", topic: "topic", group: "groupId", client: "clientId" }[match.kind];
  return address(path, { [name]: match.text });
}

/** Matches as a list of links. */
export function links(matches) {
  return h("ul", {}, matches.map((match) => h("li", {}, `${match.kind} `, h("a", { href: target(match) }, match.text), match.note ? ` (${match.note})` : null)));
}

async function find(text) {
  const answer = await fetch(address("/api/v1/find", { text }));
  return answer.ok ? answer.json() : { matches: [], why: null };
}

/** Make the field offer and find; `navigate` opens an address. */
export function start(navigate) {
  const field = byId("subject"), list = byId("offers");
  let timer = null, number = 0, chosen = -1;
  const options = () => [...list.children];
  const close = () => {
    number += 1;
    chosen = -1;
    list.hidden = true;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  };
  const go = (url) => {
    close();
    navigate(url);
  };
  const offer = async () => {
    const text = field.value.trim(), mine = ++number;
    if (!text) return close();
    const { matches, why } = await find(text);
    if (mine !== number) return;
    chosen = -1;
    list.replaceChildren(...(matches.length
      ? matches.map((match, index) => h("li", { role: "option", id: `offer-${index}`, "aria-selected": "false", "data-url": target(match) }, h("span", { class: "quiet" }, `${match.kind} `), match.text))
      : [h("li", { role: "option", "aria-disabled": "true", "aria-selected": "false", id: "offer-0" }, why ?? "Nothing is like that.")]));
    list.hidden = false;
    field.setAttribute("aria-expanded", "true");
  };
  const choose = (step) => {
    const all = options().filter((one) => one.dataset.url);
    if (!all.length) return;
    chosen = (chosen + step + all.length) % all.length;
    all.forEach((one, index) => one.setAttribute("aria-selected", String(index === chosen)));
    field.setAttribute("aria-activedescendant", all[chosen].id);
  };
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(offer, WAIT_MS);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    choose(event.key === "ArrowDown" ? 1 : -1);
  });
  field.addEventListener("blur", () => setTimeout(close, 200));
  list.addEventListener("mousedown", (event) => {
    const url = event.target.closest("[data-url]")?.dataset.url;
    if (!url) return;
    event.preventDefault();
    go(url);
  });
  byId("search").addEventListener("submit", async (event) => {
    event.preventDefault();
    clearTimeout(timer);
    const text = field.value.trim(), url = options()[chosen]?.dataset.url;
    if (url) return go(url);
    close();
    const { matches } = await find(text).catch(() => ({ matches: [] }));
    const match = matches.length === 1 ? matches[0] : matches.find((one) => one.text === text);
    go(match ? target(match) : address("/message", { subject: text }));
  });
}
