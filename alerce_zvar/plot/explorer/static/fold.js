// Folding, as alerce_zvar/plot/model.py and alerce_zvar/folding.py do it, number for number. No page is needed here.
(() => {
  "use strict";
  const SPLITTER = 2 ** 27 + 1; // halves the 53 bits of a double: Dekker 1971, Numerische Mathematik 18, 224
  const EXACT_CYCLES = 2 ** 26; // so many times the upper half of a period is exact
  const [FINEST, COARSEST, PER_BIN] = [100, 10, 8]; // bins in which the minimum is looked for, and points for each
  const TOP = 0.25; // of the depth: what counts as the faintest part
  const TYPES = { f8: Float64Array, f4: Float32Array, u4: Uint32Array, u2: Uint16Array, u1: Uint8Array };
  const MJD_ZERO = 2400000.5;
  const SECONDS = 86400;

  // An array of the payload as numbers.
  function decode(packed) {
    if (packed === null || packed === undefined) return null;
    const bytes = Uint8Array.from(atob(packed.data), (letter) => letter.charCodeAt(0));
    const array = new TYPES[packed.dtype](bytes.buffer);
    return array instanceof Float32Array ? Float64Array.from(array) : array;
  }

  function counted(number) {
    return Uint32Array.from({ length: number }, (_, index) => index);
  }

  // The arrays of one object of the payload.
  function decodeObject(object) {
    const jd1 = decode(object.time.jd1);
    const columns = {};
    for (const [name, column] of Object.entries(object.columns)) {
      const value = decode(column.value);
      const row = decode(column.row) ?? counted(value.length);
      const error = decode(column.error) ?? new Float64Array(value.length).fill(NaN);
      columns[name] = { unit: column.unit, row, value, error };
    }
    const limits = object.limits && { row: decode(object.limits.row), value: decode(object.limits.value) };
    return { ...object.time, jd1, jd2: decode(object.time.jd2), group: decode(object.group), columns, limits };
  }

  // Remainder with the sign of the divisor, which is positive.
  function modulo(number, divisor) {
    const rest = number % divisor;
    return rest < 0 ? rest + divisor : rest;
  }

  // Phases 0 <= phase < 1 of times in two parts. period = {value, perDay}: in a unit of which a day has so many.
  function phases(jd1, jd2, epoch, period) {
    const { value, perDay } = period;
    const perPeriod = 1 / value;
    const large = value * SPLITTER;
    const upper = large - (large - value);
    const lower = value - upper;
    const found = new Float64Array(jd1.length);
    for (let i = 0; i < jd1.length; i++) {
      let whole = jd1[i] - epoch.jd1;
      let rest = jd2[i] - epoch.jd2;
      if (perDay > 1) {
        whole *= perDay;
        rest *= perDay;
      }
      const turns = Math.floor((whole + rest) * perPeriod);
      let phase;
      if (Math.abs(turns) < EXACT_CYCLES) {
        phase = whole - turns * upper;
        phase -= turns * lower;
      } else {
        phase = modulo(whole, value);
      }
      phase += rest;
      phase *= perPeriod;
      phase -= Math.floor(phase);
      found[i] = phase < 1 ? phase : 0; // a tiny negative number rounds up to 1
    }
    return found;
  }

  function place(phase, bins) {
    return Math.min(Math.trunc(phase * bins), bins - 1);
  }

  // Weighted means in equal bins of phase, empty bins left out; errors may be null.
  function binPhase(phase, value, error, bins) {
    const count = new Uint32Array(bins);
    const norm = new Float64Array(bins);
    const sum = new Float64Array(bins);
    const squares = new Float64Array(bins);
    for (let i = 0; i < phase.length; i++) {
      const bin = place(phase[i], bins);
      const weight = error ? error[i] ** -2 : 1;
      count[bin] += 1;
      norm[bin] += weight;
      sum[bin] += weight * value[i];
    }
    const mean = sum.map((total, bin) => (norm[bin] > 0 ? total / norm[bin] : 0));
    if (!error) {
      for (let i = 0; i < phase.length; i++)
        squares[place(phase[i], bins)] += (value[i] - mean[place(phase[i], bins)]) ** 2;
    }
    const kept = [...count.keys()].filter((bin) => count[bin]);
    const spread = (bin) => Math.sqrt(squares[bin] / (count[bin] - 1) / count[bin]);
    return {
      phase: kept.map((bin) => (bin + 0.5) / bins),
      value: kept.map((bin) => mean[bin]),
      error: kept.map((bin) => (error ? 1 / Math.sqrt(norm[bin]) : spread(bin))),
      count: kept.map((bin) => count[bin]),
    };
  }

  // Phases and columns again, one cycle on, as far as `cycles` reaches.
  function repeated(columns, cycles) {
    const again = [...columns.phase.keys()].filter((i) => columns.phase[i] + 1 < cycles);
    const grown = {};
    for (const [name, column] of Object.entries(columns)) {
      const shift = name === "phase" ? 1 : 0;
      grown[name] = [...column, ...again.map((i) => column[i] + shift)];
    }
    return grown;
  }

  function known(error) {
    return error.length && !error.some(Number.isNaN) ? error : null;
  }

  // Traces, one per band and field that has points; how = {period, epoch, cycles, bins, column, hidden}, hidden a Set
  // of bands to leave out.
  function model(object, arrays, how) {
    const column = arrays.columns[how.column];
    const phase = phases(arrays.jd1, arrays.jd2, how.epoch, how.period);
    const rows = object.groups.map(() => []);
    column.row.forEach((row, i) => rows[arrays.group[row]].push(i));
    const traces = [];
    object.groups.forEach((group, number) => {
      if (!rows[number].length || (how.hidden && how.hidden.has(group.band))) return;
      const first = {
        row: rows[number].map((i) => column.row[i]),
        phase: rows[number].map((i) => phase[column.row[i]]),
        value: rows[number].map((i) => column.value[i]),
        error: rows[number].map((i) => column.error[i]),
      };
      const means = how.bins ? binPhase(first.phase, first.value, known(first.error), how.bins) : null;
      traces.push({ ...group, first, ...repeated(first, how.cycles), bins: means && repeated(means, how.cycles) });
    });
    return { column: how.column, unit: column.unit, traces };
  }

  // Root mean square of the steps from point to point in phase, over the square root of 2.
  function scatter(folded) {
    let [squares, number] = [0, 0];
    for (const { first } of folded.traces) {
      if (first.value.length < 2) continue;
      const order = [...first.phase.keys()].sort((a, b) => first.phase[a] - first.phase[b]);
      const value = order.map((i) => first.value[i]);
      value.forEach((one, i) => (squares += (value[(i + 1) % value.length] - one) ** 2));
      number += value.length;
    }
    return number ? Math.sqrt(squares / (2 * number)) : NaN;
  }

  function centred(first) {
    const weight = known(first.error) ? first.error.map((error) => error ** -2) : first.value.map(() => 1);
    const norm = weight.reduce((sum, one) => sum + one, 0);
    const mean = weight.reduce((sum, one, i) => sum + one * first.value[i], 0) / norm;
    return { weight, value: first.value.map((one) => one - mean) };
  }

  // Phase at which the star is faintest in all bands together, from smoothed bins; NaN without points.
  function faintestPhase(folded) {
    const total = folded.traces.reduce((sum, trace) => sum + trace.first.value.length, 0);
    if (!total) return NaN;
    const bins = Math.min(Math.max(Math.floor(total / PER_BIN), COARSEST), FINEST);
    const weight = new Float64Array(bins);
    const sum = new Float64Array(bins);
    for (const { first } of folded.traces) {
      const moved = centred(first);
      first.phase.forEach((phase, i) => {
        const bin = place(phase, bins);
        weight[bin] += moved.weight[i];
        sum[bin] += moved.weight[i] * moved.value[i];
      });
    }
    const mean = sum.map((one, bin) => (weight[bin] > 0 ? one / weight[bin] : 0));
    const sign = folded.column === "mag" ? 1 : -1;
    const smooth = mean.map((one, i) => (sign * (mean[(i + bins - 1) % bins] + 2 * one + mean[(i + 1) % bins])) / 4);
    return middle(
      smooth,
      [...weight.keys()].filter((bin) => weight[bin] > 0),
    );
  }

  function median(values) {
    const sorted = [...values].sort((a, b) => a - b);
    const half = sorted.length >> 1;
    return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }

  // Phase of the middle of the highest part: the bins around the highest filled one, weighted by height over a level.
  function middle(heights, filled) {
    const best = filled.reduce((top, bin) => (heights[bin] > heights[top] ? bin : top));
    const bins = heights.length;
    const level = heights[best] - TOP * (heights[best] - median(filled.map((bin) => heights[bin])));
    let [above, shift] = [Math.max(heights[best] - level, 0), 0];
    for (const side of [-1, 1]) {
      for (let step = 1; step < Math.floor(bins / 2); step++) {
        const height = heights[modulo(best + side * step, bins)] - level;
        if (height <= 0) break;
        above += height;
        shift += side * step * height;
      }
    }
    return modulo((best + 0.5 + (above > 0 ? shift / above : 0)) / bins, 1);
  }

  // Seconds by which TAI is ahead of UTC at a day (MJD) of either.
  function leap(mjd, table) {
    let found = 0;
    for (const [since, seconds] of table) if (mjd >= since) found = seconds;
    return found;
  }

  // MJD that is shown, in the light curve's own scale, of a time in the scale that is folded.
  function shownMjd(jd1, jd2, time, table) {
    const mjd = jd1 - MJD_ZERO + jd2;
    return time.scale === time.fold_scale ? mjd : mjd - leap(mjd, table) / SECONDS;
  }

  // Time in the scale that is folded, in two parts, of an MJD in the light curve's own scale: whole days and a rest.
  function foldTime(days, rest, time, table) {
    const ahead = time.scale === time.fold_scale ? 0 : leap(days + rest, table) / SECONDS;
    return { jd1: days + MJD_ZERO, jd2: rest + ahead };
  }

  // Epoch moved on by so many cycles.
  function movedEpoch(epoch, cycles, period) {
    return { jd1: epoch.jd1, jd2: epoch.jd2 + (cycles * period.value) / period.perDay };
  }

  const days = (period) => period.value / period.perDay;

  globalThis.AlerceZvar = globalThis.AlerceZvar ?? {};
  globalThis.AlerceZvar.fold = {
    decode,
    decodeObject,
    phases,
    binPhase,
    model,
    scatter,
    faintestPhase,
    shownMjd,
    foldTime,
    movedEpoch,
    days,
  };
})();
