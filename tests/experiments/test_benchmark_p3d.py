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
        product_size=64,
        rounds=3,
        least_sec=0.01,
    )
    speed, decoding = report["network"], report["decoding"]
    assert speed["flops_per_clip"] == 2 * count_multiply_adds(network, (16, 32, 32, 3))
    median = sorted(speed["network_sec_of_rounds"])[1]
    assert speed["clips_per_sec"] == pytest.approx(2 / median)
    assert speed["matmul_flops_per_sec"] == pytest.approx(
        2 * 64**3 / sorted(speed["matmul_sec_of_rounds"])[1]
    )
    assert speed["share_of_matmul_rate"] == pytest.approx(
        speed["clips_per_sec"] * speed["flops_per_clip"] / speed["matmul_flops_per_sec"]
    )
    network_cpu, matmul_cpu = (
        sorted(speed[f"{name}_processor_sec_of_rounds"])[1]
        for name in ("network", "matmul")
    )
    assert speed["share_of_matmul_rate_a_processor_second"] == pytest.approx(
        speed["flops_per_clip"] * 2 / network_cpu / (2 * 64**3 / matmul_cpu)
    )
    assert decoding["frames"] == 40
    assert decoding["size"] == [240, 320]
    assert decoding["clips_per_sec"] == decoding["resized_frames_per_sec"] / 8
    slower = decoding["clips_per_sec"] < speed["clips_per_sec"]
    assert report["bound"] == ("decoding" if slower else "network")
