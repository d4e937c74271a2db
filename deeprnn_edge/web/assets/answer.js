// What an answer's numbers mean: their names, which one leads, and how they are written.

/** The lines that a chart can show and the names of their values. */
export function describeOutput({ output, labels }) {
  const single = output.size === 1;
  const isProbability = labels.length > 0;
  const names = single ? [labels[1] ?? output.name]
    : Array.from({ length: output.size }, (_, index) => labels[index] ?? `class ${index}`);
  return { single, isProbability, names, labels };
}

/** The label that wins, and how sure: {label, share}; share is null for a number that is no probability. */
export function decide(values, { single, isProbability, names, labels }) {
  if (single) {
    if (!isProbability) return { label: names[0], share: null };
    const wins = values[0] > 0.5;
    return { label: labels[wins ? 1 : 0], share: wins ? values[0] : 1 - values[0] };
  }
  const index = values.reduce((best, value, at) => (value > values[best] ? at : best), 0);
  return { label: names[index], share: isProbability ? values[index] : null, index };
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
