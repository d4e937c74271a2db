"""Limit how large what a bundle holds may be: far above real use, and small enough that a made-up number costs nothing.

A size is held against its limit before anything is read or allocated.
"""

from __future__ import annotations

MIB, GIB = 1 << 20, 1 << 30

# Protobuf, and so ONNX, ends at 2 GiB, and so does a flatbuffer, which a TFLite file is.
ARTIFACT_BYTES = 2 * GIB - 1
# A network of a few layers takes 10 kB, and one of 500 layers in eight formats 600 kB. A MiB takes 0.2 s to decode, and
# up to ten times its size.
MANIFEST_BYTES = 2 * MIB
# What ``bench -o`` writes: 2 kB a file that was measured.
REPORT_BYTES = 4 * MIB
# A million words take 10 MB on disk and 150 MB as a dict; devices that this runtime is for have little more.
VOCABULARY_BYTES = 64 * MIB
VOCABULARY_WORDS = 4_000_000
# Some dozen cases of up to 3 rows: kilobytes. Outputs of 1,000 steps of 256 units take 3 MB a case. Export refuses to
# write more.
GOLDEN_BYTES = 128 * MIB
GOLDEN_UNPACKED_BYTES = 128 * MIB
# A bundle has ten files; golden vectors have one for each array of each case.
ZIP_ENTRIES = 10_000
# Each entry of a zip's directory takes 46 bytes and its name.
ZIP_DIRECTORY_BYTES = 4 * MIB

# One row of an input, an output or a state: 1 GiB of float32, where a thousand steps of 256 units take 1 MB.
ROW_ELEMENTS = 1 << 28
# Rows of one stream, each of which has objects of its own in LiteRT: a million take 7 s to make.
STREAM_ROWS = 100_000
# Time steps that a row is padded to, or that one call of a stream takes: a day of samples at 100 a second.
TIME_STEPS = 10_000_000
# Axes of an array: numpy has no more before 2.0.
AXES = 32
