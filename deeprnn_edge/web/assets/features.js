// Raw values to a model's input by a manifest's steps, as deeprnn_edge/inputs/features.py has it: a test holds both to
// the same cases.

const at = (numbers, index) => numbers[numbers.length === 1 ? 0 : index];

function scale({ subtract, multiply, add }) {
  return row => row.map((value, index) => {
    const scaled = (value - at(subtract, index)) * at(multiply, index);
    return add ? scaled + at(add, index) : scaled;
  });
}

function clip({ low, high }) {
  return row => row.map((value, index) => Math.min(Math.max(value, at(low, index)), at(high, index)));
}

// Python and Keras compare in the raw numbers' own precision.
function bins({ boundaries }, { dtype }) {
  const own = dtype === "float32" ? boundaries.map(Math.fround) : boundaries;
  return value => own.reduce((count, boundary) => count + (boundary <= value ? 1 : 0), 0);
}

function lookup({ keys, unknown }) {
  const places = new Map(keys.map((key, place) => [key, place]));
  return value => {
    const place = places.get(value) ?? unknown;
    if (place === undefined) throw new Error(`“${String(value).slice(0, 20)}” is no category that the model knows`);
    return place;
  };
}

function hot(value, size) {
  if (!Number.isInteger(value) || value < 0 || value >= size) {
    throw new Error(`${value} is no class: whole numbers from 0 to ${size - 1}`);
  }
  return Array.from({ length: size }, (_, index) => (index === value ? 1 : 0));
}

function oneHot({ size, form, columns }) {
  if (form === "each") return row => row.map(value => hot(value, size));
  return row => {
    const chosen = columns ?? row.map((_, index) => index);
    const first = Math.min(...chosen);
    return row.flatMap((value, index) => {
      if (!chosen.includes(index)) return [value];
      if (form === "one") return hot(value, size);
      if (index !== first) return []; // all together, where the first of them stood
      const counts = chosen.map(one => hot(row[one], size)).reduce((sum, one) => sum.map((n, place) => n + one[place]));
      return form === "count" ? counts : counts.map(count => Math.min(count, 1));
    });
  };
}

const onColumns = (change, { columns }) => row => (
  row.map((value, index) => (columns && !columns.includes(index) ? value : change(value)))
);

const COMPILERS = {
  select: ({ columns }) => row => columns.map(column => row[column]),
  scale,
  clip,
  bins: (step, raw) => onColumns(bins(step, raw), step),
  lookup: step => onColumns(lookup(step), step),
  one_hot: oneHot,
};

/** Turns raw values, an item of nested arrays, into the model's; the samples of a page are windows already. */
export class FeatureEncoder {
  constructor(raw) {
    this.raw = raw;
    this.changes = raw.steps.filter(({ step }) => step !== "window").map(step => COMPILERS[step.step](step, raw));
    const looked = raw.steps.find(({ step }) => step === "lookup");
    this.keys = looked ? new Set(looked.keys) : null;
  }

  /** Whether a value is one of the categories, where there are any. */
  knows(value) { return this.keys === null || this.keys.has(value); }

  encode(values) {
    if (Array.isArray(values[0])) return values.map(one => this.encode(one));
    const own = this.raw.dtype === "float32" ? values.map(Math.fround) : values;
    return this.changes.reduce((row, change) => change(row), own);
  }
}

/** Raw values as typed: words between commas, numbers between commas or white space. Throws for what is neither. */
export function parseValues(text, { dtype }) {
  if (dtype === "str") return text.split(",").map(part => part.trim()).filter(part => part !== "");
  return text.split(/[,\s]+/).filter(part => part !== "").map(part => {
    const value = Number(part);
    if (!Number.isFinite(value) || (dtype.startsWith("int") && !Number.isSafeInteger(value))) {
      throw new Error(`“${part.slice(0, 20)}” is no ${dtype.startsWith("int") ? "whole " : ""}number`);
    }
    return value;
  });
}
