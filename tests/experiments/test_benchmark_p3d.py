"""The benchmark's numbers are consistent with one another."""

import pytest

pytest.importorskip("av")

from ahernet_tf.p3d import P3D, ClipFormat, count_multiply_adds
from experiments.benchmarks.p3d import run


def test_rates_follow_from_counts_and_times():
    network = P3D((1, 1, 1, 1), base_channels=2)
    network.build((None, 16, 32, 32, 3))
    report = run(
        network,
        ClipFormat.for_crop(32),
        video_frames=40,
        batch_size=2,
        product_sizes=(64,),
        rounds=3,
        least_sec=0.01,
    )
    speed, decoding = report["network"], report["decoding"]
    assert speed["flops_per_clip"] == 2 * count_multiply_adds(network, (16, 32, 32, 3))
    wall, processor = (
        sorted(seconds[clock] for seconds in speed["times"])[1]
        for clock in ("wall", "processor")
    )
    assert speed["clips_per_sec"] == pytest.approx(2 / wall)
    rates, products = speed["flops_per_sec"], speed["matmul_flops_per_sec"]
    assert rates["wall"] == pytest.approx(2 / wall * speed["flops_per_clip"])
    assert rates["processor"] == pytest.approx(2 / processor * speed["flops_per_clip"])
    assert products["wall"] == max(speed["matmul_flops_per_sec_of_sizes"].values())
    for clock, share in speed["share_of_matmul_rate"].items():
        assert share == pytest.approx(rates[clock] / products[clock])
    assert decoding["frames"] == 40
    assert decoding["size"] == [240, 320]
    assert decoding["clips_per_sec"] == decoding["resized_frames_per_sec"] / 8
    slower = decoding["clips_per_sec"] < speed["clips_per_sec"]
    assert report["bound"] == ("decoding" if slower else "network")
