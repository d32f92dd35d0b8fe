// The span of time: its length, or between two instants; it is kept from page to page, and moved to older and newer.

import { address } from "./dom.js";
import { instant, minuteOfMs, stamp, zoneName } from "./words.js";

const MINUTE_MS = 60_000;
const LONGEST = 1440;
const byId = (id) => document.getElementById(id);

/** Parameters that go along from page to page. */
export function kept(given) {
  return Object.fromEntries(["minutes", "until", "topic", "groupId", "clientId"].map((name) => [name, given[name]]));
}

/** The parameters of a span from one instant to another, in ms: whole minutes around it. */
export function between(from, until) {
  const end = Math.ceil(until / MINUTE_MS), start = Math.floor(from / MINUTE_MS);
  return { minutes: Math.min(LONGEST, Math.max(1, end - start)), until: end * MINUTE_MS };
}

export function length(given) {
  return Number(given.minutes ?? 15);
}

/** The bounds of lists, which have no length of their own: `since` and `until`. */
export function bounds(given) {
  if (given.since) return { since: given.since, until: given.until };
  if (given.until) return { since: given.minutes ? given.until - length(given) * MINUTE_MS : null, until: given.until };
  return given.minutes ? { since: Math.floor(Date.now() / MINUTE_MS - given.minutes + 1) * MINUTE_MS } : {};
}

/** Make the fields work; `parameters()` are those of the address, `navigate` opens one. */
export function start(parameters, navigate) {
  const here = (changed) => navigate(address(location.pathname, { ...parameters(), before: null, skip: null, since: null, ...changed }));
  byId("range").addEventListener("change", ({ target }) => target.value !== "between" && here({ minutes: target.value === "all" ? null : target.value, until: null }));
  const move = (direction) => () => {
    const given = parameters(), step = length(given) * MINUTE_MS;
    const until = Number(given.until ?? Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS) + direction * step;
    here({ minutes: length(given), until: until > Date.now() ? null : until });
  };
  byId("older").addEventListener("click", move(-1));
  byId("newer").addEventListener("click", move(1));
  byId("between").addEventListener("submit", (event) => {
    event.preventDefault();
    const [from, until] = ["from", "to"].map((name) => instant(event.target.elements[name].value));
    byId("between").closest("details").open = false;
    if (from < until) here(between(from, until));
  });
}

/** Show the span that the address has. */
export function show(given, hasRange, isList) {
  byId("range-box").hidden = !hasRange;
  const range = byId("range"), until = given.until ? Number(given.until) : null;
  const from = until && until - length(given) * MINUTE_MS;
  const isOpen = Boolean(isList) && !given.minutes && !given.until && !given.since;
  range.querySelector('[value="all"]').hidden = !isList;
  const custom = range.querySelector('[value="between"]');
  const isListed = [...range.options].some((option) => option.value === String(length(given)));
  const isCustom = Boolean(until) || !isListed;
  custom.hidden = !isCustom;
  custom.textContent = until ? `${minuteOfMs(from)} to ${minuteOfMs(until).slice(11)} ${zoneName()}` : `${length(given)} minutes`;
  range.value = isOpen ? "all" : isCustom ? "between" : String(length(given));
  byId("newer").disabled = !until;
  const end = until ?? Date.now(), fields = byId("between").elements;
  fields.from.value = stamp(end - length(given) * MINUTE_MS).slice(0, 16);
  fields.to.value = stamp(end).slice(0, 16);
}
