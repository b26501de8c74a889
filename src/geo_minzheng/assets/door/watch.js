// Beside every page: tells the door that somebody is here, and covers the screen when nobody was for long.
// What is covered stays as it is, so that a half-filled form is there again after the PIN.
(() => {
  const post = (path, body) =>
    fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body || {}) });
  let limits = null, last = Date.now(), told = 0, dialog = null;

  const leave = () => { location.href = "/door/sign-in?why=ended&next=" + encodeURIComponent(location.pathname + location.search); };

  function cover() {
    if (dialog) return;
    dialog = document.createElement("dialog");
    dialog.id = "lock";
    dialog.setAttribute("aria-labelledby", "lock_title");
    const add = (name, words, marks) => {
      const part = document.createElement(name);
      part.textContent = words || "";
      Object.assign(part, marks || {});
      dialog.append(part);
      return part;
    };
    add("h2", limits.words.locked, { id: "lock_title" });
    add("p", limits.words.locked_hint);
    const label = add("label", limits.words.word, { htmlFor: "lock_word" });
    const word = add("input", "", { id: "lock_word", type: "password", autocomplete: "off" });
    const said = add("p", "", { className: "alarm" });
    said.setAttribute("role", "alert");
    const button = add("button", limits.words.unlock, { type: "button" });
    const form = add("form", "", { method: "post", action: "/door/sign-out" });
    const out = document.createElement("button");
    out.textContent = limits.words.leave;
    form.append(out);
    const open = async () => {
      const answer = await post("/door/unlock", { word: word.value });
      word.value = "";
      if (answer.ok) {
        dialog.close(); dialog.remove(); dialog = null; last = Date.now();
      } else if (answer.status === 401) leave();
      else said.textContent = limits.words.unlock_failed;
    };
    button.addEventListener("click", open);
    word.addEventListener("keydown", (event) => { if (event.key === "Enter") open(); });
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    document.documentElement.append(dialog);  // beside the body: a page of its own may make the body inert
    dialog.showModal();
    word.focus();
    void label;
  }

  async function ask() {
    const answer = await fetch("/door/me", { headers: { Accept: "application/json" } });
    if (answer.status === 401) return leave();
    if (!answer.ok) return;
    limits = await answer.json();
    if (limits.locked) cover();
  }

  async function look() {
    if (!limits || dialog) return;
    const silent = (Date.now() - last) / 1000;
    if (limits.kind === "browser" && silent > limits.quiet_s) {
      await ask();
      if (!dialog && limits.kind === "browser" && silent > limits.quiet_s && limits.locks) {
        await post("/door/lock");
        cover();
      }
    } else if (Date.now() - told > 60000 && last > told) {
      told = Date.now();
      const answer = await post("/door/seen");
      if (answer.status === 401) leave();
      if (answer.status === 423) cover();
    }
  }

  for (const kind of ["pointerdown", "keydown", "wheel", "touchstart"])
    addEventListener(kind, () => { if (!dialog) last = Date.now(); }, { passive: true, capture: true });
  addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
  ask();
  setInterval(look, 1000);
  setInterval(ask, 60000);
})();
