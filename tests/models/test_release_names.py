"""The release's variable names: each names one variable of ours, and the right one."""

import numpy as np
import pytest

from ahernet_tf.config import NetworkConfig
from ahernet_tf.models import AherNet
from ahernet_tf.models import release_names as release
from tests.models import tiny


def release_arrays(model):
    """Returns a network's weights under the release's names, in its layouts."""
    variables = release.variables_by_release_name(model)
    return {
        name: v.numpy()[np.newaxis] if "conv_action" in name else v.numpy()
        for name, v in variables.items()
    }


def test_every_trainable_variable_has_one_name():
    model = tiny.network()
    named = release.variables_by_release_name(model)
    assert {id(v) for v in named.values()} == {id(v) for v in model.trainable_variables}
    assert len(named) == len(model.trainable_variables)


def test_names_stand_for_the_parts_that_the_release_calls_so():
    model = tiny.network()
    named = release.variables_by_release_name(model)
    head, transfer = model.head.levels[1], model.weight_transfer.levels[2]
    generators = model.synthetic_moments
    for name, variable in {
        "aher/g_conv1/weights": model.backbone.base[0].kernel,
        "aher/g_conv_a2/biases": model.backbone.levels[1].bias,
        "aher/conv_a2_box/conv_cls/weights": head.kernels[0],
        "aher/conv_a2_box/conv_loc/weights": head.kernels[1],
        "aher/conv_a2_box/conv_iou/biases": head.biases[2],
        "aher/conv_a1_box/conv_action_anchor/weights": model.target_classifier.kernels[
            0
        ],
        "aher/conv_a1_box/conv_action_anet/biases": model.source_classifier.biases[0],
        "aher/conv_a3_box/fully1/weights": transfer.weight_layers[0][0],
        "aher/conv_a3_box/fully2/biases": transfer.weight_layers[1][1],
        "aher/conv_a3_box/fully3/weights": transfer.bias_layers[0][0],
        "aher/conv_a3_box/fully4/biases": transfer.bias_layers[1][1],
        "g_conv_s1/weights": generators.start_generator.hidden.kernel,
        "g_conv_e2/biases": generators.end_generator.output_layer.bias,
        "conv_a3_adv/d_conv_adv/weights": model.discriminator.levels[2].kernel,
    }.items():
        assert named[name] is variable, name


def test_imported_network_is_the_one_that_was_written():
    model, other = tiny.network(seed=1), tiny.network(seed=2)
    ignored = release.import_arrays(
        other, release_arrays(model) | {"global_step": np.array(7), "beta1_power": 0.9}
    )
    assert ignored == ["beta1_power", "global_step"]
    features = tiny.features(2, tiny.STEPS, tiny.CHANNELS)
    for name, output in model(features).items():
        np.testing.assert_array_equal(other(features)[name], output, name)


def test_absent_array_is_named():
    arrays = release_arrays(tiny.network())
    del arrays["aher/g_conv_a2/weights"]
    with pytest.raises(ValueError, match=r"1 variables.*aher/g_conv_a2/weights"):
        release.import_arrays(tiny.network(), arrays)


def test_misshaped_array_is_named_with_both_shapes_and_nothing_is_imported():
    arrays, model = release_arrays(tiny.network(seed=1)), tiny.network(seed=2)
    arrays["g_conv_e2/weights"] = arrays["g_conv_e2/weights"].swapaxes(1, 2)
    before = model.backbone.base[0].kernel.numpy()
    with pytest.raises(ValueError, match=r"g_conv_e2.*\(3, 5, 6\).*\(3, 6, 5\)"):
        release.import_arrays(model, arrays)
    np.testing.assert_array_equal(model.backbone.base[0].kernel.numpy(), before)


def test_sizes_are_read_off_the_arrays():
    network = NetworkConfig(
        base_channels=(5, 4),
        level_channels=(4, 3, 4, 2, 2, 2, 2, 2),
        proposal_classifier=True,
        generator_channels=7,
    )
    model = AherNet(6, 3, 4, network)
    model.build()
    sizes, found = release.network_of(release_arrays(model))
    assert sizes == {"feature_channels": 6, "source_classes": 3, "target_classes": 4}
    assert found == network


def test_sizes_need_the_names_that_the_release_writes():
    with pytest.raises(ValueError, match=r"aher/g_conv1/weights.*absent"):
        release.network_of({})
