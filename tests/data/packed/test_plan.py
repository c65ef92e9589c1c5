import pytest

from ahernet_tf.config import Config
from ahernet_tf.data.loading import load
from ahernet_tf.data.packed.plan import PackingPlan, PackOptions, plan_of
from tests.data.tiny import TinyData


@pytest.fixture
def loaded(tmp_path):
    return load(TinyData().write(tmp_path / "d"), Config().data)


def test_roles_of_one_store_are_packed_once_with_all_their_videos(loaded):
    plan = plan_of(loaded, PackOptions(units=1))
    assert list(plan.stores) == ["untrimmed", "moments"]
    (shard,) = plan.stores["untrimmed"].shards
    assert sorted(shard) == ["a1", "a2", "b1", "b2", "c1", "t1", "t2"]
    assert plan.splits == ["moments", "oracle", "test", "untrimmed"]
    assert plan.store_of(loaded.description.roles["oracle"].features) == "untrimmed"


@pytest.mark.parametrize("units", [1, 2, 3, 100])
def test_shards_are_of_about_the_same_size_and_hold_every_video_once(loaded, units):
    shards = plan_of(loaded, PackOptions(units=units)).stores["moments"].shards
    assert len(shards) == min(units, 5)
    counts = loaded.roles["moments"].features["clips"].to_dict()
    assert {v: n for shard in shards for v, n in shard.items()} == counts
    total = sum(counts.values())
    for shard in shards:
        assert sum(shard.values()) < total / len(shards) + max(counts.values())


def test_the_size_of_a_shard_decides_how_many_there_are(loaded):
    plan = plan_of(loaded, PackOptions(shard_mib=1))
    assert [len(store.shards) for store in plan.stores.values()] == [1, 1]


def test_a_plan_is_read_as_it_was_written(loaded, tmp_path):
    plan = plan_of(loaded, PackOptions(units=2))
    plan.write(tmp_path)
    assert PackingPlan.read(tmp_path) == plan
    other = plan_of(loaded, PackOptions(units=3, skip_bad=True, splits=("moments",)))
    assert plan.differences(other) == ["skip_bad", "splits", "stores"]
    assert plan.differences(plan_of(loaded, PackOptions(units=3))) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"splits": ("monents",)}, r"received \['monents'\]"),
        ({"dtype": "int8"}, "received 'int8'"),
    ],
)
def test_an_unknown_option_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        PackOptions(**options)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 2, "stores": {"a": 1}}'])
def test_a_damaged_plan_is_named(tmp_path, text):
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(ValueError, match=r"plan\.json: "):
        PackingPlan.read(tmp_path)


def test_a_plan_of_another_version_says_to_pack_again(tmp_path):
    (tmp_path / "plan.json").write_text('{"version": 1}')
    with pytest.raises(ValueError, match="another version; pack again"):
        PackingPlan.read(tmp_path)
