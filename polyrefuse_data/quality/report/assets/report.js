"use strict";
// Prompts are untrusted text: they reach the page through textContent only.
(() => {
  const PAGE = 40;
  const MEANING_PAGE = 10;
  const { rows, meaning } = JSON.parse(document.getElementById("data").textContent);
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

  const rowsOf = (some) => `${some.length.toLocaleString("en")} ${some.length === 1 ? "row" : "rows"}`;

  // A text in parts, some of them marked with an element that says how.
  const fill = (body, parts, mark) => body.append(...parts.map(([text, marked]) => (marked ? element(mark, "", text) : text)));

  const textBlock = (row, name, label, language, parts, mark) => {
    const block = element("div", "text");
    const heading = element("span", "label", label);
    block.append(heading);
    const body = element("span", "body", parts ? undefined : row[name]);
    if (parts) fill(body, parts, mark);
    body.dir = "auto";
    if (language) body.lang = language;
    const key = `${row.id} ${row.language} ${name}`;
    if (row.label !== "harmless" && !reveal.checked && !revealed.has(key)) {
      // Covered for eyes and ears alike. A click on the text shows it, and so does the button.
      const button = element("button", "go", "show");
      button.type = "button";
      body.classList.add("blurred");
      body.setAttribute("aria-hidden", "true");
      const show = () => {
        revealed.add(key);
        body.classList.remove("blurred");
        body.removeAttribute("aria-hidden");
        button.remove();
      };
      body.addEventListener("click", show, { once: true });
      button.addEventListener("click", show, { once: true });
      heading.append(" ", button);
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

  const signed = (nats) => `${nats < 0 ? "−" : "+"}${Math.abs(nats).toFixed(1)}`;

  const meaningCard = (row) => {
    const node = element("article", "row");
    const meta = element("div", "meta");
    const chance = element("span", "", "p_good ");
    chance.append(element("b", "", row.p_good.toFixed(2)));
    meta.append(element("span", `chip ${row.status}`, row.status), chance, element("strong", "", row.language), element("code", "", row.id));
    for (const flag of row.flags) meta.append(element("span", "chip flag", flag));
    const signs = element("div", "meta");
    for (const [name, nats] of row.pulls) {
      const sign = element("span", "", `${name} `);
      sign.append(element("b", "", signed(nats)));
      signs.append(sign);
    }
    const texts = element("div", "texts");
    texts.append(textBlock(row, "text_en", "prompt", "en", row.prompt_parts, "del"));
    const back = element("div", "text");
    back.append(element("span", "label", "no back-translation"));
    texts.append(row.back_parts.length ? textBlock(row, "back_translation", "back-translation", "en", row.back_parts, "ins") : back);
    texts.append(textBlock(row, "text", "text", row.language));
    node.append(meta, signs, texts);
    return node;
  };

  const meaningList = document.getElementById("meaning-list");
  const meaningFilters = ["language", "status"].map((name) => [name, document.getElementById(`meaning-${name}`)]);
  let meaningShown = MEANING_PAGE;
  const drawMeaning = () => {
    if (!meaningList) return;
    const own = meaning.filter((row) => meaningFilters.every(([name, filter]) => !filter.value || row[name] === filter.value));
    meaningList.replaceChildren(...own.slice(0, meaningShown).map(meaningCard));
    document.getElementById("meaning-count").textContent = rowsOf(own);
    document.getElementById("meaning-more").hidden = meaningShown >= own.length;
  };

  const draw = () => {
    list.replaceChildren(...found.slice(0, shown).map(card));
    count.textContent = found.length ? `${found.length.toLocaleString("en")} of ${rowsOf(rows)}` : "No row on this page matches. Of the rows without a flag, it shows only a few.";
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
  for (const box of document.querySelectorAll(".reveal")) {
    box.addEventListener("change", () => {
      for (const other of document.querySelectorAll(".reveal")) other.checked = box.checked;
      draw();
      drawMeaning();
    });
  }
  if (meaningList) {
    for (const [name, filter] of meaningFilters) {
      for (const value of [...new Set(meaning.map((row) => row[name]))].sort()) filter.add(new Option(value, value));
      filter.addEventListener("change", () => { meaningShown = MEANING_PAGE; drawMeaning(); });
    }
    document.getElementById("meaning-more").addEventListener("click", () => { meaningShown += MEANING_PAGE; drawMeaning(); });
  }
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
  // What scrolls sideways can be reached by keyboard.
  for (const box of document.querySelectorAll(".scroll")) {
    box.tabIndex = 0;
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", box.closest("section").querySelector("h2").textContent);
  }

  refresh();
  drawMeaning();
})();
