import json

import pytest

from tests.data.annotations.reading import actions, faults, form_of, read, write

ROWS = [
    {"video": "a", "start": 1, "end": 2.5, "label": "run", "subset": None},
    {"video": "b", "start": "0:03", "end": "4 s", "label": "sit", "duration": 9},
]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ROWS),
        "\n".join(map(json.dumps, ROWS)),
        json.dumps({"a": [ROWS[0]], "b": [ROWS[1]]}),
        json.dumps(
            [{"segment": [1, 2.5], "video": "a", "label": "run"}, {**ROWS[1], "x": []}]
        ),
    ],
)
def test_records_are_read_like_rows(tmp_path, text):
    path = write(tmp_path / "a.json", text)
    assert form_of(path) == "csv"
    videos, _ = read(path)
    assert actions(videos) == {"a": [(1, 2.5, "run")], "b": [(3, 4, "sit")]}
    assert videos["b"].duration_sec == 9.0


def test_what_is_no_record_is_named(tmp_path):
    _, (problem,) = faults(write(tmp_path / "a.json", [*ROWS, 3]))
    assert "line 3: expected 6 cells, received 1 (3)" in problem


@pytest.mark.parametrize("content", [{"a": {"x": 1, "y": 2}}, {"a": [[1, 2]]}])
def test_json_of_no_form_says_what_it_begins_with(tmp_path, content):
    _, (problem,) = faults(write(tmp_path / "a.json", content))
    assert "is of no form that is known: it has 'a'" in problem


def test_records_of_a_database_need_no_database(tmp_path):
    record = {"duration": 9, "annotations": [{"segment": [1, 2], "label": "run"}]}
    path = write(tmp_path / "a.json", {"a": record, "b": 3})
    assert form_of(path) == "activitynet"
    videos, (problem,) = faults(path)
    assert actions(videos) == {"a": [(1, 2, "run")]}
    assert "video 'b': expected an object, received 3" in problem
