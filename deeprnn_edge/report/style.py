"""Keep how the page looks, and the script that sorts its tables."""

from __future__ import annotations

CSS = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1a1d21; --soft: #4d555e; --rule: #d3d8de; --tint: #f3f5f7;
  --link: #0a58a8; --c0: #4c9bd6; --c1: #e8a13a; --c2: #3fae8b; --c3: #d57ba9; --c4: #b9a12b; --c5: #8c84d8; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14171a; --ink: #e8eaed; --soft: #aab3bd; --rule: #39414a; --tint: #1e2328; --link: #7db8f2;
    --c0: #3a80b8; --c1: #b97a1c; --c2: #2b8a6c; --c3: #b05a87; --c4: #8f7c1c; --c5: #6f66c4; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; }
header, main, footer { max-width: 80rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 1.5rem; } footer { padding-bottom: 2rem; color: var(--soft); font-size: .875rem; }
h1, h2, h3 { line-height: 1.25; margin: 1.6em 0 .5em; overflow-wrap: anywhere; }
h1 { font-size: 1.9rem; margin-top: 0; }
h2 { font-size: 1.35rem; border-bottom: 1px solid var(--rule); padding-bottom: .25rem; } h3 { font-size: 1.05rem; }
p, li, figcaption { max-width: 46rem; overflow-wrap: anywhere; }
a { color: var(--link); } code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .9em; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; padding: 0; margin: .75rem 0; }
figure { max-width: 62rem; margin: 1rem 0 1.5rem; border: 1px solid var(--rule); border-radius: 6px; padding: .75rem; }
figcaption { color: var(--soft); font-size: .9rem; margin: .5rem 0; }
.chart, .scroll { overflow-x: auto; position: relative; } .chart svg { display: block; width: 100%; min-width: 34rem; }
.chart:focus-visible, .scroll:focus-visible, button:focus-visible, summary:focus-visible, a:focus-visible {
  outline: 3px solid var(--link); outline-offset: 1px; }
summary { cursor: pointer; color: var(--link); }
table { border-collapse: separate; border-spacing: 0; margin: .25rem 0 1rem; font-size: .9rem; }
caption { text-align: left; overflow-wrap: anywhere; font-weight: 600; padding: .35rem 0; }
th, td { text-align: left; padding: .3rem .5rem; border-bottom: 1px solid var(--rule); vertical-align: top; }
tbody th { font-weight: 600; background: var(--paper); } .short { white-space: nowrap; }
tbody th, thead th:first-child { position: sticky; left: 0; z-index: 1; }
thead th { background: var(--tint); vertical-align: bottom; }
thead td { border: 0; } .group { border-left: 2px solid var(--rule); max-width: 18rem; font-weight: 600; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
thead .n { white-space: normal; }
th button { font: inherit; font-weight: 600; color: inherit; background: none; border: 0; padding: 0; cursor: pointer;
  text-align: inherit; }
th button::after { content: "\\a0\\2195"; color: var(--soft); }
th[aria-sort=ascending] button::after { content: "\\a0\\2191"; }
th[aria-sort=descending] button::after { content: "\\a0\\2193"; }
svg text { font: 13px system-ui, "DejaVu Sans", sans-serif; fill: var(--ink);
  paint-order: stroke; stroke: var(--paper); stroke-width: 3px; }
svg .tick, svg .axis { fill: var(--soft); } svg .heading { font-weight: 600; }
.grid { stroke: var(--rule); } .stroke { stroke: var(--ink); stroke-width: 1.3; }
.leader { stroke: var(--soft); stroke-width: .8; }
.heavy { stroke: var(--ink); stroke-width: 3; } .edge { stroke: var(--ink); stroke-width: 1; }
.fill { fill: var(--c); } .solid { stroke: var(--ink); stroke-width: 1.2; }
.hollow { fill: var(--paper); stroke: var(--ink); stroke-width: 1.6; }
.arms { stroke: var(--ink); stroke-width: 3; fill: none; } .path { stroke: var(--ink); stroke-width: 1.8; fill: none; }
.hatch { stroke: var(--ink); stroke-width: 1.1; fill: none; } .patterns { position: absolute; }
.c0 { --c: var(--c0); } .c1 { --c: var(--c1); } .c2 { --c: var(--c2); } .c3 { --c: var(--c3); } .c4 { --c: var(--c4); }
.c5 { --c: var(--c5); }
@media (max-width: 40rem) { tbody th, tbody .short { white-space: normal; } tbody th { max-width: 8.5rem; } }
@media print { nav { display: none; } figure, tr { break-inside: avoid; } .scroll, .chart { overflow: visible; } }
"""

# A row sorts by data-sort, where a cell has it, else by its text; cells without a number come last.
SCRIPT = """
"use strict";
for (const table of document.querySelectorAll("table")) {
  const headers = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  headers.forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => {
      const sign = header.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      headers.forEach(other => other.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
      const body = table.tBodies[0];
      const numeric = [...body.rows].some(row => row.cells[column].dataset.sort !== undefined);
      const key = row => {
        const cell = row.cells[column];
        return numeric ? Number(cell.dataset.sort ?? NaN) : cell.textContent;
      };
      const compare = (a, b) => {
        if (!numeric) return sign * a.localeCompare(b, "en", { numeric: true });
        if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
        return sign * (a - b);
      };
      body.append(...[...body.rows].sort((one, other) => compare(key(one), key(other))));
    });
  });
}
"""
