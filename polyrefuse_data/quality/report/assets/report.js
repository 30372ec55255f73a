"use strict";
// Prompts are untrusted text: they reach the page through textContent only.
(() => {
  const PAGE = 40;
  const rows = JSON.parse(document.getElementById("data").textContent).rows;
  const list = document.getElementById("row-list");
  const count = document.getElementById("row-count");
  const more = document.getElementById("more");
  const filters = Object.fromEntries([...document.querySelectorAll("[id^='filter-']")].map((node) => [node.id.slice(7), node]));
  const order = document.getElementById("order");
  const search = document.getElementById("search");
  const reveal = document.getElementById("reveal");
  const revealed = new Set();
  let found = rows;
  let shown = PAGE;

  const element = (tag, kind, text) => {
    const node = document.createElement(tag);
    if (kind) node.className = kind;
    if (text !== undefined) node.textContent = text;
    return node;
  };

  const textBlock = (row, name, label, language) => {
    const block = element("div", "text");
    block.append(element("span", "label", label));
    const body = element("span", "body", row[name]);
    body.dir = "auto";
    if (language) body.lang = language;
    const key = `${row.id} ${row.language} ${name}`;
    if (row.label !== "harmless" && !reveal.checked && !revealed.has(key)) {
      body.classList.add("blurred");
      body.tabIndex = 0;
      body.setAttribute("role", "button");
      body.setAttribute("aria-label", "Blurred text: activate to show");
      const show = () => {
        revealed.add(key);
        body.classList.remove("blurred");
        for (const attribute of ["role", "tabindex", "aria-label"]) body.removeAttribute(attribute);
      };
      body.addEventListener("click", show, { once: true });
      body.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); show(); }
      });
    }
    block.append(body);
    return block;
  };

  const SCORES = [["identified as", "detected"], ["p(language)", "language_confidence"], ["length ratio", "length_ratio"],
    ["copied", "copy_ratio"], ["chrF++", "chrf"], ["BLEU", "bleu"]];

  const card = (row) => {
    const node = element("article", "row");
    const meta = element("div", "meta");
    meta.append(element("span", `chip ${row.status}`, row.status), element("strong", "", row.language), element("code", "", row.id));
    meta.append(element("span", "", [row.label, row.split, row.category, row.translator].filter(Boolean).join(" · ")));
    for (const flag of row.flags) meta.append(element("span", "chip flag", flag));
    const scores = element("div", "meta");
    for (const [name, key] of SCORES) {
      if (row[key] === null || row[key] === "") continue;
      const score = element("span", "", `${name} `);
      score.append(element("b", "", String(row[key])));
      scores.append(score);
    }
    const texts = element("div", "texts");
    texts.append(textBlock(row, "text", "text", row.language));
    if (row.text_en && row.language !== "en") texts.append(textBlock(row, "text_en", "English", "en"));
    if (row.back_translation) texts.append(textBlock(row, "back_translation", "back-translation", "en"));
    node.append(meta, scores, texts);
    return node;
  };

  const draw = () => {
    list.replaceChildren(...found.slice(0, shown).map(card));
    count.textContent = found.length ? `${found.length} of these ${rows.length} rows` : "No row on this page matches. Of the rows without a flag, it shows only a few.";
    more.hidden = shown >= found.length;
  };

  const ORDERS = {
    worst: () => 0,
    chrf: (a, b) => (a.chrf ?? 1e9) - (b.chrf ?? 1e9),
    confidence: (a, b) => (a.language_confidence ?? 1e9) - (b.language_confidence ?? 1e9),
    short: (a, b) => (a.length_ratio ?? 1e9) - (b.length_ratio ?? 1e9),
    long: (a, b) => (b.length_ratio ?? -1) - (a.length_ratio ?? -1),
    copy: (a, b) => (b.copy_ratio ?? -1) - (a.copy_ratio ?? -1),
  };

  const FITS = { flag: (row, value) => row.flags.includes(value) };
  const fits = (row, name, value) => !value || (FITS[name] ? FITS[name](row, value) : row[name] === value);

  const refresh = () => {
    const wanted = search.value.trim().toLocaleLowerCase();
    found = rows.filter((row) =>
      Object.entries(filters).every(([name, filter]) => fits(row, name, filter.value)) &&
      (!wanted || [row.id, row.text, row.text_en, row.back_translation].some((text) => text && text.toLocaleLowerCase().includes(wanted))));
    found = found.map((row, index) => [row, index]).sort(([a, i], [b, j]) => ORDERS[order.value](a, b) || i - j).map(([row]) => row);
    for (const filter of Object.values(filters)) filter.classList.toggle("chosen", filter.value !== "");
    shown = PAGE;
    draw();
  };

  const reset = () => {
    for (const filter of Object.values(filters)) filter.selectedIndex = 0;
    order.selectedIndex = 0;
    search.value = "";
  };

  for (const filter of [...Object.values(filters), order]) filter.addEventListener("change", refresh);
  search.addEventListener("input", refresh);
  reveal.addEventListener("change", draw);
  more.addEventListener("click", () => { shown += PAGE; draw(); });
  document.getElementById("reset").addEventListener("click", () => { reset(); refresh(); });

  // Numbers of the tables lead to their rows.
  for (const cell of document.querySelectorAll("button[data-filter]")) {
    cell.addEventListener("click", () => {
      reset();
      for (const [name, value] of Object.entries(JSON.parse(cell.dataset.filter))) {
        if (name === "search") { search.value = value; continue; }
        const filter = filters[name];
        if (![...filter.options].some((option) => option.value === value)) filter.add(new Option(value, value));
        filter.value = value;
      }
      refresh();
      document.getElementById("rows").scrollIntoView();
    });
  }

  for (const head of document.querySelectorAll("th.sortable")) {
    head.querySelector("button").addEventListener("click", () => {
      const table = head.closest("table");
      const column = head.cellIndex;
      const numeric = head.classList.contains("number");
      const up = head.getAttribute("aria-sort") ? head.getAttribute("aria-sort") === "descending" : !numeric;
      for (const other of table.querySelectorAll("th")) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const value = (line) => {
        const text = line.cells[column].dataset.value ?? line.cells[column].textContent.trim();
        const number = Number.parseFloat(text);
        return numeric ? (Number.isNaN(number) ? -Infinity : number) : text;
      };
      const compare = (a, b) => {
        const [x, y] = [value(a), value(b)];
        const order = numeric ? (x > y) - (x < y) : x.localeCompare(y);
        return up ? order : -order;
      };
      const body = table.tBodies[0];
      body.append(...[...body.rows].sort(compare));
    });
  }

  const chooser = document.getElementById("choose-score");
  const choose = () => {
    for (const figure of document.querySelectorAll("[data-score]")) figure.hidden = figure.dataset.score !== chooser.value;
  };
  if (chooser) { chooser.addEventListener("change", choose); choose(); }

  const line = document.getElementById("choose-line");
  if (line) {
    line.addEventListener("change", () => {
      for (const node of document.querySelectorAll("#sweep [data-line]")) {
        const own = node.dataset.line === line.value || node.dataset.line.split(" ").includes(line.value);
        node.classList.toggle("dim", line.value !== "" && !own);
      }
    });
  }
  refresh();
})();
