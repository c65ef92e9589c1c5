r"""Localises actions in video files: from pixels to detections.

    python -m experiments.localize_video --video holiday.mp4 --checkpoint W \
        --p3d p3d_rgb_199.npz --out found --clips

W is a work directory of experiments.train whose features came from the same P3D
weights. No annotation is needed. OUT gets detections.json (ActivityNet's results
format), detections.csv, timelines/VIDEO.png, with --clips the detected moments as
clips/VIDEO/*.mp4 (encoded anew, without sound), and features/, so that the same command
with other thresholds does not compute them again. A broken video is reported and the
others go on.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import pathlib
from typing import TYPE_CHECKING

import tqdm
from absl import flags

from ahernet_tf import config as configuration
from ahernet_tf import evaluation, files, program
from ahernet_tf.data.features.feature_store import FeatureStore
from ahernet_tf.data.features.opening import open_store
from ahernet_tf.data.features.time_model import TimeModel
from ahernet_tf.evaluation import canonical_video_id
from ahernet_tf.visualization.result_timelines import tracks_of
from ahernet_tf.visualization.timeline import draw_timeline

from . import checkpoint_flags

if TYPE_CHECKING:
    from ahernet_tf.inference import Detection, Localizer
    from ahernet_tf.p3d.clip_decoding import ExtractionOptions


@dataclasses.dataclass(frozen=True)
class Request:
    """What to localise, how, and where the results go.

    Attributes:
        video: A video, a folder of videos, or a list file.
        checkpoint: Work directory of training, or one of its checkpoints.
        p3d: Weights of the feature extractor.
        out: Directory of the results.
        classes: `target`, `old` or `source`.
        clips: Cut the detected moments out.
        min_score: Detections below are left out.
        top: Detections kept a video, the best; 0 keeps all.
        window_sec: Length of the windows of longer videos; None: no windows.
        extraction: How features are extracted; None: as by default.
        policy: Keras dtype policy of the extractor.
        other_features: Go on with features other than those of the training.
        overrides: Options of inference to change, `inference.option=value`.
        progress: Whether to show a bar.
    """

    video: str
    checkpoint: pathlib.Path
    p3d: str
    out: pathlib.Path
    classes: str = "target"
    clips: bool = False
    min_score: float = 0.0
    top: int = 20
    window_sec: float | None = None
    extraction: ExtractionOptions | None = None
    policy: str = "float32"
    other_features: bool = False
    overrides: tuple[str, ...] = ()
    progress: bool = True

    def __post_init__(self):
        if self.top < 0:
            raise ValueError(f"Expected top of at least 0, received {self.top}.")
        if self.window_sec is not None and not self.window_sec > 0:
            raise ValueError(f"Expected windows above 0 s, got {self.window_sec}.")
        for option in self.overrides:
            if not option.startswith("inference."):
                raise ValueError(f"Expected an option of inference, got {option!r}.")


@dataclasses.dataclass(frozen=True)
class Report:
    """What a run did.

    Attributes:
        found: Detections by video, best first.
        failures: Video, or clip file -> why there is none.
        clips: Files that were cut out.
    """

    found: dict[str, list[Detection]]
    failures: dict[str, str]
    clips: int


def run(request: Request) -> Report:
    """Goes the whole way from video files to detections, pictures and clips.

    Raises:
        ValueError: The checkpoint, the weights and the videos are not usable together;
            nothing was decoded.
    """
    from ahernet_tf.inference.detections import as_results, to_frame
    from ahernet_tf.p3d.sources import note_sources
    from ahernet_tf.p3d.video_features import extract_videos
    from ahernet_tf.visualization.cutting import cut_detections

    videos = check_videos(request)
    localizer = load_localizer(request)
    note_sources(request.out, videos)
    features = request.out / "features"
    extracted = extract_videos(
        request.video,
        request.p3d,
        os.fspath(features),
        request.extraction,
        policy=request.policy,
    )
    failures = dict(extracted.failures)
    store = open_store(features, {})
    found: dict[str, list[Detection]] = {}
    clips = 0
    usable = [video for video in videos if video not in failures]
    for video in tqdm.tqdm(
        usable, desc="localising", unit="video", disable=not request.progress
    ):
        found[video] = localize(localizer, store, video, request)
        draw_timeline(
            request.out / "timelines" / f"{video}.png",
            store.info(video).duration_sec,
            tracks_of(to_frame({video: found[video]})),
            title=video,
        )
        if request.clips:
            folder = request.out / "clips" / video
            rate = store.description.get("fps") or store.info(video).fps
            written, uncut = cut_detections(videos[video], folder, found[video], rate)
            clips += written
            failures |= uncut
    evaluation.write_results(request.out / "detections.json", as_results(found))
    with files.whole_file(request.out / "detections.csv") as temporary:
        to_frame(found).to_csv(temporary, index=False)
    return Report(found, failures, clips)


def check_videos(request: Request) -> dict[str, str]:
    """Finds the videos; returns their paths by name.

    Raises:
        ValueError: There are none, two would bear one name in the results, or the
            output directory holds features of other videos of these names; or
            matplotlib is missing.
    """
    from ahernet_tf.p3d.sources import check_sources
    from ahernet_tf.p3d.video_files import list_videos

    if importlib.util.find_spec("matplotlib") is None:
        raise ValueError("Timelines need matplotlib; install the extra 'plots'.")
    videos = list_videos(request.video)
    names: dict[str, str] = {}
    for video in videos:
        other = names.setdefault(canonical_video_id(video), video)
        if other != video:
            raise ValueError(
                f"{request.video}: the videos {other!r} and {video!r} have one name "
                "in ActivityNet's results, which know no leading 'v_'."
            )
    check_sources(request.out, request.out / "features", videos)
    return videos


def load_localizer(request: Request) -> Localizer:
    """Loads the trained network and checks that it takes the extractor's features.

    Raises:
        ValueError: It does not, or a file is unusable.
    """
    from ahernet_tf.inference import Localizer
    from ahernet_tf.inference.trained_network import find_model
    from ahernet_tf.models.checkpoint import compute_products_in, load_description
    from ahernet_tf.p3d.agreement import require_agreement
    from ahernet_tf.p3d.clip_decoding import ExtractionOptions

    directory, checkpoint = find_model(request.checkpoint)
    description, config = load_description(directory)
    require_agreement(
        description.extraction or {},
        description.feature_channels,
        request.p3d,
        request.extraction or ExtractionOptions(),
        str(directory),
        request.other_features,
    )
    config = configuration.with_overrides(config, list(request.overrides))
    compute_products_in(config.training.precision)
    return Localizer.load(
        directory,
        checkpoint=checkpoint,
        inference=config.inference,
        classes=request.classes,
    )


def localize(
    localizer: Localizer, store: FeatureStore, video: str, request: Request
) -> list[Detection]:
    """Returns the chosen detections of one video, best first, inside the video."""
    info = store.info(video)
    legacy = localizer.config.data.legacy_clip_centres
    found = []
    for item in localizer.localize(
        store.read(video),
        time_model=TimeModel.from_spec(store.description, legacy),
        fps=store.description.get("fps") or info.fps,
        window_sec=request.window_sec,
    ):
        end_sec = min(item.end_sec, info.duration_sec)
        if item.score >= request.min_score and item.start_sec < end_sec:
            found.append(dataclasses.replace(item, end_sec=end_sec))
    found.sort(key=lambda item: -item.score)
    return found[: request.top or None]


def define_flags() -> None:
    """Defines the program's flags."""
    flags.DEFINE_string(
        "video",
        None,
        "A video, a folder of videos (searched with its subfolders), or a text file "
        "with one path per line.",
        required=True,
    )
    checkpoint_flags.define_checkpoint()
    flags.DEFINE_string(
        "p3d",
        None,
        "Weights of the P3D network that the training's features came from, as "
        "data_tools.convert_p3d or experiments.train_p3d writes them.",
        required=True,
    )
    flags.DEFINE_string("out", None, "Directory of the results.", required=True)
    checkpoint_flags.define_classes()
    flags.DEFINE_bool(
        "clips",
        False,
        "Cut the detected moments out as files: encoded anew, exact to the frame, "
        "without sound.",
    )
    flags.DEFINE_float("min_score", 0.0, "Leave out detections that score less.")
    flags.DEFINE_integer(
        "top", 20, "Keep so many detections a video, the best; 0: all.", lower_bound=0
    )
    flags.DEFINE_float(
        "window_sec",
        None,
        "Cut videos longer than this into overlapping windows and merge their "
        "detections by non-maximum suppression. Default: a video is one sequence.",
    )
    flags.DEFINE_integer("batch_size", 8, "Clips in one pass of P3D.", lower_bound=1)
    like = "must be that of the training's features (default: it is)"
    flags.DEFINE_integer(
        "stride", None, f"Frames between P3D's clips; {like}.", lower_bound=1
    )
    flags.DEFINE_float(
        "fps", None, f"Rate to which every video is brought first; {like}.", 0.01
    )
    flags.DEFINE_bool(
        "other_features",
        False,
        "Go on where P3D's weights or settings are not those of the training's "
        "features; detections are then most likely meaningless.",
    )
    flags.DEFINE_enum(
        "policy", "float32", ["float32", "mixed_bfloat16"], "Arithmetic of P3D."
    )
    flags.DEFINE_multi_string(
        "set", [], "Option of inference, such as inference.nms_tiou=0.3. Repeatable."
    )
    flags.DEFINE_bool("progress", True, "Show a progress bar while localising.")


def request_from_flags(values: flags.FlagValues) -> Request:
    """Builds the request that the flags describe."""
    from ahernet_tf.inference.trained_network import find_model
    from ahernet_tf.models.checkpoint import load_description
    from ahernet_tf.p3d.clip_decoding import ExtractionOptions

    values = flags.FLAGS
    processors = os.cpu_count() or 1
    decoders = max(1, min(8, processors // 2))
    checkpoint = pathlib.Path(values.checkpoint)
    description, _ = load_description(find_model(checkpoint)[0])
    trained = description.extraction or {}
    return Request(
        video=values.video,
        checkpoint=checkpoint,
        p3d=values.p3d,
        out=pathlib.Path(values.out),
        classes=values.classes,
        clips=values.clips,
        min_score=values.min_score,
        top=values.top,
        window_sec=values.window_sec,
        extraction=ExtractionOptions(
            stride_frames=values.stride or trained.get("stride_frames") or 8,
            fps=values.fps or trained.get("fps"),
            batch_size=values.batch_size,
            decoders=decoders,
            threads_per_decoder=max(1, processors // decoders),
        ),
        policy=values.policy,
        other_features=values.other_features,
        overrides=tuple(values.set),
        progress=values.progress,
    )


def main(values: flags.FlagValues) -> int:
    """Runs the program."""
    request = request_from_flags(values)
    report = run(request)
    count = sum(len(items) for items in report.found.values())
    print(f"{count} detections in {len(report.found)} videos are in {request.out}.")
    if request.clips:
        print(f"{report.clips} clips were cut out; they have no sound.")
    for name, why in report.failures.items():
        program.warn(f"failed: {name}: {why}")
    return int(bool(report.failures) and not report.found)


if __name__ == "__main__":
    program.start(define_flags, main, needs=["av", "matplotlib"])
