"""The workshop's commands; each joins ``deeprnn-edge`` through an entry point."""

import logging
import os

# TensorFlow's notes on oneDNN and missing GPUs (some of them logged as errors), and its advice on retracing,
# which one model after another in a process brings on, are no progress of ours; real errors are exceptions.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
logging.getLogger("tensorflow").setLevel(logging.ERROR)
