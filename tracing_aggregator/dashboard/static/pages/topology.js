import { address, empty, h, panel, table } from "../dom.js";
import { edgeUrl, edgeWords, exports, graph, nodeUrl } from "../graph.js";
import { count, elapsed, groupName } from "../words.js";
import { filters, wordFields } from "./filters.js";

export const title = "Topology";
export const hasRange = true;

let search = "";

export function url(given) {
  return address("/api/v1/topology", Object.fromEntries(["minutes", "until", "topic", "groupId", "clientId", "grouped"].map((name) => [name, given[name]])));
}

export function isStill(given) {
  return Boolean(given.until);
}

export async function controls(given, navigate) {
  const grouping = [{ value: "", text: "where there are many" }, { value: "true", text: "yes" }, { value: "false", text: "no" }];
  return [filters("/topology", given, [...(await wordFields()), { name: "grouped", label: "Group clients", any: false, options: grouping }], navigate)];
}

export function view(data, given) {
  if (!data.nodes.length) {
    return empty("No message flowed in this span. Choose a longer range, or start the pipeline:", "tracing-aggregator run");
  }
  const holder = h("div", {}, graph(data, given, search));
  const field = h("input", { type: "search", value: search, oninput: ({ target }) => {
    search = target.value.trim();
    holder.replaceChildren(graph(data, given, search));
  } });
  return h("section", { class: "panel" },
    h("p", { class: "filters" }, h("label", {}, "Find a node", field)),
    holder, exports(data, holder), legend(data), asTable(data, given));
}

/** The drawing within the overview. */
export function preview(data, given) {
  const drawn = graph(data, given);
  drawn.classList.add("preview");
  return panel(h("a", { href: address("/topology", { minutes: given.minutes, until: given.until, topic: given.topic, groupId: given.groupId, clientId: given.clientId }) }, "Topology"), drawn, exports(data, drawn), legend(data), asTable(data, given));
}

function legend(data) {
  return h("p", { class: "quiet" }, "Producers, topics, groups, and the topics that groups send on to. An edge has messages per second and p95: of an acknowledgement, until read, or of the stay in between. Red: lost or not read, and nodes with open findings.",
    data.isGrouped ? " Clients whose names differ by a number are one node." : null);
}

function asTable(data, given) {
  const nodes = new Map(data.nodes.map((node) => [node.id, node]));
  return h("details", {}, h("summary", {}, "As a table"),
    table("Edges of the topology", [
      { head: "from", row: true, cell: (edge) => link(nodes.get(edge.from), given) },
      { head: "to", cell: (edge) => link(nodes.get(edge.to), given) },
      { head: "messages", number: true, cell: (edge) => h("a", { href: edgeUrl(edge, nodes, data) }, count(edge.n)) },
      { head: "rate", number: true, cell: (edge) => edgeWords(edge).flow },
      { head: "p95", number: true, cell: (edge) => elapsed(edge.p95Ms) },
      { head: "lost", number: true, cell: (edge) => bad(edge.lost) },
      { head: "not read", number: true, cell: (edge) => bad(edge.under) },
      { head: "read again", number: true, cell: (edge) => count(edge.over) },
    ], data.edges));
}

function link(node, given) {
  return [h("a", { href: nodeUrl(node, given) }, `${node.kind} ${groupName(node.name)}`), node.open ? h("span", { class: "bad" }, ` ${count(node.open)} open`) : null];
}

function bad(number) {
  return number ? h("span", { class: "bad" }, count(number)) : "0";
}
