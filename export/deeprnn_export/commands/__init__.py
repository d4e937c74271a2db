"""The workshop's commands; each joins ``deeprnn-edge`` through an entry point."""

import logging
import os

# TensorFlow's start-up notes on oneDNN and missing GPUs, and its advice on retracing, which one model after
# another in a process brings on, are no progress of ours; its errors still come.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
logging.getLogger("tensorflow").setLevel(logging.ERROR)
