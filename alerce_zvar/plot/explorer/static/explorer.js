// The explorer: one state, changed by controls, keys and the host, and drawn anew at each change.
(() => {
  "use strict";
  const { fold, words, view, parts, controls, KEYS } = globalThis.AlerceZvar;
  const CYCLES = [1, 1.5, 2];
  const BINS = 50; // that key b turns on
  const TRIM = 0.01; // cycles over the baseline by which a step moves the phase
  const VERSION = 1;

  class Explorer {
    constructor(element, payload, { onChange = () => {}, initial = {}, load = null, keys = document } = {}) {
      if (payload.version !== VERSION)
        throw new Error(`The explorer reads version ${VERSION}, not ${payload.version}.`);
      this.objects = payload.objects;
      this.leap = payload.leap_seconds;
      this.onChange = onChange;
      this.load = load;
      this.later = null; // what the host set of an object that is not loaded yet
      this.own = new Map(); // what belongs to one object: arrays, period, epoch, bands
      this.all = { index: 0, bins: 0, cycles: 2, errors: true, unit: "d", format: "MJD", kept: [] };
      this.page = controls.build(element, this);
      this.stop = this.listen(element, keys);
      this.set(initial, { quiet: true });
    }

    // The object that is looked at, with what belongs to it.
    get now() {
      const { index } = this.all;
      const object = this.objects[index];
      if (object.stub) return { object, own: null };
      if (!this.own.has(index)) this.own.set(index, this.prepared(object));
      return { object, own: this.own.get(index) };
    }

    prepared(object) {
      const arrays = fold.decodeObject(object);
      const mjd = Float64Array.from(arrays.jd1, (jd1, i) => fold.shownMjd(jd1, arrays.jd2[i], object.time, this.leap));
      const scan = object.periodogram && {
        frequency: fold.decode(object.periodogram.frequency),
        power: fold.decode(object.periodogram.power),
        label: object.periodogram.label,
      };
      const own = { arrays, mjd, scan, candidates: candidates(object, scan), hidden: new Set() };
      return Object.assign(
        own,
        { column: Object.keys(object.columns)[0], epoch: object.epoch, period: null },
        chosen(own, 0),
      );
    }

    say(text, kind = "info") {
      controls.say(this.page, text, kind);
    }

    // Do something that may be refused: then the reason is shown, and nothing has changed.
    attempt(change, box = null) {
      try {
        if (!this.now.own) throw new Error("This object is not loaded yet.");
        change();
      } catch (error) {
        this.say(error.message, "error");
        controls.refuse(box);
        return;
      }
      this.say("");
      this.refresh();
    }

    look(index, how = {}) {
      if (!(index in this.objects)) return;
      this.all.index = index;
      const object = this.objects[index];
      this.say(object.stub ? "Loading …" : object.pending ? "Searching for periods …" : (object.note ?? ""));
      if (this.load && (object.stub || object.pending)) this.load(index);
      this.refresh(how);
    }

    step(by) {
      const index = this.all.index + by;
      if (index in this.objects) this.look(index);
      else this.say(by > 0 ? "This is the last object." : "This is the first object.");
    }

    // More of an object: the light curve of a stub, or periods that were found meanwhile.
    receive(index, more) {
      const object = this.objects[index];
      Object.assign(object, { note: "" }, more);
      const before = this.own.get(index);
      this.own.delete(index);
      if (before && !object.stub) {
        const own = this.prepared(object);
        const { hidden, column, epoch } = before;
        Object.assign(
          own,
          { hidden, column },
          before.typed && before.period ? { ...before, candidates: own.candidates, scan: own.scan, epoch } : {},
        );
        this.own.set(index, own);
      }
      if (index !== this.all.index) return;
      if (this.later?.index === index && this.now.own) this.setOwn(this.later.own);
      this.later = null;
      this.say(object.note || (object.pending ? "Searching for periods …" : ""), more.failed ? "error" : "info");
      this.refresh();
    }

    choose(number) {
      Object.assign(this.now.own, chosen(this.now.own, number));
    }

    reset() {
      const { object, own } = this.now;
      if (own) Object.assign(own, { epoch: object.epoch, period: null, typed: false }, chosen(own, own.number));
    }

    // fresh: not a multiple of the one before
    setPeriod(period, origin, fresh = false) {
      const { own } = this.now;
      own.period = words.checkPeriod(period);
      Object.assign(own, { origin, typed: true }, fresh ? { base: origin, factor: 1 } : {});
    }

    scale(factor) {
      const { own } = this.now;
      if (!own?.period) throw new Error("There is no period yet: type one.");
      const { value, perDay } = own.period;
      const period = { value: factor >= 1 ? value * factor : value / Math.round(1 / factor), perDay };
      const whole = Number((own.factor * factor).toPrecision(6));
      this.setPeriod(period, whole === 1 ? own.base : `${own.base}, × ${whole}`);
      own.factor *= factor;
    }

    trim(steps) {
      const { object, own } = this.now;
      if (!own?.period) throw new Error("There is no period yet: type one.");
      const frequency = 1 / own.period.value - (steps * TRIM) / (object.baseline || 1) / own.period.perDay;
      this.setPeriod({ value: 1 / frequency, perDay: own.period.perDay }, `${own.base}, trimmed`);
    }

    typePeriod(text) {
      const { own } = this.now;
      if (!own) return;
      this.setPeriod(words.parsePeriod(text, this.all.unit), "typed", true);
    }

    typeEpoch(text) {
      const { object, own } = this.now;
      const { days, rest } = words.parseEpoch(text, this.all.format);
      own.epoch = fold.foldTime(days, rest, object.time, this.leap);
      own.typed = true;
    }

    minimum() {
      const { own } = this.now;
      const folded = this.folded();
      const phase = folded ? fold.faintestPhase(folded) : NaN;
      if (Number.isNaN(phase)) throw new Error("There is no folded light curve to look for a minimum in.");
      own.epoch = fold.movedEpoch(own.epoch, phase, own.period);
      own.typed = true;
    }

    pickPeak(period) {
      const { own } = this.now;
      const peak = view.nearestPeak(own.scan, period, this.page.periodogram._fullLayout.xaxis);
      const days = peak < 0 ? period : 1 / own.scan.frequency[peak];
      this.setPeriod({ value: days, perDay: 1 }, "periodogram", true);
    }

    keep() {
      const state = this.state();
      if (!state.period) throw new Error("There is no period to keep.");
      const { id, period, epoch: epoch_mjd, scale, origin } = state;
      const row = { id, period, epoch_mjd, scale, origin, note: "" };
      if (this.all.kept.some((one) => one.id === id && one.period === period && one.epoch_mjd === epoch_mjd)) {
        throw new Error("This period is in the list already.");
      }
      this.all.kept = [...this.all.kept, row];
    }

    async copy() {
      const { id, period } = this.state();
      if (!period) return this.say("There is no period to copy.", "error");
      const { object, own } = this.now;
      const text = `${words.visible(id)}, ${words.periodText({ value: period, perDay: 1 }, object.baseline, "d")} d`;
      const done = await parts.copy(text, this.page.root);
      this.say(
        done ? `Copied: ${text}` : `The clipboard cannot be reached. Copy by hand: ${text}`,
        done ? "info" : "error",
      );
    }

    folded() {
      const { object, own } = this.now;
      if (!own?.period) return null;
      const { period, epoch, column, hidden } = own;
      return fold.model(object, own.arrays, {
        period,
        epoch,
        column,
        hidden,
        cycles: this.all.cycles,
        bins: this.all.bins,
      });
    }

    // What the host may know: plain values.
    state() {
      const { object, own } = this.now;
      const { index, bins, cycles, errors, kept } = this.all;
      const shown = { index, id: object.id, n_bins: bins, cycles, errors, kept };
      if (!own) return { ...shown, period: null, epoch: null };
      const epoch = fold.shownMjd(own.epoch.jd1, own.epoch.jd2, object.time, this.leap);
      const { column, origin } = own;
      const period = own.period && fold.days(own.period);
      return { ...shown, period, epoch, scale: object.time.scale, column, origin, hidden: [...own.hidden] };
    }

    // Changes by the host, in the words of state().
    set(changes, { quiet = false } = {}) {
      const { index, period, epoch, n_bins: bins, cycles, errors, column, hidden, kept } = changes;
      if (index !== undefined && !(index in this.objects)) throw new Error(`There is no object ${index}.`);
      if (cycles !== undefined && !CYCLES.includes(cycles)) throw new Error(`Cycles are 1, 1.5 or 2, not ${cycles}.`);
      const known = { bins: bins === undefined ? undefined : words.parseBins(String(bins)), cycles, errors, kept };
      for (const [name, value] of Object.entries(known)) if (value !== undefined) this.all[name] = value;
      if ((index !== undefined && index !== this.all.index) || quiet) {
        this.look(index ?? this.all.index, { quiet: true }); // the host hears once, of all
      }
      const own = { period, epoch, column, hidden };
      if (this.now.own) this.setOwn(own);
      else this.later = { index: this.all.index, own };
      this.refresh({ quiet });
    }

    // Changes to what belongs to the object that is looked at.
    setOwn({ period, epoch, column, hidden }) {
      const { object, own } = this.now;
      const state = this.state();
      if (period && period !== state.period) this.setPeriod({ value: period, perDay: 1 }, "set", true);
      if (typeof epoch === "number" && epoch !== state.epoch) {
        own.epoch = fold.foldTime(Math.floor(epoch), epoch - Math.floor(epoch), object.time, this.leap);
        own.typed = true;
      }
      if (column in own.arrays.columns) own.column = column;
      if (hidden) own.hidden = new Set(hidden);
    }

    refresh({ quiet = false } = {}) {
      const folded = this.folded();
      controls.draw(this.page, this, folded); // first: plotly measures the page, which is quick while it is unchanged
      controls.update(this.page, this, folded);
      if (!quiet) this.onChange(this.state());
    }

    // What the plots hold, for tests and for hosts.
    drawn() {
      const read = (plot) =>
        (plot.data ?? []).map(({ meta: { kind, band, field }, x, y }) => {
          return { kind, band, field, x, y, error: view.drawnErrors(plot, { kind, band, field }) };
        });
      const { folded, unfolded, periodogram } = this.page;
      const scan = (periodogram.data ?? []).map(({ x, y }) => ({ x, y }));
      return { folded: read(folded), unfolded: read(unfolded), periodogram: scan };
    }

    actions() {
      return {
        next: () => this.step(1),
        previous: () => this.step(-1),
        double: () => this.attempt(() => this.scale(2)),
        halve: () => this.attempt(() => this.scale(1 / 2)),
        triple: () => this.attempt(() => this.scale(3)),
        third: () => this.attempt(() => this.scale(1 / 3)),
        reset: () => this.attempt(() => this.reset()),
        longer: () => this.attempt(() => this.trim(1)),
        shorter: () => this.attempt(() => this.trim(-1)),
        minimum: () => this.attempt(() => this.minimum()),
        bins: () => this.attempt(() => (this.all.bins = this.all.bins ? 0 : BINS)),
        errors: () => this.attempt(() => (this.all.errors = !this.all.errors)),
        keep: () => this.attempt(() => this.keep()),
        copy: () => this.copy(),
        search: () => this.page.search.focus(),
        help: () => (this.page.help.open = !this.page.help.open),
      };
    }

    // Keys, never while one types into a box. Gives what ends it.
    listen(element, keys) {
      const named = new Map(KEYS.map(([key, action]) => [key, this.actions()[action]]));
      const press = (event) => {
        if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
        if (event.target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
        const action = named.get(event.key);
        if (!action) return;
        event.preventDefault();
        event.stopPropagation();
        action();
      };
      const redraw = () => {
        if (controls.recolored(this.page)) this.refresh({ quiet: true });
      };
      const dark = matchMedia("(prefers-color-scheme: dark)");
      const classes = new MutationObserver(redraw); // of those that say light or dark
      for (const place of [document.documentElement, document.body]) {
        classes.observe(place, { attributeFilter: ["class", "data-jp-theme-light"] });
      }
      keys.addEventListener("keydown", press);
      dark.addEventListener("change", redraw);
      return () => {
        keys.removeEventListener("keydown", press);
        dark.removeEventListener("change", redraw);
        classes.disconnect();
      };
    }
  }

  // What may be chosen: the candidates, and the highest peaks of the periodogram.
  function candidates(object, scan) {
    const given = object.periods.map(({ value, per_day: perDay, origin, detail, epoch }) => ({
      period: { value, perDay },
      origin,
      detail,
      epoch,
    }));
    const peaks = scan ? view.highestPeaks(scan, 5, object.baseline) : [];
    const made = peaks.map((i) => ({
      period: { value: 1 / scan.frequency[i], perDay: 1 },
      origin: "periodogram",
      detail: `peak, ${scan.label} ${scan.power[i].toPrecision(3)}`,
      epoch: null,
    }));
    return [...given, ...made];
  }

  // The state of an object whose candidate of that number is chosen.
  function chosen(own, number) {
    const candidate = own.candidates[number];
    if (!candidate) return { number: 0 };
    const base = [candidate.origin, candidate.detail].filter(Boolean).join(", ");
    const epoch = candidate.epoch ? { epoch: candidate.epoch } : {};
    return { number, base, origin: base, factor: 1, typed: false, period: candidate.period, ...epoch };
  }

  // Put an explorer into an element. options = {onChange(state), initial, load(index), keys: who hears the keyboard}.
  function mount(element, payload, options = {}) {
    const explorer = new Explorer(element, payload, options);
    element.dataset.ready = "true";
    return {
      state: () => explorer.state(),
      set: (changes) => explorer.set(changes),
      drawn: () => explorer.drawn(),
      receive: (index, more) => explorer.receive(index, more),
      remove: () => {
        explorer.stop();
        controls.remove(explorer.page);
      },
    };
  }

  Object.assign(globalThis.AlerceZvar, { mount });
})();
