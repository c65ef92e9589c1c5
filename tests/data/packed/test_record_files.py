import re

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.data.packed.record_files import (
    OVERHEAD_BYTES,
    decode,
    encode,
    fault_of_values,
    masked_crc32c,
    read_record,
)

FINITE = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
FINITE = FINITE[np.isfinite(FINITE)]
RECORDS = [b"first", b"", bytes(range(256)) * 300]


@pytest.fixture
def path(tmp_path):
    with tf.io.TFRecordWriter(str(tmp_path / "r")) as writer:
        for record in RECORDS:
            writer.write(record)
    return tmp_path / "r"


def offset(number):
    return sum(len(r) + OVERHEAD_BYTES for r in RECORDS[:number])


def test_the_checksum_is_that_of_a_published_vector():
    # RFC 3720, B.4: the CRC32C of 32 zero bytes is 8A9136AA; the mask is TFRecord's.
    crc = 0x8A9136AA
    mask = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    assert masked_crc32c(bytes(32)) == mask


def test_any_record_of_an_ordinary_file_can_be_read_alone(path):
    for number in (2, 0, 1):
        found = read_record(path, offset(number), len(RECORDS[number]))
        assert found == RECORDS[number]


@pytest.mark.parametrize(
    ("position", "message"),
    [
        (12, "record at byte 0 is damaged"),
        (18, "record at byte 0 is damaged"),
        (0, "no record of 5 bytes at byte 0"),
        (9, "no record of 5 bytes at byte 0"),
    ],
)
def test_a_changed_byte_is_noticed(path, position, message):
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message):
        read_record(path, 0, 5)


def test_a_wrong_place_and_a_short_file_are_noticed(path):
    with pytest.raises(ValueError, match="no record of 5 bytes at byte 3"):
        read_record(path, 3, 5)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="ends before the record at byte 37 does"):
        read_record(path, offset(2), len(RECORDS[2]))


def test_every_float16_is_decoded_exactly_and_the_tiny_ones_are_zero():
    data = b"odd" + encode(FINITE.reshape(1, -1), "float16")
    expected = FINITE.astype(np.float32)
    expected[np.abs(expected) < 2.0**-14] = 0.0
    found = decode(data, 3, 1, len(FINITE), "float16")[0]
    np.testing.assert_array_equal(found, expected)


def test_decoding_is_exact_where_tensorflow_runs_python_code():
    # There, numbers below the smallest normal float32 count as 0.
    values = np.concatenate([FINITE] * 3)

    def compute(_):
        return decode(encode(values, "float16"), 0, 3, len(FINITE), "float16")

    result = tf.data.Dataset.range(1).map(
        lambda i: tf.numpy_function(compute, [i], tf.float32)
    )
    found = next(result.as_numpy_iterator()).ravel()
    expected = values.astype(np.float32)
    expected[np.abs(expected) < 2.0**-14] = 0.0
    np.testing.assert_array_equal(found, expected)


def test_float32_is_kept_bit_for_bit():
    values = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    found = decode(b"x" + encode(values, "float32"), 1, 7, 5, "float32")
    np.testing.assert_array_equal(found, values)
    assert found.flags.writeable


@pytest.mark.parametrize(
    ("value", "dtype", "fault"),
    [
        (np.nan, "float32", r"nan in the features \(1 values, first at clip 1, chan"),
        (-np.inf, "float16", "-inf in the features"),
        (7e4, "float16", "70000.0 does not fit float16; pack as float32"),
        (7e4, "float32", None),
        (-65504.0, "float16", None),
    ],
)
def test_numbers_that_do_not_fit_are_named(value, dtype, fault):
    values = np.ones((3, 4), np.float32)
    values[1, 2] = value
    found = fault_of_values(values, dtype)
    if fault is None:
        assert found is None
    else:
        assert re.search(fault, found)


def test_features_of_a_tiny_scale_are_not_for_float16():
    values = np.full((3, 4), 1e-5, np.float32)
    assert "too small for float16" in fault_of_values(values, "float16")
    assert fault_of_values(values, "float32") is None
    assert fault_of_values(np.zeros((3, 4), np.float32), "float16") is None
