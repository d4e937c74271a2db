// The page: what is typed or replayed goes in, and what comes out is shown.
import { conclude, decide, describeOutput, leaders, show, showMean, showMs } from "./answer.js";
import { drawChart } from "./chart.js";
import { Replay } from "./replay.js";
import { openRunner } from "./runner.js";
import { Encoder } from "./text.js";
import { Typing } from "./typing.js";

const MOST_WORDS = 150;
const MOST_ROWS = 200;
const at = id => document.getElementById(id);
let settings, output, shown = [];

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function complain(message) {
  at("problem").textContent = message;
  at("problem").hidden = !message;
}

function isFirst(entry) { return entry.label === ""; }

function drawHistory() {
  const last = shown.at(-1);
  const picked = !last ? [] : output.single ? [0] : leaders(last.values, 3);
  const lines = picked.map((index, kind) => (
    { name: output.names[index], kind, values: shown.map(entry => entry.values[index]) }
  ));
  drawChart(at("chart"), lines, { isProbability: output.isProbability, ends: endsOf() });
  at("legend").replaceChildren(...lines.map(({ name, kind }) => element("li", name, { class: `kind${kind}` })));
}

// What stands under the first and the last point.
function endsOf() {
  const count = shown.length - (shown.length && isFirst(shown[0]) ? 1 : 0);
  const last = shown.length < 2 ? "" : `${unitOf()} ${count.toLocaleString("en")}`;
  if (!shown.length) return ["", ""];
  return [isFirst(shown[0]) ? "start" : `${unitOf()} 1`, last];
}

function unitOf() { return settings.kind === "text" ? "word" : "step"; }

function drawAnswer(busy) {
  const last = shown.at(-1);
  at("answer").hidden = !last;
  if (!last) return;
  const { label, share } = conclude(shown, output);
  const number = share ?? last.values[0];
  at("label").textContent = label;
  at("number").textContent = show(number, share !== null);
  at("number").value = String(number);
  at("answer").dataset.values = JSON.stringify(last.values);
  const meter = at("meter");
  meter.hidden = !output.isProbability;
  const filled = Math.min(Math.max(output.single ? last.values[0] : number, 0), 1);
  // Between two labels the bar grows from the middle to the one that wins.
  const from = output.single ? Math.min(filled, 0.5) : 0;
  meter.style.setProperty("--from", from);
  meter.style.setProperty("--length", output.single ? Math.abs(filled - 0.5) : filled);
  meter.setAttribute("aria-valuenow", filled.toFixed(3));
  meter.setAttribute("aria-valuetext", `${label}, ${show(number, share !== null)}`);
  at("ends").hidden = !(output.single && output.isProbability);
  if (!busy) announce(`${label}, ${show(number, share !== null)}`);
}

let announced;
// A screen reader hears the answer once the typing pauses, not after every letter.
function announce(text) {
  clearTimeout(announced);
  announced = setTimeout(() => { at("live").textContent = text; }, 600);
}

function drawWords() {
  const words = shown.filter(entry => !isFirst(entry));
  const kept = words.slice(-MOST_WORDS);
  const parts = kept.map(entry => {
    const made = element("li", entry.label, entry.known ? {} : { class: "unknown", title: "not in the vocabulary" });
    const { share } = decide(entry.values, output);
    if (share !== null) made.style.setProperty("--value", output.single ? entry.values[0] : share);
    return made;
  });
  at("words").replaceChildren(...parts);
  at("words-part").hidden = settings.kind !== "text" || !settings.streams || !kept.length;
  at("unknown-note").hidden = kept.every(entry => entry.known);
}

function drawTable() {
  const first = Math.max(shown.length - MOST_ROWS, 0);
  const rows = shown.slice(first).map(entry => {
    const { label, share } = decide(entry.values, output);
    const row = document.createElement("tr");
    const value = element("td", "", { class: "number" });
    const number = output.single ? entry.values[0] : share ?? Math.max(...entry.values);
    value.append(element("data", show(number, output.isProbability), { value: number }));
    row.append(
      element("th", isFirst(entry) ? "(start)" : entry.label.slice(0, 60), { scope: "row" }),
      element("td", label), value, element("td", showMs(entry.ms), { class: "number" }),
    );
    return row;
  });
  at("rows").replaceChildren(...rows);
  at("rows-note").textContent = first ? `The last ${MOST_ROWS} of ${shown.length.toLocaleString("en")}.` : "";
}

function drawTimes() {
  const times = shown.map(entry => entry.ms);
  at("time-last").textContent = times.length ? showMs(times.at(-1)) : "–";
  at("time-mean").textContent = times.length ? showMean(times) : "–";
  at("count").textContent = shown.filter(entry => !isFirst(entry)).length.toLocaleString("en");
}

function draw(history, { busy }) {
  shown = history;
  complain("");
  drawAnswer(busy);
  drawHistory();
  drawTimes();
  if (busy && history.length > MOST_ROWS) return; // what is long is drawn in full once, at its end
  drawWords();
  drawTable();
  at("main").setAttribute("aria-busy", String(busy));
}

function startTyping(runner) {
  const box = at("text");
  const typing = new Typing(runner, settings, new Encoder(settings.rules, settings.vocabulary), draw);
  const follow = () => {
    at("main").setAttribute("aria-busy", "true");
    try {
      typing.update(box.value).catch(error => complain(String(error)));
    } catch (error) {
      complain(error.message);
      at("main").setAttribute("aria-busy", "false");
    }
  };
  const examples = settings.kind === "text" ? settings.examples
    : settings.samples.map(({ steps }) => steps.join(settings.raw ? ", " : " "));
  at("examples").append(...examples.map(text => {
    const button = element("button", text.length > 60 ? `${text.slice(0, 60)}…` : text, { type: "button" });
    button.addEventListener("click", () => { box.value = text; box.focus(); follow(); });
    return button;
  }));
  if (settings.kind === "tokens") {
    at("text-label").textContent = settings.raw ? "Type values, separated by commas" : "Type ids, separated by spaces";
  }
  if (!box.value) box.value = examples[0] ?? "";
  box.disabled = false;
  box.addEventListener("input", follow);
  at("clear").addEventListener("click", () => { box.value = ""; box.focus(); follow(); });
  follow();
}

function startReplay(runner) {
  const choice = at("sample");
  const replay = new Replay(runner, settings, draw);
  choice.append(...settings.samples.map(({ name, steps }, index) => (
    element("option", `${name} (${steps.length} steps)`, { value: index })
  )));
  const play = slowly => {
    at("main").setAttribute("aria-busy", "true");
    const sample = settings.samples[Number(choice.value)];
    replay.play(sample, { slowly }).catch(error => complain(String(error)));
  };
  choice.addEventListener("change", () => play(true));
  at("play").addEventListener("click", () => play(true));
  at("jump").addEventListener("click", () => play(false));
  at("jump").hidden = !settings.streams;
  play(!matchMedia("(prefers-reduced-motion: reduce)").matches);
}

function showFacts(loadMs) {
  const { artifact, labels } = settings;
  const size = artifact.sizeBytes < 1e6 ? `${(artifact.sizeBytes / 1e3).toFixed(1)} kB` : `${(artifact.sizeBytes / 1e6).toFixed(2)} MB`;
  at("network").textContent = settings.layers.join(" → ");
  at("facts").textContent = `${artifact.path}, ${artifact.precision}, ${size}, `
    + `${settings.parameters.toLocaleString("en")} parameters. Loaded in ${Math.round(loadMs)} ms.`;
  at("runtime").textContent = settings.runtime;
  at("count-name").textContent = `${unitOf()}s`;
  const each = settings.streams ? `a ${unitOf()}` : "a run";
  at("mean-name").textContent = `mean time of ${each}`;
  at("last-name").textContent = settings.streams ? `last ${unitOf()}` : "last run";
  at("count-part").hidden = !settings.streams;
  at("history").hidden = !settings.streams;
  at("how").textContent = settings.streams
    ? `Each ${unitOf()} is one step of the network: its state stays, and only what is new is computed.`
    : "The network reads the whole input again at each change.";
  const { rules } = settings;
  if (!settings.streams && settings.kind === "text" && rules.maxLength !== null) {
    at("how").textContent += ` It sees the ${rules.truncating === "pre" ? "last" : "first"} ${rules.maxLength} steps.`;
  }
  [at("low").textContent, at("high").textContent] = [labels[0] ?? "", labels[1] ?? ""];
}

async function start() {
  const started = performance.now();
  const response = await fetch("./settings.json");
  settings = await response.json();
  output = describeOutput(settings);
  const runner = await openRunner(settings);
  showFacts(performance.now() - started);
  const replays = settings.kind === "sequence";
  at("typing").hidden = replays;
  at("replay").hidden = !replays;
  at("result").hidden = false;
  at("loading").hidden = true;
  (replays ? startReplay : startTyping)(runner);
  new ResizeObserver(drawHistory).observe(at("chart").parentElement);
}

start().catch(error => {
  at("loading").hidden = true;
  complain(`The page could not start: ${error.message}`);
});
