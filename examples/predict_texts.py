"""Label each line of a file with a bundle: python predict_texts.py BUNDLE FILE."""

import sys
from pathlib import Path

import deeprnn_edge

bundle, file = sys.argv[1:]
model = deeprnn_edge.load(bundle)
texts = Path(file).read_text(encoding="utf-8").splitlines()
answers = model.predict(texts)  # one row a text
labels = model.manifest.labels

for text, answer in zip(texts, answers, strict=True):
    if len(answer) == 1:  # one sigmoid, two labels: the probability of the second
        chosen, probability = int(answer[0] > 0.5), max(answer[0], 1 - answer[0])
    else:
        chosen, probability = int(answer.argmax()), answer.max()
    print(f"{labels[chosen] if labels else chosen:10} {probability:4.0%}  {text}")
