// What a model's numbers stand for, by the bundle's rule: the same names as deeprnn_edge gives.

const THRESHOLD = 0.5;

function largest(values) {
  return values.reduce((best, value, at) => (value > values[best] ? at : best), 0);
}

/** The class of some values: the largest, or of one probability the second where it is above the threshold. */
export function classOf(values, rule) {
  if (values.length > 1) return largest(values);
  return values[0] > (rule?.threshold ?? THRESHOLD) ? 1 : 0;
}

function valueOf(values, index) {
  return values.length > 1 ? values[index] : index ? values[0] : 1 - values[0];
}

/** Whether each step has a name, or all of them spell something. */
export function namesSteps(rule) { return rule?.kind === "steps" || rule?.kind === "ctc"; }

/** Quantities in their own units. */
export function scaleBack(values, rule) {
  return rule?.kind === "number" ? values.map((value, at) => value * rule.scale[at] + rule.offset[at]) : values;
}

/** The classes above the threshold, the largest first: [name, value] each. */
export function nameLabels(values, labels, rule) {
  return values.map((value, at) => [labels[at], value]).filter(([, value]) => value > (rule.threshold ?? THRESHOLD))
    .sort(([, one], [, two]) => two - one);
}

/** A name a step, or what the steps spell once repeats are joined and the blank is left out: [name, value] each. */
export function nameSteps(steps, labels, rule) {
  const named = [];
  let before = null;
  for (const values of steps) {
    const index = classOf(values, rule);
    const value = valueOf(values, index);
    if (rule.kind === "steps") named.push([labels[index], value]);
    else if (index !== rule.blank && index === before) named.at(-1)[1] = Math.max(named.at(-1)[1], value);
    else if (index !== rule.blank) named.push([labels[index], value]);
    before = index;
  }
  return named;
}
