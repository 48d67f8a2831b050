// Points that a new period moves sideways, and nothing else. Plotly would style each of them anew, which takes several
// times as long.
(() => {
  "use strict";
  const { view } = globalThis.AlerceZvar;
  const same = (a, b) => a.length === b.length && a.every((one, i) => Object.is(one, b[i]));

  // The marks that plotly has drawn and its points to them, or null where these are not as expected.
  function found(plot) {
    const drawn = [...plot.querySelectorAll(".scatterlayer path.point")];
    const points = (plot.calcdata ?? []).flat();
    const known = drawn.length === points.length && drawn.every((node, i) => node.__data__ === points[i]);
    return known ? { drawn, points } : null;
  }

  // Move the points of a plot to those of traces that differ in nothing but x, with their error bars. Gives false, and
  // changes nothing, where that cannot be done.
  function move(plot, traces) {
    const before = plot.data ?? [];
    if (before.length !== traces.length || !traces.every(({ y }, i) => same(y, before[i].y))) return false;
    const [marks, lines] = [found(plot), view.bars(traces)];
    const paths = lines.map((_, i) => plot.querySelector(`.shapelayer path[data-index="${i}"]`));
    if (!marks || paths.includes(null)) return false;
    const { xaxis, yaxis } = plot._fullLayout;
    traces.forEach(({ x, meta }, i) => [before[i], plot._fullData[i]].forEach((one) => Object.assign(one, { x, meta })));
    const moved = traces.flatMap(({ x }) => x);
    marks.points.forEach((point, i) => {
      point.x = moved[i];
      marks.drawn[i].setAttribute("transform", `translate(${xaxis.c2p(point.x)},${yaxis.c2p(point.y)})`);
    });
    const pixels = (_, x, y) => `${xaxis._offset + xaxis.c2p(+x)},${yaxis._offset + yaxis.c2p(+y)}`;
    lines.forEach(({ path }, i) => {
      for (const shapes of [plot.layout.shapes, plot._fullLayout.shapes]) shapes[i].path = path;
      paths[i].setAttribute("d", path.replace(/([^MLZ,]+),([^ML]+)/g, pixels));
    });
    return true;
  }

  globalThis.AlerceZvar.move = move;
})();
