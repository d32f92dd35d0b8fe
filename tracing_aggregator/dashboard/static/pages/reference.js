import { h, panel, table } from "../dom.js";

export const title = "API";
export const isUnlisted = true;

export function url() {
  return "/openapi.json";
}

export function isStill() {
  return true;
}

export function view(data) {
  return [
    h("p", {}, "All that the pages show is JSON below ", h("code", {}, "/api/v1"), ". Answers may get new fields; what is there keeps its meaning. This page is made from ", h("a", { href: "/openapi.json" }, "/openapi.json"), ", which client generators take."),
    Object.entries(data.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, one]) => operation(path, method, one))),
  ];
}

function operation(path, method, one) {
  const isFree = method === "get" && !(one.parameters ?? []).some((parameter) => parameter.required);
  const name = `${method.toUpperCase()} ${path}`;
  return panel(isFree ? h("a", { href: path, target: "_blank", rel: "noopener" }, name) : name,
    h("p", {}, marked(one.description ?? one.summary)),
    one.parameters?.length ? table(`Parameters of ${name}`, [
      { head: "parameter", row: true, name: true, cell: (parameter) => [h("code", {}, parameter.name), parameter.required ? " (required)" : null] },
      { head: "type", cell: (parameter) => typeOf(parameter.schema) },
      { head: "default", cell: (parameter) => (parameter.schema.default === undefined ? "–" : String(parameter.schema.default)) },
      { head: "meaning", cell: (parameter) => marked(parameter.description ?? "") },
    ], one.parameters) : null);
}

/** What stands between backticks is code. */
function marked(text) {
  return text.split("`").map((part, index) => (index % 2 ? h("code", {}, part) : part));
}

function typeOf(schema) {
  const all = schema.anyOf ?? [schema];
  return all.filter((one) => one.type !== "null").map((one) => (one.enum ? one.enum.join(" | ") : one.type)).join(" | ");
}
