// The padding of one row, as Keras's pad_sequences has it, and which steps of it are none.

/** A row cut or padded to a length. padding, truncating: "pre" or "post", the side that gives or takes. */
export function padRow(row, { maxLength, minLength, padId, padding, truncating }) {
  if (maxLength === null) {
    const few = new Array(Math.max((minLength ?? 0) - row.length, 0)).fill(padId);
    return padding === "pre" ? [...few, ...row] : [...row, ...few];
  }
  if ((padding === "refuse" && row.length < maxLength) || (truncating === "refuse" && row.length > maxLength)) {
    throw new Error(`${row.length} steps, and the model takes ${maxLength}`);
  }
  const kept = row.length <= maxLength ? row
    : truncating === "pre" ? row.slice(row.length - maxLength) : row.slice(0, maxLength);
  const fill = new Array(maxLength - kept.length).fill(padId);
  return padding === "pre" ? [...fill, ...kept] : [...kept, ...fill];
}

/** For each step of a padded row whether it is no padding. count: the steps of the row itself. */
export function keptSteps(padded, count, { padding, padId, padValue }, skipsPadding) {
  const fill = Math.fround(padValue);
  const isFill = step => (Array.isArray(step) ? step.every(one => Math.fround(one) === fill) : step === padId);
  const from = padding === "pre" ? Math.max(padded.length - count, 0) : 0;
  return padded.map((step, at) => at >= from && at < from + count && !(skipsPadding && isFill(step)));
}
