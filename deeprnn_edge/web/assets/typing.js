// Text as it is typed: which steps it is, and their answers; what is already answered is not run again.
import { FeatureEncoder, parseValues } from "./features.js";
import { parseIds } from "./text.js";
import { keptSteps, padRow } from "./padding.js";

// Long texts give the browser a turn this often, so that typing stays possible.
const SLICE_MS = 24;

/** The steps of a text: {label, known, ids}, the start id as a step of its own that is no word. */
export function toSteps(text, encoder, settings) {
  const { rules, kind, input, raw } = settings;
  if (raw) {
    const features = new FeatureEncoder(raw);
    return parseValues(text, raw).map(value => (
      { label: String(value), known: features.knows(value), ids: features.encode([value]) }
    ));
  }
  if (kind === "tokens") return parseIds(text, input.idCount).map(id => ({ label: String(id), known: true, ids: [id] }));
  const steps = encoder.words(text).map(({ word, known, id }) => ({ label: word, known, ids: [id] }));
  return rules.startId === null ? steps : [{ label: "", known: true, ids: [rules.startId] }, ...steps];
}

/** Follows a text that changes. onChange(history, {busy}) is told of each slice and of the end. */
export class Typing {
  constructor(runner, settings, encoder, onChange) {
    Object.assign(this, { runner, settings, encoder, onChange, history: [], turn: 0, queue: Promise.resolve() });
  }

  /** Take a new text; throws for ids that are none. The answer of an older text is given up. */
  update(text) {
    const turn = ++this.turn;
    const { streams, kind } = this.settings;
    const steps = streams || kind === "tokens" ? toSteps(text, this.encoder, this.settings) : null;
    // A run that failed was told of by its own promise, and does not keep back the next.
    this.queue = this.queue.catch(() => {}).then(() => {
      if (turn !== this.turn) return undefined;
      return streams ? this.stream(steps, turn) : this.whole(text, steps, turn);
    });
    return this.queue;
  }

  keep(row, count) {
    return keptSteps(row, count, this.settings.rules, this.settings.answer?.skipsPadding);
  }

  async stream(steps, turn) {
    let common = 0;
    const before = this.history;
    while (common < before.length && common < steps.length && before[common].label === steps[common].label) common++;
    this.history = before.slice(0, common);
    let state = common ? this.history[common - 1].state : this.runner.initialState();
    let until = performance.now() + SLICE_MS;
    for (const step of steps.slice(common)) {
      const answer = await this.runner.run(step.ids, state, this.keep(step.ids, step.ids.length));
      state = answer.state;
      this.history.push({ ...step, ...answer });
      if (performance.now() > until) {
        this.onChange(this.history, { busy: true });
        await new Promise(resolve => setTimeout(resolve));
        if (turn !== this.turn) return;
        until = performance.now() + SLICE_MS;
      }
    }
    this.onChange(this.history, { busy: false });
  }

  async whole(text, steps, turn) {
    const { rules } = this.settings;
    const ids = steps ? steps.flatMap(step => step.ids) : this.encoder.encode(text);
    const row = padRow(ids, rules);
    this.history = [];
    if (row.length) {
      const answer = await this.runner.run(row, {}, this.keep(row, ids.length));
      this.history = [{ label: text, known: true, ids: row, ...answer }];
    }
    if (turn === this.turn) this.onChange(this.history, { busy: false });
  }
}
