// Which page is shown, of which span, and when it is asked for again.

import { address, h, replace } from "./dom.js";
import { forget } from "./charts.js";
import * as overview from "./pages/overview.js";
import * as flows from "./pages/flows.js";
import * as traces from "./pages/traces.js";
import * as message from "./pages/message.js";
import * as anomalies from "./pages/anomalies.js";
import * as pathways from "./pages/pathways.js";
import * as health from "./pages/health.js";

// A page: `title`, `url(parameters)`, `view(data, parameters)`; `controls(parameters)` stay as they are while it is live;
// `hasRange`: the span of time concerns it; `isStill(parameters)`: it shows what is past.
const PAGES = {
  "/": overview, "/flows": flows, "/traces": traces, "/anomalies": anomalies, "/pathways": pathways, "/health": health,
  "/message": message,
};
const UNLISTED = "/message";
const EVERY_MS = 2000;

const byId = (id) => document.getElementById(id);
const view = byId("view"), state = byId("state"), live = byId("live"), range = byId("range");
let asked = 0, last = 0, timer = null, isPaused = false, isConnected = false;

function parameters() {
  return Object.fromEntries(new URLSearchParams(location.search));
}

function page() {
  return PAGES[location.pathname] ?? overview;
}

function navigate(url) {
  if (url !== location.pathname + location.search) history.pushState(null, "", url);
  show(true);
}

function show(isMoved) {
  const shown = page(), given = parameters();
  document.title = `${shown.title} · Kafka tracing`;
  byId("title").textContent = shown.heading?.(given) ?? shown.title;
  byId("range-label").hidden = !shown.hasRange;
  range.value = given.minutes ?? "15";
  const kept = { minutes: given.minutes };
  byId("pages").replaceChildren(h("ul", {}, Object.entries(PAGES).filter(([path]) => path !== UNLISTED).map(([path, one]) =>
    h("li", {}, h("a", { href: address(path, kept), "aria-current": one === shown ? "page" : null }, one.title)))));
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
  last = performance.now();
  const url = shown.url(given);
  try {
    const answer = url ? await fetch(url, { headers: { Accept: "application/json" } }) : null;
    const data = answer && (await answer.json());
    if (number !== asked) return;
    if (answer && !answer.ok && answer.status !== 404) throw new Error(said(data));
    replace(view, [shown.view(answer && answer.status === 404 ? null : data, given, navigate)]);
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
  byId("error").textContent = isGone
    ? "The dashboard does not answer. Start it again: tracing-aggregator dashboard"
    : error.message;
  byId("error").hidden = false;
  if (view.querySelector(".quiet")?.textContent === "Loading …") view.replaceChildren();
}

/** The store has changed: ask again, but not too often, and not for a page that nobody sees. */
function changed() {
  if (isPaused || timer !== null || document.hidden || page().isStill?.(parameters())) return;
  timer = setTimeout(refresh, Math.max(0, last + EVERY_MS - performance.now()));
}

function tell() {
  const isStill = page().isStill?.(parameters());
  const text = isPaused ? "paused" : isStill ? "as of then" : isConnected ? "live" : "connecting";
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
  if (!link || !isPlain || link.origin !== location.origin || !(link.pathname in PAGES) || link.hash) return;
  event.preventDefault();
  navigate(link.pathname + link.search);
});
byId("search").addEventListener("submit", (event) => {
  event.preventDefault();
  navigate(address("/message", { subject: byId("subject").value.trim() }));
});
range.addEventListener("change", () => navigate(address(location.pathname, { ...parameters(), minutes: range.value })));
live.addEventListener("click", () => {
  isPaused = !isPaused;
  tell();
  if (!isPaused) refresh();
});
byId("theme").addEventListener("click", () => theme(true));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
document.addEventListener("visibilitychange", changed);
addEventListener("popstate", () => show(true));

/** A browser gives up on a stream that is refused, when too many pages are open: ask for it again, and for the page. */
function listen() {
  const events = new EventSource("/api/live");
  events.addEventListener("open", () => { isConnected = true; tell(); });
  events.addEventListener("changed", changed);
  events.addEventListener("error", () => {
    isConnected = false;
    tell();
    if (events.readyState === EventSource.CLOSED) setTimeout(() => { changed(); listen(); }, 15_000);
  });
}

listen();

theme(false);
show(false);
