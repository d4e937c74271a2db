// Text to ids by a manifest's steps, as deeprnn_edge/inputs/text.py has it: tests hold both to the same cases.

// Python's white space: \s lacks \x1c to \x1f and \x85, and has \ufeff, which Python keeps in the word.
const SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;
const ASCII_SPACE = /[\t-\r ]+/;

function change({ step, letters, characters, text, by }) {
  if (step === "lower" && letters === "unicode") return given => given.toLowerCase();
  if (step === "lower") return given => given.replace(/[A-Z]+/g, found => found.toLowerCase());
  // A function, as "$&" has a meaning in a text.
  if (step === "substitute") return given => given.replaceAll(text, () => by);
  const escaped = Array.from(characters, one => `\\u{${one.codePointAt(0).toString(16)}}`).join("");
  const pattern = new RegExp(`[${escaped}]`, "gu");
  return given => given.replace(pattern, () => by);
}

function splitter({ by, text } = {}) {
  if (by === "characters") return given => Array.from(given);
  const at = { whitespace: SPACE, "ascii whitespace": ASCII_SPACE, separator: text }[by];
  return at === undefined ? given => [given] : given => given.split(at);
}

/** One function of the steps from a text to its words; an empty word is none. */
export function compileSteps(steps) {
  const changes = steps.filter(({ step }) => step !== "split").map(change);
  const split = splitter(steps.find(({ step }) => step === "split"));
  return text => split(changes.reduce((given, one) => one(given), text)).filter(word => word !== "");
}

/** The id of each word of a vocabulary that is ordered by rank: a Map, as "constructor" is a word too. */
export function wordIds(words, indexOffset = 3) {
  return new Map(words.map((word, index) => [word, index + 1 + indexOffset]));
}

/** Turns texts into ids. rules: {steps, startId, endId, oovId, indexOffset}, an id null where there is none. */
export class Encoder {
  constructor(rules, words) {
    Object.assign(this, { rules, split: compileSteps(rules.steps), ids: wordIds(words, rules.indexOffset) });
  }

  /** The words of a text that have an id, {word, known, id}: all of them, where unknown words have one. */
  words(text) {
    return this.split(text)
      .map(word => ({ word, known: this.ids.has(word), id: this.ids.get(word) ?? this.rules.oovId }))
      .filter(({ id }) => id !== null);
  }

  /** The ids of one text, not yet padded. */
  encode(text) {
    const { startId, endId } = this.rules;
    return [startId, ...this.words(text).map(({ id }) => id), endId].filter(id => id !== null);
  }
}

/** Ids as typed, separated by commas or white space. Throws an Error that names what is no id of the table. */
export function parseIds(text, idCount) {
  return text.split(/[,\s]+/).filter(part => part !== "").map(part => {
    const id = /^\d{1,10}$/.test(part) ? Number(part) : NaN;
    if (!(id < (idCount ?? 2 ** 31))) {
      throw new Error(`“${part.slice(0, 20)}” is no id: whole numbers from 0${idCount ? ` to ${idCount - 1}` : ""}`);
    }
    return id;
  });
}
