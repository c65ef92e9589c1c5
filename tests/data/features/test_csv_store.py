"""csv files as features: what is a header, what an index, what a fault."""

import io

import numpy as np
import pandas as pd
import pytest

from ahernet_tf.data.features.opening import open_store

VALUES = np.arange(12.0, dtype=np.float32).reshape(4, 3) / 4


@pytest.mark.parametrize(
    ("first", "rows"),
    [
        ("f0,f1", 1),
        ("0,1", 1),
        ("1,2", 1),
        ("1.5,2", 2),
        ("0.0,1.5", 2),
    ],
)
def test_a_csv_may_have_no_header(tmp_path, first, rows):
    (tmp_path / "a.csv").write_text(f"{first}\n3.5,4\n")
    store = open_store(tmp_path, {})
    assert store.shape("a") == store.read("a").shape == (rows, 2)
    np.testing.assert_array_equal(store.read("a")[-1], [3.5, 4.0])


def test_a_csv_with_a_word_in_it_is_named(tmp_path):
    (tmp_path / "a.csv").write_text("f0,f1\n1,2\n3,hm\n")
    with pytest.raises(ValueError, match=r"a\.csv: video 'a': .*hm"):
        open_store(tmp_path, {}).read("a")


@pytest.mark.parametrize(
    ("text", "line"), [("2,1\n3.5,4\n5\n", 3), ("f0;f1\n\n3\n4;5\n", 3)]
)
def test_a_line_that_ends_early_is_named(tmp_path, text, line):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(ValueError, match=f"line {line} has 1 cells, expected 2"):
        open_store(tmp_path, {}).read("a")


def test_a_csv_with_a_header_only_is_empty(tmp_path):
    (tmp_path / "a.csv").write_text("f0,f1\n")
    store = open_store(tmp_path, {})
    assert store.shape("a") == store.read("a").shape == (0, 2)


def read(tmp_path, text):
    """Reads a csv file; its shape, found without reading all of it, is the same."""
    (tmp_path / "a.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    store = open_store(tmp_path, {})
    values = store.read("a")
    assert store.shape("a") == values.shape
    return values


def written(**options):
    text = io.StringIO()
    names = options.pop("names", range(VALUES.shape[1]))
    pd.DataFrame(VALUES, columns=names).to_csv(text, **options)
    return text.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        written(),
        written(index=False),
        written(header=False, index=False),
        written(names=["a", "b c", "d"]),
        written(sep=";"),
        written(sep=";", decimal=","),
        written(sep="\t", index=False),
        written(sep=" ", index=False, header=False),
        "  " + written(sep=" ", index=False, header=False).replace(" ", "   "),
        "\ufeff" + written(),
        written(quoting=1),
        written(index_label="Unnamed: 0"),
        "# f0,f1,f2\n" + written(header=False, index=False),
        written().replace("\n", "\r\n"),
        written().replace("\n", "\r"),
    ],
)
def test_what_pandas_and_numpy_write_is_read(tmp_path, text):
    np.testing.assert_array_equal(read(tmp_path, text), VALUES)


def test_a_damaged_first_line_is_no_header(tmp_path):
    text = written(header=False, index=False)
    for damaged in (text.replace("0.25", "0.25x", 1), text.replace("0.0", "", 1)):
        with pytest.raises(ValueError, match=r"a\.csv: .*line 1 is neither a header"):
            read(tmp_path, damaged)
    with pytest.raises(ValueError, match="line 1 has 1 cells, 'garbage' first, but"):
        read(tmp_path, "garbage\n" + text)


def test_a_row_number_without_a_header_is_a_fault(tmp_path):
    named = written(index_label="frame", header=["a", "b", "c"])
    for text in (written(header=False), named):
        with pytest.raises(ValueError, match="first column counts the rows"):
            read(tmp_path, text)
    with pytest.raises(ValueError, match="no name, and does not count the rows"):
        read(tmp_path, ",0,1\n5,1.5,2.5\n7,1.5,2.5\n")


def test_messages_stay_short(tmp_path):
    long = "0.25|" * 20_000
    for text in (f"{long}\n{long}\n", f"0.5,1.5\n{long},0.5\n"):
        with pytest.raises(ValueError, match=r"a\.csv: video 'a'") as error:
            read(tmp_path, text)
        assert len(str(error.value)) < 1000


def test_text_that_is_not_utf_8_is_named(tmp_path):
    with pytest.raises(ValueError, match="is no text in UTF-8"):
        read(tmp_path, written().encode("utf-16"))


@pytest.mark.parametrize("step", [0.32, 8.0])
def test_times_of_the_rows_are_no_feature(tmp_path, step):
    rows = "".join(f"{n * step:g},{v},{v * v}\n" for n, v in enumerate((3, 7, 1, 4)))
    for header in ("", "time,f0,f1\n"):
        with pytest.raises(ValueError, match="rows or frames, or is their time"):
            read(tmp_path, f"{header}{rows}")


def test_times_are_no_feature_wherever_they_stand(tmp_path):
    numbers = np.random.default_rng(0).normal(size=(9, 2))
    table = pd.DataFrame(numbers).assign(time=np.arange(9) * 0.32)
    with pytest.raises(ValueError, match=r"column 3 counts .* time \(0, 0.32, ...\)"):
        read(tmp_path, table.to_csv(index=False).replace("0,1,time", "a,b,time"))
