import pytest

from ahernet_tf.data.annotations.column_names import named_columns, plain_column


@pytest.mark.parametrize(
    ("header", "unit"),
    [
        ("video,startFrame,endFrame,type", "frames"),
        ("video,f-init,f-end,label", "frames"),
        ("video,start_ms,end_ms,label", "milliseconds"),
        ("video,start,end,startFrame,endFrame,label", "seconds"),
    ],
)
def test_the_unit_of_times_is_in_the_names(header, unit):
    _, columns, found = named_columns(header.split(","))
    assert found == unit
    assert {"video", "start", "end", "label"} <= set(columns)


def test_columns_are_known_under_the_names_that_people_give_them():
    header = ["Video File", "Start (s)", "t_end", "Class Name", "Partition", "FPS"]
    keys, columns, _ = named_columns(header)
    assert columns == ("video", "start", "end", "label", "subset", "fps")
    assert keys == tuple(map(plain_column, header))


def test_a_column_that_is_there_twice_is_refused():
    with pytest.raises(ValueError, match="the column 'Start' is there twice"):
        named_columns(["video", "Start", "start "])


def test_start_and_end_have_one_unit():
    header = ["video", "start_frame", "end_frame", "end_time", "label"]
    assert named_columns(header)[1] == ("video", "start", "end", "endtime", "label")
    with pytest.raises(ValueError, match="'start_frame' and 'end_time' differ in unit"):
        named_columns(["video", "start_frame", "end_time", "label"])
