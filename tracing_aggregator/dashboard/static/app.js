// Which page is shown, of which span, and when it is asked for again.

import { address, h, replace } from "./dom.js";
import { forget } from "./charts.js";
import * as range from "./range.js";
import * as search from "./search.js";
import { known, watch } from "./state.js";
import { zone, zoneName } from "./words.js";
import * as overview from "./pages/overview.js";
import * as topology from "./pages/topology.js";
import * as flows from "./pages/flows.js";
import * as traces from "./pages/traces.js";
import * as message from "./pages/message.js";
import * as client from "./pages/client.js";
import * as incidents from "./pages/incidents.js";
import * as anomalies from "./pages/anomalies.js";
import * as pathways from "./pages/pathways.js";
import * as health from "./pages/health.js";
import * as reference from "./pages/reference.js";

// A page: `title`, `url(parameters)`, `view(data, parameters)`; `controls(parameters)` stay as they are while it is live;
// `hasRange`: the span of time concerns it; `isStill(parameters)`: it shows what is past; `isUnlisted`: no link leads to it;
// `isOfJob`: it changes while nothing arrives, since it shows the job itself.
const PAGES = {
  "/": overview, "/topology": topology, "/flows": flows, "/traces": traces, "/incidents": incidents, "/anomalies": anomalies,
  "/pathways": pathways, "/health": health, "/message": message, "/client": client, "/reference": reference,
};
const NOWHERE = {
  title: "No such page",
  url: () => null,
  view: () => h("p", { class: "empty" }, `There is no page ${location.pathname}. Begin with the `, h("a", { href: "/" }, "overview"), "."),
};
const EVERY_MS = 2000;

const byId = (id) => document.getElementById(id);
const view = byId("view"), state = byId("state"), live = byId("live");
let asked = 0, last = 0, timer = null, isConnected = false, isWaiting = false;
let isPaused = localStorage.getItem("paused") === "yes";

function parameters() {
  return Object.fromEntries(new URLSearchParams(location.search));
}

function page() {
  return PAGES[location.pathname] ?? NOWHERE;
}

function navigate(url) {
  if (url !== location.pathname + location.search) history.pushState(null, "", url);
  show(true);
}

function show(isMoved) {
  const shown = page(), given = parameters();
  document.title = `${shown.title} · Kafka tracing`;
  byId("title").textContent = shown.heading?.(given) ?? shown.title;
  range.show(given, shown.hasRange, shown.isList);
  const link = ([path, one]) => h("li", {}, h("a", { href: address(path, range.kept(given)), "aria-current": one === shown ? "page" : null }, one.title));
  byId("pages").replaceChildren(h("ul", {}, Object.entries(PAGES).filter(([, one]) => !one.isUnlisted).map(link)));
  byId("pages").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  forget();
  byId("controls").replaceChildren();
  view.replaceChildren(h("p", { class: "quiet" }, "Loading …"));
  if (shown.controls) shown.controls(given, navigate).then((nodes) => page() === shown && byId("controls").replaceChildren(...nodes)).catch(failed);
  if (isMoved) {
    scrollTo(0, 0);
    byId("title").focus({ preventScroll: true });
  }
  tell();
  refresh();
}

async function refresh() {
  const shown = page(), given = parameters(), number = ++asked;
  clearTimeout(timer);
  timer = null;
  isWaiting = false;
  tell();
  last = performance.now();
  const url = shown.url(given);
  try {
    const answer = url ? await fetch(url, { headers: { Accept: "application/json" } }) : null;
    const data = answer && (await answer.json());
    if (number !== asked) return;
    if (answer && !answer.ok && answer.status !== 404) throw new Error(said(data));
    replace(view, [shown.view(data, given, navigate)]);
    byId("error").hidden = true;
  } catch (error) {
    if (number === asked) failed(error);
  }
}

function said(data) {
  if (typeof data.detail === "string") return [data.detail, data.todo].filter(Boolean).join(" ");
  return (data.detail ?? []).map((one) => `${one.loc?.at(-1)}: ${one.msg}`).join("; ") || "The request was refused.";
}

function failed(error) {
  const isGone = error instanceof TypeError;
  byId("error").replaceChildren(...(isGone
    ? ["The dashboard does not answer. Start it again: tracing-aggregator dashboard"]
    : [`${error.message} `, h("a", { href: location.pathname }, "Show the page without filters")]));
  byId("error").hidden = false;
  if (view.querySelector(".quiet")?.textContent === "Loading …") view.replaceChildren();
}

/** The store has changed: ask again, but not too often, not for a page that nobody sees, and not under a pointer. */
function changed() {
  if (isPaused || timer !== null || document.hidden || page().isStill?.(parameters())) return;
  if (view.querySelector("tbody:hover, tbody:focus-within, .graph:focus-within, .graph a:hover")) {
    isWaiting = true;
    tell();
    return;
  }
  timer = setTimeout(refresh, Math.max(0, last + EVERY_MS - performance.now()));
}

/** The pointer or the focus has left what was waited for. */
function left() {
  if (isWaiting) setTimeout(changed);
}

function tell() {
  const shown = page(), isStill = shown.isStill?.(parameters());
  const past = shown.hasRange ? "as of then" : "";
  const text = isPaused ? "paused" : isWaiting ? "waits while you point" : isStill ? past : isConnected ? "live" : "connecting";
  if (state.textContent !== text) state.textContent = text;
  state.classList.toggle("is-live", text === "live");
  live.setAttribute("aria-pressed", String(!isPaused));
  live.textContent = isPaused ? "Paused" : "Live";
}

const THEMES = ["system", "dark", "light"];
function theme(change) {
  const now = localStorage.getItem("theme") ?? "system";
  const next = change ? THEMES[(THEMES.indexOf(now) + 1) % THEMES.length] : now;
  localStorage.setItem("theme", next);
  if (next === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  byId("theme").textContent = `Theme: ${next}`;
  if (change) repaint();
}

function repaint() {
  forget();
  refresh();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!link || !isPlain) return;
  const url = new URL(link.getAttribute("href"), location.href);
  if (url.origin !== location.origin || !(url.pathname in PAGES) || url.hash) return;
  event.preventDefault();
  navigate(url.pathname + url.search);
});
live.addEventListener("click", () => {
  isPaused = !isPaused;
  localStorage.setItem("paused", isPaused ? "yes" : "no");
  tell();
  if (!isPaused) refresh();
});
byId("theme").addEventListener("click", () => theme(true));
byId("zone").addEventListener("click", () => {
  zone.isLocal = !zone.isLocal;
  localStorage.setItem("zone", zone.isLocal ? "local" : "utc");
  byId("zone").textContent = `Times: ${zoneName()}`;
  show(false);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
document.addEventListener("visibilitychange", changed);
view.addEventListener("pointerout", left);
view.addEventListener("focusout", left);
addEventListener("popstate", () => show(true));

/** A browser gives up on a stream that is refused: ask for it again, and for the page. */
function listen() {
  const events = new EventSource("/api/live");
  events.addEventListener("open", () => { isConnected = true; tell(); });
  events.addEventListener("changed", changed);
  events.addEventListener("error", () => {
    isConnected = false;
    tell();
    if (events.readyState === EventSource.CLOSED) setTimeout(() => { changed(); listen(); }, known.isFresh ? 15_000 : 3000);
  });
}

byId("zone").textContent = `Times: ${zoneName()}`;
search.start(navigate);
range.start(parameters, navigate);
listen();
theme(false);
show(false);
watch((isBack) => {
  if (isBack) refresh();
  else if (page().isOfJob) changed();
});
