"""Train a network with a loop of its own, and export it: python export_a_model.py [EPOCHS] [BUNDLE]."""

import sys

import keras
import numpy as np
import tensorflow as tf

from deeprnn_export import export, load_dataset

epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 40
destination = sys.argv[2] if len(sys.argv) > 2 else "speaker"

data = load_dataset("vowels")  # (rows, time, 12) float32, padded with zeros; nine speakers
model = keras.Sequential(
    [
        keras.Input(data.x_train.shape[1:], name="voice"),
        keras.layers.Masking(),
        keras.layers.GRU(24, return_sequences=True),
        keras.layers.GRU(16),
        keras.layers.Dense(len(data.labels), activation="softmax", name="speaker"),
    ],
    name="speaker",
)
optimizer = keras.optimizers.Adam(0.01, clipnorm=1.0)
batches = tf.data.Dataset.from_tensor_slices((data.x_train, data.y_train)).shuffle(len(data.x_train), seed=0).batch(32)


@tf.function
def learn(series: tf.Tensor, speakers: tf.Tensor) -> None:
    """Take one step of training."""
    with tf.GradientTape() as tape:
        loss = keras.losses.sparse_categorical_crossentropy(speakers, model(series, training=True))
        loss = tf.reduce_mean(loss)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))


for _ in range(epochs):
    for series, speakers in batches:
        learn(series, speakers)

right = np.argmax(model.predict(data.x_test, verbose=0), axis=1) == data.y_test
print(f"accuracy on {len(right)} test rows: {right.mean():.1%}")

manifest = export(model, destination, labels=data.labels, formats=["onnx"], stream=True, force=True)
for artifact in manifest.artifacts:
    print(f"{artifact.path:16} {artifact.size_bytes:7,} bytes, off by at most {artifact.parity.max_abs_diff:.0e}")
