// What plotly is to draw: traces and layouts, from the numbers of fold.js.
(() => {
  "use strict";
  const { fold, words } = globalThis.AlerceZvar;
  const CONFIG = {
    showSendToCloud: false,
    plotlyServerURL: "",
    displaylogo: false,
    responsive: true,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
    toImageButtonOptions: { filename: "light_curve" },
  };
  const NAMES = { mag: "Magnitude", flux: "Flux" };
  const MULTIPLES = { "⅓": 3, "½": 2, 2: 1 / 2, 3: 1 / 3 }; // of P: frequencies over its own
  const ALIASES = { "+1/d": 1, "−1/d": -1, "+2/d": 2, "−2/d": -2 }; // of one observation a night
  const SAME = 8; // pixels around a click in which the highest peak is meant

  // Colours of the page, from its style sheet.
  function theme(element) {
    const style = getComputedStyle(element);
    const color = (name) => style.getPropertyValue(`--az-${name}`).trim();
    return {
      text: color("text"),
      grey: color("soft"),
      grid: color("grid"),
      paper: color("panel"),
      line: color("line"),
      mark: color("mark"),
    };
  }

  function axis(colors, title, more) {
    const lines = { gridcolor: colors.grid, linecolor: colors.text, tickcolor: colors.text, zeroline: false };
    const text = { title: { text: title, standoff: 8 }, ticks: "outside", showline: true, mirror: true };
    return { ...lines, ...text, exponentformat: "e", automargin: true, ...more };
  }

  function layout(colors, xaxis, yaxis, more) {
    return {
      paper_bgcolor: colors.paper,
      plot_bgcolor: colors.paper,
      font: { color: colors.text, size: 12 },
      margin: { l: 62, r: 14, t: 34, b: 46 },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: colors.grey, activecolor: colors.text },
      showlegend: false,
      hovermode: "closest",
      dragmode: "zoom",
      xaxis,
      yaxis,
      ...more,
    };
  }

  function valueTitle(column, unit) {
    return NAMES[column] + (unit ? ` [${words.forPlotly(unit)}]` : "");
  }

  function marker(group, colors, more) {
    const color = group.color === "#000000" ? colors.text : group.color;
    return { color, symbol: group.symbol, size: 5, line: { width: 0 }, ...more };
  }

  function label(group) {
    const field = group.field ? `, field ${words.forPlotly(group.field)}` : "";
    return `${words.forPlotly(group.band) || "no band"}${field}`;
  }

  function hover(x, group, column) {
    return `${x}<br>${column} %{y:.4~f}<extra>${label(group)}</extra>`;
  }

  // Markers; their error bars, if shown, are of bars().
  function points(group, kind, x, y, error, { colors, errors, style, hovertemplate }) {
    const meta = { kind, band: group.band, field: group.field };
    if (errors && error.length && !error.every(Number.isNaN)) {
      meta.bars = x
        .map((one, i) => (Number.isNaN(error[i]) ? "" : `M${one},${y[i] - error[i]}L${one},${y[i] + error[i]}`))
        .join("");
    }
    const trace = { type: "scatter", mode: "markers", x, y, name: label(group), meta, hovertemplate };
    return { ...trace, marker: marker(group, colors, style) };
  }

  // The error bars of each trace as one path: plotly's own are an element each, which takes ten times as long.
  function bars(traces) {
    return traces
      .filter(({ meta }) => meta.bars)
      .map(({ meta, marker: { color, opacity = 1 } }) => ({
        type: "path",
        path: meta.bars,
        name: barsName(meta),
        line: { color, width: 0.9 },
        opacity,
        layer: "between",
      }));
  }

  function barsName({ kind, band, field }) {
    return JSON.stringify([kind, band, field]);
  }

  // Half the length of each error bar that a plot shows of a trace, or null.
  function drawnErrors(plot, meta) {
    const shape = (plot.layout.shapes ?? []).find(({ name }) => name === barsName(meta));
    if (!shape) return null;
    return [...shape.path.matchAll(/M[^,]+,([^L]+)L[^,]+,([^M]+)/g)].map(([, low, high]) => (high - low) / 2);
  }

  // Folded points, and the means over them where there are any.
  function foldedTraces(folded, colors, errors) {
    const traces = folded.traces.map((trace) => {
      const style = trace.bins ? { opacity: 0.25 } : {};
      const hovertemplate = hover("phase %{x:.5f}", trace, folded.column);
      const settings = { colors, errors: errors && !trace.bins, style, hovertemplate };
      return points(trace, "points", trace.phase, trace.value, trace.error, settings);
    });
    for (const trace of folded.traces.filter((one) => one.bins)) {
      const style = { size: 8, line: { color: colors.text, width: 1 } };
      const settings = { colors, errors, style, hovertemplate: hover("phase %{x:.5f}, mean", trace, folded.column) };
      traces.push(points(trace, "bins", trace.bins.phase, trace.bins.value, trace.bins.error, settings));
    }
    return traces;
  }

  function foldedLayout(folded, colors, cycles, traces) {
    const turned = folded.column === "mag" ? { autorange: "reversed" } : {};
    return layout(
      colors,
      axis(colors, "Phase [cycles]", { range: [0, cycles], autorange: false }),
      axis(colors, valueTitle(folded.column, folded.unit), turned),
      { shapes: bars(traces), uirevision: `${folded.column} ${cycles}` },
    );
  }

  // Points against time, and upper limits as open triangles.
  function unfoldedTraces(object, arrays, how, colors, errors, mjd) {
    const column = arrays.columns[how.column];
    const traces = [];
    object.groups.forEach((group, number) => {
      if (how.hidden.has(group.band)) return;
      const here = [...column.row.keys()].filter((i) => arrays.group[column.row[i]] === number);
      const hovertemplate = hover("MJD %{x:.5f}", group, how.column);
      if (here.length) {
        const [x, y, error] = [
          here.map((i) => mjd[column.row[i]]),
          here.map((i) => column.value[i]),
          here.map((i) => column.error[i]),
        ];
        traces.push(points(group, "points", x, y, error, { colors, errors, style: {}, hovertemplate }));
      }
      const limits = arrays.limits && how.column === "mag" ? arrays.limits : { row: [], value: [] };
      const there = [...limits.row.keys()].filter((i) => arrays.group[limits.row[i]] === number);
      if (there.length) {
        const open = { symbol: "triangle-down-open", size: 6, opacity: 0.6, line: { width: 1 } };
        const settings = {
          colors,
          errors: false,
          style: open,
          hovertemplate: hover("MJD %{x:.5f}, upper limit", group, how.column),
        };
        traces.push(
          points(
            group,
            "limits",
            there.map((i) => mjd[limits.row[i]]),
            there.map((i) => limits.value[i]),
            [],
            settings,
          ),
        );
      }
    });
    return traces;
  }

  function unfoldedLayout(object, arrays, how, colors, traces) {
    const turned = how.column === "mag" ? { autorange: "reversed" } : {};
    return layout(
      colors,
      axis(colors, `MJD (${words.forPlotly(object.time.scale.toUpperCase())})`, { tickformat: "~f", nticks: 6 }),
      axis(colors, valueTitle(how.column, arrays.columns[how.column].unit), turned),
      { shapes: bars(traces), uirevision: how.column },
    );
  }

  function periodogramTrace(scan, colors) {
    const x = [...scan.frequency].map((frequency) => 1 / frequency);
    const hovertemplate = `P = %{x:.8~g} d<br>%{y:.4~g}<extra></extra>`;
    return {
      type: "scatter",
      mode: "lines",
      x,
      y: [...scan.power],
      line: { color: colors.line, width: 1 },
      hovertemplate,
    };
  }

  // Period (days) of each mark by its name, those within the range that was searched.
  function marks(days, scan) {
    const frequency = 1 / days;
    const found = { P: frequency };
    for (const [name, factor] of Object.entries(MULTIPLES)) found[name] = frequency * factor;
    for (const [name, shift] of Object.entries(ALIASES)) found[name] = Math.abs(frequency + shift);
    const [low, high] = [Math.min(...scan.frequency), Math.max(...scan.frequency)];
    const inside = Object.entries(found).filter(([, one]) => one >= low && one <= high);
    return Object.fromEntries(inside.map(([name, one]) => [name, 1 / one]));
  }

  // Lines at the period, its multiples and aliases, with the names of the first two kinds.
  function periodogramMarks(scan, days, colors) {
    const shapes = [];
    const annotations = [];
    for (const [name, period] of Object.entries(days ? marks(days, scan) : {})) {
      const dash = name === "P" ? "solid" : name in MULTIPLES ? "dash" : "dot";
      const line = { color: colors.mark, width: name === "P" ? 1.6 : 0.8, dash };
      const x = { xref: "x", yref: "paper" };
      shapes.push({ type: "line", ...x, x0: period, x1: period, y0: 0, y1: 1, line, layer: "below", name });
      if (name in ALIASES) continue; // they lie too close to name them all
      const text = { text: name, showarrow: false, yanchor: "bottom", font: { size: 11, color: colors.text } };
      annotations.push({ ...x, x: Math.log10(period), y: 1, ...text });
    }
    return { shapes, annotations };
  }

  function periodogramLayout(scan, days, colors) {
    return layout(
      colors,
      axis(colors, "Period [d]", { type: "log", dtick: 1, minor: { ticks: "outside" } }),
      axis(colors, words.forPlotly(scan.label[0].toUpperCase() + scan.label.slice(1)), { rangemode: "tozero" }),
      {
        ...periodogramMarks(scan, days, colors),
        hovermode: "x",
        uirevision: "periodogram",
        margin: { l: 62, r: 14, t: 48, b: 46 },
      },
    );
  }

  // Index of the highest point within some pixels of a period, as the axis lies now.
  function nearestPeak(scan, period, xaxis) {
    const width = Math.abs(xaxis.range[1] - xaxis.range[0]) * (SAME / xaxis._length);
    let best = -1;
    scan.frequency.forEach((frequency, i) => {
      if (Math.abs(Math.log10(frequency * period)) <= width && (best < 0 || scan.power[i] > scan.power[best])) best = i;
    });
    return best;
  }

  // The highest peaks that are further apart than they are wide, as indices, by falling power.
  function highestPeaks(scan, number, baseline) {
    const { frequency, power } = scan;
    const tops = [...power.keys()].filter(
      (i) => !(power[i - 1] > power[i]) && !(power[i + 1] > power[i]) && i > 0 && i < power.length - 1,
    );
    const found = [];
    for (const i of tops.sort((a, b) => power[b] - power[a])) {
      if (found.every((j) => Math.abs(frequency[i] - frequency[j]) * baseline > 2)) found.push(i);
      if (found.length === number) break;
    }
    return found;
  }

  globalThis.AlerceZvar.view = {
    CONFIG,
    theme,
    bars,
    drawnErrors,
    foldedTraces,
    foldedLayout,
    unfoldedTraces,
    unfoldedLayout,
    periodogramTrace,
    periodogramLayout,
    periodogramMarks,
    marks,
    nearestPeak,
    highestPeaks,
    days: fold.days,
  };
})();
