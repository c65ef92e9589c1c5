"""An independent P3D in NumPy, channels first, under the PyTorch port's names.

Written from the published tables alone: nothing here is shared with the library.
"""

import numpy as np

KINDS = "ABC"


def random_state(depths, base, in_channels=3, classes=None, seed=0):
    """Returns a state dict of random weights, as the PyTorch port would save it."""
    rng = np.random.default_rng(seed)
    state = {}

    def conv(name, shape):
        fan_in = np.prod(shape[1:])
        state[f"{name}.weight"] = rng.normal(0, np.sqrt(2 / fan_in), shape)

    def norm(name, channels):
        state[f"{name}.weight"] = rng.uniform(0.5, 1.5, channels)
        state[f"{name}.bias"] = rng.normal(0, 0.3, channels)
        state[f"{name}.running_mean"] = rng.normal(0, 0.3, channels)
        state[f"{name}.running_var"] = rng.uniform(0.5, 2.0, channels)
        state[f"{name}.num_batches_tracked"] = np.array(7)

    conv("conv1_custom", (base, in_channels, 1, 7, 7))
    norm("bn1", base)
    entering = base
    for stage in range(4):
        middle = base * 2**stage
        time = (1,) if stage < 3 else ()
        for block in range(depths[stage]):
            at = f"layer{stage + 1}.{block}"
            conv(f"{at}.conv1", (middle, entering, *time, 1, 1))
            norm(f"{at}.bn1", middle)
            if stage < 3:
                conv(f"{at}.conv2", (middle, middle, 1, 3, 3))
                norm(f"{at}.bn2", middle)
                conv(f"{at}.conv3", (middle, middle, 3, 1, 1))
                norm(f"{at}.bn3", middle)
            else:
                conv(f"{at}.conv_normal", (middle, middle, 3, 3))
                norm(f"{at}.bn_normal", middle)
            conv(f"{at}.conv4", (4 * middle, middle, *time, 1, 1))
            norm(f"{at}.bn4", 4 * middle)
            if block == 0:
                conv(f"{at}.downsample.0", (4 * middle, entering, *time, 1, 1))
                norm(f"{at}.downsample.1", 4 * middle)
            entering = 4 * middle
    if classes is not None:
        state["fc.weight"] = rng.normal(0, 0.1, (classes, entering))
        state["fc.bias"] = rng.normal(0, 0.1, classes)
    return {
        k: v.astype(np.int64 if "batches" in k else np.float32)
        for k, v in state.items()
    }


def caffe_names(state, blobs="numbers"):
    """Returns the same arrays under Caffe's names.

    `blobs` is "numbers" (`bn2a_branch2a/0` is the scale), "words"
    (`bn2a_branch2a.running_mean`) or "pair" (BatchNorm and Scale layers).
    """
    parts = {
        "conv1": "2a", "bn1": "2a", "conv2": "2b", "bn2": "2b", "conv3": "2b_t",
        "bn3": "2b_t", "conv4": "2c", "bn4": "2c", "conv_normal": "2b",
        "bn_normal": "2b", "downsample.0": "1", "downsample.1": "1",
    }  # fmt: skip
    order = ["weight", "bias", "running_mean", "running_var"]
    out = {}
    for name, array in state.items():
        module, _, part = name.rpartition(".")
        if part == "num_batches_tracked":
            continue
        if module == "fc":
            out[f"fc400/{order.index(part)}"] = array
            continue
        if module.startswith("layer"):
            _, block, inner = module.split(".", 2)
            stage = int(module[5]) + 1
            letters = "abc" if stage in (2, 5) else ["a", *[f"b{i}" for i in range(99)]]
            letter = (
                letters[int(block)]
                if stage in (2, 5)
                else ("a" if block == "0" else f"b{block}")
            )
            layer = f"{stage}{letter}_branch{parts[inner]}"
            is_norm = inner.startswith("bn") or inner == "downsample.1"
            conv, bn, scale = f"res{layer}", f"bn{layer}", f"scale{layer}"
        else:
            is_norm = module == "bn1"
            conv, bn, scale = "conv1_custom", "bn_conv1", "scale_conv1"
        if not is_norm:
            out[conv if blobs == "words" else f"{conv}/0"] = array
        elif blobs == "numbers":
            out[f"{bn}/{order.index(part)}"] = array.reshape(1, -1, 1, 1, 1)
        elif blobs == "words":
            out[f"{bn}.{part}"] = array
        elif part in ("weight", "bias"):
            out[f"{scale}/{order.index(part)}"] = array
        else:
            factor = np.float32(4.0)
            out[f"{bn}/{order.index(part) - 2}"] = array * factor
            out[f"{bn}/2"] = np.array([factor])
    return out


def convolve(x, kernel, stride, pad):
    """Cross-correlates x [batch, in, *space] with kernel [out, in, *window]."""
    x = np.pad(x, [(0, 0), (0, 0), *[(p, p) for p in pad]])
    window = kernel.shape[2:]
    sizes = [(n - k) // s + 1 for n, k, s in zip(x.shape[2:], window, stride)]
    out = np.zeros((x.shape[0], kernel.shape[0], *sizes))
    for offset in np.ndindex(*window):
        space = tuple(
            slice(o, o + (n - 1) * s + 1, s) for o, n, s in zip(offset, sizes, stride)
        )
        piece = x[(slice(None), slice(None), *space)]
        tap = kernel[(slice(None), slice(None), *offset)]
        out += np.einsum("oi,bi...->bo...", tap, piece)
    return out


def normalize(x, state, name):
    """Applies batch normalisation with moving statistics, epsilon 1e-5."""
    shape = (1, -1) + (1,) * (x.ndim - 2)
    scale = state[f"{name}.weight"] / np.sqrt(state[f"{name}.running_var"] + 1e-5)
    shift = state[f"{name}.bias"] - state[f"{name}.running_mean"] * scale
    return x * scale.reshape(shape) + shift.reshape(shape)


def relu(x):
    return np.maximum(x, 0)


def pool(x, window, stride, fusion):
    """Takes maxima as Caffe (no padding, ceiling) or PyTorch (padding, floor) does."""
    space = x.shape[2:]
    if fusion == "caffe":
        sizes = [-(-(n - k) // s) + 1 for n, k, s in zip(space, window, stride)]
        begin = [0, 0, 0]
    else:
        begin = [(k - 1) // 2 for k in window]
        sizes = [
            (n + 2 * p - k) // s + 1 for n, p, k, s in zip(space, begin, window, stride)
        ]
    out = np.empty((*x.shape[:2], *sizes))
    for place in np.ndindex(*sizes):
        cut = tuple(
            slice(max(0, i * s - p), i * s - p + k)
            for i, s, p, k in zip(place, stride, begin, window)
        )
        piece = x[(slice(None), slice(None), *cut)]
        out[(slice(None), slice(None), *place)] = piece.max(axis=(2, 3, 4))
    return out


def block_3d(x, state, at, kind, fusion, stride):
    """Computes one P3D bottleneck."""
    one, no = (1, 1, 1), (0, 0, 0)
    y = relu(
        normalize(
            convolve(x, state[f"{at}.conv1.weight"], stride, no), state, f"{at}.bn1"
        )
    )

    def spatial(z):
        z = convolve(z, state[f"{at}.conv2.weight"], one, (0, 1, 1))
        return normalize(z, state, f"{at}.bn2")

    def temporal(z):
        z = convolve(z, state[f"{at}.conv3.weight"], one, (1, 0, 0))
        return normalize(z, state, f"{at}.bn3")

    if kind == "A":
        y = relu(temporal(relu(spatial(y))))
    elif (kind, fusion) == ("B", "torch"):
        y = relu(spatial(y)) + relu(temporal(y))
    elif (kind, fusion) == ("B", "caffe"):
        y = relu(relu(spatial(y)) + temporal(y))
    elif (kind, fusion) == ("C", "torch"):
        s = relu(spatial(y))
        y = s + relu(temporal(s))
    else:
        s = relu(spatial(y))
        y = relu((s + temporal(s)) / 2)
    y = normalize(convolve(y, state[f"{at}.conv4.weight"], one, no), state, f"{at}.bn4")
    return relu(y + shortcut(x, state, at, stride))


def shortcut(x, state, at, stride):
    """Returns x, or its projection where the state has one."""
    if f"{at}.downsample.0.weight" not in state:
        return x
    x = convolve(x, state[f"{at}.downsample.0.weight"], stride, (0,) * len(stride))
    return normalize(x, state, f"{at}.downsample.1")


def block_2d(x, state, at, stride):
    """Computes one two-dimensional bottleneck."""
    y = convolve(x, state[f"{at}.conv1.weight"], stride, (0, 0))
    y = relu(normalize(y, state, f"{at}.bn1"))
    y = convolve(y, state[f"{at}.conv_normal.weight"], (1, 1), (1, 1))
    y = relu(normalize(y, state, f"{at}.bn_normal"))
    y = convolve(y, state[f"{at}.conv4.weight"], (1, 1), (0, 0))
    y = normalize(y, state, f"{at}.bn4")
    return relu(y + shortcut(x, state, at, stride))


def network(clips, state, depths, fusion):
    """Computes (features, logits) of clips [batch, time, height, width, channels]."""
    state = {k: np.asarray(v, np.float64) for k, v in state.items()}
    x = np.moveaxis(np.asarray(clips, np.float64), -1, 1)
    x = convolve(x, state["conv1_custom.weight"], (1, 2, 2), (0, 3, 3))
    x = pool(relu(normalize(x, state, "bn1")), (2, 3, 3), (2, 2, 2), fusion)
    count = 0
    for stage in range(3):
        for block in range(depths[stage]):
            stride = (1, 2, 2) if stage and not block else (1, 1, 1)
            at = f"layer{stage + 1}.{block}"
            x = block_3d(x, state, at, KINDS[count % 3], fusion, stride)
            count += 1
        x = pool(x, (2, 1, 1), (2, 1, 1), fusion)
    assert x.shape[2] == 1
    x = x[:, :, 0]
    for block in range(depths[3]):
        x = block_2d(x, state, f"layer4.{block}", (1, 1) if block else (2, 2))
    features = x.mean(axis=(2, 3))
    logits = None
    if "fc.weight" in state:
        logits = features @ state["fc.weight"].T + state["fc.bias"]
    return features, logits
