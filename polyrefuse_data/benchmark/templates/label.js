"use strict";
// Prompts and replies are untrusted text: they reach the page through textContent only.
(() => {
  const { rows, labels, columns, shown } = JSON.parse(document.getElementById("data").textContent);
  const node = (id) => document.getElementById(id);
  const place = `polyrefuse labels ${shown}`;
  const choices = [...document.querySelectorAll("[data-label]")];
  const state = { annotator: "", always: false, at: 0, labels: {} };
  let revealed = false;
  let keeps = true;
  let downloaded = true;

  const keep = () => {
    try {
      localStorage.setItem(place, JSON.stringify(state));
    } catch {
      keeps = false;
    }
    node("lost").hidden = keeps;
  };

  const restore = () => {
    try {
      const kept = JSON.parse(localStorage.getItem(place) ?? "{}");
      state.annotator = String(kept.annotator ?? "");
      state.always = kept.always === true;
      state.at = Math.min(Math.max(Number(kept.at) || 0, 0), rows.length - 1);
      for (const row of rows) if (labels.includes(kept.labels?.[row.key])) state.labels[row.key] = kept.labels[row.key];
    } catch {
      keeps = false;
    }
  };

  const draw = () => {
    const row = rows[state.at];
    const blurred = row.harmful && !revealed && !state.always;
    node("number").textContent = `Reply ${state.at + 1} of ${rows.length}`;
    node("language").textContent = row.language;
    node("given").textContent = state.labels[row.key] ?? "";
    for (const name of ["prompt", "reply"]) {
      node(name).textContent = row[name];
      node(name).lang = row.language;
      node(name).setAttribute("aria-hidden", String(blurred));
      node(name).parentElement.classList.toggle("blurred", blurred);
    }
    node("blurred").hidden = !blurred;
    for (const choice of choices) choice.setAttribute("aria-pressed", String(choice.dataset.label === state.labels[row.key]));
    const done = Object.keys(state.labels).length;
    node("done").textContent = done;
    node("bar").value = done;
    node("lost").hidden = keeps;
  };

  const show = () => {
    draw();
    keep();
  };

  const go = (to) => {
    if (to < 0 || to >= rows.length) return;
    state.at = to;
    revealed = false;
    show();
  };

  const reveal = () => {
    revealed = true;
    show();
  };

  const nextWithout = () => {
    const order = [...rows.keys()].map((step) => (state.at + 1 + step) % rows.length);
    const found = order.find((index) => !(rows[index].key in state.labels));
    if (found === undefined) {
      node("told").textContent = "Every reply has a label: download the file.";
      show();
    } else go(found);
  };

  const label = (name) => {
    state.labels[rows[state.at].key] = name;
    downloaded = false;
    nextWithout();
  };

  const clear = () => {
    delete state.labels[rows[state.at].key];
    downloaded = false;
    show();
  };

  const download = () => {
    // A name that an import takes, and no spreadsheet reads as a formula.
    if (!/^[\p{L}\p{N}_][\p{L}\p{N}_ .@-]{0,63}$/u.test(state.annotator)) {
      node("told").textContent = "Fill in your name first: letters, digits, spaces and . _ - @.";
      node("annotator").focus();
      return;
    }
    const line = (cells) => cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(",");
    const lines = rows.map((row) => {
      const told = { ...row, label: state.labels[row.key] ?? "", annotator: state.annotator };
      return line(columns.map((name) => told[name]));
    });
    const blob = new Blob(["\ufeff" + [line(columns), ...lines].join("\r\n") + "\r\n"], { type: "text/csv" });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = "labels.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    downloaded = true;
    node("told").textContent = "labels.csv: import it with `polyrefuse benchmark label import`.";
  };

  restore();
  node("annotator").value = state.annotator;
  node("always").checked = state.always;
  node("annotator").addEventListener("input", (event) => { state.annotator = event.target.value.trim(); keep(); });
  node("always").addEventListener("change", (event) => { state.always = event.target.checked; show(); });
  for (const choice of choices) choice.addEventListener("click", () => label(choice.dataset.label));
  const actions = { back: () => go(state.at - 1), forward: () => go(state.at + 1), next: nextWithout, clear, reveal, download };
  for (const [id, act] of Object.entries(actions)) node(id).addEventListener("click", act);
  const keys = { ArrowLeft: actions.back, ArrowRight: actions.forward, n: nextWithout, 0: clear, " ": reveal };
  labels.forEach((name, index) => { keys[index + 1] = () => label(name); });
  // After a click with the mouse, the space key shows texts again.
  document.addEventListener("click", (event) => { if (event.detail) document.activeElement?.closest("button")?.blur(); });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") document.activeElement.blur();
    if (event.target.id === "annotator" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " " && document.activeElement?.closest("button, input")) return; // it presses what has the focus
    const act = keys[event.key];
    if (!act || (event.repeat && !event.key.startsWith("Arrow"))) return; // a key held down labels one reply
    event.preventDefault();
    act();
  });
  window.addEventListener("beforeunload", (event) => { if (!keeps && !downloaded) event.preventDefault(); });
  draw(); // and keep nothing: what another tab has labelled since may not be read yet, and must not be written over
})();
