// A small line chart, drawn in the pixels that it has, so that its text is as large on a phone.

const NAMESPACE = "http://www.w3.org/2000/svg";
const HEIGHT = 200;
const MARGIN = { top: 12, right: 12, bottom: 26, left: 54 };

/**
 * Draw lines {values, kind: 0 to 2} over steps; of [0, 1] for probabilities, else of their own range.
 * ends: what stands under the first and the last point.
 */
export function drawChart(svg, lines, { isProbability, ends }) {
  const width = Math.max(svg.parentElement.clientWidth, 240);
  svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  svg.setAttribute("height", HEIGHT);
  const count = Math.max(...lines.map(line => line.values.length), 0);
  const [low, high] = isProbability ? [0, 1] : range(lines);
  const x = at => MARGIN.left + (count < 2 ? 0 : at / (count - 1)) * (width - MARGIN.left - MARGIN.right);
  const y = value => MARGIN.top + (1 - (value - low) / (high - low)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const parts = [];
  for (const share of [0, 0.5, 1]) {
    const value = low + share * (high - low);
    const level = y(value);
    parts.push(make("line", {
      class: share === 0.5 && isProbability ? "grid middle" : "grid",
      x1: MARGIN.left, x2: width - MARGIN.right, y1: level, y2: level,
    }));
    const text = isProbability ? `${share * 100} %` : value.toPrecision(3);
    parts.push(make("text", { x: MARGIN.left - 8, y: level + 4, "text-anchor": "end" }, text));
  }
  parts.push(make("text", { x: MARGIN.left, y: HEIGHT - 6 }, ends[0]));
  parts.push(make("text", { x: width - MARGIN.right, y: HEIGHT - 6, "text-anchor": "end" }, ends[1]));
  for (const { values, kind } of lines) {
    const points = thin(values, width).map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`);
    parts.push(make("polyline", { class: `line kind${kind}`, points: points.join(" ") }));
    if (!values.length) continue;
    // Points in a crowd are a smear: they are drawn where there is room, and the last one always.
    const shown = values.length <= width / 12 ? values.map((value, at) => [at, value]) : [];
    for (const [at, value] of shown) parts.push(make("circle", { class: `dot kind${kind}`, cx: x(at), cy: y(value), r: 3 }));
    const last = values.length - 1;
    parts.push(make("circle", { class: `dot last kind${kind}`, cx: x(last), cy: y(values[last]), r: 5 }));
  }
  svg.replaceChildren(...parts);
}

function range(lines) {
  const all = lines.flatMap(line => thin(line.values, 1000).map(([, value]) => value));
  if (!all.length) return [0, 1];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

// At most two points a pixel: the extremes of what falls together, so that no peak is lost.
function thin(values, width) {
  const size = Math.ceil(values.length / width);
  if (size <= 1) return values.map((value, at) => [at, value]);
  const points = [];
  for (let start = 0; start < values.length; start += size) {
    const part = values.slice(start, start + size);
    const ends = [part.indexOf(Math.min(...part)), part.indexOf(Math.max(...part))].sort((a, b) => a - b);
    for (const at of ends) points.push([start + at, part[at]]);
  }
  return points;
}

function make(name, attributes, text = "") {
  const element = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  return element;
}
