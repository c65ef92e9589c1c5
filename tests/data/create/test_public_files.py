import pytest

from ahernet_tf.data.create.public_files import public_files, public_form


@pytest.mark.parametrize(
    ("name", "text", "form"),
    [
        ("a.json", '{"database": {}}', "activitynet"),
        ("a.json", '{"v_a": {"duration_second": 3}}', "bsn"),
        ("a.json", '{"other": 3}', None),
        ("a.csv", "video,type,start,end\n", "csv"),
        ("a.csv", "video;seconds;rfps\n", "facts"),
        ("a.csv", "label,youtube_id,time_start,time_end,split\n", "kinetics"),
        ("a.txt", "abc\t1.5\t2.5\t17\n", "k600_validation"),
        ("a.txt", "".join(f"class {n}\n" for n in range(600)), "classes"),
        ("a.txt", "a note\n", None),
        ("a.md", "video,type,start,end\n", None),
    ],
)
def test_a_file_is_known_by_what_is_in_it(tmp_path, name, text, form):
    (tmp_path / name).write_text(text)
    assert public_form(tmp_path / name) == form


def test_binary_files_are_nothing_and_broken_json_is_an_error(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\xff\xd8\xff\x00\x01")
    assert public_form(tmp_path / "a.csv") is None
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(ValueError, match=r"a\.json: is not JSON"):
        public_form(tmp_path / "a.json")


def test_the_directory_of_thumos14_stays_one(tmp_path):
    for name in ("text/Diving_val.txt", "rest/a.csv", "rest/.hidden"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    found = public_files([tmp_path / "text", tmp_path / "rest", tmp_path / "rest"])
    assert found == [tmp_path / "text", tmp_path / "rest" / "a.csv"]
    with pytest.raises(ValueError, match="none does not exist"):
        public_files([tmp_path / "none"])
