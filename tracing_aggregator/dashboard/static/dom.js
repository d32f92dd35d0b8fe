// The only way to the page: elements by name, words as text. Nothing here parses markup.

/** An element. `on…` are listeners, `style` an object, `data` attributes with `data-`; children that are null drop out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(element.style, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined).map(asNode));
  return element;
}

function asNode(child) {
  return child instanceof Node ? child : String(child);
}

/** An element of a drawing. */
export function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null && value !== undefined) element.setAttribute(name, String(value));
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined).map(asNode));
  return element;
}

/** An address within the dashboard; parameters that are empty drop out. */
export function address(path, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return query ? `${path}?${query}` : path;
}

/** A table that scrolls by itself where it is too wide. Columns: {head, number?, id?, date?, name?, cell(row), row?: heads the row}. */
export function table(label, columns, rows, rowClass = () => null) {
  const cells = (row) =>
    columns.map((column) => h(column.row ? "th" : "td", { class: kind(column), scope: column.row ? "row" : null, "data-head": column.head || null }, column.cell(row)));
  const head = (column) => h(column.head ? "th" : "td", { scope: column.head ? "col" : null, class: kind(column) }, column.head);
  const shown = h("table", {},
    h("thead", {}, h("tr", {}, columns.map(head))),
    h("tbody", {}, rows.map((row) => h("tr", { class: rowClass(row) }, cells(row)))));
  return h("div", { class: "listed" },
    h("div", { class: "scroll", role: "region", "aria-label": label, tabindex: "0" }, shown),
    h("p", { class: "exports" },
      h("button", { type: "button", "aria-label": `${label} as CSV`, onclick: () => save(`${label}.csv`, "text/csv", csv(shown)) }, "CSV"),
      h("button", { type: "button", "aria-label": `${label} as JSON`, onclick: () => save(`${label}.json`, "application/json", JSON.stringify(rows, null, 2)) }, "JSON")));
}

/** The cells of a table as RFC 4180 has them. A text that a spreadsheet would run is quoted with an apostrophe. */
function csv(shown) {
  const quoted = (text) => {
    const safe = /^[=+@\t\r]|^-(?![\d\s])/.test(text) ? `'${text}` : text;
    return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return [...shown.rows].map((row) => [...row.cells].map((cell) => quoted(cell.textContent.trim())).join(",")).join("\r\n") + "\r\n";
}

/** Let the browser keep a text as a file. */
export function save(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  h("a", { href: url, download: name.toLowerCase().replaceAll(" ", "-") }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** A button that copies a text, and says so. */
export function copy(label, text) {
  const button = h("button", { type: "button", onclick: async () => {
    await navigator.clipboard.writeText(typeof text === "function" ? text() : text);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = label; }, 1500);
  } }, label);
  return button;
}

function kind(column) {
  return ["number", "id", "date", "name"].find((name) => column[name]) ?? null;
}

export function panel(title, ...children) {
  return h("section", { class: "panel" }, h("h2", {}, title), children);
}

/** What to do where there is nothing to see. `command` is what to type next. */
export function empty(text, command, after = "") {
  return h("p", { class: "empty" }, text, command ? [" ", h("code", {}, command)] : null, after ? ` ${after}` : null);
}

/** Replace what is shown; the keyboard's place and what was scrolled or opened stay where they were. */
export function replace(root, nodes) {
  const selector = "a, button, input, select, summary, [tabindex='0']";
  const focused = root.contains(document.activeElement) && root !== document.activeElement ? document.activeElement : null;
  const index = focused ? [...root.querySelectorAll(selector)].indexOf(focused) : -1;
  const scrolled = [...root.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
  const opened = [...root.querySelectorAll("details")].map((one) => one.open);
  root.replaceChildren(...nodes.flat(Infinity).filter(Boolean));
  root.querySelectorAll(".scroll").forEach((one, number) => { one.scrollLeft = scrolled[number] ?? 0; });
  root.querySelectorAll("details").forEach((one, number) => { one.open = opened[number] ?? one.open; });
  if (!focused) return;
  const candidates = [...root.querySelectorAll(selector)];
  const same = focused.href && candidates.find((one) => one.getAttribute("href") === focused.getAttribute("href"));
  (same || candidates[index])?.focus({ preventScroll: true });
}
