"""The page, as a file and in a real browser."""

import collections
import re

import numpy as np
import pytest

from ahernet_tf import evaluation
from ahernet_tf.visualization.page import html_page
from ahernet_tf.visualization.page.html_page import (
    PageOptions,
    Resampling,
    write_page,
)
from tests.visualization.page.chromium import chromium, needs_browser
from tests.visualization.page.made_up import content_of, made_up

TRUTH, FOUND = made_up()
BETTER = made_up(quality=0.95, seed=1)[1]
EVIL = "</script><img src=x onerror=alert(1)><!--{}\"'&lt;"
QUICK = PageOptions("Made up", resampling=Resampling(20))


@pytest.fixture(scope="module")
def browser():
    with chromium() as page:
        yield page


def opened(browser, path, *results, truth=TRUTH, options=QUICK, **how):
    """Writes a page and opens it; it must neither fail nor fetch anything."""
    found = {f"result {n}": frame for n, frame in enumerate(results, 1)}
    write_page(path / "page.html", found, truth, options)
    browser.open(path / "page.html", **how)
    return browser


def test_page_holds_what_the_evaluation_says(tmp_path):
    write_page(tmp_path / "p.html", {"a": FOUND, "b": BETTER}, TRUTH, QUICK)
    content = content_of(tmp_path / "p.html")
    for frame, result in zip((FOUND, BETTER), content["results"]):
        scores = evaluation.evaluate_detections(TRUTH, frame, QUICK.thresholds)
        shown = result["scores"]
        value, low, high = shown["average_map"]
        assert value == pytest.approx(100 * scores.average_map, abs=1e-3)
        assert low < value < high
        for label, ap in scores.ap_per_class.items():
            assert shown["ap_per_class"][label][0] == pytest.approx(100 * ap.mean())
        proposals = evaluation.evaluate_proposals(TRUTH, frame, QUICK.thresholds)
        assert shown["auc"][0] == pytest.approx(proposals.auc)
        assert shown["ar_at"]["10"][0] == pytest.approx(100 * proposals.ar_at(10))
        errors = evaluation.analyse_errors(TRUTH, frame)
        assert shown["errors"]["false_positives"] == errors.false_positives
    paired = evaluation.paired_bootstrap(TRUTH, BETTER, FOUND, QUICK.thresholds, 20)
    assert content["results"][1]["scores"]["difference"]["average_map"] == (
        pytest.approx(
            [100 * v for v in (paired.estimate, paired.low, paired.high)], abs=1e-4
        )
    )
    assert "difference" not in content["results"][0]["scores"]


def test_without_resamples_there_are_no_intervals(tmp_path):
    options = PageOptions(resampling=Resampling(0))
    write_page(tmp_path / "p.html", {"a": FOUND, "b": BETTER}, TRUTH, options)
    for result in content_of(tmp_path / "p.html")["results"]:
        assert result["scores"]["average_map"][1:] == [None, None]
        assert "difference" not in result["scores"]


def test_names_and_numbers_are_refused_before_anything_is_written(tmp_path):
    out = tmp_path / "p.html"
    with pytest.raises(ValueError, match=r"ends in \.html"):
        write_page(tmp_path / "p.txt", {"a": FOUND})
    with pytest.raises(ValueError, match="1 to 10 results, received 11"):
        write_page(out, {str(n): FOUND for n in range(11)})
    with pytest.raises(ValueError, match="no such directory"):
        write_page(out, {"a": FOUND}, options=PageOptions(videos=tmp_path / "none"))
    with pytest.raises(ValueError, match="finite"):
        write_page(out, {"a": FOUND.assign(score=np.nan)}, TRUTH, QUICK)
    assert not list(tmp_path.iterdir())


def test_nothing_can_be_fetched_or_run_but_what_is_the_pages_own(tmp_path):
    write_page(tmp_path / "p.html", {"a": FOUND}, TRUTH, QUICK)
    text = tmp_path.joinpath("p.html").read_text()
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", text)


def test_video_files_are_found_by_name_and_linked_relatively(tmp_path):
    folder = tmp_path / "videos" / "of class #1"
    folder.mkdir(parents=True)
    for name in ("v_video_0001.webm", "video_0001.mp4", "video_0002.txt"):
        folder.joinpath(name).touch()
    tmp_path.joinpath("videos", "javascript:alert(1).mp4").touch()
    found = FOUND.assign(
        video=FOUND["video"].replace("video_0003", "javascript:alert(1)")
    )
    page = tmp_path / "pages" / "p.html"
    write_page(page, {"a": found}, options=PageOptions(videos=tmp_path / "videos"))
    content = content_of(page)
    names = {content["videos"][int(n)]: link for n, link in content["files"].items()}
    assert names == {
        "video_0001": "../videos/of%20class%20%231/video_0001.mp4",
        "javascript:alert(1)": "../videos/javascript%3Aalert%281%29.mp4",
    }


def test_scripts_are_all_in_the_page():
    folder = html_page._FOLDER
    assert {path.stem for path in folder.glob("*.js")} == set(html_page._SCRIPTS)


@needs_browser
def test_page_shows_scores_and_videos_and_fetches_nothing(browser, tmp_path):
    page = opened(browser, tmp_path, FOUND)
    scores = evaluation.evaluate_detections(TRUTH, FOUND, QUICK.thresholds)
    tile = page.run("document.querySelector('.tile').textContent")
    assert tile.startswith(f"Average mAP{100 * scores.average_map:.1f} %")
    assert page.run("document.querySelectorAll('#per-class tbody tr').length") == 3
    assert page.run("list.querySelectorAll('[role=option]').length") == 8
    assert page.run("getComputedStyle(document.body).fontFamily").startswith("system")
    assert page.faults == []
    assert set(page.requests) <= {(tmp_path / "page.html").as_uri(), "data:,"}


@needs_browser
def test_names_stay_text(browser, tmp_path):
    def hurt(frame):
        frame = frame.astype({"video": str, "label": str})
        return frame.assign(
            label=frame["label"].map(EVIL.format), video=frame["video"].map(EVIL.format)
        )

    write_page(
        tmp_path / "page.html",
        {EVIL: hurt(FOUND), f"{EVIL}2": hurt(BETTER)},
        hurt(TRUTH),
        PageOptions(EVIL, notes={EVIL: EVIL}, resampling=Resampling(5)),
    )
    browser.open(tmp_path / "page.html")
    assert browser.faults == []
    assert browser.run("document.querySelectorAll('img').length") == 0
    assert browser.run("document.title") == EVIL
    assert browser.run("document.querySelector('h1').textContent") == EVIL
    name = browser.run("document.querySelector('.row .name').firstChild.textContent")
    assert name in {EVIL.format(video) for video in TRUTH["video"]}
    [label] = browser.run(
        "[document.querySelector('#per-class tbody button').textContent]"
    )
    assert label in {EVIL.format(label) for label in TRUTH["label"]}


@needs_browser
def test_filters_count_what_they_leave(browser, tmp_path):
    page = opened(browser, tmp_path, FOUND)
    choose = (
        "(() => {{ const node = filters.querySelectorAll('{}')[{}];"
        "node.value = {}; node.dispatchEvent(new Event('{}', {{bubbles: true}}));"
        "return count.textContent; }})()"
    )
    said = page.run(choose.format("[type=range]", 0, 0, "input"))
    assert said == f"8 videos of 8; {len(FOUND)} detections shown"
    label = int(page.run("[...filters.querySelectorAll('select')[0].options][1].value"))
    text = page.run("filters.querySelectorAll('select')[0].options[1].textContent")
    of_class = FOUND[FOUND["label"] == text]
    with_class = {*of_class["video"], *TRUTH[TRUTH["label"] == text]["video"]}
    said = page.run(choose.format("select", 0, label, "change"))
    expected = f"{len(with_class)} videos of 8; {len(of_class)} detections shown"
    assert said == expected
    page.run(choose.format("select", 0, -1, "change"))
    said = page.run(choose.format("[type=search]", 0, "'O_0003'", "input"))
    assert said.startswith("1 video of 8; ")
    page.run(choose.format("[type=search]", 0, "''", "input"))

    highest = FOUND["score"].max()
    said = page.run(choose.format("[type=range]", 0, 1000, "input"))
    assert said == "8 videos of 8; 1 detection shown"
    verdicts = evaluation.judge(TRUTH, FOUND[FOUND["score"] == highest])
    missed = TRUTH[verdicts.matched_by < 0]["video"].nunique()
    said = page.run(choose.format("select", 1, "'misses'", "change"))
    assert said.startswith(f"{missed} videos of 8; ")
    assert page.faults == []


@needs_browser
def test_worst_videos_come_first(browser, tmp_path):
    page = opened(browser, tmp_path, FOUND)
    ap = evaluation.judge(TRUTH, FOUND).video_average_precision()
    videos = list(dict.fromkeys(TRUTH["video"]))
    names = page.run(
        "[...document.querySelectorAll('.row')].sort((a, b) => a.ariaPosInSet - "
        "b.ariaPosInSet).map(row => row.querySelector('.name').firstChild.textContent)"
    )
    shown = [ap[videos.index(name)] for name in names]
    assert shown == sorted(shown)
    assert len(shown) == 8


@needs_browser
def test_keys_move_through_list_and_time(browser, tmp_path):
    page = opened(browser, tmp_path, FOUND)
    selected = "document.querySelector('.row[aria-selected=true]').ariaPosInSet"
    page.run("list.focus()")
    assert page.run(selected) == "1"
    page.press("ArrowDown", "ArrowDown")
    assert page.run(selected) == "3"
    assert page.run("list.getAttribute('aria-activedescendant')") == "row-2"
    name = page.run("document.querySelector('#row-2 .name').firstChild.textContent")
    assert page.run("detail.querySelector('h3').textContent").startswith(name)
    page.press("End")
    assert page.run(selected) == "8"
    page.run("document.querySelector('[role=slider]').focus()")
    now = "Number(document.querySelector('[role=slider]').ariaValueNow)"
    page.press("ArrowRight", "ArrowRight")
    assert page.run(now) == 2
    page.press("Home")
    assert page.run(now) == 0


@needs_browser
def test_every_control_has_a_name_for_screen_readers(browser, tmp_path):
    page = opened(browser, tmp_path, FOUND, BETTER)
    page.send("Accessibility.enable")
    nodes = page.send("Accessibility.getFullAXTree")["nodes"]
    names = collections.defaultdict(list)
    for node in nodes:
        if not node["ignored"]:
            names[node["role"]["value"]].append(node["name"]["value"])
    for role in ("button", "combobox", "slider", "searchbox", "listbox", "option"):
        assert names[role], role
        assert all(name.strip() for name in names[role]), (role, names[role])
    assert page.run("document.querySelectorAll('figure svg[role=img]').length") == 2
    assert page.run("document.querySelectorAll('figure details table').length") == 3


@needs_browser
def test_two_results_stand_side_by_side(browser, tmp_path):
    page = opened(browser, tmp_path, FOUND, BETTER)
    legend = page.run("document.getElementById('legend').innerText")
    assert legend.split("\n") == ["result 1", "result 2"]
    assert "difference" in page.run("document.querySelector('.tile').textContent")
    heads = page.run(
        "[...document.querySelectorAll('#per-class th[scope=col]')]"
        ".map(head => head.textContent)"
    )
    assert heads == ["Class", "Actions", "result 1 ↓", "result 2", "Difference"]
    assert page.run("filters.querySelectorAll('[type=range]').length") == 2
    gain = page.run(
        "(() => { const sort = filters.querySelectorAll('select')[2];"
        "sort.value = 'gain'; sort.dispatchEvent(new Event('change'));"
        "return document.querySelector('#row-0') !== null; })()"
    )
    assert gain is not None
    page.wait("document.querySelector('#row-0')")
    first = page.run("document.querySelector('#row-0 .name').firstChild.textContent")
    before, after = (
        evaluation.judge(TRUTH, frame).video_average_precision()
        for frame in (FOUND, BETTER)
    )
    videos = list(dict.fromkeys(TRUTH["video"]))
    assert first == videos[int(np.argmax(after - before))]
    assert page.faults == []


@needs_browser
def test_without_truth_detections_stand_alone(browser, tmp_path):
    page = opened(browser, tmp_path, FOUND, truth=None)
    assert page.run("document.querySelector('#scores')") is None
    assert page.run("count.textContent").startswith("8 videos of 8; ")
    assert page.run("document.querySelectorAll('.row').length") == 8
    assert page.faults == []


@needs_browser
def test_results_without_any_detection_are_shown(browser, tmp_path):
    with pytest.warns(UserWarning, match=r"No (prediction|proposal)"):
        page = opened(browser, tmp_path, FOUND[:0])
    assert page.run("count.textContent") == "8 videos of 8; 0 detections shown"
    assert page.faults == []


@needs_browser
def test_one_of_everything_is_shown(browser, tmp_path):
    truth, found = TRUTH[:1], TRUTH[:1].assign(score=-2.0)
    options = PageOptions(thresholds=[0.5], resampling=Resampling(3))
    page = opened(browser, tmp_path, found, truth=truth, options=options)
    assert page.run("count.textContent") == "1 video of 1; 1 detection shown"
    assert page.run("document.querySelector('.facts').textContent") == (
        "1 of 1 found, 0 wrong"
    )
    assert page.faults == []


@needs_browser
def test_a_chosen_video_that_is_filtered_out_is_no_longer_pointed_at(browser, tmp_path):
    page = opened(browser, tmp_path, FOUND)
    pointed = "list.getAttribute('aria-activedescendant')"
    assert page.run(pointed) == "row-0"
    page.run(
        "(() => { const search = filters.querySelector('[type=search]');"
        "search.value = 'none of them'; search.dispatchEvent(new Event('input')); })()"
    )
    page.wait(f"{pointed} === null")
    assert page.run("list.innerText") == "No video passes these filters."


@needs_browser
@pytest.mark.parametrize("width", [360, 800, 1000, 1280])
def test_nothing_is_wider_than_the_window(browser, tmp_path, width):
    page = opened(browser, tmp_path, FOUND, BETTER, width=width)
    assert page.run("document.documentElement.scrollWidth") == width
    filters = "[...document.getElementById('filters').children]"
    ends = page.run(f"{filters}.map(field => field.getBoundingClientRect().bottom)")
    in_last_row = sum(end > max(ends) - 30 for end in ends)
    assert in_last_row > 1 or width == 360  # where each slider has a row
    tops = page.run("[...document.querySelectorAll('.tile')].map(t => t.offsetTop)")
    assert len(set(collections.Counter(tops).values())) == 1  # no row has gaps
    assert page.run(
        "[...detail.querySelectorAll('.scroll')].every("
        "s => s.scrollWidth <= s.clientWidth)"
    )


@needs_browser
def test_colours_follow_the_system_and_the_switch(browser, tmp_path):
    page = opened(browser, tmp_path, FOUND, dark=True)
    paper = "getComputedStyle(document.body).backgroundColor"
    dark = page.run(paper)
    page.run("theme.click()")  # auto -> light
    light = page.run(paper)
    assert (light, dark) == ("rgb(248, 247, 244)", "rgb(21, 23, 26)")
    page.run("theme.click()")
    assert page.run(paper) == dark
    page.run("theme.click()")


@needs_browser
def test_a_video_plays_beside_its_timeline_and_seeks(browser, tmp_path):
    pytest.importorskip("av")
    from tests.p3d.videos import counting, write_video

    (tmp_path / "clips").mkdir()
    write_video(tmp_path / "clips" / "it's.webm", counting(40), "libvpx-vp9")
    truth = TRUTH[:1].assign(video="it's", start_sec=0.4, end_sec=1.2, duration_sec=1.6)
    found = FOUND[:1].assign(
        video="it's", start_sec=0.5, end_sec=1.3, label=truth["label"]
    )
    options = PageOptions(resampling=Resampling(0), videos=tmp_path / "clips")
    page = opened(browser, tmp_path, found, truth=truth, options=options)
    page.wait("detail.querySelector('video').readyState > 0")
    page.run("detail.querySelector('td .link').click()")
    page.wait("!detail.querySelector('video').seeking")
    assert page.run("detail.querySelector('video').currentTime") == pytest.approx(0.4)
    page.run("document.querySelector('[role=slider]').focus()")
    page.press("ArrowRight")
    page.wait("!detail.querySelector('video').seeking")
    moved = page.run("detail.querySelector('video').currentTime")
    assert moved == pytest.approx(0.56)
    assert page.faults == []


@needs_browser
def test_many_videos_make_few_elements(browser, tmp_path):
    truth, found = made_up(videos=1500, detections=10)
    options = PageOptions(resampling=Resampling(0))
    page = opened(browser, tmp_path, found, truth=truth, options=options)
    assert page.run("document.querySelectorAll('.row').length") < 30
    page.run("list.focus()")
    page.press("End")
    assert page.run("document.querySelectorAll('.row').length") < 30
    last = page.run("document.querySelector('.row[aria-selected=true]').ariaPosInSet")
    assert last == "1500"
