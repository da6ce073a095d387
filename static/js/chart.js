// Draws the figures marked data-chart with uPlot; their data also stands in the page as a table.
(() => {
  "use strict";
  const probe = document.createElement("span");
  document.body.append(probe);
  const colour = (name) => { probe.style.color = `var(--${name})`; return getComputedStyle(probe).color; };
  const mono = "11px ui-monospace, Menlo, Consolas, monospace";
  const two = (n) => String(n).padStart(2, "0");
  const stamp = (s) => { const d = new Date(s * 1000); return `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())} ${two(d.getUTCHours())}:${two(d.getUTCMinutes())} UTC`; };
  const day = (s) => new Date(s * 1000).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
  // A tick says what tells it from the one before: seconds, minutes, or the day at which it begins.
  const moment = (s, step) => step >= 86400 || s % 86400 === 0 ? day(s) : new Date(s * 1000).toISOString().slice(11, step < 60 ? 19 : 16);
  // As many decimals as tell two ticks apart.
  const places = (step) => { let n = 0; while (n < 6 && Math.abs(step * 10 ** n - Math.round(step * 10 ** n)) > 1e-6) n += 1; return n; };
  const tick = (v, step, unit) => (v || 0).toLocaleString("en-US", { minimumFractionDigits: places(step), maximumFractionDigits: places(step) }) + (unit === "%" ? " %" : "");
  // Lines that hardly move are drawn as flat as they are.
  const range = (least) => (plot, low, high) => {
    if (low == null) return [0, 1];
    const room = Math.max(0, least - (high - low)) / 2;
    return uPlot.rangeNum(low - room, high + room, 0.1, true);
  };
  const drawn = [];
  const figure = (value, unit) => value == null ? "–" : value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2, signDisplay: unit === "%" ? "exceptZero" : "auto" }) + " " + unit;

  function tip(host, names, unit) {
    const element = document.createElement("div");
    element.className = "chart-tip";
    element.hidden = true;
    host.append(element);
    return (plot) => {
      const index = plot.cursor.idx;
      element.hidden = index == null;
      if (index == null) return;
      element.replaceChildren();
      const line = (left, right, css) => {
        const row = document.createElement("div"), a = document.createElement("span"), b = document.createElement("span");
        a.textContent = left; b.textContent = right; b.className = "num"; a.style.color = css;
        row.append(a, b); element.append(row);
      };
      line(stamp(plot.data[0][index]), "", "");
      names.forEach((name, i) => line(name, figure(plot.data[i + 1][index], unit), plot.series[i + 1].stroke()));
      const right = plot.cursor.left > plot.over.clientWidth / 2;
      element.style.left = right ? "auto" : plot.over.offsetLeft + plot.cursor.left + 14 + "px";
      element.style.right = right ? plot.over.clientWidth - plot.cursor.left + 14 + "px" : "auto";
    };
  }

  function draw(chart) {
    const host = chart.querySelector(".plot"), unit = chart.dataset.unit;
    const times = chart.dataset.times ? chart.dataset.times.split(",").map(Number) : [];
    const items = [...chart.querySelectorAll(".legend > li")];
    if (!window.uPlot || times.length < 2) { host.hidden = true; return; }
    const lines = items.map((item) => item.dataset.values.split(",").map((v) => v === "" ? null : Number(v)));
    const axis = { stroke: () => colour("soft"), font: mono, grid: { stroke: () => colour("line"), width: 1 }, ticks: { show: false } };
    const plot = new uPlot({
      width: host.clientWidth || 320, height: host.clientWidth < 500 ? 200 : 260,
      tzDate: (s) => uPlot.tzDate(new Date(s * 1000), "UTC"),
      legend: { show: false }, cursor: { y: false, points: { size: 6 } }, padding: [8, 32, 0, 0],
      scales: { x: { time: true }, y: { range: range(unit === "%" ? .1 : 1) } },
      axes: [{ ...axis, grid: { show: false }, size: 28, space: 70, values: (self, all, axis, room, step) => all.map((s) => moment(s, step)) }, { ...axis, size: (self, values) => values ? 14 + 6.7 * Math.max(...values.map((v) => v.length)) : 50, values: (self, all, axis, room, step) => all.map((v) => tick(v, step, unit)) }],
      series: [{}, ...items.map((item) => ({ label: item.dataset.name, stroke: () => colour("hue-" + item.dataset.hue), width: "dashed" in item.dataset ? 1.25 : 1.75, dash: "dashed" in item.dataset ? [4, 4] : undefined, points: { show: false }, spanGaps: true }))],
      hooks: { setCursor: [tip(host, items.map((item) => item.dataset.name), unit)] },
    }, [times, ...lines], host);
    drawn.push(plot);
    new ResizeObserver(() => { const width = host.clientWidth; if (width && width !== plot.width) plot.setSize({ width, height: width < 500 ? 200 : 260 }); }).observe(host);
  }

  document.querySelectorAll("[data-chart]").forEach(draw);
  const repaint = () => drawn.forEach((plot) => plot.redraw(false, true));
  addEventListener("themechange", repaint);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
})();
