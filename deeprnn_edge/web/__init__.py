"""A static page that runs a bundle in the browser, with ONNX Runtime's WebAssembly build."""
