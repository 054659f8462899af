// Keeps the page up to date. The server has rendered it completely; which value a cell shows, and how, stands in the
// headers. Everything is set as text: names are chosen by others.
"use strict";

const INTERVAL = 2000; // milliseconds between two questions
const PATIENCE = 5000; // milliseconds to wait for an answer
const KEPT = 360; // points of the charts: an hour
const SHAPES = {
  healthy: "●", degraded: "▲", unhealthy: "■", resolved: "●", pending: "▲", firing: "■",
  ok: "●", warming: "▲", "no data": "▲", error: "■",
};
const NOTHING = "-";

const age = (seconds) => {
  for (const [limit, size, unit] of [[120, 1, "s"], [7200, 60, "min"], [172800, 3600, "h"]]) {
    if (seconds < limit) return `${(seconds / size).toFixed(0)} ${unit}`;
  }
  return `${(seconds / 86400).toFixed(0)} d`;
};
const inSeconds = (value) => {
  if (value >= 1) return `${value.toFixed(2)} s`;
  return value >= 0.01 ? `${(value * 1000).toFixed(0)} ms` : `${(value * 1000).toFixed(2)} ms`;
};
let serverTime = 0; // by the server's clock, in milliseconds: the browser's may be wrong
const byCount = (one, other) => other[1] - one[1] || (one[0] < other[0] ? -1 : 1);
const FORMATS = {
  text: String,
  count: (value) => String(value).replace(/\B(?=(\d{3})+$)/g, " "),
  rate: (value) => value.toFixed(1),
  share: (value) => `${(value * 100).toFixed(1)} %`,
  ratio: (value) => `${(value * 100).toFixed(0)} %`,
  percent: (value) => `${value.toFixed(0)} %`,
  seconds: inSeconds,
  minutes: (value) => age(value * 60),
  age: (value) => `${age(value)} ago`,
  ago: (value) => `${age(Math.max(0, (serverTime - Date.parse(value)) / 1000))} ago`,
  kinds: (value) => Object.entries(value).sort(byCount).map(([kind, count]) => `${kind} ${count}`).join(", "),
  status: (value) => `${SHAPES[value] || ""} ${value}`,
  trace: (value) => value.slice(0, 8),
};

const valueAt = (path, row) =>
  path.split(".").reduce((value, key) => (value && Object.hasOwn(value, key) ? value[key] : null), row);
const isNothing = (value) =>
  value === null || value === undefined || (typeof value === "object" && Object.keys(value).length === 0);
const shown = (value, format) => (isNothing(value) ? NOTHING : FORMATS[format](value));
const setText = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};

// Tables

const orders = new Map(); // by table: the column that it is sorted by, and how

const rowsOf = (table, snapshot) => {
  const rows = valueAt(table.dataset.path, snapshot) || [];
  return Array.isArray(rows) ? rows : Object.entries(rows).map(([name, row]) => ({ ...row, name }));
};

const sortKey = (value, format) => {
  if (isNothing(value)) return null;
  if (format === "ago") return Date.parse(value);
  if (format === "kinds") return Object.values(value).reduce((sum, count) => sum + count, 0);
  if (format === "status") return Object.keys(SHAPES).indexOf(value);
  return value;
};

const sorted = (rows, order) => {
  if (!order) return rows;
  const keyed = rows.map((row) => [sortKey(valueAt(order.path, row), order.format), row]);
  const sign = order.direction === "ascending" ? 1 : -1;
  keyed.sort(([one], [other]) => {
    if (one === null || other === null) return (one === null) - (other === null); // nothing comes last
    return one < other ? -sign : one > other ? sign : 0;
  });
  return keyed.map(([, row]) => row);
};

const fill = (cell, row, column) => {
  const value = valueAt(column.path, row);
  const text = shown(value, column.format);
  if (column.format === "trace" && row.trace_url && /^https?:/i.test(row.trace_url)) {
    if (cell.firstElementChild?.getAttribute("href") === row.trace_url) return;
    const link = document.createElement("a");
    link.href = row.trace_url;
    link.rel = "noreferrer";
    link.title = value;
    link.textContent = text;
    cell.replaceChildren(link);
    return;
  }
  setText(cell, text);
  if (column.format === "status") cell.className = `status ${value}`.replace("no data", "no-data");
  if (column.format === "share") cell.classList.toggle("failing", value > 0);
};

const makeRow = (columns) => {
  const row = document.createElement("tr");
  for (const [place, column] of columns.entries()) {
    const cell = document.createElement(place === 0 ? "th" : "td");
    if (place === 0) cell.scope = "row";
    else cell.className = column.format;
    row.append(cell);
  }
  return row;
};

const updateTable = (table, snapshot) => {
  const headers = [...table.tHead.rows[0].cells];
  const columns = headers.map((header) => ({ path: header.dataset.path, format: header.dataset.format }));
  const rows = sorted(rowsOf(table, snapshot), orders.get(table));
  const body = table.tBodies[0];
  if (rows.length === 0) {
    const cell = document.createElement("td");
    cell.colSpan = columns.length;
    cell.textContent = table.dataset.empty;
    const row = document.createElement("tr");
    row.append(cell);
    body.replaceChildren(row);
    return;
  }
  if (body.rows.length && body.rows[0].cells.length !== columns.length) body.replaceChildren();
  // Rows are used again: a selection of text, and the place of a screen reader, survive.
  while (body.rows.length > rows.length) body.lastElementChild.remove();
  while (body.rows.length < rows.length) body.append(makeRow(columns));
  rows.forEach((row, place) => {
    columns.forEach((column, number) => fill(body.rows[place].cells[number], row, column));
  });
};

const makeSortable = (table) => {
  for (const header of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent;
    header.replaceChildren(button);
    button.addEventListener("click", () => {
      const first = header.dataset.format === "text" ? "ascending" : "descending";
      const second = first === "ascending" ? "descending" : "ascending";
      const direction = header.getAttribute("aria-sort") === first ? second : first;
      for (const other of header.parentElement.cells) other.removeAttribute("aria-sort");
      header.setAttribute("aria-sort", direction);
      orders.set(table, { path: header.dataset.path, format: header.dataset.format, direction });
      if (latest) updateTable(table, latest);
    });
  }
};

// Charts

const points = new Map(); // by time; what the page has seen outlives the server
let charts = [];

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const makeChart = (figure) => {
  const names = figure.dataset.series.split(",");
  const strokes = [colour("--first"), colour("--second")];
  const isTime = /median|p95|lag/.test(names[0]);
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  const format = names[0] === "memory" ? FORMATS.ratio : isTime ? inSeconds : (value) => String(value);
  const plot = new uPlot(
    {
      width: figure.clientWidth - 26,
      height: 150,
      legend: { show: false },
      cursor: { show: false },
      scales: { y: { range: (_, __, high) => [0, high > 0 ? high * 1.1 : 1] } },
      axes: [
        { ...axis, size: 26, space: 70, values: [[3600, "{HH}:{mm}"], [60, "{HH}:{mm}"], [1, "{HH}:{mm}:{ss}"]] },
        { ...axis, size: 62, values: (_, splits) => splits.map((value) => format(value)) },
      ],
      series: [
        {},
        ...names.map((name, place) => ({
          label: name,
          stroke: strokes[place],
          width: 2,
          dash: place ? [6, 4] : undefined, // told apart without colour too
          spanGaps: false,
          points: { show: false },
        })),
      ],
    },
    [[], ...names.map(() => [])],
    figure,
  );
  return { figure, plot, names, format };
};

const remember = (history) => {
  (history.time || []).forEach((time, place) => {
    const point = {};
    for (const name of Object.keys(history)) point[name] = history[name][place];
    points.set(time, point);
  });
  const old = [...points.keys()].sort((one, other) => one - other).slice(0, -KEPT);
  for (const time of old) points.delete(time);
};

const drawCharts = () => {
  const times = [...points.keys()].sort((one, other) => one - other);
  document.getElementById("charts").hidden = times.length < 2;
  if (times.length < 2) return;
  if (charts.length === 0) charts = [...document.querySelectorAll("figure")].map(makeChart);
  const last = points.get(times[times.length - 1]);
  for (const { figure, plot, names, format } of charts) {
    plot.setData([times, ...names.map((name) => times.map((time) => points.get(time)[name]))]);
    const words = names.map((name, place) => {
      const line = names.length > 1 ? (place ? " (dashed)" : " (solid)") : "";
      return `${name}${line}: ${isNothing(last[name]) ? "none" : format(last[name])}`;
    });
    setText(figure.querySelector("figcaption span"), `now ${words.join(", ")}`);
  }
};

const redrawCharts = () => {
  for (const { plot } of charts) plot.destroy();
  charts = [];
  drawCharts();
};

// The page

let latest = null;
let isPaused = false;

const verdict = ({ health, alerts }) => {
  const wrong = Object.entries(health.checks)
    .filter(([, check]) => check.status !== "healthy")
    .map(([name, check]) => (check.error ? `${name} (${check.error})` : name));
  const phase = health.phase === "ready" ? "" : `, ${health.phase}`;
  const firing = [...new Set(alerts.filter(({ state }) => state === "firing").map(({ name }) => name))].sort();
  const alarm = firing.length ? `; firing: ${firing.join(", ")}` : "";
  return FORMATS.status(health.status) + phase + (wrong.length ? `: ${wrong.join("; ")}` : "") + alarm;
};

const worker = ({ worker: shared, process }) =>
  shared ? `Process ${process.pid} alone: ${shared.advice}.` : "";

const update = (snapshot) => {
  // Another worker has answered: what the charts show is not its past.
  if (latest && snapshot.worker && latest.process.pid !== snapshot.process.pid) points.clear();
  latest = snapshot;
  serverTime = Date.parse(snapshot.timestamp);
  document.title = `${snapshot.service} · ${snapshot.health.status}`;
  setText(document.getElementById("service"), snapshot.service);
  setText(document.getElementById("version"), snapshot.version || "");
  const sentence = document.getElementById("verdict");
  setText(sentence, verdict(snapshot));
  const isAlarmed = snapshot.alerts.some(({ state }) => state === "firing");
  sentence.className = isAlarmed && snapshot.health.status === "healthy" ? "degraded" : snapshot.health.status;
  const note = document.getElementById("worker");
  setText(note, worker(snapshot));
  note.hidden = !snapshot.worker;
  for (const number of document.querySelectorAll(".numbers dd")) {
    setText(number, shown(valueAt(number.dataset.path, snapshot), number.dataset.format));
  }
  for (const table of document.querySelectorAll("table[data-path]")) updateTable(table, snapshot);
  const { pid, python, mcp_opentelemetry: version } = snapshot.process;
  setText(document.getElementById("process"), `process ${pid} · Python ${python} · mcp-opentelemetry ${version}`);
  remember(snapshot.history);
  drawCharts();
};

const say = (text, isStale) => {
  setText(document.getElementById("updated"), text);
  document.body.classList.toggle("stale", isStale);
};

const clock = (milliseconds) => new Date(milliseconds).toISOString().slice(0, 19).replace("T", " ");

const numbersSince = (since) => {
  const url = new URL(`dashboard?format=json&since=${since}`, location.href);
  url.username = url.password = ""; // fetch takes no address with a password in it; the browser sends it all the same
  return url;
};

const ask = async () => {
  try {
    const answer = await fetch(numbersSince(Math.max(0, ...points.keys())), {
      headers: { accept: "application/json" },
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    update(await answer.json());
    say(`as of ${clock(serverTime)} UTC`, false);
  } catch (error) {
    const last = serverTime ? ` since ${clock(serverTime)} UTC` : "";
    say(`no answer${last} (${error.message})`, true);
  }
};

const run = async () => {
  if (!isPaused && !document.hidden) await ask();
  setTimeout(run, INTERVAL);
};

const start = () => {
  for (const table of document.querySelectorAll("table[data-path]")) makeSortable(table);
  const pause = document.getElementById("pause");
  pause.hidden = false;
  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    pause.setAttribute("aria-pressed", String(isPaused));
    if (!isPaused) ask();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawCharts);
  let resized = 0;
  addEventListener("resize", () => {
    clearTimeout(resized);
    resized = setTimeout(redrawCharts, 200);
  });
  run();
};

start();
