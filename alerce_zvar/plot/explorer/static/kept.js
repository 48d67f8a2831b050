// The list of periods that were kept: shown, noted upon, removed from, copied, downloaded.
(() => {
  "use strict";
  const { parts, words } = globalThis.AlerceZvar;
  const { make, button, labelled } = parts;

  // act = {rows(), change(rows), say(text)}: what is kept, what to do with a new list, and where messages go.
  function keptList(act) {
    const head = ["Object", "Period [d]", "Epoch [MJD]", "Origin", "Note", ""];
    const body = make("tbody");
    const table = make(
      "table",
      { class: "az-kept" },
      make("caption", {}, "Periods kept"),
      make("thead", {}, make("tr", {}, ...head.map((text) => make("th", { scope: "col" }, text)))),
      body,
    );
    const copy = async (event) => {
      const done = await parts.copy(words.csv(act.rows()), event.target.parentNode);
      act.say(done ? "The list is copied." : "The clipboard cannot be reached; download the list instead.");
    };
    const tools = make(
      "div",
      { class: "az-row" },
      button("Copy list", "Copy the list as CSV", copy),
      button("CSV", "Download the list as CSV", () => parts.download("periods.csv", "text/csv", words.csv(act.rows()))),
      button("ECSV", "Download the list as ECSV, for astropy", () =>
        parts.download("periods.ecsv", "text/plain", words.ecsv(act.rows())),
      ),
    );
    const scroll = make(
      "div",
      { class: "az-scroll", tabindex: "0", role: "region", "aria-label": "Periods kept" },
      table,
    );
    const whole = make("section", { class: "az-panel az-list", hidden: true }, scroll, tools);

    let shown = null;

    function row(one, place) {
      const change = (event) =>
        act.change(act.rows().map((other, i) => (i === place ? { ...other, note: event.target.value } : other)));
      const note = make("input", {
        type: "text",
        "aria-label": `Note on ${words.visible(one.id)}`,
        change,
        maxlength: 200,
      });
      const remove = () => act.change(act.rows().filter((_, i) => i !== place));
      const cells = [
        make("bdi", {}, one.id),
        String(one.period),
        `${one.epoch_mjd.toFixed(5)} ${one.scale.toUpperCase()}`,
        one.origin,
        note,
      ];
      const last = button("✕", `Remove ${words.visible(one.id)} from the list`, remove);
      return make("tr", {}, ...[...cells, last].map((cell) => make("td", {}, cell)));
    }

    // Anew only where rows came or went: a note may be half typed. The focus stays where it is.
    function draw() {
      const rows = act.rows();
      const listed = JSON.stringify(rows.map((one) => ({ ...one, note: "" })));
      const boxes = () => [...body.querySelectorAll("input, button")];
      if (listed !== shown) {
        const place = boxes().indexOf(document.activeElement);
        body.replaceChildren(...rows.map(row));
        if (place >= 0) boxes()[Math.min(place, boxes().length - 1)]?.focus();
      }
      shown = listed;
      body.querySelectorAll("input").forEach((box, place) => parts.write(box, rows[place].note));
      whole.hidden = !rows.length;
    }
    return { element: whole, draw };
  }

  globalThis.AlerceZvar.keptList = keptList;
})();
