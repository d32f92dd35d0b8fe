import { address, h } from "../dom.js";

/** A form whose fields are parameters of the address. Fields: {name, label, options?: names, type?}. */
export function filters(path, given, fields, navigate) {
  const form = h("form", { class: "filters", action: path, onsubmit: submit },
    fields.map((field) => h("label", {}, field.label, control(field, given[field.name] ?? ""))),
    h("button", {}, "Filter"),
    h("a", { class: "button", href: path }, "Clear"));
  function submit(event) {
    event.preventDefault();
    const words = Object.fromEntries(fields.map((field) => [field.name, read(field, form.elements[field.name].value)]));
    navigate(address(path, words));
  }
  return form;
}

function control(field, value) {
  if (field.options) {
    const names = !value || field.options.some((option) => (option.value ?? option) === value) ? field.options : [value, ...field.options];
    const options = names.map((option) => h("option", { value: option.value ?? option, selected: (option.value ?? option) === value }, option.text ?? option));
    return h("select", { name: field.name, id: `filter-${field.name}` }, field.any === false ? null : h("option", { value: "" }, "any"), options);
  }
  const shown = field.type === "datetime-local" && value ? new Date(Number(value)).toISOString().slice(0, 19) : value;
  return h("input", { name: field.name, id: `filter-${field.name}`, type: field.type ?? "text", value: shown, placeholder: field.placeholder, step: field.type ? 1 : null, spellcheck: "false", autocomplete: "off" });
}

/** Times are shown and read in UTC, and are ms in the address. */
function read(field, value) {
  return field.type === "datetime-local" && value ? Date.parse(`${value}Z`) : value.trim();
}

/** Links to the first and the next page. */
export function pages(path, given, next) {
  const { before, ...rest } = given;
  return h("nav", { class: "pages", "aria-label": "Pages of the list" },
    before ? h("a", { class: "button", href: address(path, rest) }, "Newest") : null,
    next ? h("a", { class: "button", href: address(path, { ...rest, before: next }) }, "Older") : null);
}
