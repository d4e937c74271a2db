"""Say after each word how positive the sentence is so far: python stream_words.py [BUNDLE].

The bundle: deeprnn-edge train --cell gru --data reviews -o gru.keras
            deeprnn-edge export gru.keras -o bundle --stream
"""

import sys

import deeprnn_edge

model = deeprnn_edge.load(sys.argv[1] if len(sys.argv) > 1 else "bundle")
with model.stream() as stream:
    for word in "it begins well and then it falls apart badly".split():
        print(f"{word:8} {stream.push(word)[0, 0]:.2f}")
