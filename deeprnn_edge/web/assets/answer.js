// What an answer's numbers mean: their names, which one leads, and how they are written.
import { classOf, nameLabels, nameSteps, namesSteps } from "./names.js";

const MOST_NAMES = 40; // of a long sequence its last

/** The lines that a chart can show and the names of their values. */
export function describeOutput({ output, labels, answer }) {
  const single = output.size === 1;
  const isProbability = labels.length > 0 && answer?.kind !== "number";
  const names = single ? [labels[1] ?? output.name]
    : Array.from({ length: output.size }, (_, index) => labels[index] ?? `class ${index}`);
  return { single, isProbability, names, labels, answer };
}

/** The label that wins, and how sure: {label, share}; share is null for a number that is no probability. */
export function decide(values, { single, isProbability, names, labels, answer }) {
  if (answer?.kind === "labels") {
    const named = nameLabels(values, labels, answer);
    return { label: named.map(([name]) => name).join(", ") || "none of them", share: Math.max(...values) };
  }
  if (answer?.kind === "number" && !single) {
    return { label: names.map((name, at) => `${name} ${show(values[at], false)}`).join(", "), share: null };
  }
  if (single) {
    if (!isProbability) return { label: names[0], share: null };
    const wins = classOf(values, answer) === 1;
    return { label: labels[wins ? 1 : 0], share: wins ? values[0] : 1 - values[0] };
  }
  const index = classOf(values, answer);
  return { label: names[index], share: isProbability ? values[index] : null, index };
}

/** What all steps so far come to: the answer to the last, or the names of all where the bundle names steps. */
export function conclude(history, output) {
  const last = decide(history.at(-1).values, output);
  if (!namesSteps(output.answer)) return last;
  const named = nameSteps(history.flatMap(entry => entry.steps), output.labels, output.answer).map(([name]) => name);
  const label = named.length > MOST_NAMES ? `… ${named.slice(-MOST_NAMES).join(" ")}` : named.join(" ");
  return { ...last, label: label || "nothing" };
}

/** A probability in percent, or a number with four digits. */
export function show(value, isProbability) {
  if (!isProbability) return Number(value).toPrecision(4);
  const percent = value * 100;
  return `${percent.toFixed(percent > 0.05 && percent < 99.95 ? 1 : 0)}\u202f%`;
}

/** The indices of the largest values, the largest first. */
export function leaders(values, count) {
  return values.map((_, index) => index).sort((a, b) => values[b] - values[a]).slice(0, count);
}

/** Milliseconds, with the digits that a browser's clock has. */
export function showMs(ms) {
  return ms < 0.1 ? "< 0.1 ms" : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** The mean of some times: a browser's clock ticks each 0.1 ms, and the mean of many sees below that. */
export function showMean(times) {
  const mean = times.reduce((sum, one) => sum + one, 0) / times.length;
  return mean > 0 && mean < 10 ? `${mean.toPrecision(2)} ms` : showMs(mean);
}
