// Texts in and out: what is typed, how numbers are shown, names that nobody can trust, tables as text.
(() => {
  "use strict";
  const UNITS = { d: 1, h: 24, min: 1440 }; // so many of them are a day
  const NAMES = { day: "d", days: "d", hr: "h", hour: "h", hours: "h", minute: "min", minutes: "min", m: "min" };
  const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
  // Characters that drive terminals, and those that turn the direction of a text.
  const CONTROL = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
  const JD_FROM = 1000000; // no MJD of an observation is so large, no JD so small
  const MJD_ZERO = 2400000.5;
  const DRIFT = 1e-3; // cycles over the baseline that the last digit of a period stands for
  const MOST_DIGITS = 15;

  // A name as it is shown: what cannot be seen is marked.
  function visible(text) {
    return String(text).replace(CONTROL, "\ufffd");
  }

  // The same for plotly, which takes some markup.
  function forPlotly(text) {
    return visible(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/%/g, "&#37;");
  }

  // "13.7 h" -> {value, perDay}; an Error says what is wrong.
  function parsePeriod(text, unit) {
    const [, digits, own] = text.trim().match(/^(\S*?)\s*([a-z]*)$/i) ?? [null, text.trim(), ""];
    const exponent = digits + own; // "1e" of "1e-3" is no unit
    const number = NUMBER.test(exponent) ? exponent : digits;
    const word = number === exponent ? "" : own.toLowerCase();
    const chosen = word ? (NAMES[word] ?? word) : unit;
    if (!NUMBER.test(number)) throw new Error(`A period is a number like 0.5713, not “${visible(text.trim())}”.`);
    if (!(chosen in UNITS)) throw new Error(`The unit of a period is d, h or min, not “${visible(own)}”.`);
    return checkPeriod({ value: Number(number), perDay: UNITS[chosen] });
  }

  function checkPeriod(period) {
    const days = period.value / period.perDay;
    if (!(days > 1e-6 && days < 1e6)) throw new Error("A period lies between 0.000001 and 1000000 days.");
    return period;
  }

  // Days and a rest, as MJD, of an epoch that is typed as MJD or JD; the digits of the rest are not rounded away.
  function parseEpoch(text, format) {
    const trimmed = text.trim();
    if (!/^[+-]?\d+(\.\d*)?$/.test(trimmed))
      throw new Error(`An epoch is a number of days, not “${visible(trimmed)}”.`);
    const [whole, rest] = trimmed.split(".");
    const days = Number(whole);
    const part = (trimmed.startsWith("-") ? -1 : 1) * Number(`0.${rest || "0"}`);
    if (format === "JD" && days < JD_FROM) throw new Error(`${whole} is no JD; is it an MJD?`);
    if (format === "MJD" && days >= JD_FROM) throw new Error(`${whole} is no MJD; is it a JD?`);
    return format === "JD" ? { days: days - 2400001, rest: part + 0.5 } : { days, rest: part };
  }

  function parseBins(text) {
    const bins = Number(text.trim() || "0");
    if (!Number.isInteger(bins) || bins < 0 || bins > 1000) {
      throw new Error(`Bins are a whole number from 0 to 1000, not “${visible(text.trim())}”.`);
    }
    return bins;
  }

  // Digits after the point that the baseline allows: over it, one in the last place moves the phase by DRIFT.
  function periodDigits(days, baseline, perDay) {
    const step = baseline > 0 ? (DRIFT * days * days * perDay) / baseline : 1e-8;
    return Math.min(Math.max(Math.ceil(-Math.log10(step)), 0), MOST_DIGITS);
  }

  function periodText(period, baseline, unit) {
    const days = period.value / period.perDay;
    const shown = period.perDay === UNITS[unit] ? period.value : days * UNITS[unit];
    return shown.toFixed(periodDigits(days, baseline, UNITS[unit]));
  }

  function epochText(mjd, format) {
    return (format === "JD" ? mjd + MJD_ZERO : mjd).toFixed(format === "JD" ? 6 : 7);
  }

  function quoted(value) {
    const text = String(value);
    return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  }

  const COLUMNS = ["id", "period", "epoch_mjd", "scale", "origin", "note"];

  function csv(kept) {
    const lines = kept.map((row) => COLUMNS.map((name) => quoted(row[name])).join(","));
    return [COLUMNS.join(","), ...lines, ""].join("\r\n");
  }

  // Enhanced CSV 1.0 (astropy APE 6).
  function ecsv(kept) {
    const type = { period: "float64, unit: d", epoch_mjd: "float64, unit: d" };
    const head = COLUMNS.map((name) => `# - {name: ${name}, datatype: ${type[name] ?? "string"}}`);
    const text = (value) => (typeof value === "number" ? String(value) : `"${String(value).replace(/"/g, '""')}"`);
    const lines = kept.map((row) => COLUMNS.map((name) => text(row[name])).join(","));
    return ["# %ECSV 1.0", "# ---", "# delimiter: ','", "# datatype:", ...head, COLUMNS.join(","), ...lines, ""].join(
      "\n",
    );
  }

  globalThis.AlerceZvar.words = {
    UNITS,
    visible,
    forPlotly,
    parsePeriod,
    checkPeriod,
    parseEpoch,
    parseBins,
    periodDigits,
    periodText,
    epochText,
    csv,
    ecsv,
  };
})();
