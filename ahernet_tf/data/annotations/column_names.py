"""What columns are called in the tables that are around."""

from __future__ import annotations

import re

from ahernet_tf.data.annotations.times import FRAMES, MILLISECONDS, SECONDS

# The preferred names first, as `plain_column` spells them.
COLUMNS = {
    "video": "video videoname videoid vid filename videofile videofilename videopath "
    "filepath path mediafile mediafilename mediafilepath file id clip clipname clipid "
    "youtubeid ytid",
    "start": "start tinit tstart startsec starttime startseconds begin begintime "
    "starttimesec starttimeseconds starttimestamp onset from timestart t0 starts "
    "segmentstart startsegment actionstart startsecond beginsec",
    "end": "end tend endsec endtime endseconds stop stopsec stoptime endtimesec "
    "endtimeseconds stoptimestamp endtimestamp offset to timeend t1 finish stops ends "
    "segmentend endsegment actionend endsecond finishsec",
    "label": "label type class classname action actionlabel labelname activity "
    "activitylabel behavior behaviour category event actionclass name labels "
    "actionname activityname classlabel cls annotation",
    "label_index": "labelidx labelindex classindex classid labelid",
    "action_duration": "actionduration actionlength segmentduration segmentlength "
    "eventduration",
    "duration": "duration seconds durationsec videoduration videolength length "
    "totallength durationseconds mediaduration",
    "frames": "frames numframe count videoframes numframes framecount nframes",
    "fps": "rfps fps framerate videofps fpsframes",
    "subset": "subset split partition",
    "group": "group subject person participant participantid",
}
_UNITS = {  # columns of start and end in another unit than seconds
    FRAMES: (
        "startframe framestart beginframe finit startframes firstframe",
        "endframe frameend stopframe fend endframes lastframe",
    ),
    MILLISECONDS: ("startms startmsec begintimemsec startmilliseconds", "endms endmsec "
                   "endtimemsec endmilliseconds stopms"),
}  # fmt: skip
FACTS = ("duration", "frames", "fps", "subset", "group")


def named_columns(header: list[str]) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Returns plain names of columns, their names here, and the unit of times.

    Raises:
        ValueError: A column of known name is there twice, or start and end are in
            different units.
    """
    keys = [plain_column(name) for name in header]
    repeated = [
        n for n, k in zip(header, keys) if k in COLUMN_NAMES and keys.count(k) > 1
    ]
    if repeated:
        raise ValueError(f"line 1: the column '{repeated[0]}' is there twice")
    names = list(keys)

    def take(column: str, spellings: str) -> bool:
        found = next((s for s in spellings.split() if s in keys), None)
        if found is not None:
            names[keys.index(found)] = column
        return found is not None

    for column, spellings in COLUMNS.items():
        take(column, spellings)
    unit = SECONDS
    if "start" not in names:
        for other, (starts, ends) in _UNITS.items():
            if take("start", starts):
                of_seconds = names.index("end") if "end" in names else None
                if not take("end", ends) and of_seconds is not None:
                    begin, end = header[names.index("start")], header[of_seconds]
                    raise ValueError(f"line 1: '{begin}' and '{end}' differ in unit")
                if of_seconds is not None:
                    names[of_seconds] = keys[of_seconds]
                unit = other
                break
    return tuple(keys), tuple(n or h for n, h in zip(names, header)), unit


def plain_column(name: str) -> str:
    """Spells a column's name without case, blanks, signs and units."""
    name = re.sub(r"\((s|sec|seconds)\)", "", name.strip().casefold())
    return re.sub(r"[\W_]+", "", name)


COLUMN_NAMES = frozenset(
    name
    for names in (*COLUMNS.values(), *(n for both in _UNITS.values() for n in both))
    for name in names.split()
)
