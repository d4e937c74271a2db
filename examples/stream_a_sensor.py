"""Name a speaker while the sound still lasts: python stream_a_sensor.py BUNDLE SERIES.csv.

The bundle is that of export_a_model.py; each line of the file is a step, its twelve channels separated by commas.
"""

import sys
from pathlib import Path

import numpy as np

import deeprnn_edge

bundle, file = sys.argv[1:]
model = deeprnn_edge.load(bundle)
with model.stream() as stream, Path(file).open(encoding="utf-8") as lines:
    for line in lines:  # a pipe or a serial port as well: nothing waits for the end
        step = np.array(line.split(","), dtype=np.float32)
        probabilities = stream.push(step[None])[0]  # (1, 12) in, nine probabilities out
        print(f"{model.manifest.labels[probabilities.argmax()]}  {probabilities.max():.2f}")
