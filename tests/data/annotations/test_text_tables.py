import pytest

from ahernet_tf.data.annotations.text_tables import parse_table, video_name

HEADER = ("video", "start", "end", "label")


def cells(text):
    """Returns the four main cells of each row."""
    return [tuple(row[name] for name in HEADER) for row in parse_table(text).rows]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_whatever_separates_the_cells(delimiter):
    lines = [HEADER, ("k1", "2.5", "7.75", "cut up"), ("k1", "8", "9", "mix")]
    table = parse_table("\n".join(delimiter.join(line) for line in lines))
    assert table.delimiter == delimiter
    assert [row["label"] for row in table.rows] == ["cut up", "mix"]


@pytest.mark.parametrize(
    "text",
    [
        "video;start;end;label\r\nk1;2,5;7,75;x\r\n",
        'video,start,end,label\nk1,"2,5","7,75",x\n',
        "sep=;\nvideo;start;end;label\nk1;2.5;7.75;x\n",
        "Video Name,Start (s),End (s),Label\nk1,2.5,7.75,x\n",
        "video_id , START_SEC, end_sec, Class\nk1,2.5,7.75,x\n",
        "clip|t-start|t-end|action-label\nk1|2.5|7.75|x\n",
        "\n\nvideo,start,end,label\n\nk1,2.5,7.75,x\n\n",
        "video,start,end,label,\nk1,2.5,7.75,x,\n",
        "video,start,end,label\nk1,2.5,7.75,x,,\n",
        "video\tstart\tend\tlabel\rk1\t2.5\t7.75\tx\r",
        "video start end label\nk1   2.5  7.75 x\n",
        "My actions,,,\nvideo,start,end,label\nk1,2.5,7.75,x\n",
        "# made by me\n#\nvideo,start,end,label\nk1,2.5,7.75,x\n",
        "#video,start,end,label\nk1,2.5,7.75,x\n",
    ],
)
def test_one_row_however_it_is_written(text):
    assert cells(text) == [("k1", "2.5", "7.75", "x")]


def test_a_quoted_cell_may_hold_line_breaks_and_separators():
    text = 'video,start,end,label,note\nk1,1,2,"a, b","one\ntwo"\nk1,3,4,c\u2028d,\n'
    table = parse_table(text)
    assert [row["label"] for row in table.rows] == ["a, b", "c\u2028d"]
    assert [row.line for row in table.rows] == [3, 4]
    assert table.bad_rows == ()


def test_a_comma_that_may_part_thousands_is_left_alone():
    assert cells('video,start,end,label\nk,"1,250","2,500",x\n')[0][1] == "1,250"
    assert cells('video,start,end,label\nk,"1,250","2,5",x\n')[0][1] == "1.250"
    assert cells("video;start;end;label\nk;1,250;2,500;x\n")[0][1] == "1.250"


def test_a_cell_more_in_one_row_is_no_empty_column():
    text = "video,start,end,label,note\nk1,1,2,mix, pour,\nk1,3,4,x,\n"
    table = parse_table(text)
    assert [row["label"] for row in table.rows] == ["x"]
    assert [line for line, _ in table.bad_rows] == [2]


def test_rows_of_another_length_name_their_video():
    text = "video,start,end,label\nk1,1,2,mix, pour\nk2,1,2\nk1,3,4,x\n"
    table = parse_table(text)
    assert list(table.bad_videos()) == [
        (
            2,
            "k1",
            "line 2: expected 4 cells, received 5 (k1 | 1 | 2 | mix | pour)",
        ),
        (3, "k2", "line 3: expected 4 cells, received 3 (k2 | 1 | 2)"),
    ]


def test_the_video_of_a_bad_row_may_stand_at_its_end():
    text = "start,end,label,video\n1,2,mix, then pour,k1\n3,4,x,k1\n1,2,a,b,k9\n"
    assert [video for _, video, _ in parse_table(text).bad_videos()] == ["k1", None]


@pytest.mark.parametrize(
    ("column", "values"),
    [("fold", ("Train", "test")), ("is_train", ("1", "0")), ("phase", ("tr ain", ""))],
)
def test_a_subset_under_another_name_is_not_lost(column, values):
    rows = "".join(f"k{n},1,2,x,{value}\n" for n, value in enumerate(values))
    table = parse_table(f"video,start,end,label,{column}\n{rows}")
    with pytest.raises(ValueError, match=f"the column '{column}' tells .* call it sub"):
        table.unread()


def test_columns_that_are_not_read_are_named():
    table = parse_table("video,start,end,label,,fold,who\nk,1,2,x,0,3,A\n")
    assert table.unread() == ["fold", "who"]


def test_missing_columns_are_named_beside_those_that_are_there():
    table = parse_table("name;begin;finish\n")
    assert table.lacks(["video", "start"]) == (
        "has no column video; its columns are name, begin, finish (separated by a "
        "semicolon): its first line must name the columns so"
    )
    assert table.lacks(["start", "end"]) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("video,start,start,label\n", "the column 'start' is there twice"),
        ('video,start,end,label\nk,1,2,"x\n', "line 2: unexpected end of data"),
        ("sep=#\nvideo#start\n", "cells cannot be separated by '#'"),
        ("video,start,end,label\nk,1,2," + "x" * 200_000, "line 2: field larger"),
    ],
)
def test_a_table_that_cannot_be_read_says_where(text, message):
    with pytest.raises(ValueError, match=message):
        parse_table(text)


def test_text_without_a_line_is_no_table():
    assert parse_table(" \n\n") is None


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("v_aa.mp4", "v_aa"),
        ("/data/upload/1/shop.mp4", "shop"),
        (r"C:\videos\a b.MOV", "a b"),
        ("file:///v/clip.mp4", "clip"),
        ("v1.2", "v1.2"),
        ("plain", "plain"),
    ],
)
def test_a_video_is_called_as_its_file(path, name):
    assert video_name(path) == name


def test_row_numbers_of_r_have_no_name():
    text = '"video" "start" "label"\n"1" "k" 1.5 "x"\n"2" "k" 9 "y"\n'
    assert [row["start"] for row in parse_table(text).rows] == ["1.5", "9"]


def test_words_above_a_header_may_be_those_of_columns():
    text = "Media file(s),\nObservation id,a\nVideo,Start,Stop,Behavior\nk,1,2,x\n"
    assert parse_table(text).columns == ("video", "start", "end", "label")
