// Everything that is pressed and typed into, and the three plots; the explorer holds the state.
(() => {
  "use strict";
  const { fold, words, view, move, parts, keptList, KEYS } = globalThis.AlerceZvar;
  const { make, labelled, button, choice, group, write } = parts;
  const Plotly = globalThis.AlerceZvar.Plotly ?? globalThis.Plotly;
  const LISTED = 500; // objects in the list at a time

  function build(element, explorer) {
    const page = { element };
    const act = explorer.actions();
    page.message = make("p", { class: "az-message", role: "status", "aria-live": "polite" });
    page.kept = keptList({
      rows: () => explorer.all.kept,
      change: (rows) => explorer.attempt(() => (explorer.all.kept = rows)),
      say: (text) => explorer.say(text),
    });
    page.help = help();
    const plots = plotPanels(page);
    const tools = make(
      "div",
      { class: "az-tools" },
      periodGroup(page, explorer, act),
      epochGroup(page, explorer, act),
      viewGroup(page, explorer, act),
      resultGroup(page, act),
    );
    page.root = make(
      "div",
      {
        class: "az",
        tabindex: "-1",
        role: "region",
        "aria-label": "Light curve explorer",
        "data-lm-suppress-shortcuts": "true",
      },
      objectBar(page, explorer, act),
      page.message,
      make("div", { class: "az-main" }, ...plots, tools),
      page.kept.element,
      page.help,
    );
    element.replaceChildren(page.root);
    page.resize = new ResizeObserver(() => [page.folded, page.unfolded, page.periodogram].forEach(fit));
    page.resize.observe(page.root);
    return page;
  }

  function fit(plot) {
    if (plot.data && plot.clientWidth) Plotly.Plots.resize(plot);
  }

  function remove(page) {
    page.resize.disconnect();
    cancelAnimationFrame(page.marking);
    for (const plot of [page.folded, page.unfolded, page.periodogram]) Plotly.purge(plot);
    page.root.remove();
  }

  function objectBar(page, explorer, act) {
    const many = explorer.objects.length > 1;
    page.object = choice([], null, (event) => event.target.value && explorer.look(Number(event.target.value)));
    page.search = make("input", {
      type: "search",
      autocomplete: "off",
      spellcheck: "false",
      input: () => listObjects(page, explorer),
      change: () => {
        const [found] = [...page.object.options].filter(({ value }) => value);
        if (found && page.search.value) explorer.look(Number(found.value));
      },
    });
    page.title = make("bdi", {});
    page.count = make("span", { class: "az-count" });
    page.links = make("span", { class: "az-links" });
    const chooser = make(
      "div",
      { class: "az-row", hidden: !many },
      labelled("Search", page.search),
      labelled("Object", page.object),
      button("◀", "Previous object (p)", act.previous, { class: "az-previous" }),
      button("▶", "Next object (n)", act.next, { class: "az-next" }),
      page.count,
    );
    return make("header", { class: "az-bar" }, make("h2", {}, page.title), page.links, chooser);
  }

  // Objects whose title or id holds what is searched; where the one that is looked at does not, how many do.
  function listObjects(page, explorer) {
    const wanted = page.search.value.trim().toLowerCase();
    const entry = ({ id, title }, index) => [String(index), title || id || `object ${index + 1}`];
    const fits = ({ id, title }) => id.toLowerCase().includes(wanted) || title.toLowerCase().includes(wanted);
    const found = explorer.objects.map((one, index) => (fits(one) ? index : -1)).filter((one) => one >= 0);
    const entries = found.slice(0, LISTED).map((one) => entry(explorer.objects[one], one));
    const { index } = explorer.all;
    if (!entries.some(([value]) => value === String(index))) {
      entries.unshift(wanted ? ["", `${found.length} found`] : entry(explorer.objects[index], index));
    }
    parts.options(page.object, entries, entries[0][0] ? String(index) : "");
  }

  function typed(explorer, change) {
    return ({ target }) => {
      target.dataset.shown = target.value; // what is typed may be put into its usual form
      explorer.attempt(() => change(target.value), target);
    };
  }

  function periodGroup(page, explorer, act) {
    page.candidate = choice([], null, (event) => explorer.attempt(() => explorer.choose(Number(event.target.value))), {
      class: "az-wide",
    });
    page.period = make("input", {
      type: "text",
      inputmode: "decimal",
      autocomplete: "off",
      change: typed(explorer, (text) => explorer.typePeriod(text)),
    });
    const units = Object.keys(words.UNITS).map((unit) => [unit, unit]);
    const changeUnit = (event) => explorer.attempt(() => (explorer.all.unit = event.target.value));
    page.unit = choice(units, "d", changeUnit, { "aria-label": "Unit of the period" });
    const trim = (steps, text) => {
      const number = Math.abs(steps) > 1 ? `${Math.abs(steps)} steps` : "1 step";
      const title = `Trim the period: ${number} ${steps > 0 ? "longer" : "shorter"}`;
      return button(text, title, () => explorer.attempt(() => explorer.trim(steps)), { "data-trim": steps });
    };
    return group(
      "Period",
      labelled("Candidate", page.candidate),
      make("div", { class: "az-row" }, labelled("Period", page.period), page.unit),
      make(
        "div",
        { class: "az-row az-factors" },
        button("×2", "Double the period (d)", act.double),
        button("×3", "Triple the period (3)", act.triple),
        button("×½", "Halve the period (h)", act.halve),
        button("×⅓", "A third of the period (t)", act.third),
        button("reset", "Back to the chosen candidate (r)", act.reset),
      ),
      make(
        "div",
        { class: "az-row" },
        make("span", {}, "Trim"),
        trim(-10, "−10"),
        trim(-1, "−1"),
        trim(1, "+1"),
        trim(10, "+10"),
      ),
    );
  }

  function epochGroup(page, explorer, act) {
    page.epoch = make("input", {
      type: "text",
      inputmode: "decimal",
      autocomplete: "off",
      change: typed(explorer, (text) => explorer.typeEpoch(text)),
    });
    const changeFormat = (event) => explorer.attempt(() => (explorer.all.format = event.target.value));
    page.format = choice(
      [
        ["MJD", "MJD"],
        ["JD", "JD"],
      ],
      "MJD",
      changeFormat,
      { "aria-label": "Form of the epoch" },
    );
    page.scale = make("span", { class: "az-scale" });
    return group(
      "Epoch of phase 0",
      make("div", { class: "az-row" }, labelled("Epoch", page.epoch), page.format, page.scale),
      make(
        "div",
        { class: "az-row" },
        button("minimum at phase 0", "Put the faintest part at phase 0 (m)", act.minimum),
      ),
    );
  }

  function viewGroup(page, explorer, act) {
    const change = (apply) => (event) => explorer.attempt(() => apply(event.target), event.target);
    page.cycles = choice(
      [
        ["1", "1"],
        ["1.5", "1½"],
        ["2", "2"],
      ],
      "2",
      change((select) => (explorer.all.cycles = Number(select.value))),
    );
    page.bins = make("input", {
      type: "number",
      min: 0,
      max: 1000,
      step: 1,
      change: typed(explorer, (text) => (explorer.all.bins = words.parseBins(text))),
    });
    page.errors = make("input", { type: "checkbox", change: change((box) => (explorer.all.errors = box.checked)) });
    page.column = choice(
      [],
      null,
      change((select) => (explorer.now.own.column = select.value)),
    );
    page.columnField = labelled("Values", page.column);
    page.bands = make("div", { class: "az-row az-bands", role: "group", "aria-label": "Bands" });
    return group(
      "View",
      make("div", { class: "az-row" }, labelled("Cycles", page.cycles), labelled("Bins", page.bins), page.columnField),
      make("div", { class: "az-row" }, labelled("Error bars", page.errors, "az-check"), page.bands),
    );
  }

  function resultGroup(page, act) {
    page.scatter = make("output", { class: "az-scatter" });
    return group(
      "Result",
      make("div", { class: "az-row" }, make("span", {}, "Scatter"), page.scatter),
      make(
        "div",
        { class: "az-row" },
        button("Copy id, period", "Copy id and period (c)", act.copy, { class: "az-copy" }),
        button("Keep this period", "Keep this period (k)", act.keep, { class: "az-keep" }),
      ),
    );
  }

  function plotPanels(page) {
    return [
      ["folded", "Folded"],
      ["unfolded", "Against time"],
      ["periodogram", "Periodogram"],
    ].map(([name, title]) => {
      page[name] = make("div", { class: "az-plot", role: "img", "aria-label": title });
      page[`${name}Panel`] = make(
        "figure",
        { class: `az-panel az-${name}` },
        make("figcaption", {}, title),
        page[name],
      );
      return page[`${name}Panel`];
    });
  }

  function help() {
    const rows = KEYS.map(([key, , text]) =>
      make("tr", {}, make("td", {}, make("kbd", {}, key)), make("td", {}, text)),
    );
    const note =
      "Click into the periodogram to choose its nearest peak. " +
      "Dashed: multiples of the period; dotted: aliases by one and two a day.";
    return make(
      "details",
      { class: "az-help" },
      make("summary", {}, "Keys"),
      make("table", {}, make("tbody", {}, ...rows)),
      make("p", {}, note),
    );
  }

  function say(page, text, kind) {
    page.message.textContent = words.visible(text);
    page.message.dataset.kind = kind;
  }

  function refuse(box) {
    box?.setAttribute("aria-invalid", "true");
  }

  function update(page, explorer, folded) {
    const { object, own } = explorer.now;
    const { index, bins, cycles, errors, unit, format } = explorer.all;
    page.title.textContent = words.visible(object.title || object.id || "Light curve");
    page.count.textContent = `${index + 1} of ${explorer.objects.length}`;
    listObjects(page, explorer);
    page.kept.draw();
    write(page.bins, String(bins));
    Object.assign(page.cycles, { value: String(cycles) });
    page.errors.checked = errors;
    [page.unit.value, page.format.value] = [unit, format];
    page.links.replaceChildren(...(object.links ?? []).map(link));
    if (own) updateObject(page, explorer, object, own, folded);
  }

  function link({ label, url }) {
    return make(
      "a",
      { href: url.startsWith("https://") ? url : null, target: "_blank", rel: "noopener noreferrer" },
      label,
    );
  }

  function updateObject(page, explorer, object, own, folded) {
    const { unit, format } = explorer.all;
    const names = own.candidates.map(({ period, origin, detail }, number) => {
      const days = words.periodText(period, object.baseline, unit);
      return [String(number), `${days} ${unit} · ${[origin, detail].filter(Boolean).join(", ")}`];
    });
    const none = own.typed || !names.length ? [["", own.typed ? `(${own.origin})` : "none"]] : [];
    parts.options(page.candidate, [...none, ...names], own.typed || !names.length ? "" : String(own.number));
    write(page.period, own.period ? words.periodText(own.period, object.baseline, unit) : "");
    write(page.epoch, words.epochText(fold.shownMjd(own.epoch.jd1, own.epoch.jd2, object.time, explorer.leap), format));
    page.scale.textContent = words.visible(object.time.scale.toUpperCase());
    const columns = Object.keys(object.columns);
    parts.options(
      page.column,
      columns.map((name) => [name, name]),
      own.column,
    );
    page.columnField.hidden = columns.length < 2;
    page.bands.replaceChildren(...bandBoxes(explorer, object, own));
    const scatter = folded ? fold.scatter(folded) : NaN;
    page.folded.setAttribute("aria-label", folded ? `Folded on ${fold.days(own.period)} d` : "Folded");
    const shown = () => `${scatter.toPrecision(4)} ${words.visible(folded.unit)}`;
    page.scatter.textContent = Number.isNaN(scatter) ? "–" : shown();
  }

  function bandBoxes(explorer, object, own) {
    const bands = [...new Map(object.groups.map((one) => [one.band, one]))];
    return bands.map(([band, style]) => {
      const change = (event) => {
        own.hidden = new Set(own.hidden);
        own.hidden[event.target.checked ? "delete" : "add"](band);
        explorer.attempt(() => {});
        [...explorer.page.bands.querySelectorAll("input")].find((other) => other.dataset.band === band)?.focus();
      };
      const box = make("input", { type: "checkbox", "data-band": band, checked: !own.hidden.has(band), change });
      const swatch = make("span", { class: "az-swatch", "aria-hidden": "true" });
      swatch.style.backgroundColor = style.color === "#000000" ? "currentColor" : style.color;
      return make("label", { class: "az-check" }, box, swatch, make("bdi", {}, band || "no band"));
    });
  }

  // Whether the page has other colours than were drawn last, which are taken.
  function recolored(page) {
    const [before, colors] = [page.colors, view.theme(page.root)];
    page.colors = colors;
    return JSON.stringify(before) !== JSON.stringify(colors);
  }

  // Draw what has changed.
  function draw(page, explorer, folded) {
    const { object, own } = explorer.now;
    const { index, bins, cycles, errors } = explorer.all;
    if (!page.colors) recolored(page);
    const { colors } = page;
    page.root.classList.toggle("az-waiting", !own);
    page.foldedPanel.hidden = !folded;
    page.unfoldedPanel.hidden = !own;
    page.periodogramPanel.hidden = !own?.scan;
    if (!own) return;
    const { column, hidden, arrays, mjd } = own;
    const signature = JSON.stringify([index, column, [...hidden], errors, colors]);
    if (folded) drawFolded(page.folded, folded, [signature, cycles, bins], colors, errors);
    const traces = () => view.unfoldedTraces(object, arrays, { column, hidden }, colors, errors, mjd);
    react(page.unfolded, signature, traces, (drawn) => view.unfoldedLayout(object, arrays, { column }, colors, drawn));
    if (own.scan) drawPeriodogram(page, explorer, own, colors, index);
  }

  // how: what a plot depends on beside the phases.
  function drawFolded(plot, folded, [signature, cycles, bins], colors, errors) {
    const how = JSON.stringify([signature, cycles, bins]);
    const traces = view.foldedTraces(folded, colors, errors);
    if (plot.dataset.how === how && move(plot, traces)) return;
    plot.dataset.how = how;
    react(plot, null, () => traces, (drawn) => view.foldedLayout(folded, colors, cycles, drawn));
  }

  function drawPeriodogram(page, explorer, own, colors, index) {
    const plot = page.periodogram;
    const days = own.period && fold.days(own.period);
    const trace = () => [view.periodogramTrace(own.scan, colors)];
    const done = react(plot, JSON.stringify([index, colors]), trace, () =>
      view.periodogramLayout(own.scan, days, colors),
    );
    if (done === "same" && plot.dataset.period !== String(days)) {
      cancelAnimationFrame(page.marking); // marks may follow a frame later
      page.marking = requestAnimationFrame(() => Plotly.relayout(plot, view.periodogramMarks(own.scan, days, colors)));
    }
    if (done === "first") {
      plot.on("plotly_click", ({ points }) => explorer.attempt(() => explorer.pickPeak(points[0].x)));
    }
    plot.dataset.period = String(days);
  }

  // Plotly.react, unless nothing has changed; says whether it is the plot's first time.
  function react(plot, signature, traces, layout) {
    if (signature !== null && plot.dataset.signature === signature) return "same";
    const first = !plot.data;
    plot.dataset.signature = signature ?? "";
    const drawn = traces();
    plot.querySelectorAll(".shapelayer > *").forEach((one) => one.remove()); // plotly leaves shapes "between" that are gone
    Plotly.react(plot, drawn, layout(drawn), first ? view.CONFIG : undefined); // it stays, and comparing it takes long
    return first ? "first" : "again";
  }

  globalThis.AlerceZvar.controls = { build, update, draw, recolored, say, refuse, remove };
})();
