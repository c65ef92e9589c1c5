import collections

import pytest

from ahernet_tf import settings
from ahernet_tf.data.annotations.videos import Instance
from ahernet_tf.data.create.public_annotations import PublicAnnotations
from ahernet_tf.data.create.setting_counts import CountedPart, explanations
from tests.conftest import shared_path


def test_a_subset_is_taken_from_the_file_that_holds_most_of_it(tmp_path):
    header = "video,type,start,end\n"
    row = "video_validation_0000001,Diving,1,{}\n"
    (tmp_path / "few.csv").write_text(header + row.format(2))
    more = row.format(3) + row.format(4).replace("1,D", "2,D")
    (tmp_path / "more.csv").write_text(header + more)
    info = "video;fps;count\nvideo_validation_0000001;30;90\n"
    (tmp_path / "info.csv").write_text(info)
    subset = PublicAnnotations([tmp_path]).subset(settings.THUMOS14_VALIDATION)
    assert subset.path == tmp_path / "more.csv"
    assert subset.others == (tmp_path / "few.csv",)
    assert len(subset.videos) == 2
    first = subset.videos["video_validation_0000001"]
    assert (first.subset, first.fps, first.duration_sec) == ("validation", 30.0, 3.0)
    assert first.instances == (Instance(1.0, 3.0, "Diving"),)
    assert subset.lacks_durations()


def test_what_no_file_holds_is_named_with_what_would(tmp_path):
    (tmp_path / "a.csv").write_text("video,type,start,end\nv,Diving,1,2\n")
    with pytest.raises(ValueError, match="no file holds ActivityNet"):
        PublicAnnotations([tmp_path]).subset(settings.ACTIVITYNET_TRAINING)


def test_numbers_of_the_real_files_are_all_explained():
    names = (
        "activitynet_v1.3_bsn.json",
        "activitynet_v1.3_video_info.csv",
        "thumos14_val_Annotation.csv",
        "thumos14_val_video_info.csv",
        "k600_val_annotation.txt",
        "k600_category.txt",
    )
    files = PublicAnnotations(shared_path(f"data/annotations/{n}") for n in names)
    found = collections.OrderedDict()
    for setting in settings.SETTINGS.values():
        for count in setting.counts():
            if not count.trimmed and count not in found:
                found[count] = files.subset(count)
    rows = [
        CountedPart.of(None, count, None, subset.videos.values(), ())
        for count, subset in found.items()
    ]
    assert [(row.title, row.videos[0], row.instances[0]) for row in rows] == [
        ("ActivityNet v1.3 training", 9_641, 14_850),
        ("ActivityNet v1.3 validation", 4_726, 7_290),
        ("THUMOS14 validation", 200, 3_003),
        ("Kinetics-600 validation", 6_461, 9_638),
    ]
    lines = explanations(rows, found)
    assert len(lines) == 11
    assert not [line for line in lines if "not explained" in line]
