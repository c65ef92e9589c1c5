"""TFRecords as a store of features."""

import numpy as np
import pytest
import tensorflow as tf

from ahernet_tf.data.features.opening import open_store

VALUES = np.arange(12.0, dtype=np.float32).reshape(4, 3) / 4


def write_tfrecord(path, arrays, id_field="video", features_field="features", raw=None):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for name, values in arrays.items():
            numbers = tf.train.Feature(
                float_list=tf.train.FloatList(value=values.ravel())
            )
            if raw:
                data = values.astype(raw).tobytes()
                numbers = tf.train.Feature(bytes_list=tf.train.BytesList(value=[data]))
            ids = tf.train.BytesList(value=[name.encode()])
            feature = {
                id_field: tf.train.Feature(bytes_list=ids),
                features_field: numbers,
            }
            features = tf.train.Features(feature=feature)
            writer.write(tf.train.Example(features=features).SerializeToString())


@pytest.mark.parametrize("raw", [None, "<f4", "<f2"])
def test_tfrecords_hold_floats_or_bytes(tmp_path, raw):
    folder = tmp_path / "records"
    folder.mkdir()
    write_tfrecord(folder / "x.tfrecord-00000-of-00002", {"a": VALUES}, raw=raw)
    arrays = {"v_b": VALUES + 1, "c": VALUES[:2]}
    write_tfrecord(folder / "x.tfrecord-00001-of-00002", arrays, raw=raw)
    spec = {"dim": 3}
    if raw:
        spec["dtype"] = np.dtype(raw).name
    store = open_store(folder, spec)
    assert sorted(store.ids()) == ["a", "c", "v_b"]
    for name, values in {"a": VALUES, "b": VALUES + 1, "c": VALUES[:2]}.items():
        np.testing.assert_array_equal(store.read(name), values)
        assert store.shape(name) == values.shape
    assert store.file_of("b").name == "x.tfrecord-00001-of-00002"


def test_fields_of_tfrecords_can_be_named(tmp_path):
    write_tfrecord(tmp_path / "x.tfrecord", {"v_a": VALUES}, "key", "rgb")
    spec = {"dim": 3, "id_field": "key", "features_field": "rgb"}
    store = open_store(tmp_path / "x.tfrecord", {**spec, "template": "v_{video}"})
    np.testing.assert_array_equal(store.read("a"), VALUES)
    with pytest.raises(ValueError, match=r"no field 'video'.* are \['key', 'rgb'\]"):
        open_store(tmp_path / "x.tfrecord", {"dim": 3})
    with pytest.raises(ValueError, match="12 numbers are no rows of 5"):
        open_store(tmp_path / "x.tfrecord", {**spec, "dim": 5}).read("a")
    with pytest.raises(ValueError, match="need 'dim'"):
        open_store(tmp_path / "x.tfrecord", {})


def test_a_cut_tfrecord_is_named(tmp_path):
    path = tmp_path / "x.tfrecord"
    write_tfrecord(path, {"a": VALUES, "b": VALUES})
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="no whole record at byte"):
        open_store(path, {"dim": 3})


def test_a_changed_byte_is_noticed(tmp_path):
    path = tmp_path / "x.tfrecord"
    write_tfrecord(path, {"a": VALUES, "b": VALUES})
    data = bytearray(path.read_bytes())
    data[len(data) - 20] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"x\.tfrecord: .*corrupted"):
        open_store(path, {"dim": 3})


def test_a_record_of_a_petabyte_is_not_tried(tmp_path):
    path = tmp_path / "x.tfrecord"
    path.write_bytes((1 << 50).to_bytes(8, "little") + bytes(100))
    with pytest.raises(ValueError, match="no whole record at byte 0"):
        open_store(path, {"dim": 3})


def test_links_out_of_the_directory_need_a_flag(tmp_path):
    (tmp_path / "store").mkdir()
    write_tfrecord(tmp_path / "x.tfrecord", {"a": VALUES})
    (tmp_path / "store" / "y.tfrecord").symlink_to("../x.tfrecord")
    with pytest.raises(ValueError, match="is a link out of the store"):
        open_store(tmp_path / "store", {"dim": 3})
    trusting = open_store(tmp_path / "store", {"dim": 3, "follow_links": True})
    assert trusting.ids() == ["a"]
