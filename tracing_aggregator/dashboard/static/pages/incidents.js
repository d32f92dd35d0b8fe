import { address, copy, empty, h, panel, table } from "../dom.js";
import { bounds } from "../range.js";
import { command, seeAll, seenMs } from "../state.js";
import { REASONS, count, date, zoneName } from "../words.js";
import { filters, wordFields } from "./filters.js";

export const title = "Incidents";
export const hasRange = true;
export const isList = true;

const SIZE = 50;

export function url(given) {
  const words = Object.fromEntries(["topic", "groupId", "clientId", "reason", "state", "skip"].map((name) => [name, given[name]]));
  return address("/api/v1/incidents", { ...words, ...bounds(given), size: SIZE });
}

export function isStill(given) {
  return Boolean(given.until || given.skip);
}

export async function controls(given, navigate) {
  const states = [{ value: "", text: "open" }, ...["acknowledged", "resolved", "all"].map((name) => ({ value: name, text: name }))];
  return [filters("/incidents", given, [
    { name: "reason", label: "Reason", options: Object.keys(REASONS) }, ...(await wordFields()), { name: "state", label: "State", any: false, options: states },
  ], navigate)];
}

export function view(data, given, navigate) {
  const isNew = (one) => one.seenMs > seenMs() && one.state === "open";
  const fresh = data.incidents.filter(isNew).length;
  const again = () => navigate(location.pathname + location.search);
  if (!data.incidents.length) {
    const others = Object.entries(data.states).filter(([name, number]) => number && name !== (given.state || "open"));
    return others.length
      ? empty(`None is ${given.state || "open"}: ${others.map(([name, number]) => `${count(number)} ${name}`).join(", ")}. Choose another state above.`)
      : empty("No incidents in this span: all is well, or nothing is watched. What is read, and how far, the health page tells. To see some:", "tracing-aggregator demo");
  }
  return panel(`${count(data.total)} ${given.state || "open"}`,
    data.isCut ? h("p", { class: "quiet" }, "There are too many findings to group them all: these are the newest. A shorter range shows the others.") : null,
    h("p", { class: "filters" },
      h("span", { class: "quiet" }, fresh ? `${count(fresh)} new since you last looked.` : "Nothing new since you last looked."),
      fresh ? h("button", { type: "button", onclick: () => { seeAll(); again(); } }, "I have seen them") : null),
    table("Incidents", [
      { head: `last (${zoneName()})`, date: true, cell: (one) => [date(one.last), isNew(one) ? h("strong", { class: "new" }, " new") : null] },
      { head: "what happened", row: true, cell: (one) => h("span", { class: one.state === "open" ? "bad" : null }, one.text) },
      { head: "findings", number: true, cell: (one) => findings(one) },
      { head: "first", date: true, cell: (one) => date(one.first) },
      { head: "examples", cell: (one) => examples(one) },
      { head: "state", cell: (one) => state(one, again) },
    ], data.incidents),
    pages(data, given));
}

/** The findings that an incident is made of: of all reasons where consequences are among them. */
function findings(one) {
  const [since, until] = [Date.parse(one.first), Date.parse(one.last) + 1];
  const reason = Object.keys(one.consequences).length ? null : one.reason;
  const words = { topic: one.topic, groupId: one.groupId, reason, state: "all", since: since || null, until: until || null };
  return h("a", { href: address("/anomalies", words) }, count(one.findings));
}

function examples(one) {
  if (!one.examples.length) return "–";
  return [
    one.examples.slice(0, 3).map((subject) => [h("a", { href: address("/message", { subject }) }, subject), " "]),
    copy("Copy explain", () => command(one.examples[0])),
  ];
}

function state(one, again) {
  if (one.state === "resolved") return "resolved";
  const isOpen = one.state === "open";
  const act = async ({ target }) => {
    const answer = await fetch(address("/api/v1/acknowledged", isOpen ? { id: one.id, number: one.findings } : { id: one.id }), { method: isOpen ? "PUT" : "DELETE" });
    if (answer.ok) again();
    else target.replaceWith(h("span", { class: "bad" }, (await answer.text()).trim() || answer.statusText));
  };
  return [
    isOpen && one.acknowledged ? h("span", { class: "quiet" }, "has grown since it was acknowledged ") : null,
    h("button", { type: "button", "aria-label": `${isOpen ? "Acknowledge" : "Open again"}: ${one.text}`, onclick: act }, isOpen ? "Acknowledge" : "Open again"),
  ];
}

function pages(data, given) {
  const skip = Number(given.skip ?? 0), to = (number) => address("/incidents", { ...given, skip: number || null });
  return h("nav", { class: "pages", "aria-label": "Pages of the list" },
    skip ? h("a", { class: "button", href: to(Math.max(0, skip - SIZE)) }, "Newer") : null,
    skip + SIZE < data.total ? h("a", { class: "button", href: to(skip + SIZE) }, "Older") : null);
}
