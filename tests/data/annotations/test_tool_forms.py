import pytest

from ahernet_tf.data.annotations.read_options import VideoFacts
from ahernet_tf.data.annotations.videos import Instance, Video
from tests.data.annotations.reading import actions, faults, form_of, read, write


def label_studio(*results, **data):
    task = {"id": 1, "data": {"video": "/data/upload/1/shop.mp4", **data}}
    return [{**task, "annotations": [{"result": list(results)}]}]


def test_label_studio_counts_frames_from_one(tmp_path):
    value = {"ranges": [{"start": 31, "end": 90}], "timelinelabels": ["pay"]}
    result = {"value": value, "type": "timelinelabels", "from_name": "t"}
    path = write(tmp_path / "ls.json", label_studio(result))
    assert form_of(path) == "label_studio"
    assert actions(read(path, fps=30.0)[0]) == {"shop": [(1, 3, "pay")]}
    assert "need its frame rate" in faults(path)[1][0]
    path = write(tmp_path / "ls.json", label_studio(result, fps=10, subset="train"))
    videos, _ = read(path)
    assert actions(videos) == {"shop": [(3, 9, "pay")]}
    assert videos["shop"].subset == "training"


def test_label_studio_regions_are_in_seconds_and_objects_in_frames(tmp_path):
    region = {"value": {"start": 1.5, "end": 4, "labels": ["pay"]}, "from_name": "r"}
    sequence = [{"frame": 11, "enabled": True}, {"frame": 30, "enabled": False}]
    moving = {"value": {"sequence": sequence, "labels": ["man"]}, "from_name": "o"}
    path = write(tmp_path / "ls.json", label_studio(region, moving, fps=10))
    assert actions(read(path)[0]) == {"shop": [(1.5, 4, "pay"), (1, 3, "man")]}
    assert actions(read(path, tiers=("r",))[0]) == {"shop": [(1.5, 4, "pay")]}


def test_an_object_that_comes_back_is_in_two_pieces(tmp_path):
    keys = {26: True, 40: True, 51: False, 101: True, 126: True}
    sequence = [{"frame": frame, "enabled": on} for frame, on in keys.items()]
    moving = {"value": {"sequence": sequence, "labels": ["man"]}, "from_name": "o"}
    path = write(tmp_path / "ls.json", label_studio(moving, fps=1))
    assert actions(read(path)[0]) == {"shop": [(25, 51, "man"), (100, 126, "man")]}


def test_the_short_form_of_label_studio_is_read(tmp_path):
    span = {"ranges": [{"start": 11, "end": 30}], "timelinelabels": ["pay"]}
    task = {"video": "/data/shop.mp4", "id": 1, "tricks": [span], "annotator": 1}
    path = write(tmp_path / "ls.json", [{**task, "lead_time": 2.5}])
    assert form_of(path) == "label_studio"
    assert actions(read(path, fps=10.0)[0]) == {"shop": [(1, 3, "pay")]}


def test_the_table_of_label_studio_is_read(tmp_path):
    span = '[{""ranges"":[{""start"":11,""end"":30}],""timelinelabels"":[""pay""]}]'
    text = "video,id,tricks,annotator,annotation_id,lead_time\n"
    text += f'/data/shop.mp4,1,"{span}",1,2,2.5\n'
    path = write(tmp_path / "ls.csv", text)
    assert form_of(path) == "label_studio_table"
    assert actions(read(path, fps=10.0)[0]) == {"shop": [(1, 3, "pay")]}
    path = write(tmp_path / "ls.csv", text.replace("}],", "}]"))
    assert "cannot be read" in faults(path)[1][0]


def test_cancelled_annotations_of_label_studio_do_not_count(tmp_path):
    region = {"value": {"start": 1.5, "end": 4, "labels": ["pay"]}}
    content = label_studio(region)
    content[0]["annotations"][0]["was_cancelled"] = True
    path = write(tmp_path / "ls.json", content)
    assert faults(path)[1] == ["ls.json: holds no video"]
    other = {"data": {"video": "b.mp4"}, "annotations": label_studio(region)[0]}
    other["annotations"] = other["annotations"]["annotations"]
    videos, counts = read(write(path, [*content, other]))
    assert actions(videos) == {"b": [(1.5, 4, "pay")]}
    assert counts["tasks without an annotation left out"] == 1


@pytest.mark.parametrize(
    ("address", "video"),
    [
        ("/data/local-files/?d=day%201/shop.mp4", "shop"),
        ("s3://bucket/my%20shop.mp4?X-Amz-Signature=1", "my shop"),
        ("what?.mp4", "what?"),
    ],
)
def test_the_video_of_a_task_is_the_file_of_its_address(tmp_path, address, video):
    region = {"value": {"start": 1.5, "end": 4, "labels": ["pay"]}}
    content = label_studio(region)
    content[0]["data"]["video"] = address
    assert list(read(write(tmp_path / "ls.json", content))[0]) == [video]


def test_fiftyone_labels_are_seconds_or_frames(tmp_path):
    detections = [
        {"label": 1, "timestamps": [1.2, 4.7], "confidence": 0.9},
        {"label": 0, "support": [11, 30], "confidence": 0.2},
    ]
    content = {"classes": ["run", "wave"], "labels": {"clip": detections, "none": None}}
    path = write(tmp_path / "labels.json", content)
    assert form_of(path) == "fiftyone"
    videos, _ = faults(path, fps=10.0)
    assert actions(videos) == {"clip": [(1.2, 4.7, "wave"), (1, 3, "run")]}
    videos, _ = faults(path, fps=10.0, minimum_score=0.5)
    assert actions(videos) == {"clip": [(1.2, 4.7, "wave")]}


def test_fiftyone_samples_know_their_videos(tmp_path):
    detection = {"_cls": "TemporalDetection", "label": "run", "support": [11, 30]}
    sample = {
        "filepath": "data/clip.mp4",
        "metadata": {"duration": 20.0, "frame_rate": 10.0, "total_frame_count": 200},
        "events": {"_cls": "TemporalDetections", "detections": [detection]},
    }
    path = write(tmp_path / "samples.json", {"samples": [sample]})
    videos, _ = read(path)
    assert actions(videos) == {"clip": [(1, 3, "run")]}
    assert videos["clip"].duration_sec == 20.0


def boris(*events, files=("v/x.mp4",)):
    info = {"length": {"v/x.mp4": 60.0}, "fps": {"v/x.mp4": 25}}
    observation = {"file": {"1": list(files)}, "media_info": info, "events": events}
    conf = {
        "0": {"code": "jump", "type": "State event"},
        "1": {"code": "meow", "type": "Point event"},
    }
    return {"observations": {"o1": observation}, "behaviors_conf": conf}


def test_boris_projects_pair_their_events(tmp_path):
    events = [[4.0, "cat", "jump", "", ""], [1.5, "cat", "jump", "", ""]]
    events.append([2.0, "cat", "meow", "", ""])
    path = write(tmp_path / "p.boris", boris(*events))
    assert form_of(path) == "boris"
    videos, counts = read(path)
    assert actions(videos) == {"x": [(1.5, 4, "jump")]}
    assert (videos["x"].duration_sec, videos["x"].fps) == (60.0, 25.0)
    assert counts == {"point events, which last no time, left out": 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (boris([1.5, "cat", "jump", "", ""]), "'jump' starts, and never stops"),
        (boris(files=("v/x.mp4", "v/y.mp4")), "joins 2 files"),
    ],
)
def test_faults_of_boris_projects_are_named(tmp_path, content, message):
    assert message in faults(write(tmp_path / "p.boris", content))[1][0]


def test_boris_aggregates_actions(tmp_path):
    header = "Observation id,Media file name,Media duration (s),FPS (frame/s),Subject,"
    header += "Behavior,Behavior type,Start (s),Stop (s),Duration (s)"
    rows = "o1,dir/x.mp4,60,25,cat,jump,STATE,1.5,4,2.5\n"
    rows += "o1,dir/x.mp4,60,25,cat,meow,POINT,5,5,0\n"
    path = write(tmp_path / "b.csv", f"{header}\n{rows}")
    assert form_of(path) == "boris_table"
    videos, counts = read(path)
    assert videos["x"] == Video(
        "x", "", 60.0, (Instance(1.5, 4.0, "jump"),), None, 25.0
    )
    assert counts == {"point events, which last no time, left out": 1}


def test_boris_events_are_paired(tmp_path):
    header = "Time\tMedia file path\tTotal length\tFPS\tSubject\tBehavior\tStatus"
    rows = [("1", "jump", "START"), ("2", "run", "START"), ("3", "jump", "STOP")]
    lines = [f"{t}\tx.mp4\t60\t25\tcat\t{b}\t{s}" for t, b, s in rows]
    path = write(tmp_path / "b.tsv", "\n".join([header, *lines, lines[0], lines[2]]))
    _, problems = faults(path)
    assert problems == ["b.tsv: video 'x': 'run' starts, and never stops"]
    path = write(tmp_path / "b.tsv", "\n".join([header, lines[0], lines[2]]))
    assert actions(read(path)[0]) == {"x": [(1, 3, "jump")]}
    path = write(tmp_path / "b.tsv", "\n".join([header, lines[2]]))
    _, (problem,) = faults(path)
    assert "line 2: 'jump' STOP without its counterpart" in problem


BORIS = (
    "Observation id,Observation duration,Media duration (s),FPS,Subject,Observation "
    "duration by subject by observation,Behavior,Behavioral category,Behavior type,"
)


@pytest.mark.parametrize(
    "lines",
    [
        f"{BORIS}Start (s),Stop (s),Duration (s),Media file name\n"
        "o,9,20.0,25.0,No focal subject,9,run,,STATE,1.0,4.0,3.0,v/clip.mp4\n",
        f"{BORIS}Time,Media file name,Comment\n"
        "o,9,20.0,25.0,No focal subject,9,run,,START,1.0,v/clip.mp4,\n"
        "o,9,20.0,25.0,No focal subject,9,run,,STOP,4.0,v/clip.mp4,\n",
    ],
)
def test_headers_of_boris_hold_words_that_are_columns_elsewhere(tmp_path, lines):
    path = write(tmp_path / "b.csv", lines)
    assert form_of(path) == "boris_table"
    videos, _ = read(path)
    assert actions(videos) == {"clip": [(1, 4, "run")]}
    assert (videos["clip"].duration_sec, videos["clip"].fps) == (20.0, 25.0)


def test_samples_of_fiftyone_that_nobody_annotated_are_left_out(tmp_path):
    field = {"_cls": "TemporalDetections", "detections": []}
    metadata = {"duration": 9.0}
    samples = [
        {"filepath": "a.mp4", "metadata": metadata, "events": field},
        {"filepath": "b.mp4", "metadata": metadata, "events": None},
    ]
    videos, counts = read(write(tmp_path / "s.json", {"samples": samples}))
    assert actions(videos) == {"a": []}
    assert counts["samples without temporal detections left out"] == 1
    detections = [{"label": "run", "timestamps": [1.0, 2.0]}]
    labels = {"classes": ["run"], "labels": {"a": detections, "b": None}}
    facts = {"a": VideoFacts(duration_sec=9.0)}
    videos, counts = read(write(tmp_path / "labels.json", labels), facts=facts)
    assert actions(videos) == {"a": [(1.0, 2.0, "run")]}
    assert counts["samples without temporal detections left out"] == 1
