package org.tensorflow.lite;

/** What tensors hold, as in LiteRT. */
public enum DataType { FLOAT32, INT32, UINT8, INT64, STRING, BOOL, INT16, INT8 }
