// The console: an editor with completion, answers in pages of rows, a chart of them, downloads, a history that stays in this
// browser, and links that carry the SQL. Values of an answer are only ever written as text.
"use strict";
(() => {
  const PAGE = 200;
  const MOST = 10000;
  const KEPT = 60;
  const id = (name) => document.getElementById(name);
  const made = (name, text, className) => {
    const node = document.createElement(name);
    if (text !== undefined) node.textContent = text;
    if (className) node.className = className;
    return node;
  };
  const state = { names: {}, columns: new Map(), answer: null, page: 0, sorted: null, stop: null, editor: null };
  const text = () => (state.editor ? state.editor.getValue() : id("sql").value);
  const set = (sql) => { if (state.editor) { state.editor.setValue(sql); state.editor.focus(); } else id("sql").value = sql; };
  const told = (words, bad) => { id("told").textContent = words; id("told").classList.toggle("bad", Boolean(bad)); };
  const count = (n) => n.toLocaleString("en");

  // Editor
  const KEYWORDS = "select from where and or not in is null like ilike between group by order having limit offset join left right inner outer full cross on as with recursive union all except intersect minus case when then else end distinct top qualify over partition rows range unbounded preceding following asc desc nulls first last exists create temp temporary table view drop explain show set reset similar to interval cast true false within filter using pivot unpivot";
  const FUNCTIONS = "count sum avg min max median listagg approximate percentile_cont percentile_disc row_number rank dense_rank lag lead first_value last_value ntile ratio_to_report datediff dateadd date_trunc date_part getdate sysdate current_date convert_timezone to_char to_date to_timestamp to_number coalesce nvl nvl2 nullif decode greatest least round floor ceil abs mod power sqrt upper lower btrim ltrim rtrim trim left right substring split_part replace regexp_substr regexp_replace regexp_count regexp_instr position strpos len length lpad rpad json_extract_path_text query_fingerprint query_shape query_excerpt";
  const TYPES = "integer int bigint smallint real float float8 double precision numeric decimal varchar char text date timestamp timestamptz boolean";
  const words = (list) => Object.fromEntries(list.split(" ").map((word) => [word, true]));
  const complete = async (editor) => {
    const cursor = editor.getCursor();
    const token = editor.getTokenAt(cursor);
    const line = editor.getLine(cursor.line).slice(0, cursor.ch);
    const typed = /[\w$]*$/.exec(line)[0];
    const from = { line: cursor.line, ch: cursor.ch - typed.length };
    if (token.type === "string" || token.type === "comment") return { list: [], from, to: cursor };
    const all = editor.getValue();
    const used = Object.keys(state.names).filter((name) => new RegExp(`\\b${name.replace(/[^\w]/g, "\\$&")}\\b`, "i").test(all));
    const before = /([\w$]+)\.$/.exec(line.slice(0, line.length - typed.length));
    let tables = used;
    if (before) {
      const alias = new RegExp(`\\b(?:from|join)\\s+([\\w$]+)(?:\\s+as)?\\s+${before[1]}\\b`, "i").exec(all);
      tables = [alias ? alias[1] : before[1]];
    }
    const columns = (await Promise.all(tables.slice(0, 6).map(columnsOf))).flat();
    const found = new Map();
    const add = (name, kind) => { if (name.toLowerCase().startsWith(typed.toLowerCase()) && !found.has(name)) found.set(name, kind); };
    for (const column of columns) add(column.name, column.type);
    if (!before) {
      for (const name of Object.keys(state.names)) add(name, "table");
      for (const word of FUNCTIONS.split(" ")) add(word, "function");
      for (const word of KEYWORDS.split(" ")) add(word.toUpperCase(), "");
    }
    const list = Array.from(found, ([name]) => name).filter((name) => name.toLowerCase() !== typed.toLowerCase()).slice(0, 200);
    return { list, from, to: cursor };
  };
  const columnsOf = async (table) => {
    const key = table.toLowerCase();
    if (!(key in state.names)) return [];
    if (!state.columns.has(key)) {
      const asked = fetch(`/console/columns?table=${encodeURIComponent(key)}`).then((answer) => (answer.ok ? answer.json() : [])).catch(() => []);
      state.columns.set(key, asked);
    }
    return state.columns.get(key);
  };
  const edit = () => {
    if (!window.CodeMirror) return;
    CodeMirror.defineMIME("text/x-lookback", { name: "sql", client: {}, keywords: words(`${KEYWORDS} ${TYPES}`), builtin: words(FUNCTIONS), atoms: words("true false null"), operatorChars: /^[*\/+\-%<>!=~]/, dateSQL: words("date time timestamp"), support: new Set ? { ODBCdotTable: true, decimallessFloat: true, zerolessFloat: true, commentHash: false } : {} });
    state.editor = CodeMirror.fromTextArea(id("sql"), {
      mode: "text/x-lookback", lineNumbers: true, lineWrapping: true, matchBrackets: true, indentUnit: 2, tabSize: 2, inputStyle: "contenteditable", spellcheck: false, screenReaderLabel: "SQL",
      hintOptions: { hint: Object.assign((editor) => complete(editor), { async: false }), completeSingle: false },
      // Tab leaves the editor, as everywhere else on the page.
      extraKeys: { "Ctrl-Enter": run, "Cmd-Enter": run, "Ctrl-Space": "autocomplete", Tab: false, "Shift-Tab": false, "Ctrl-/": "toggleComment" },
    });
    const field = state.editor.getInputField();
    field.setAttribute("role", "textbox");
    field.setAttribute("aria-multiline", "true");
    state.editor.on("inputRead", (editor, change) => { if (/^[\w.$]$/.test(change.text[0] || "")) editor.showHint(); });
  };

  // Asking
  const request = (sql, accept, signal) => {
    const asOf = id("result").dataset.asOf;
    const body = { sql };
    if (asOf) body.as_of = asOf;
    return fetch("/api/sql", { method: "POST", signal, credentials: "same-origin", headers: { "Content-Type": "application/json", Accept: accept }, body: JSON.stringify(accept === "application/json" ? { ...body, limit: MOST } : body) });
  };
  const problem = async (answer) => {
    const words = await answer.json().catch(() => ({}));
    return [words.title, words.detail].filter(Boolean).join(": ") || `The server answered ${answer.status}`;
  };
  const busy = (on) => { id("run").disabled = on; id("stop").disabled = !on; };
  async function run() {
    const sql = text().trim();
    if (!sql || id("run").disabled) return;
    busy(true);
    told("Running …");
    state.stop = new AbortController();
    const began = performance.now();
    try {
      const answer = await request(sql, "application/json", state.stop.signal);
      if (!answer.ok) throw new Error(await problem(answer));
      const result = await answer.json();
      if (result.error) throw new Error(result.error.detail || result.error.title);
      state.answer = result;
      state.page = 0;
      remember(sql);
      link(sql);
      show();
      const more = result.truncated ? ` (the first ${count(MOST)}; a download has all)` : "";
      told(`${count(result.rows.length)} rows${more} in ${((performance.now() - began) / 1000).toFixed(2)} s`);
    } catch (error) {
      id("result").hidden = true;
      told(error.name === "AbortError" ? "Stopped" : error.message, error.name !== "AbortError");
    } finally {
      busy(false);
    }
  }
  const link = (sql) => {
    const query = new URLSearchParams(location.search);
    query.set("sql", sql);
    const url = `/console?${query}`;
    if (url.length < 16000) history.replaceState(null, "", url);
    return url;
  };
  const download = async (entry) => {
    told(`Preparing ${entry.dataset.format} …`);
    try {
      const answer = await request(text().trim(), entry.dataset.accept);
      if (!answer.ok) throw new Error(await problem(answer));
      const url = URL.createObjectURL(await answer.blob());
      const anchor = made("a");
      anchor.href = url;
      anchor.download = `lookback.${entry.dataset.format}`;
      anchor.click();
      setTimeout(() => URL.revokeObjectURL(url), 10000);
      told("Downloaded");
    } catch (error) {
      told(error.message, true);
    }
  };

  // Showing
  const numeric = (type) => /int|numeric|decimal|real|double|float/.test(type);
  const show = () => {
    const { columns, rows, notices = [] } = state.answer;
    id("result").hidden = false;
    const table = made("table");
    table.append(made("caption", "Result", "sr"));
    const head = made("tr");
    for (const column of columns) {
      const cell = made("th", undefined, numeric(column.type) ? "amount" : "");
      cell.scope = "col";
      cell.append(column.name, " ", made("small", column.type));
      head.append(cell);
    }
    const top = made("thead");
    top.append(head);
    const body = made("tbody");
    for (const row of rows.slice(state.page * PAGE, (state.page + 1) * PAGE)) {
      const line = made("tr");
      row.forEach((value, i) => {
        const shown = value === null ? "null" : typeof value === "object" ? JSON.stringify(value) : String(value);
        const cell = made("td", shown.length > 600 ? `${shown.slice(0, 600)}…` : shown, value === null ? "null" : numeric(columns[i].type) ? "amount" : "");
        cell.title = shown.length > 60 ? shown.slice(0, 4000) : "";
        line.append(cell);
      });
      body.append(line);
    }
    table.append(top, body);
    const scroll = made("div", undefined, "scroll");
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "group");
    scroll.setAttribute("aria-label", "Rows of the result");
    scroll.append(table);
    const pages = made("div", undefined, "pages");
    const last = Math.max(0, Math.ceil(rows.length / PAGE) - 1);
    const shownRows = rows.length ? `Rows ${count(state.page * PAGE + 1)} to ${count(Math.min(rows.length, (state.page + 1) * PAGE))} of ${count(rows.length)}` : "No rows";
    pages.append(made("span", shownRows, "grow"));
    for (const [name, by] of [["Back", -1], ["More", 1]]) {
      const button = made("button", name, "button small");
      button.type = "button";
      button.disabled = by < 0 ? state.page === 0 : state.page >= last;
      button.addEventListener("click", () => { state.page += by; show(); });
      pages.append(button);
    }
    id("as-table").replaceChildren(scroll, pages);
    id("notices").replaceChildren(...notices.map((notice) => made("span", notice.text, "chip info")));
    choices();
    if (!id("as-chart").hidden) chart();
  };
  const choices = () => {
    const { columns } = state.answer;
    const fill = (select, entries, chosen) => {
      const old = select.value;
      select.replaceChildren(...entries.map((name) => { const option = made("option", name); option.value = name; return option; }));
      select.value = entries.includes(old) ? old : chosen ?? entries[0] ?? "";
    };
    const amounts = columns.filter((column) => numeric(column.type)).map((column) => column.name);
    const times = columns.filter((column) => /time|date/.test(column.type)).map((column) => column.name);
    const names = columns.map((column) => column.name);
    fill(id("chart-x"), names, times[0] ?? names.find((name) => !amounts.includes(name)));
    fill(id("chart-y"), amounts, amounts[amounts.length - 1]);
    fill(id("chart-by"), ["(none)", ...names], "(none)");
  };
  const chart = () => {
    const { columns, rows } = state.answer;
    const place = (name) => columns.findIndex((column) => column.name === name);
    const [x, y, by] = [place(id("chart-x").value), place(id("chart-y").value), place(id("chart-by").value)];
    if (x < 0 || y < 0 || !rows.length) { told("A chart needs a column of numbers and a row"); return; }
    const names = [];
    const at = new Map();
    const series = new Map();
    for (const row of rows.slice(0, 5000)) {
      const key = String(row[x]);
      if (!at.has(key)) { at.set(key, names.length); names.push(key); }
      const name = by < 0 ? columns[y].name : String(row[by]);
      if (!series.has(name)) series.set(name, []);
      const values = series.get(name);
      values[at.get(key)] = (values[at.get(key)] ?? 0) + Number(row[y]);
    }
    if (/time|date/.test(columns[x].type)) {
      const order = names.map((name, i) => [name, i]).sort((a, b) => (a[0] < b[0] ? -1 : 1));
      names.splice(0, names.length, ...order.map(([name]) => name));
      for (const [name, values] of series) series.set(name, order.map(([, i]) => values[i]));
    }
    const kept = Array.from(series).slice(0, 20).map(([name, values]) => ({ name, values: names.map((_, i) => values[i] ?? null) }));
    const element = id("chart");
    element.dataset.chart = JSON.stringify({ kind: id("chart-kind").value, unit: "", label: "Result", names, stack: by >= 0, series: kept });
    window.lookbackCharts.begin(id("as-chart"));
  };
  const tab = (name) => {
    for (const one of ["table", "chart"]) {
      id(`tab-${one}`).setAttribute("aria-selected", String(one === name));
      id(`as-${one}`).hidden = one !== name;
    }
    if (name === "chart" && state.answer) chart();
  };

  // History and tables
  const past = () => {
    try { return JSON.parse(localStorage.getItem("lookback.history") || "[]"); } catch { return []; }
  };
  const remember = (sql) => {
    const kept = [sql, ...past().filter((one) => one !== sql)].slice(0, KEPT);
    try { localStorage.setItem("lookback.history", JSON.stringify(kept)); } catch { /* A browser that keeps nothing has no history. */ }
    listPast();
  };
  const leaf = (label, note, act) => {
    const item = made("li");
    const button = made("button", undefined, "leaf");
    button.type = "button";
    button.append(label);
    if (note) button.append(made("span", note));
    button.addEventListener("click", act);
    item.append(button);
    return item;
  };
  const listPast = () => {
    const kept = past();
    const short = (sql) => (sql.length > 90 ? `${sql.slice(0, 89)}…` : sql);
    id("history").replaceChildren(...(kept.length ? kept.map((sql) => leaf(short(sql.replace(/\s+/g, " ")), "", () => set(sql))) : [made("li", "What you run is kept here.", "note")]));
  };
  const listTables = () => {
    state.names = Object.fromEntries(JSON.parse(id("tables").dataset.names).map((name) => [name, true]));
    id("tables").replaceChildren(...Object.keys(state.names).map((name) => {
      const item = made("li");
      const details = made("details");
      details.append(made("summary", name));
      const list = made("ul");
      details.append(list);
      details.addEventListener("toggle", async () => {
        if (!details.open || list.childElementCount) return;
        const columns = await columnsOf(name);
        list.replaceChildren(...columns.map((column) => leaf(column.name, column.type, () => insert(column.name))));
      });
      item.append(details);
      return item;
    }));
  };
  const insert = (name) => { if (state.editor) { state.editor.replaceSelection(name); state.editor.focus(); } else set(`${text()} ${name}`); };

  document.addEventListener("DOMContentLoaded", () => {
    listTables();
    listPast();
    edit();
    id("ask").addEventListener("submit", (event) => { event.preventDefault(); event.stopPropagation(); run(); }, true);
    id("stop").addEventListener("click", () => state.stop?.abort());
    id("share").addEventListener("click", async () => {
      const url = new URL(link(text().trim()), location.href).href;
      try { await navigator.clipboard.writeText(url); told("Link copied"); } catch { told("The link is in the address bar"); }
    });
    id("forget").addEventListener("click", () => { localStorage.removeItem("lookback.history"); listPast(); });
    for (const entry of id("downloads").querySelectorAll("a")) entry.addEventListener("click", (event) => { event.preventDefault(); download(entry); });
    id("tab-table").addEventListener("click", () => tab("table"));
    id("tab-chart").addEventListener("click", () => tab("chart"));
    for (const name of ["x", "y", "by", "kind"]) id(`chart-${name}`).addEventListener("change", chart);
    // A link that carries SQL is shown, and run when asked: a link must not ask on its own.
  });
})();
