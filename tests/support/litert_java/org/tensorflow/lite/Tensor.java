package org.tensorflow.lite;

/** Of LiteRT's tensors what the programs use. */
public interface Tensor {
  DataType dataType();

  String name();
}
