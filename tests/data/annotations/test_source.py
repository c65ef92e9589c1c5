import gzip

import pytest

from ahernet_tf.data.annotations.source import Source
from tests.data.annotations.reading import write

TEXT = "video,start,end,label\nk1,1,2,r\u00fchren\n"


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32"),
        gzip.compress(TEXT.encode("utf-8-sig")),
    ],
    ids=["plain", "mark", "utf-16", "big-endian", "le", "be", "utf-32", "gzip"],
)
def test_text_is_read_in_every_encoding_of_unicode(tmp_path, data):
    source = Source(write(tmp_path / "a.csv", data))
    assert source.text == TEXT
    assert source.table.rows[0]["label"] == "r\u00fchren"


def test_another_encoding_is_named_and_asked_for(tmp_path):
    path = write(tmp_path / "a.csv", TEXT.encode("cp1252"))
    with pytest.raises(
        ValueError, match=r"line 2.*--encoding cp1252.*'k1,1,2,r\u00fchren'"
    ):
        _ = Source(path).text
    assert Source(path, "cp1252").text == TEXT
    with pytest.raises(ValueError, match="Python knows no 'cp9999'"):
        _ = Source(path, "cp9999").text


@pytest.mark.parametrize("data", ['{"a": 1}'.encode("utf-8-sig"), b'{"a": 1}'])
@pytest.mark.parametrize("zipped", [False, True])
def test_json_may_have_a_byte_order_mark_and_be_gzipped(tmp_path, data, zipped):
    path = write(tmp_path / "a.json.gz", gzip.compress(data) if zipped else data)
    source = Source(path)
    assert source.json == {"a": 1}
    assert (source.stem, source.ending) == ("a", "json")
    assert source.xml is source.table is None


def test_keys_that_are_there_twice_are_kept_apart(tmp_path):
    source = Source(write(tmp_path / "a.json", '{"a": 1, "a": 2}'))
    assert source.json == {"a": 1}
    assert source.repeated == [("a", 2)]


@pytest.mark.parametrize(
    ("data", "part", "message"),
    [
        (b'{"a":', "json", "is not JSON"),
        (b"[" * 100_000, "json", "is not JSON"),
        (b"<?xml version='1.0'?><a><b></a>", "xml", "is not XML"),
        (b"PK\x03\x04more", "text", "zip archive or an Excel workbook"),
        (b"\x93NUMPY\x01\x00v\x00{'descr'", "text", "is a NumPy array"),
        (b"PAR1\x15", "text", "is a Parquet file: save it as CSV"),
        (b"\x80\x04\x95", "text", "is a pickle, which is never read"),
        (b"version https://git-lfs.github.com", "text", "run git lfs pull"),
        (b"a\0b\0\0c", "text", "is no text"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "xml", "entities"),
        (gzip.compress(b"x" * 100)[:15], "text", "cannot be read"),
    ],
)
def test_a_damaged_file_says_so(tmp_path, data, part, message):
    source = Source(write(tmp_path / "a", data))
    with pytest.raises(ValueError, match=message):
        getattr(source, part)


def test_an_absent_file_says_so(tmp_path):
    with pytest.raises(ValueError, match="cannot be read"):
        _ = Source(tmp_path / "none").text


def test_lines_keep_their_numbers(tmp_path):
    source = Source(write(tmp_path / "a.txt", "one\r\n\r\n  two\u2028 \n"))
    assert source.lines == [(1, "one"), (3, "two\u2028")]


def test_a_file_is_json_by_its_name_too(tmp_path):
    for text in ("null", '// mine\n{"a": 1}'):
        source = Source(write(tmp_path / "a.json", text))
        assert text != "null" or source.table is None
    with pytest.raises(ValueError, match="JSON has no comments, remove them"):
        _ = source.json
