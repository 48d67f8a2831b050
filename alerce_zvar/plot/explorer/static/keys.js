// What the keys do: the help panel shows this list, and the explorer obeys it.
(() => {
  "use strict";
  const KEYS = [
    ["n", "next", "next object"],
    ["p", "previous", "previous object"],
    ["d", "double", "double the period"],
    ["h", "halve", "halve the period"],
    ["3", "triple", "triple the period"],
    ["t", "third", "a third of the period"],
    ["r", "reset", "back to the chosen candidate"],
    ["]", "longer", "trim: one step longer"],
    ["[", "shorter", "trim: one step shorter"],
    ["m", "minimum", "minimum at phase 0"],
    ["b", "bins", "bins on or off"],
    ["e", "errors", "error bars on or off"],
    ["k", "keep", "keep this period"],
    ["c", "copy", "copy id and period"],
    ["/", "search", "search an object"],
    ["?", "help", "show or hide this list"],
  ];
  globalThis.AlerceZvar.KEYS = KEYS;
})();
