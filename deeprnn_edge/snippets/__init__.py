"""Programs in other languages that run a bundle's ONNX file on one example, and compare the answer."""
