"use strict";

for (const figure of document.querySelectorAll("figure.table")) {
  const body = figure.querySelector("tbody");
  const headers = [...figure.querySelectorAll("th[aria-sort]")];
  headers.forEach((header, column) => header.querySelector("button").addEventListener("click", () => {
    const isNumber = header.classList.contains("number");
    const was = header.getAttribute("aria-sort");
    const direction = was === "none" ? (isNumber ? "descending" : "ascending")
      : was === "ascending" ? "descending" : "ascending";
    headers.forEach((each) => each.setAttribute("aria-sort", each === header ? direction : "none"));
    const sign = direction === "ascending" ? 1 : -1;
    const keyed = [...body.rows].map((row) => {
      const cell = row.cells[column];
      const number = cell.dataset.number;
      return [row, isNumber ? (number ? Number(number) : NaN) : cell.textContent];
    });
    keyed.sort(([, a], [, b]) => {
      if (!isNumber) return sign * a.localeCompare(b, undefined, { numeric: true });
      if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
      return sign * (a - b);
    });
    body.append(...keyed.map(([row]) => row));
  }));
  const input = figure.querySelector("input");
  input?.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of body.rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += !row.hidden;
    }
    figure.querySelector("output").textContent = words.length ? `${shown} of ${body.rows.length}` : "";
  });
}

for (const plot of document.querySelectorAll(".plot")) {
  const { x: name, curves } = JSON.parse(plot.dataset.hover);
  const tip = plot.querySelector(".tip");
  const cross = plot.querySelector(".cross");
  const places = [...new Set(curves.flatMap((curve) => curve.points.map(([x]) => x)))].sort((a, b) => a - b);
  let index = -1;
  const nearest = (points, x) => points.reduce((a, b) => (Math.abs(b[0] - x) < Math.abs(a[0] - x) ? b : a));
  const line = (text, value, color) => {
    const row = document.createElement("div");
    const left = row.appendChild(document.createElement("span"));
    if (color !== undefined) left.appendChild(document.createElement("i")).className = `c${color}`;
    left.append(text);
    row.append(value);
    return row;
  };
  const show = () => {
    const x = places[index];
    const found = curves.map((curve) => [curve, nearest(curve.points, x)]);
    const at = found.find(([, point]) => point[0] === x)[1][2];
    tip.replaceChildren(line(name, at), ...found.map(([curve, point]) => line(
      point[2] === at ? curve.name : `${curve.name} (${point[2]})`, point[3], curve.color)));
    cross.setAttribute("x1", `${x}%`);
    cross.setAttribute("x2", `${x}%`);
    tip.hidden = false;
    plot.classList.add("active");
    const room = plot.clientWidth - tip.offsetWidth;
    const left = (x / 100) * plot.clientWidth;
    const beside = left < plot.clientWidth / 2 ? left + 12 : left - tip.offsetWidth - 12;
    tip.style.left = `${Math.max(Math.min(beside, room), Math.min(0, room))}px`;
  };
  const hide = () => { tip.hidden = true; plot.classList.remove("active"); };
  const point = (event) => {
    const box = plot.getBoundingClientRect();
    const x = (100 * (event.clientX - box.left)) / box.width;
    index = places.indexOf(nearest(places.map((place) => [place]), x)[0]);
    show();
  };
  plot.addEventListener("pointermove", point);
  plot.addEventListener("pointerdown", point);
  plot.addEventListener("pointerleave", hide);
  plot.addEventListener("blur", hide);
  plot.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    index = Math.min(Math.max(index + step, 0), places.length - 1);
    show();
  });
}
