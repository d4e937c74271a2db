"""Arrays of an npz: those of numpy as numpy reads them, and nothing else."""

from __future__ import annotations

import io
import pickle
import struct
from typing import Any

import numpy as np
import pytest

from deeprnn_edge.bundle import golden
from deeprnn_edge.bundle.golden import Case, decode_golden, encode_golden
from deeprnn_edge.errors import BundleError
from deeprnn_edge.files import npy
from deeprnn_edge.files.npy import decode_array
from tests.support.mutations import write_zip


def saved(array: Any, **options: Any) -> bytes:
    content = io.BytesIO()
    np.save(content, array, **options)
    return content.getvalue()


def made_up(header: str, data: bytes = b"\0" * 8) -> bytes:
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode() + data


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8"])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 4), (2, 3, 5), (2, 0, 3)])
def test_it_reads_what_numpy_writes(dtype: str, shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).integers(0, 100, shape).astype(dtype)
    for one in (array, np.asfortranarray(array)):
        read = decode_array(saved(one), "a")
        assert (read.dtype, read.shape) == (one.dtype, one.shape)
        assert np.array_equal(read, one)
        assert read.flags.writeable


class Bomb:
    def __reduce__(self) -> Any:
        raise AssertionError("unpickled")


@pytest.mark.parametrize(
    "content",
    [
        saved(np.array([{"a": 1}], object), allow_pickle=True),
        pickle.dumps([1, 2, 3]),
        saved(np.array(["text"])),
        saved(np.zeros(3, [("a", "f4"), ("b", "i4")])),
        saved(np.zeros(3, ">f4")),
        saved(np.zeros(3, "complex64")),
        saved(np.zeros(3, "datetime64[s]")),
        made_up("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n"),
        made_up("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), } or print()\n"),
        made_up("(" * 500 + "\n"),
        made_up("__import__('os')\n"),
        made_up("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }\n"),
        made_up("{'descr': '<f8', 'fortran_order': False, 'shape': (1" + ", 1" * 40 + "), }\n"),
        made_up("{'descr': '<f8', 'fortran_order': False, 'shape': (,), }\n"),
        made_up("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,), }\n"),
        made_up("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }\n")[:20],
        b"",
    ],
)
def test_everything_else_is_refused(content: bytes) -> None:
    with pytest.raises(BundleError, match=r"^golden\.npz: 'a' (is no|has the)"):
        decode_array(content, "golden.npz: 'a'")


@pytest.mark.parametrize("shape", ["(1000000000000,)", "(2,)", "(3, 0, 1)", "(999999999999, 999999999999)"])
def test_a_shape_that_the_bytes_do_not_hold(monkeypatch: pytest.MonkeyPatch, shape: str) -> None:
    monkeypatch.setattr(npy.np, "frombuffer", None)  # type: ignore[attr-defined]
    content = made_up(f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n")
    with pytest.raises(BundleError, match=r"a has 8 bytes, and its shape .* takes .*; copy the bundle again"):
        decode_array(content, "a")


def test_more_than_any_export_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    content = encode_golden([Case("one", {"x": np.zeros((1, 1000))}, {"y": np.zeros((1, 1000))})])
    assert len(content) < 1_000
    monkeypatch.setattr(golden, "GOLDEN_UNPACKED_BYTES", 10_000)
    monkeypatch.setattr(golden, "decode_array", None)
    with pytest.raises(BundleError, match=r"golden\.npz unpacks to 16,256 bytes, and 10,000 are the most"):
        decode_golden(content)


@pytest.mark.parametrize(
    "name", ["x.npy", "case/x.npy", "case/up/x.npy", "case/in/x", "case/in/x.npz", "a\x1b/in/x.npy", ""]
)
def test_a_name_that_is_no_array_of_a_case(name: str) -> None:
    with pytest.raises(BundleError, match=r"golden\.npz holds .*, expected CASE/in/NAME\.npy or CASE/out/NAME\.npy"):
        decode_golden(write_zip([(name, saved(np.zeros(1)))]))
