package org.tensorflow.lite;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;

/** LiteRT's interpreter for the JVM, of which Android alone has the library: tests/support/litert_server.py runs it. */
public final class Interpreter implements AutoCloseable {
  /** What programs set. */
  public static class Options {
    private int threads = -1;
    private boolean xnnpack = true;

    public Options setNumThreads(int threads) {
      this.threads = threads;
      return this;
    }

    public Options setUseXNNPACK(boolean use) {
      xnnpack = use;
      return this;
    }
  }

  private final Process server;
  private final DataOutputStream to;
  private final DataInputStream from;
  private final Map<String, Tensor> tensors = new HashMap<>();

  public Interpreter(ByteBuffer model, Options options) {
    if (!model.isDirect() || model.order() != ByteOrder.nativeOrder()) {
      throw new IllegalArgumentException("Model ByteBuffer should be a direct ByteBuffer of the native order");
    }
    try {
      server = new ProcessBuilder(System.getenv("LITERT_PYTHON"), System.getenv("LITERT_SERVER"))
          .redirectError(ProcessBuilder.Redirect.INHERIT).start();
      to = new DataOutputStream(server.getOutputStream());
      from = new DataInputStream(server.getInputStream());
      to.writeInt(options.threads);
      to.writeBoolean(options.xnnpack);
      write(model);
      to.flush();
      for (int count = from.readInt(); count > 0; count--) {
        String name = from.readUTF();
        DataType type = DataType.valueOf(from.readUTF());
        tensors.put(name, new Tensor() {
          public DataType dataType() {
            return type;
          }

          public String name() {
            return name;
          }
        });
      }
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  public String[] getSignatureKeys() {
    return new String[] {"serving_default"};
  }

  public Tensor getInputTensorFromSignature(String name, String key) {
    return tensors.get("in " + name);
  }

  public Tensor getOutputTensorFromSignature(String name, String key) {
    return tensors.get("out " + name);
  }

  public void runSignature(Map<String, Object> inputs, Map<String, Object> outputs, String key) {
    try {
      to.writeInt(inputs.size());
      for (Map.Entry<String, Object> input : inputs.entrySet()) {
        to.writeUTF(input.getKey());
        write((ByteBuffer) input.getValue());
      }
      to.writeInt(outputs.size());
      for (String name : outputs.keySet()) to.writeUTF(name);
      to.flush();
      for (Object output : outputs.values()) ((ByteBuffer) output).put(from.readNBytes(from.readInt()));
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  /** Writes the whole buffer, wherever its position is: as LiteRT, which takes its address. */
  private void write(ByteBuffer buffer) throws IOException {
    byte[] bytes = new byte[buffer.capacity()];
    ByteBuffer whole = buffer.duplicate();
    whole.clear();
    whole.get(bytes);
    to.writeInt(bytes.length);
    to.write(bytes);
  }

  @Override
  public void close() {
    server.destroy();
  }
}
