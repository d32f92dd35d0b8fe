import { address, h } from "../dom.js";
import { instant, stamp } from "../words.js";

/** The fields that all pages share: topic, group and client. */
export async function wordFields() {
  const words = await (await fetch("/api/v1/words")).json();
  return [
    { name: "topic", label: "Topic", options: words.topic }, { name: "groupId", label: "Group", options: words.groupId },
    { name: "clientId", label: "Client", options: words.clientId },
  ];
}

/** A form whose fields are parameters of the address. Fields: {name, label, options?: names, type?}. */
export function filters(path, given, fields, navigate) {
  const own = fields.some((field) => field.name === "until");
  const kept = own ? {} : { minutes: given.minutes, until: given.until };
  const form = h("form", { class: "filters", action: path, onsubmit: submit },
    fields.map((field) => h("label", {}, field.label, control(field, given[field.name] ?? ""))),
    h("button", {}, "Filter"),
    h("a", { class: "button", href: address(path, kept) }, "Clear"));
  function submit(event) {
    event.preventDefault();
    const words = Object.fromEntries(fields.map((field) => [field.name, read(field, form.elements[field.name].value)]));
    navigate(address(path, { ...kept, ...words }));
  }
  return form;
}

function control(field, value) {
  if (field.options) {
    const names = !value || field.options.some((option) => (option.value ?? option) === value) ? field.options : [value, ...field.options];
    const options = names.map((option) => h("option", { value: option.value ?? option, selected: (option.value ?? option) === value }, option.text ?? option));
    return h("select", { name: field.name, id: `filter-${field.name}` }, field.any === false ? null : h("option", { value: "" }, "any"), options);
  }
  const shown = field.type === "datetime-local" && value ? stamp(Number(value)).slice(0, 19) : value;
  return h("input", { name: field.name, id: `filter-${field.name}`, type: field.type ?? "text", value: shown, placeholder: field.placeholder, step: field.type ? 1 : null, spellcheck: "false", autocomplete: "off" });
}

/** Times are shown and read in the chosen zone, and are ms in the address. */
function read(field, value) {
  return field.type === "datetime-local" && value ? instant(value) : value.trim();
}

/** Links to the page before, as the browser has it, to the first and the next. */
export function pages(path, given, next) {
  const { before, ...rest } = given;
  return h("nav", { class: "pages", "aria-label": "Pages of the list" },
    before ? h("a", { class: "button", href: address(path, rest) }, "Newest") : null,
    before ? h("button", { type: "button", onclick: () => history.back() }, "Newer") : null,
    next ? h("a", { class: "button", href: address(path, { ...rest, before: next }) }, "Older") : null);
}
