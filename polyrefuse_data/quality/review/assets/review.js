"use strict";
(() => {
  const { columns, rows, formula, name } = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const store = `polyrefuse-review ${rows.map((row) => row.check).join("")}`;
  const always = `${store} shows harmful texts`;
  let shown = [], place = 0, revealed = null; // the row whose harmful texts were asked for

  // Decisions so far, if this browser keeps anything for a page from a file.
  try {
    const kept = JSON.parse(localStorage.getItem(store) || "{}");
    rows.forEach((row) => Object.assign(row, kept[row.check + row.id] || {}));
    at("always").checked = localStorage.getItem(always) === "true";
  } catch { /* then the page starts anew */ }
  const keep = () => {
    const decided = rows.filter((row) => row.verdict || row.edit);
    const kept = Object.fromEntries(decided.map(({ check, id, verdict, edit, reviewer }) => [check + id, { verdict, edit, reviewer }]));
    try { localStorage.setItem(store, JSON.stringify(kept)); } catch { /* it is in the page still */ }
  };

  const words = (text) => text.match(/[\p{L}\p{N}\p{M}']+|[^\p{L}\p{N}\p{M}']+/gu) || [];
  const bare = (word) => word.toLowerCase();

  // The words of `text` that are in no longest common run of words with `other`.
  function marked(text, other) {
    const ours = words(text), theirs = words(other).map(bare).filter((word) => /[\p{L}\p{N}]/u.test(word));
    const plain = ours.map(bare), most = 1500;
    if (ours.length > most || theirs.length > most) return ours.map((word) => [word, false]);
    const length = Array.from({ length: plain.length + 1 }, () => new Uint16Array(theirs.length + 1));
    for (let i = plain.length - 1; i >= 0; i--)
      for (let j = theirs.length - 1; j >= 0; j--)
        length[i][j] = plain[i] === theirs[j] ? length[i + 1][j + 1] + 1 : Math.max(length[i + 1][j], length[i][j + 1]);
    const found = [];
    for (let i = 0, j = 0; i < plain.length; i++) {
      const isWord = /[\p{L}\p{N}]/u.test(plain[i]);
      while (isWord && j < theirs.length && plain[i] !== theirs[j] && length[i][j + 1] >= length[i + 1][j] && length[i][j + 1] === length[i][j]) j++;
      const same = isWord && j < theirs.length && plain[i] === theirs[j];
      if (same) j++;
      found.push([ours[i], isWord && !same]);
    }
    return found;
  }

  function fill(node, parts) {
    node.replaceChildren(...parts.map(([text, isMarked]) => {
      const part = document.createElement(isMarked ? "mark" : "span");
      part.textContent = text;
      return part;
    }));
  }

  function filter() {
    const wanted = at("filter").value, row = shown[place];
    shown = rows.filter((one) => wanted === "all" || (wanted === "done") === Boolean(one.verdict || one.edit));
    place = Math.max(0, shown.indexOf(row));
    show();
  }

  function show() {
    const decided = rows.filter((row) => row.verdict || row.edit).length;
    at("progress").textContent = `${shown.length ? `Row ${place + 1} of ${shown.length}. ` : "No row to show. "}${decided} of ${rows.length} decided.`;
    const row = shown[place];
    document.querySelector("main").hidden = !row;
    if (!row) return;
    for (const field of ["id", "language", "label", "status"]) at(field).textContent = row[field];
    at("label").className = `tag ${row.label}`;
    at("flags").textContent = row.flags;
    fill(at("english"), row.back_translation ? marked(row.text_en, row.back_translation) : [[row.text_en, false]]);
    at("translation").textContent = row.text;
    at("translation").lang = at("edit").lang = row.language;
    at("back").hidden = !row.back_translation;
    fill(at("back_translation"), marked(row.back_translation, row.text_en));
    at("edit").value = row.edit;
    for (const verdict of ["good", "bad"]) at(verdict).setAttribute("aria-pressed", row.verdict === verdict);
    const blurred = row.label !== "harmless" && row !== revealed && !at("always").checked;
    at("texts").classList.toggle("blurred", blurred);
    at("texts").inert = blurred; // neither read aloud nor copied by accident
    at("hidden_texts").hidden = !blurred;
  }

  function decide(verdict) {
    if (!shown[place]) return;
    Object.assign(shown[place], { verdict, reviewer: at("reviewer").value });
    keep();
    if (verdict) move(1); else show();
  }

  function move(step) {
    place = Math.min(Math.max(place + step, 0), Math.max(shown.length - 1, 0));
    revealed = null;
    show();
  }

  function reveal() {
    revealed = shown[place];
    show();
  }

  function correct() {
    reveal();
    at("edit").focus();
  }

  const safe = (cell) => (formula.some((start) => cell.startsWith(start)) || cell.startsWith("'") ? `'${cell}` : cell);
  const quoted = (cell) => `"${safe(cell).replaceAll('"', '""')}"`;

  function save() {
    const lines = [columns.map(quoted), ...rows.map((row) => columns.map((column) => quoted(row[column])))];
    const text = "\ufeff" + lines.map((line) => line.join(",") + "\r\n").join("");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
  }

  at("edit").addEventListener("input", () => {
    Object.assign(shown[place], { edit: at("edit").value, reviewer: at("reviewer").value });
    keep();
  });
  at("good").onclick = () => decide("good");
  at("bad").onclick = () => decide("bad");
  at("clear").onclick = () => decide("");
  at("next").onclick = () => move(1);
  at("previous").onclick = () => move(-1);
  at("reveal").onclick = reveal;
  at("always").onchange = () => {
    try { localStorage.setItem(always, at("always").checked); } catch { /* it holds for this visit */ }
    show();
  };
  at("filter").onchange = filter;
  at("save").onclick = save;
  const keys = {
    g: () => decide("good"), b: () => decide("bad"), u: () => decide(""), e: correct, " ": reveal,
    j: () => move(1), ArrowRight: () => move(1), k: () => move(-1), ArrowLeft: () => move(-1),
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") document.activeElement.blur();
    const isTyping = document.activeElement.matches("input:not([type=checkbox]), textarea, select");
    if (event.key === " " && document.activeElement.matches("button, input")) return; // it presses what has the focus
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    if (event.repeat && "gbu".includes(event.key)) return; // a key held down decides on one row
    event.preventDefault();
    keys[event.key]();
  });
  // After a click with the mouse, the space key shows texts again.
  document.addEventListener("click", (event) => { if (event.detail) document.activeElement.closest("button")?.blur(); });
  filter();
})();
