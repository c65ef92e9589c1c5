import pathlib

import pytest

from ahernet_tf import settings
from ahernet_tf.data.annotations.videos import Instance, Video
from ahernet_tf.data.checks import DataReport
from ahernet_tf.data.create.public_annotations import AnnotatedSubset
from ahernet_tf.data.create.setting_counts import CountedPart, explanations, table


def subset_of(videos, instances, dropped=0, unusable=0):
    made = {
        str(n): Video(str(n), "training", 9.0, (Instance(0.0, 5.0, "Cricket"),))
        for n in range(videos)
    }
    first = made["0"]
    more = first.instances * (instances - videos + 1)
    made["0"] = Video("0", "training", 9.0, more)
    path = pathlib.Path("file.json")
    return AnnotatedSubset(path, made, DataReport(), dropped, unusable, None)


@pytest.mark.parametrize(
    ("subset", "expected"),
    [
        (subset_of(10, 15), []),
        (subset_of(9, 13, 1, 1), ["only segments of", "14 instances", "-1 instances"]),
        (
            subset_of(8, 12),
            ["8 videos in the file: some left", "the other 3"],
        ),
        (subset_of(7, 12), ["7 videos in the file: not explained", "the other 3"]),
        (subset_of(10, 14), ["-1 instances against the published number: not"]),
    ],
)
def test_every_difference_is_explained_or_said_not_to_be(subset, expected):
    known = ((8, "some left"),)
    count = settings.Count(
        "activitynet", "training", videos=10, instances=15, known=known
    )
    videos = subset.videos.values()
    lines = explanations(
        [CountedPart.of(None, count, None, videos, videos)], {count: subset}
    )
    assert len(lines) == len(expected)
    for line, words in zip(lines, expected):
        assert words in line


@pytest.mark.parametrize(
    ("videos", "words"),
    [(385_001, "the paper rounds its number"), (384_000, "not explained")],
)
def test_a_rounded_number_explains_what_rounds_to_it(videos, words):
    row = CountedPart(
        None, settings.KINETICS600_TRAINING, (None, 1, 1), (videos, 0), (0, 0)
    )
    subset = AnnotatedSubset(pathlib.Path("train.csv"), {}, DataReport(), 0, 0, None)
    (line,) = explanations([row], {settings.KINETICS600_TRAINING: subset})
    assert words in line


def test_the_table_shows_published_found_and_present_numbers():
    count = settings.ACTIVITYNET_VALIDATION
    videos = [Video(str(n), "validation", 9.0) for n in range(3)]
    row = CountedPart.of(None, count, 200, videos, videos[:2])
    *_, line = table([row])
    cells = [cell for cell in line.split("  ") if cell]
    assert cells[0] == "ActivityNet v1.3 validation"
    assert [cell.strip() for cell in cells[1:]] == [
        *("200", "0", "0", "4,926", "3", "2", "7,654", "0", "0"),
    ]
    assert row.as_dict()["videos"]["with_features"] == 2
