// A sequence of feature vectors, replayed step by step, or run whole where the model has no stream.

import { FeatureEncoder } from "./features.js";
import { keptSteps } from "./padding.js";

const WATCHED_MS = 60; // between steps, so that one can follow them

export class Replay {
  constructor(runner, settings, onChange) {
    Object.assign(this, { runner, settings, onChange, turn: 0 });
  }

  keep(steps) {
    return keptSteps(steps, steps.length, this.settings.rules, this.settings.answer?.skipsPadding);
  }

  /** Play a sample, raw where the bundle has steps, from its start; another call gives this one up. slowly: at a pace to watch. */
  async play(sample, { slowly = true } = {}) {
    const turn = ++this.turn;
    const { raw } = this.settings;
    const steps = raw ? new FeatureEncoder(raw).encode(sample.steps) : sample.steps;
    const history = [];
    if (!this.settings.streams) {
      history.push({ label: "all", known: true, ...(await this.runner.run(steps, {}, this.keep(steps))) });
    } else {
      let state = this.runner.initialState();
      for (const [index, step] of steps.entries()) {
        const answer = await this.runner.run([step], state, this.keep([step]));
        if (turn !== this.turn) return;
        state = answer.state;
        history.push({ label: `step ${index + 1}`, known: true, ...answer });
        this.onChange(history, { busy: true });
        if (slowly) await new Promise(resolve => setTimeout(resolve, WATCHED_MS));
        if (turn !== this.turn) return;
      }
    }
    if (turn === this.turn) this.onChange(history, { busy: false });
  }
}
