// Pieces of a page. Texts go in as texts, never as markup.
(() => {
  "use strict";
  const { words } = globalThis.AlerceZvar;
  let number = 0;

  // An element with attributes, listeners (functions) and children; of a false attribute nothing is written.
  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") element.addEventListener(name, value);
      else if (value === true) element.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
    }
    element.append(...children.map((child) => (typeof child === "string" ? words.visible(child) : child)));
    return element;
  }

  // A box, list or the like with its label.
  function labelled(text, control, className = "az-field") {
    control.id = control.id || `az-${(number += 1)}`;
    return make("span", { class: className }, make("label", { for: control.id }, text), control);
  }

  // A text into a box, unless somebody is typing there.
  function write(box, text) {
    box.removeAttribute("aria-invalid");
    if (box === box.ownerDocument.activeElement && box.value !== (box.dataset.shown ?? box.value)) return;
    box.value = text;
    box.dataset.shown = text;
  }

  function button(text, title, click, attributes = {}) {
    return make("button", { type: "button", title, "aria-label": title, click, ...attributes }, text);
  }

  function options(select, entries, chosen) {
    const made = entries.map(([value, text]) => make("option", { value, selected: value === chosen }, text));
    select.replaceChildren(...made);
  }

  function choice(entries, chosen, change, attributes = {}) {
    const select = make("select", { change, ...attributes });
    options(select, entries, chosen);
    return select;
  }

  function group(name, ...children) {
    return make("fieldset", { class: "az-group" }, make("legend", {}, name), ...children);
  }

  // Copy a text; where the clipboard is not allowed by the old command. Resolves to whether it worked.
  async function copy(text, near) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return copyByCommand(text, near);
    }
  }

  function copyByCommand(text, near) {
    const box = make("textarea", { class: "az-unseen", readonly: true, "aria-hidden": "true" });
    const before = document.activeElement;
    box.value = text;
    near.append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    before?.focus?.({ preventScroll: true });
    return done;
  }

  // Offer a text as a file.
  function download(name, type, text) {
    const url = URL.createObjectURL(new Blob([text], { type }));
    const link = make("a", { href: url, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10000); // the browser reads it after the click
  }

  globalThis.AlerceZvar.parts = { make, labelled, write, button, options, choice, group, copy, download };
})();
