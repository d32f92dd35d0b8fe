// The topology as a drawing, laid out from left to right by dagre.

/* global dagre */

import { colour } from "./charts.js";
import { address, h, s, save } from "./dom.js";
import { kept } from "./range.js";
import { count, elapsed, groupName } from "./words.js";

const HEIGHT = 46;
const FONT = "system-ui, sans-serif";
const COLOURS = { producer: "send", topic: "ack", group: "consume" };

/** What is said of an edge, in words; `isBad` where something was lost or not read. */
export function edgeWords(edge) {
  const wrong = [edge.lost ? `${count(edge.lost)} lost` : null, edge.under ? `${count(edge.under)} not read` : null].filter(Boolean);
  return { flow: rate(edge.perSecond), p95: edge.p95Ms === null ? null : `p95 ${elapsed(edge.p95Ms)}`, wrong: wrong.join(", ") };
}

/** Per second, minute or hour, so that there is something before the point. */
function rate(perSecond) {
  const [number, unit] = perSecond >= 0.1 ? [perSecond, "s"] : perSecond >= 1 / 60 ? [perSecond * 60, "min"] : [perSecond * 3600, "h"];
  return `${number >= 10 ? count(Math.round(number)) : number.toFixed(1)}/${unit}`;
}

/** Where a click on a node leads. */
export function nodeUrl(node, given) {
  const words = { ...kept(given), topic: null, groupId: null, clientId: null };
  if (node.kind === "topic") return address("/flows", { ...words, topic: node.name });
  if (node.kind === "group") return address("/flows", { ...words, groupId: node.name });
  return node.clients.length === 1 ? address("/client", { ...words, clientId: node.clients[0] }) : address("/topology", { ...words, grouped: "false" });
}

/** Where a click on an edge leads: its traces. */
export function edgeUrl(edge, nodes, data) {
  const from = nodes.get(edge.from), to = nodes.get(edge.to), bounds = { since: data.fromMs, until: data.untilMs };
  if (from.kind === "topic") return address("/traces", { topic: from.name, groupId: to.name, type: "CONSUME", ...bounds });
  if (from.kind === "group") return address("/pathways", { minutes: Math.round((data.untilMs - data.fromMs) / 60_000) });
  return address("/traces", { topic: to.name, clientId: from.clients.length === 1 ? from.clients[0] : null, type: "SEND", ...bounds });
}

/** The drawing. `search`: nodes whose names do not have it, and edges between such, are faint. */
export function graph(data, given, search = "") {
  const nodes = new Map(data.nodes.map((node) => [node.id, node]));
  const laid = layout(data);
  const { width, height } = laid.graph();
  const isFound = (id) => !search || nodes.get(id).name.toLowerCase().includes(search.toLowerCase());
  const faint = (isSeen) => (isSeen ? null : "0.15");
  const drawing = s("svg", {
    xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${Math.ceil(width)} ${Math.ceil(height)}`, width: Math.ceil(width), height: Math.ceil(height),
    role: "group", "aria-label": `Topology: ${data.nodes.length} nodes, ${data.edges.length} edges`, "font-family": FONT,
  },
  s("rect", { width: "100%", height: "100%", fill: colour("panel") }),
  s("defs", {}, ["line", "bad"].map((name) => s("marker", { id: `arrow-${name}`, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse" },
    s("path", { d: "M0 0L8 4L0 8z", fill: name === "bad" ? colour("bad") : colour("quiet") })))),
  data.edges.map((edge) => drawnLine(edge, laid.edge(edge.from, edge.to), faint(isFound(edge.from) || isFound(edge.to)))),
  data.edges.map((edge) => edgeLabel(edge, laid.edge(edge.from, edge.to), edgeUrl(edge, nodes, data), nodes, faint(isFound(edge.from) || isFound(edge.to)))),
  data.nodes.map((node) => drawnNode(node, laid.node(node.id), nodeUrl(node, given), faint(isFound(node.id)))));
  drawing.style.minWidth = `${Math.min(width, Math.max(560, width * 0.55))}px`;
  return h("div", { class: "scroll graph", role: "region", "aria-label": "Topology", tabindex: "0" }, drawing);
}

/** Buttons that keep the drawing, and its data, as files. */
export function exports(data, drawn) {
  return h("p", { class: "exports" },
    h("button", { type: "button", "aria-label": "Topology as SVG", onclick: () => save("topology.svg", "image/svg+xml", new XMLSerializer().serializeToString(drawn.querySelector("svg"))) }, "SVG"),
    h("button", { type: "button", "aria-label": "Topology as JSON", onclick: () => save("topology.json", "application/json", JSON.stringify(data, null, 2)) }, "JSON"));
}

function layout(data) {
  const laid = new dagre.graphlib.Graph();
  laid.setGraph({ rankdir: "LR", nodesep: 16, ranksep: 46, edgesep: 8, marginx: 12, marginy: 12 });
  laid.setDefaultEdgeLabel(() => ({}));
  for (const node of data.nodes) laid.setNode(node.id, { width: Math.max(110, Math.max(groupName(node.name).length * 7.8, nodeWords(node).length * 6.6) + 28), height: HEIGHT });
  for (const edge of data.edges) {
    const words = edgeWords(edge), longest = Math.max(words.flow.length + (words.p95?.length ?? 0) + 3, words.wrong.length);
    laid.setEdge(edge.from, edge.to, { width: longest * 6.4 + 10, height: words.wrong ? 32 : 18, labelpos: "c" });
  }
  dagre.layout(laid);
  return laid;
}

/** A line below all labels, level where it meets them. */
function drawnLine(edge, at, opacity) {
  const bad = Boolean(edgeWords(edge).wrong), [first, ...rest] = at.points;
  let last = first;
  const path = `M${first.x} ${first.y}` + rest.map((point) => {
    const middle = (last.x + point.x) / 2, from = last;
    last = point;
    return `C${middle} ${from.y} ${middle} ${point.y} ${point.x} ${point.y}`;
  }).join("");
  return s("path", { d: path, fill: "none", opacity, stroke: colour(bad ? "bad" : "quiet"), "stroke-width": bad ? 2 : 1.4, "marker-end": `url(#arrow-${bad ? "bad" : "line"})` });
}

function edgeLabel(edge, at, url, nodes, opacity) {
  const words = edgeWords(edge), bad = Boolean(words.wrong);
  const line = [words.flow, words.p95].filter(Boolean).join(" · ");
  const name = `${nodes.get(edge.from).name} to ${nodes.get(edge.to).name}: ${line}${bad ? `, ${words.wrong}` : ""}`;
  return s("a", { href: url, "aria-label": name, opacity },
    s("rect", { x: at.x - at.width / 2, y: at.y - at.height / 2, width: at.width, height: at.height, rx: 4, fill: colour("panel") }),
    s("text", { x: at.x, y: at.y + (bad ? -3 : 4), "text-anchor": "middle", "font-size": 12, fill: colour("ink") }, line),
    bad ? s("text", { x: at.x, y: at.y + 12, "text-anchor": "middle", "font-size": 12, "font-weight": 700, fill: colour("bad") }, words.wrong) : null);
}

function nodeWords(node) {
  return [node.clients.length > 1 ? `${node.clients.length} clients` : node.kind, node.open ? `${count(node.open)} open` : null].filter(Boolean).join(" · ");
}

function drawnNode(node, at, url, opacity) {
  const ink = colour(COLOURS[node.kind]), left = at.x - at.width / 2, top = at.y - at.height / 2;
  return s("a", { href: url, "aria-label": `${node.kind} ${node.name}${node.open ? `, ${count(node.open)} open` : ""}`, opacity },
    s("rect", { x: left, y: top, width: at.width, height: at.height, rx: node.kind === "topic" ? 4 : HEIGHT / 2, fill: colour("ground"), stroke: node.open ? colour("bad") : ink, "stroke-width": node.open ? 2.2 : 1.6 }),
    s("text", { x: at.x, y: at.y - 2, "text-anchor": "middle", "font-size": 13.5, "font-weight": 600, fill: colour("ink") }, groupName(node.name)),
    s("text", { x: at.x, y: at.y + 15, "text-anchor": "middle", "font-size": 12, fill: node.open ? colour("bad") : ink }, nodeWords(node)));
}
