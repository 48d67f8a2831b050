// The explorer of an object's page: its light curves, and, when asked, the periods that a search finds.
(() => {
  "use strict";

  // Content of a JSON answer; what the server refuses becomes an error in its words.
  async function fetched(address) {
    const whole = new URL(address, location.origin); // without the login that the page's own address may hold
    const answer = await fetch(whole, { credentials: "same-origin" });
    const isJSON = (answer.headers.get("content-type") ?? "").startsWith("application/json");
    const content = isJSON ? await answer.json() : {};
    if (!answer.ok) throw new Error(content.detail ?? `The server answered with status ${answer.status}.`);
    return content;
  }

  function listen(handle, payload, address) {
    const status = document.getElementById("search-status");
    const buttons = [...document.querySelectorAll("button[data-curve]")];
    for (const button of buttons) {
      const index = payload.objects.findIndex((object) => object.id === button.dataset.id);
      button.addEventListener("click", async () => {
        for (const one of buttons) one.disabled = true;
        status.textContent = "Searching …";
        try {
          const found = await fetched(`${address}/periods.json?curve=${encodeURIComponent(button.dataset.curve)}`);
          handle.receive(index, found);
          handle.set({ index });
          status.textContent = `Found, ${found.periods[0].detail}.`;
        } catch (error) {
          status.textContent = error.message;
        }
        for (const one of buttons) one.disabled = false;
        if (document.activeElement === document.body) button.focus(); // which it lost when it was disabled
      });
    }
    document.querySelector(".searches").hidden = false;
  }

  async function start(element) {
    element.replaceChildren("Loading …");
    const payload = await fetched(`${element.dataset.address}/explorer.json`);
    element.replaceChildren();
    const handle = globalThis.AlerceZvar.mount(element, payload);
    globalThis.AlerceZvar.handle = handle;
    listen(handle, payload, element.dataset.address);
  }

  const element = document.getElementById("explorer");
  start(element).catch((error) => element.replaceChildren(`The explorer could not be loaded. ${error.message}`));
})();
