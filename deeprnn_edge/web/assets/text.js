// Text to ids, as deeprnn_edge/text.py has it: tests hold both to the same cases.

const FILTERS = /[!"#$%&()*+,\-./:;<=>?@[\\\]^_`{|}~\t\n]/g;
// Python's white space: \s lacks \x1c to \x1f and \x85, and has \ufeff, which Python keeps in the word.
const SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

/** Lower case, filter characters to spaces, split at white space. */
export function splitWords(text) {
  return text.toLowerCase().replace(FILTERS, " ").split(SPACE).filter(word => word !== "");
}

/** The id of each word of a vocabulary that is ordered by rank: a Map, as "constructor" is a word too. */
export function wordIds(words, indexOffset = 3) {
  return new Map(words.map((word, index) => [word, index + 1 + indexOffset]));
}

/** The ids of one text, not yet padded. startId: null where texts have none. */
export function encode(text, ids, { startId = 1, oovId = 2 } = {}) {
  const encoded = splitWords(text).map(word => ids.get(word) ?? oovId);
  return startId === null ? encoded : [startId, ...encoded];
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
