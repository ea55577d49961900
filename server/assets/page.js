// What the page does beside links: menus that close, keys, tables that sort, the theme. Without it, everything can still be read.
"use strict";
(() => {
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const say = (text) => { const live = document.getElementById("live"); if (live) live.textContent = text; };

  const enter = (menu) => menu.querySelector("input[type=search], input:not([type=hidden])")?.focus();
  // Menus are <details>: one is open at a time, Escape and a click elsewhere close it.
  document.addEventListener("click", (event) => {
    for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("toggle", (event) => {
    const menu = event.target;
    if (!menu.matches?.("details.menu") || !menu.open) return;
    for (const other of all("details.menu[open]")) if (other !== menu) other.open = false;
    enter(menu);
  }, true);
  // A long list narrows as one types.
  document.addEventListener("input", (event) => {
    const box = event.target.closest("[data-filter]");
    if (!box) return;
    const wanted = box.value.toLowerCase();
    for (const entry of all(box.dataset.filter)) entry.hidden = !entry.textContent.toLowerCase().includes(wanted);
  });
  // Empty fields stay out of the URL; local times are told as what they are, UTC.
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "get") return;
    for (const field of all("input, select, textarea", event.target)) if (field.name && !field.value) field.disabled = true;
  });
  window.addEventListener("pageshow", () => { for (const field of all("input[disabled], select[disabled], textarea[disabled]")) field.disabled = false; });

  const theme = () => {
    const choice = window.lookbackTheme.next();
    say(`Theme: ${choice}`);
    label();
  };
  const label = () => {
    const button = document.getElementById("theme");
    if (button) button.title = `Theme: ${document.documentElement.dataset.choice} (t)`;
  };

  const shift = (part) => {
    const range = document.body.dataset;
    const [from, to] = [Number(range.from), Number(range.to)];
    if (!from || !to) return;
    const by = (to - from) * part;
    const query = new URLSearchParams(location.search);
    query.set("from", new Date(from + by).toISOString().slice(0, 19) + "Z");
    query.set("to", new Date(to + by).toISOString().slice(0, 19) + "Z");
    location.assign(`${location.pathname}?${query}`);
  };

  let pending = "";
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const menu = document.querySelector("details.menu[open]");
      if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
      return;
    }
    if (event.target.closest("input, textarea, select, dialog, [contenteditable], .CodeMirror") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (pending === "g") {
      pending = "";
      const link = document.querySelector(`.rail a[data-key="${CSS.escape(event.key)}"]`);
      if (link) link.click();
      return;
    }
    switch (event.key) {
      case "g": pending = "g"; setTimeout(() => { pending = ""; }, 1200); break;
      case "t": theme(); break;
      case "r": refresh(); break;
      case "[": shift(-0.5); break;
      case "]": shift(0.5); break;
      case "c": open("pick-clusters", event); break;
      case "d": open("pick-range", event); break;
      case "?": document.getElementById("help-keys")?.showModal(); break;
    }
  });
  const open = (id, event) => {
    const menu = document.getElementById(id);
    // The menu's own event comes later than the next key may.
    if (menu) { event.preventDefault(); menu.open = true; enter(menu); }
  };
  const refresh = () => {
    const panels = all("[data-panel]");
    if (!panels.length || !window.htmx) { location.reload(); return; }
    for (const panel of panels) htmx.trigger(panel, "again");
    say("Refreshing");
  };

  // Rows in the order of a column, by number where there is one.
  const sort = (button) => {
    const head = button.closest("th");
    const table = head.closest("table");
    const place = Array.from(head.parentNode.children).indexOf(head);
    const up = head.getAttribute("aria-sort") === "descending";
    for (const other of all("th[aria-sort]", table)) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = (row) => {
      const cell = row.children[place];
      return cell.dataset.value === undefined ? cell.textContent.trim() : Number(cell.dataset.value);
    };
    const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true }));
    const rows = Array.from(table.tBodies[0].rows).map((row) => [key(row), row]);
    rows.sort((a, b) => (up ? 1 : -1) * compare(a[0], b[0]));
    table.tBodies[0].append(...rows.map(([, row]) => row));
  };

  const copy = async (button) => {
    const text = document.getElementById(button.dataset.copy)?.textContent ?? "";
    try { await navigator.clipboard.writeText(text); say("Copied"); button.dataset.done = "yes"; } catch { say("The browser did not allow to copy"); }
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.id === "theme") theme();
    else if (button.id === "again") refresh();
    else if (button.id === "help") document.getElementById("help-keys")?.showModal();
    else if (button.dataset.close !== undefined) button.closest("dialog").close();
    else if (button.dataset.copy) copy(button);
    else if (button.dataset.print !== undefined) print();
    else if (button.closest("th")) sort(button);
  });
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status === 401) location.reload();
    else say(`A panel could not be refreshed: ${event.detail.xhr.status}`);
  });
  document.addEventListener("DOMContentLoaded", () => {
    label();
    for (const block of all("pre.sql[data-sql]")) paint(block);
  });

  // Colours for SQL that is only read. The text stays text: each piece becomes a node of its own.
  const WORDS = /^(select|from|where|and|or|not|in|is|null|like|between|group|by|order|having|limit|offset|join|left|right|inner|outer|full|cross|on|as|with|union|all|except|intersect|case|when|then|else|end|distinct|insert|into|values|update|set|delete|create|table|temp|temporary|drop|alter|copy|unload|vacuum|analyze|cast|over|partition|rows|asc|desc|begin|commit|rollback|grant|revoke|to|using|exists|true|false|interval|qualify|top)$/i;
  const PIECE = /(--[^\n]*|\/\*[\s\S]*?\*\/)|('(?:[^'\\]|''|\\.)*'?)|(\b\d+(?:\.\d+)?\b)|([A-Za-z_][\w$]*)|([\s\S])/g;
  const paint = (block) => {
    const text = block.textContent;
    if (text.length > 200000) return;
    const parts = document.createDocumentFragment();
    let plain = "";
    const flush = () => { if (plain) { parts.append(plain); plain = ""; } };
    for (const [whole, comment, string, number, word] of text.matchAll(PIECE)) {
      const kind = comment ? "c" : string ? "s" : number ? "n" : word && WORDS.test(word) ? "k" : "";
      if (!kind) { plain += whole; continue; }
      flush();
      const span = document.createElement("span");
      span.className = kind;
      span.textContent = whole;
      parts.append(span);
    }
    flush();
    block.replaceChildren(parts);
  };
})();
