"""Measure the C format beside ONNX Runtime: time, size of code, and difference from Keras."""
