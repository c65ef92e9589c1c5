"""The 2020 release's variable names, as the way into a checkpoint of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np

from ahernet_tf.config import NetworkConfig
from ahernet_tf.models.ahernet import AherNet

_HEADS = {"proposal_logits": "conv_cls", "offsets": "conv_loc", "overlap": "conv_iou"}


def variables_by_release_name(model: AherNet) -> dict[str, Any]:
    """Maps the release's name of every trainable variable to ours.

    Args:
        model: A built network with two base convolutions.

    Returns:
        Variables by name, in the release's order of parts.
    """
    named: dict[str, Any] = {}

    def add(scope: str, kernel: Any, bias: Any) -> None:
        named[f"{scope}/weights"], named[f"{scope}/biases"] = kernel, bias

    for i, layer in enumerate(model.backbone.base, 1):
        add(f"aher/g_conv{i}", layer.kernel, layer.bias)
    for i, layer in enumerate(model.backbone.levels, 1):
        add(f"aher/g_conv_a{i}", layer.kernel, layer.bias)
    target, source = model.target_classifier, model.source_classifier
    for i, head in enumerate(model.head.levels, 1):
        scope = f"aher/conv_a{i}_box"
        for name, kernel, bias in zip(head.outputs, head.kernels, head.biases):
            add(f"{scope}/{_HEADS[name]}", kernel, bias)
        add(f"{scope}/conv_action_anchor", target.kernels[i - 1], target.biases[i - 1])
        add(f"{scope}/conv_action_anet", source.kernels[i - 1], source.biases[i - 1])
        function = model.weight_transfer.levels[i - 1]
        layers = function.weight_layers + function.bias_layers
        for n, (kernel, bias) in enumerate(layers, 1):
            add(f"{scope}/fully{n}", kernel, bias)
    generators = model.synthetic_moments
    for side, generator in (
        ("s", generators.start_generator),
        ("e", generators.end_generator),
    ):
        add(f"g_conv_{side}1", generator.hidden.kernel, generator.hidden.bias)
        output = generator.output_layer
        add(f"g_conv_{side}2", output.kernel, output.bias)
    for i, layer in enumerate(model.discriminator.levels, 1):
        add(f"conv_a{i}_adv/d_conv_adv", layer.kernel, layer.bias)
    return named


def training_parts(names: Iterable[str]) -> dict[str, list[str]]:
    """Sorts out the release's names of what only training needs.

    Args:
        names: The release's variable names.

    Returns:
        The names of the `generators` and of the `discriminators`.
    """
    names = list(names)
    return {
        "generators": [name for name in names if name.startswith("g_conv_")],
        "discriminators": [name for name in names if "/d_conv_adv/" in name],
    }


def network_of(
    arrays: Mapping[str, np.ndarray],
    network: NetworkConfig = NetworkConfig(),  # noqa: B008
) -> tuple[dict[str, int], NetworkConfig]:
    """Reads the sizes of a network off the release's arrays.

    Args:
        arrays: Arrays under the release's variable names.
        network: What the arrays do not tell: steps, ratios, activations, and the
            generators' channels where the generators are absent.

    Returns:
        `feature_channels`, `source_classes`, `target_classes` as a dictionary, and the
        network's configuration.

    Raises:
        ValueError: A name that the release always writes is absent.
    """
    try:
        levels = 0
        while f"aher/g_conv_a{levels + 1}/weights" in arrays:
            levels += 1
        base = [arrays[f"aher/g_conv{i}/weights"] for i in (1, 2)]
        box = "aher/conv_a1_box"
        sizes = {
            "feature_channels": base[0].shape[-2],
            "source_classes": arrays[f"{box}/conv_action_anet/weights"].shape[-1],
            "target_classes": arrays[f"{box}/conv_action_anchor/weights"].shape[-1],
        }
    except KeyError as error:
        raise ValueError(f"The release's variable {error} is absent.") from error
    fully = 0  # of the class weights and as many of the class biases
    while f"{box}/fully{fully + 1}/weights" in arrays:
        fully += 1
    network = dataclasses.replace(
        network,
        base_channels=tuple(kernel.shape[-1] for kernel in base),
        level_channels=tuple(
            arrays[f"aher/g_conv_a{i}/weights"].shape[-1] for i in range(1, levels + 1)
        ),
        proposal_classifier=f"{box}/conv_cls/weights" in arrays,
        transfer_layers=fully // 2,
    )
    if "g_conv_s1/weights" in arrays:
        channels = arrays["g_conv_s1/weights"].shape[-1]
        network = dataclasses.replace(network, generator_channels=channels)
    return sizes, network


def import_arrays(
    model: AherNet, arrays: Mapping[str, np.ndarray], optional: Collection[str] = ()
) -> list[str]:
    """Assigns arrays of the release to a network's variables.

    A 1x1 convolution of the release, `[1, in, out]`, may stand for `[in, out]`.

    Args:
        model: A built network.
        arrays: Arrays under the release's variable names; others may be among them.
        optional: Names that may be absent; their variables stay as they are.

    Returns:
        Names among the arrays that the network has no variable for.

    Raises:
        ValueError: An array is absent or of another shape; nothing was assigned.
    """
    variables = variables_by_release_name(model)
    absent = sorted(set(variables) - set(arrays) - set(optional))
    if absent:
        raise ValueError(f"{len(absent)} variables are absent, such as '{absent[0]}'.")
    values = {}
    for name in set(variables) & set(arrays):
        array, shape = np.asarray(arrays[name]), tuple(variables[name].shape)
        squeezed = tuple(size for size in array.shape if size != 1)
        if squeezed != tuple(size for size in shape if size != 1):
            raise ValueError(f"'{name}': expected {shape}, received {array.shape}.")
        values[name] = array.reshape(shape)
    for name, array in values.items():
        variables[name].assign(array)
    return sorted(set(arrays) - set(variables))
