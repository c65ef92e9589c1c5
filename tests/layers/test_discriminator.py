"""Discriminators: a logit per anchor, from weights of its level."""

import numpy as np
import tensorflow as tf

from ahernet_tf.layers import Discriminator
from tests.layers import plain
from tests.layers.every_layer import maps
from tests.layers.test_heads import randomize


def test_discriminator_gives_each_anchor_its_own_logit():
    discriminator = Discriminator(2, 3)
    discriminator(maps())
    randomize(discriminator)
    found = discriminator(maps()).numpy()
    expected = [
        np.concatenate(
            [
                plain.convolution(
                    level_map[row], layer.kernel.numpy(), layer.bias.numpy()
                ).ravel()
                for layer, level_map in zip(discriminator.levels, maps())
            ]
        )
        for row in range(3)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_levels_do_not_share_weights():
    discriminator = Discriminator(2, 3)
    discriminator(maps())
    before = discriminator(maps()).numpy()
    discriminator.levels[1].bias.assign(tf.ones([3]))
    changed = discriminator(maps()).numpy() != before
    assert not changed[:, :18].any()
    assert changed[:, 18:].all()
