// Draws what a panel's `data-chart` says. The server decides what is shown and adds up every number; here it only gets colours,
// axes and a hand: a click goes to the queries behind a bar, dragging over time zooms in. No text of a log becomes markup.
"use strict";
(() => {
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const palette = () => Array.from({ length: 10 }, (_, i) => css(`--c${i}`));
  const tones = { ok: "--t-ok", warn: "--t-warn", bad: "--t-bad", info: "--t-info", none: "--t-none" };
  const fine = (n) => {
    const size = Math.abs(n);
    const digits = size >= 100 || Number.isInteger(n) ? 0 : size >= 10 ? 1 : 2;
    return n.toLocaleString("en", { maximumFractionDigits: digits });
  };
  const scaled = (n, steps) => {
    let unit = steps[0];
    for (const step of steps) if (Math.abs(n) >= step[0]) unit = step;
    return `${fine(n / unit[0])}${unit[1]}`;
  };
  const SECONDS = [[0.001, " ms"], [1, " s"], [60, " min"], [3600, " h"], [86400, " d"]];
  const BYTES = [[1, " B"], [1024, " KiB"], [1048576, " MiB"], [1073741824, " GiB"], [1099511627776, " TiB"]];
  const COUNTS = [[1, ""], [1e3, "k"], [1e6, "M"], [1e9, "G"]];
  const show = (n, unit, short) => {
    if (n === null || n === undefined || Number.isNaN(n)) return "–";
    switch (unit) {
      case "seconds": return n === 0 ? "0 s" : scaled(n, SECONDS);
      case "hours": return n === 0 ? "0 h" : scaled(n * 3600, SECONDS);
      case "days": return `${fine(n)} d`;
      case "bytes": return scaled(n, BYTES);
      case "MB": return scaled(n * 1048576, BYTES);
      case "MB/s": return `${scaled(n * 1048576, BYTES)}/s`;
      case "percent": return `${fine(n)} %`;
      case "factor": return `${fine(n)}×`;
      default: return short ? scaled(n, COUNTS) : fine(n);
    }
  };
  const two = (n) => String(n).padStart(2, "0");
  const day = (t) => `${t.getUTCFullYear()}-${two(t.getUTCMonth() + 1)}-${two(t.getUTCDate())}`;
  const clock = (t) => `${two(t.getUTCHours())}:${two(t.getUTCMinutes())}`;
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const tick = (ms, span) => {
    const t = new Date(ms);
    const date = `${t.getUTCDate()} ${MONTHS[t.getUTCMonth()]}`;
    if (span > 3 * 86400e3) return date;
    return clock(t) === "00:00" ? date : clock(t);
  };
  const moment = (ms, step) => {
    const t = new Date(ms);
    if (step >= 86400e3) return day(t);
    const end = new Date(ms + (step || 0));
    return step ? `${day(t)} ${clock(t)} – ${clock(end)}` : `${day(t)} ${clock(t)}:${two(t.getUTCSeconds())}`;
  };

  // A tooltip from nodes: strings would be parsed as markup, and the page's policy forbids inline styles.
  const SVG = "http://www.w3.org/2000/svg";
  const node = (name, text, className) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const swatch = (colour) => {
    const box = document.createElementNS(SVG, "svg");
    box.setAttribute("viewBox", "0 0 10 10");
    const dot = document.createElementNS(SVG, "rect");
    for (const [key, value] of [["width", 10], ["height", 10], ["rx", 3], ["fill", colour]]) dot.setAttribute(key, value);
    box.append(dot);
    return box;
  };
  const tip = (head, rows, hint) => {
    const box = node("div", undefined, "tip");
    box.append(node("b", head));
    const table = node("table");
    for (const [colour, name, value] of rows) {
      const row = node("tr");
      const first = node("td");
      if (colour) first.append(swatch(colour));
      row.append(first, node("td", name), node("td", value, "amount"));
      table.append(row);
    }
    box.append(table);
    if (hint) box.append(node("div", hint, "hint"));
    return box;
  };

  const base = (spec) => {
    const text = { color: css("--dim"), fontFamily: css("--sans"), fontSize: 11 };
    return {
      animation: false,
      backgroundColor: "transparent",
      textStyle: text,
      color: palette(),
      aria: { enabled: false },
      grid: { left: 8, right: 12, top: 14, bottom: 6, outerBoundsMode: "same", outerBoundsContain: "axisLabel", containLabel: true },
      tooltip: {
        confine: true, transitionDuration: 0, backgroundColor: css("--raised"), borderColor: css("--line"), borderWidth: 1, padding: [8, 11],
        extraCssText: "border-radius:10px;", textStyle: { color: css("--text"), fontSize: 12 },
        axisPointer: { type: "shadow", shadowStyle: { color: css("--line"), opacity: 0.45 }, lineStyle: { color: css("--faint") } },
      },
      axis: {
        axisLine: { lineStyle: { color: css("--line-strong") } },
        axisTick: { show: false },
        axisLabel: { color: css("--faint"), fontSize: 11, hideOverlap: true },
        splitLine: { lineStyle: { color: css("--line"), width: 1 } },
      },
      title: spec.label,
    };
  };
  const legend = (spec) => spec.series.length < 2 ? undefined : {
    type: "scroll", bottom: 0, left: 4, right: 4, itemWidth: 9, itemHeight: 9, itemGap: 14, icon: "roundRect",
    textStyle: { color: css("--dim"), fontSize: 11.5 }, pageIconColor: css("--dim"), pageIconInactiveColor: css("--line"),
    pageTextStyle: { color: css("--dim") }, formatter: (name) => (name.length > 34 ? `${name.slice(0, 33)}…` : name),
  };
  // Times are divided as clocks are, and bytes by powers of two: an axis of 8.33 min helps nobody.
  const CLOCK = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];
  const NICE = [1, 2, 5, 10, 20, 50, 100, 200, 500];
  const SIZES = [1, 1024, 1048576, 1073741824, 1099511627776].flatMap((unit) => NICE.map((n) => n * unit));
  const round = (spec, parts) => {
    const per = { seconds: 1, hours: 3600, bytes: 1, MB: 1048576 }[spec.unit];
    if (!per) return {};
    const sums = (spec.at || spec.names).map((_, i) => {
      const values = spec.series.map((entry) => entry.values[i] || 0);
      return spec.stack ? values.reduce((a, b) => a + b, 0) : Math.max(...values);
    });
    const most = Math.max(0, ...sums) * per;
    const clock = spec.unit === "seconds" || spec.unit === "hours";
    if (most <= (clock ? 10 : 1)) return {};
    const step = (clock ? CLOCK : SIZES).find((one) => most / one <= parts + 1) || (clock ? Math.ceil(most / parts / 86400) * 86400 : undefined);
    return step ? { interval: step / per, max: (Math.ceil(most / step) * step) / per } : {};
  };
  const colour = (entry, i, all) => (entry.tone ? css(tones[entry.tone]) : all[i % all.length]);

  // Bars and lines over time or over names.
  const series = (spec) => {
    const { axis, title, ...option } = base(spec);
    const timed = Array.isArray(spec.at);
    const places = timed ? spec.at : spec.names;
    const span = timed ? places[places.length - 1] - places[0] : 0;
    const colours = palette();
    const level = spec.kind === "ranks";
    const category = {
      ...axis, type: "category", data: places, boundaryGap: spec.kind !== "lines",
      axisLabel: {
        ...axis.axisLabel,
        formatter: (value) => (timed ? tick(Number(value), span) : value.length > 30 ? `${value.slice(0, 29)}…` : value),
        ...(level ? { interval: 0, width: 190, overflow: "truncate", color: css("--dim") } : {}),
      },
      splitLine: { show: false },
      ...(level ? { inverse: true, axisLine: { show: false } } : {}),
    };
    const value = {
      ...axis, type: "value", axisLine: { show: false }, splitNumber: level ? 4 : 3, ...round(spec, level ? 4 : 3),
      axisLabel: { ...axis.axisLabel, formatter: (n) => show(n, spec.unit, true) }, min: 0,
    };
    const line = spec.kind === "lines";
    const drawn = spec.series.map((entry, i) => ({
      name: entry.name, data: entry.values, type: line ? "line" : "bar", stack: spec.stack ? "all" : undefined,
      color: colour(entry, i, colours), cursor: spec.drill ? "pointer" : "default",
      ...(line
        ? { showSymbol: places.length === 1, symbolSize: 5, lineStyle: { width: 1.8 }, areaStyle: { opacity: spec.stack ? 0.32 : spec.series.length > 3 ? 0 : 0.09 }, smooth: 0.15, smoothMonotone: "x" }
        : { barCategoryGap: level ? "32%" : "18%", barMaxWidth: level ? 16 : 46, itemStyle: { borderRadius: spec.stack && spec.series.length > 1 ? 0 : level ? [0, 3, 3, 0] : [3, 3, 0, 0] } }),
    }));
    const keys = legend(spec);
    return {
      ...option,
      legend: keys,
      grid: { ...option.grid, bottom: keys ? 32 : 6, right: level ? 24 : 12 },
      xAxis: level ? value : category,
      yAxis: level ? category : value,
      series: drawn,
      tooltip: {
        ...option.tooltip, trigger: "axis",
        formatter: (items) => {
          const at = items[0].axisValue;
          const rows = items.filter((item) => item.value !== null && item.value !== undefined && (items.length < 9 || item.value !== 0));
          rows.sort((a, b) => b.value - a.value);
          const lines = rows.slice(0, 12).map((item) => [item.color, item.seriesName, show(item.value, spec.unit)]);
          if (rows.length > 12) lines.push([null, `${rows.length - 12} more`, ""]);
          if (spec.stack && rows.length > 1) lines.push([null, "Total", show(rows.reduce((sum, item) => sum + item.value, 0), spec.unit)]);
          return tip(timed ? moment(Number(at), spec.step) : at, lines, spec.drill && "Click for the queries behind it");
        },
      },
    };
  };

  const heat = (spec) => {
    const { axis, title, ...option } = base(spec);
    const timed = Array.isArray(spec.at);
    const places = timed ? spec.at : spec.names;
    const span = timed ? places[places.length - 1] - places[0] : 0;
    const most = spec.cells.reduce((top, cell) => Math.max(top, cell[2]), 0);
    const levels = spec.levels;
    const pieces = levels && levels.map((entry, i) => ({ value: i, label: entry.name, color: css(tones[entry.tone]) }));
    return {
      ...option,
      grid: { ...option.grid, bottom: 38 },
      xAxis: { ...axis, type: "category", data: places, splitLine: { show: false }, axisLine: { show: false }, axisLabel: { ...axis.axisLabel, formatter: (v) => (timed ? tick(Number(v), span) : v) } },
      yAxis: { ...axis, type: "category", data: spec.rows, inverse: true, splitLine: { show: false }, axisLine: { show: false }, axisLabel: { ...axis.axisLabel, interval: 0, hideOverlap: false, width: 150, overflow: "truncate", color: css("--dim") } },
      visualMap: pieces
        ? { type: "piecewise", pieces, orient: "horizontal", left: "center", bottom: 0, itemWidth: 10, itemHeight: 10, itemGap: 16, textStyle: { color: css("--dim"), fontSize: 11.5 }, selectedMode: false }
        : { type: "continuous", min: 0, max: most || 1, orient: "horizontal", left: "center", bottom: 0, itemWidth: 10, itemHeight: 110, calculable: false, inRange: { color: [0, 1, 2, 3, 4, 5].map((i) => css(`--h${i}`)) }, formatter: (n) => show(n, spec.unit, true), text: [show(most, spec.unit, true), "0"], textStyle: { color: css("--dim"), fontSize: 11 } },
      series: [{
        type: "heatmap", data: spec.cells.map(([x, y, value]) => [x, y, value]), cursor: spec.drill ? "pointer" : "default",
        itemStyle: { borderColor: css("--surface"), borderWidth: places.length > 90 ? 0.5 : 2, borderRadius: 3 },
        emphasis: { itemStyle: { borderColor: css("--text"), borderWidth: 1 } },
      }],
      tooltip: {
        ...option.tooltip, trigger: "item",
        formatter: (item) => {
          const [x, y, value] = item.data;
          const text = levels ? levels[value].name : show(value, spec.unit);
          const note = spec.notes && spec.notes[item.dataIndex];
          return tip(spec.rows[y], [[item.color, timed ? moment(places[x], spec.step) : places[x], text]], note || (spec.drill && "Click for more"));
        },
      },
    };
  };

  // Spans of time in rows: the steps of a query, how a cluster was encrypted.
  const spans = (spec) => {
    const { axis, title, ...option } = base(spec);
    const colours = palette();
    const relative = spec.unit === "seconds";
    return {
      ...option,
      grid: { ...option.grid, bottom: 8, top: 8, right: 18 },
      xAxis: { ...axis, type: "value", min: spec.from, max: spec.to, position: "top", axisLine: { show: false }, axisLabel: { ...axis.axisLabel, showMaxLabel: !relative, formatter: (v) => (relative ? show(v, "seconds") : tick(v, spec.to - spec.from)) } },
      yAxis: { ...axis, type: "category", data: spec.rows, inverse: true, splitLine: { show: false }, axisLine: { show: false }, axisLabel: { ...axis.axisLabel, interval: 0, hideOverlap: false, width: 170, overflow: "truncate", color: css("--dim") } },
      series: [{
        type: "custom", clip: true, encode: { x: [1, 2], y: 0 }, cursor: spec.drill ? "pointer" : "default",
        data: spec.spans.map((one) => ({ value: [one.row, one.from, one.to], itemStyle: { color: one.tone ? css(tones[one.tone]) : colours[one.color % colours.length] } })),
        renderItem: (params, api) => {
          const start = api.coord([api.value(1), api.value(0)]);
          const end = api.coord([api.value(2), api.value(0)]);
          const height = Math.min(api.size([0, 1])[1] * 0.62, 20);
          const area = params.coordSys;
          const left = Math.max(start[0], area.x);
          const right = Math.min(Math.max(end[0], start[0] + 3), area.x + area.width);
          if (right < left) return null;
          return { type: "rect", shape: { x: left, y: start[1] - height / 2, width: Math.max(right - left, 2), height, r: 3 }, style: { fill: api.visual("color") }, emphasis: { style: { opacity: 0.8 } } };
        },
      }],
      tooltip: {
        ...option.tooltip, trigger: "item",
        formatter: (item) => {
          const one = spec.spans[item.dataIndex];
          const when = relative ? `${show(one.from, "seconds")} – ${show(one.to, "seconds")}` : `${moment(one.from)} – ${one.open ? "now" : moment(one.to)}`;
          const lines = [[item.color, one.name, relative ? show(one.to - one.from, "seconds") : ""]];
          for (const detail of one.details || []) lines.push([null, detail, ""]);
          return tip(`${spec.rows[one.row]} · ${when}`, lines);
        },
      },
    };
  };
  const option = (spec) => (spec.kind === "heat" ? heat(spec) : spec.kind === "spans" ? spans(spec) : series(spec));
  const points = (spec) => (spec.kind === "heat" ? spec.cells.length : spec.kind === "spans" ? spec.spans.length : spec.series.reduce((sum, entry) => sum + entry.values.filter((v) => v !== null).length, 0));

  // Where a click leads: the server's link, with the series and the time of what was clicked.
  const iso = (ms) => new Date(ms).toISOString().replace(".000Z", "Z");
  const follow = (drill, name, from, to) => {
    const query = new URLSearchParams(drill.query);
    if (drill.by && name !== undefined && !/^\d+ others$/.test(name)) query.set(drill.by, name);
    if (drill.range && from !== undefined) { query.set("from", iso(from)); query.set("to", iso(to)); }
    location.assign(`${drill.path}?${query}`);
  };
  const hand = (chart, spec, element) => {
    const timed = Array.isArray(spec.at);
    const drill = spec.drill;
    if (!drill && !timed) return;
    if (spec.kind === "heat" || spec.kind === "spans" || !timed) {
      chart.on("click", (event) => {
        if (!drill) return;
        if (spec.links) { const to = spec.links[event.dataIndex]; if (to) location.assign(to); return; }
        if (spec.kind === "heat") {
          const [x, y] = event.data;
          const at = timed ? spec.at[x] : undefined;
          follow(drill, (spec.keys || spec.rows)[y], at, timed ? at + spec.step : undefined);
        } else if (spec.kind === "spans") follow(drill, (spec.keys || spec.rows)[spec.spans[event.dataIndex].row]);
        else follow(drill, event.name);
      });
      return;
    }
    const place = (x) => Math.min(spec.at.length - 1, Math.max(0, chart.convertFromPixel({ xAxisIndex: 0 }, x)));
    let down = null;
    let hit = null;
    chart.on("mousedown", (event) => { hit = event.seriesName; });
    const canvas = chart.getZr();
    canvas.on("mousedown", (event) => { if (chart.containPixel("grid", [event.offsetX, event.offsetY])) down = event.offsetX; });
    canvas.on("mousemove", (event) => {
      if (down === null || Math.abs(event.offsetX - down) < 8) return;
      chart.setOption({ graphic: [{ id: "zoom", type: "rect", silent: true, shape: { x: Math.min(down, event.offsetX), y: 0, width: Math.abs(event.offsetX - down), height: element.clientHeight }, style: { fill: css("--accent"), opacity: 0.18 } }] });
    });
    canvas.on("mouseup", (event) => {
      if (down === null) return;
      const [from, to] = [Math.min(down, event.offsetX), Math.max(down, event.offsetX)];
      const name = hit;
      down = null;
      hit = null;
      if (to - from < 8) {
        if (!drill) return;
        const at = spec.at[place(to)];
        follow(drill, name === null ? undefined : name, at, at + spec.step);
        return;
      }
      const query = new URLSearchParams(location.search);
      query.set("from", iso(spec.at[place(from)]));
      query.set("to", iso(spec.at[place(to)] + spec.step));
      location.assign(`${location.pathname}?${query}`);
    });
  };

  const draw = (element) => {
    if (!window.echarts) return;
    const old = echarts.getInstanceByDom(element);
    if (old) old.dispose();
    const spec = JSON.parse(element.dataset.chart);
    const rows = spec.kind === "ranks" ? spec.names.length : spec.rows ? spec.rows.length : 0;
    if (rows) element.style.height = `${Math.min(1600, Math.max(rows < 3 ? 130 : 190, rows * (spec.kind === "heat" ? 25 : 27) + 76))}px`;
    const chart = echarts.init(element, null, { renderer: "canvas" });
    chart.setOption(option(spec));
    hand(chart, spec, element);
    element.dataset.drawn = points(spec);
  };
  const drawAll = (root) => {
    for (const element of root.querySelectorAll("[data-chart]")) draw(element);
  };
  const resize = new ResizeObserver((entries) => {
    for (const entry of entries) {
      const chart = window.echarts && echarts.getInstanceByDom(entry.target);
      if (chart) chart.resize();
    }
  });
  const begin = (root) => {
    drawAll(root);
    for (const element of root.querySelectorAll("[data-chart]")) resize.observe(element);
  };
  document.addEventListener("DOMContentLoaded", () => begin(document));
  document.addEventListener("lookback:theme", () => { if (document.body) drawAll(document); });
  document.addEventListener("htmx:beforeSwap", (event) => {
    for (const element of event.target.querySelectorAll("[data-chart]")) {
      resize.unobserve(element);
      const chart = window.echarts && echarts.getInstanceByDom(element);
      if (chart) chart.dispose();
    }
  });
  document.addEventListener("htmx:afterSettle", () => {
    for (const element of document.querySelectorAll("[data-chart]:not([data-drawn])")) {
      draw(element);
      resize.observe(element);
    }
  });
  window.lookbackCharts = { draw, begin, show };
})();
