from types import SimpleNamespace

from ahernet_tf.inference.chance import chance

CLASSES = ["run", "sit", "wave"]


def drawn(seed=0):
    videos = [SimpleNamespace(id=f"v{n}", duration_sec=10.0 * n) for n in (1, 2)]
    return chance(SimpleNamespace(videos=videos), CLASSES, 200, seed)


def test_segments_lie_anywhere_in_their_videos():
    found = drawn()
    assert list(found) == ["v1", "v2"]
    for name, seconds in (("v1", 10.0), ("v2", 20.0)):
        assert len(found[name]) == 200
        assert all(0 <= d.start_sec < d.end_sec <= seconds for d in found[name])
        assert min(d.start_sec for d in found[name]) < 0.1 * seconds
        assert max(d.end_sec for d in found[name]) > 0.9 * seconds


def test_labels_and_scores_are_random_and_the_best_comes_first():
    found = drawn()["v1"]
    assert {d.label for d in found} == set(CLASSES)
    scores = [d.score for d in found]
    assert scores == sorted(scores, reverse=True)
    assert 0 <= scores[-1] < 0.1 < 0.9 < scores[0] < 1


def test_seed_decides():
    assert drawn() == drawn()
    assert drawn(0) != drawn(1)
