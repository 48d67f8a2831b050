// The explorer in a notebook: what stands before are plotly.js and the other scripts, as one module. See anywidget.
const { mount } = globalThis.AlerceZvar;
const SYNCED = ["index", "period", "epoch", "n_bins", "cycles", "kept"];
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

function render({ model, el }) {
  let telling = false; // what the explorer itself changes needs no answer
  const read = () => Object.fromEntries(SYNCED.map((name) => [name, model.get(name)]));
  const onChange = (state) => {
    const changed = SYNCED.filter((name) => !same(state[name], model.get(name)));
    telling = true;
    for (const name of changed) model.set(name, state[name]);
    telling = false;
    if (changed.length) model.save_changes();
  };
  const load = (index) => model.send({ look: index });
  const explorer = mount(el, model.get("page"), { keys: el, onChange, load, initial: read() });
  const follow = () => {
    if (telling) return;
    const [wanted, state] = [read(), explorer.state()];
    const changed = SYNCED.filter((name) => !same(wanted[name], state[name]));
    if (changed.length) explorer.set(Object.fromEntries(changed.map((name) => [name, wanted[name]])));
  };
  const receive = (message) => explorer.receive(message.index, message.object);
  for (const name of SYNCED) model.on(`change:${name}`, follow);
  model.on("msg:custom", receive);
  return () => {
    for (const name of SYNCED) model.off(`change:${name}`, follow);
    model.off("msg:custom", receive);
    explorer.remove();
  };
}

export default { render };
