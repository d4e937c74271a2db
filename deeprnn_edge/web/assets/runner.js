// The model in ONNX Runtime: steps of a stream, or whole sequences.
import { scaleBack } from "./names.js";
import * as ort from "./runtime/ort.js";

/** Open the model. One thread: more would need headers that static servers do not send. */
export async function openRunner(settings) {
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = { wasm: new URL("./runtime/ort.wasm", import.meta.url).href };
  ort.env.logLevel = "error";
  const response = await fetch("./model.onnx");
  if (!response.ok) throw new Error(`model.onnx: the server answered ${response.status}`);
  const session = await ort.InferenceSession.create(new Uint8Array(await response.arrayBuffer()), {
    executionProviders: ["wasm"],
  });
  const runner = new Runner(session, settings);
  await warmUp(runner, settings.input.shape);
  return runner;
}

// The first run prepares buffers: no visitor's word should be timed with that.
async function warmUp(runner, [length, width]) {
  const step = width === undefined ? 0 : new Array(width).fill(0);
  const steps = new Array(typeof length === "number" ? length : 1).fill(step);
  await runner.run(steps, runner.initialState());
}

class Runner {
  constructor(session, settings) {
    this.session = session;
    this.settings = settings;
  }

  /** The states before the first step: name to tensor. */
  initialState() {
    const tensors = {};
    for (const { name, shape, initial } of this.settings.states) {
      const size = shape.reduce((product, one) => product * one, 1);
      tensors[name] = new ort.Tensor("float32", new Float32Array(size).fill(initial), [1, ...shape]);
    }
    return tensors;
  }

  /**
   * Run steps, ids or feature vectors, on a state: the last step's values, the state behind it, milliseconds; where
   * every step is answered, also the values of the steps that are kept, those that are no padding.
   */
  async run(steps, state, kept = steps.map(() => true)) {
    const { input, output, states, answer } = this.settings;
    const feeds = { ...state, [input.name]: toTensor(steps, input) };
    const started = performance.now();
    const answers = await this.session.run(feeds);
    const ms = performance.now() - started;
    const next = {};
    for (const { name, nextName } of states) next[name] = answers[nextName];
    const all = answers[output.name].data;
    const at = start => scaleBack(Array.from(all.subarray(start, start + output.size)), answer);
    const made = { values: at(all.length - output.size), state: next, ms };
    if (!output.everyStep) return made;
    const places = Array.from({ length: all.length / output.size }, (_, index) => index);
    const left = places.length === kept.length ? places.filter(index => kept[index]) : places;
    return { ...made, steps: left.map(index => at(index * output.size)) };
  }
}

function toTensor(steps, { dtype, shape }) {
  if (shape.length === 1) return new ort.Tensor(dtype, Int32Array.from(steps), [1, steps.length]);
  return new ort.Tensor(dtype, Float32Array.from(steps.flat()), [1, steps.length, shape[1]]);
}
