"""dataset.json: what is left out is filled in, what is wrong is named."""

import json

from ahernet_tf.data.checks import DataReport
from ahernet_tf.data.description import read_description
from tests.data.tiny import ROLES


def read(directory, **content):
    (directory / "dataset.json").write_text(json.dumps(ROLES | content))
    report = DataReport()
    return read_description(directory, report), [str(p) for p in report.problems]


def test_roles_and_classes_are_those_of_the_file(tmp_path):
    found, problems = read(tmp_path, ignored_classes=["fall"])
    assert not problems
    assert found.name == tmp_path.name
    assert list(found.roles) == ["untrimmed", "moments", "test", "oracle"]
    assert [name for name, role in found.roles.items() if role.trimmed] == ["moments"]
    assert found.listed_classes == {"run", "sit", "wave", "jump"}
    assert found.ignored_classes == {"fall"}
    assert found.annotation_files() == ["annotations.json", "moments.json"]


def test_moments_from_untrimmed_videos_inherit_their_files(tmp_path):
    moments = {"from": "untrimmed annotations", "classes": ["wave"]}
    found, problems = read(tmp_path, moments=moments)
    assert not problems
    own, other = found.roles["moments"], found.roles["untrimmed"]
    assert (own.annotations, own.subset) == (other.annotations, other.subset)
    assert own.features == other.features
    assert not own.trimmed


def test_a_faulty_role_is_left_out_and_named_while_others_are_read(tmp_path):
    found, problems = read(tmp_path, test=ROLES["test"] | {"classes": ["a", "a"]})
    assert list(found.roles) == ["untrimmed", "moments", "oracle"]
    assert problems == ["dataset.json: role 'test': classes: a name is there twice"]
    assert "a" in found.listed_classes


def test_what_is_no_object_says_so_alone(tmp_path):
    (tmp_path / "dataset.json").write_text("[1]")
    report = DataReport()
    assert not read_description(tmp_path, report).roles
    assert [str(p) for p in report.problems] == ["dataset.json: expected an object"]
