import json

from tests.data.annotations.reading import actions, faults, form_of, read, write


def test_via_segments_have_options_or_texts(tmp_path):
    content = {
        "project": {"pid": "x"},
        "attribute": {
            "1": {"aname": "act", "type": 4, "options": {"0": "wave", "1": "clap"}},
            "2": {"aname": "who", "type": 1, "options": {}},
        },
        "file": {"7": {"fid": 7, "fname": "v/clip.mp4", "type": 4}},
        "view": {"1": {"fid_list": [7]}},
        "metadata": {
            "1_a": {
                "vid": "1",
                "z": [1.2, 4.7],
                "xy": [],
                "av": {"1": "1", "2": "cat"},
            },
            "1_b": {"vid": "1", "z": [2.0], "xy": [2, 0, 0, 5, 5], "av": {"1": "0"}},
        },
    }
    path = write(tmp_path / "via.json", content)
    assert form_of(path) == "via"
    videos, counts = read(path, tiers=("act",))
    assert actions(videos) == {"clip": [(1.2, 4.7, "clap")]}
    assert counts["regions of single frames dropped"] == 1
    assert [i.label for i in read(path)[0]["clip"].instances] == ["clap", "cat"]


def exported(attributes, *rows):
    lines = [
        "# Exported using VGG Image Annotator",
        f"# {attributes}",
        "# CSV_HEADER = metadata_id,file_list,flags,temporal_coordinates,"
        "spatial_coordinates,metadata",
    ]
    for number, (name, times, values) in enumerate(rows):
        cells = [f"1_{number}", json.dumps([name]), "0", json.dumps(times), "[]"]
        cells = [f'"{c.replace(chr(34), chr(34) * 2)}"' for c in cells]
        values = json.dumps(values).replace('"', '""')
        lines.append(",".join([*cells, f'"{values}"']))
    return "\n".join(lines)


def test_the_table_of_via_says_what_its_options_are_called(tmp_path):
    act = {"aname": "act", "options": {"0": "wave", "1": "clap"}}
    text = {"aname": "note", "options": {}}
    told = f"ATTRIBUTE = {json.dumps({'1': act, '2': text})}"
    rows = [
        ("a, b/clip.mp4", [1.25, 4.5], {"1": "1", "2": "loud"}),
        ("clip.mp4", [2.5], {"1": "0"}),
    ]
    path = write(tmp_path / "via.csv", exported(told, *rows))
    assert form_of(path) == "via_table"
    videos, counts = read(path)
    assert actions(videos) == {"clip": [(1.25, 4.5, "clap"), (1.25, 4.5, "loud")]}
    assert counts["regions of single frames dropped"] == 1
    assert actions(read(path, tiers=("act",))[0]) == {"clip": [(1.25, 4.5, "clap")]}


def test_the_table_of_via_without_names_of_options_is_refused(tmp_path):
    rows = [("clip.mp4", [1, 4], {"1": "1"}), ("clip.mp4", [5, 6], {"2": "loud"})]
    told = 'ATTRIBUTES = {"1": "act", "2": "note"}'
    path = write(tmp_path / "via.csv", exported(told, *rows))
    assert "option 1 of 'act': the file does not say" in faults(path)[1][0]
    path = write(tmp_path / "via.csv", exported(told, rows[1]))
    assert actions(read(path)[0]) == {"clip": [(5, 6, "loud")]}


def test_a_damaged_row_of_the_table_of_via_is_named(tmp_path):
    text = exported("ATTRIBUTE = {}", ("clip.mp4", [1, 4], {"1": "x"}))
    path = write(tmp_path / "via.csv", f'{text}\n"1_9","[",0,"[1]","[]","{{}}"')
    assert "line 5: cannot be read" in faults(path)[1][0]


VALUES = '""1"":""run""'


def test_the_older_table_of_via_has_a_column_per_time(tmp_path):
    times = "temporal_segment_start,temporal_segment_end"
    header = f"# CSV_HEADER = metadata_id,file_list,{times},metadata"
    row = f'"1_a","[""clip.mp4""]",1.5,4.25,"{{{VALUES}}}"'
    path = write(tmp_path / "via.csv", f"{header}\n{row}\n")
    assert actions(read(path)[0]) == {"clip": [(1.5, 4.25, "run")]}
    path = write(path, f"{header}\n{row.replace(VALUES, '')}\n")
    assert "the segment [1.5, 4.25] has no value" in faults(path)[1][0]
