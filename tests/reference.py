"""The network, its losses and Algorithm 1 once more, in plain float64.

Written from the paper's equations for the tests to judge by, and shares nothing with
the library: variables in a dictionary under the release's names instead of layers,
loops over rows and levels, TensorFlow's own convolution, matching and Adam in NumPy.
Options are the 2020 release's throughout. TensorFlow serves for gradients alone.
"""

import numpy as np
import tensorflow as tf

#: What each optimiser of the release minimises, over which variables, by a part of
#: their names; the row of an iteration it belongs to; and its beta_1.
OPTIMISERS = {
    "ki_cls": ("moment", "loss_cls", ("aher/g_conv", "conv_action_anchor"), 0.9),
    "fore_cls": ("foreground", "loss_cls", ("conv_action_anet",), 0.9),
    "untrim_prop": (
        "untrimmed",
        "Prop_loss",
        ("aher/g_conv", "conv_cls", "conv_loc", "conv_iou"),
        0.9,
    ),
    "untrim_cls": ("untrimmed", "loss_cls", ("aher/g_conv", "fully"), 0.9),
    "seg_prop": ("synthetic", "Prop_loss", ("g_conv_s", "g_conv_e"), 0.9),
    "seg_cls": ("synthetic", "loss_cls", ("g_conv_s", "g_conv_e"), 0.9),
    "dis": ("adversarial", "d_loss", ("d_conv_adv",), 0.5),
    "gen_adv": ("adversarial", "g_loss", ("g_conv_s", "g_conv_e"), 0.5),
    "bone_prop": (
        "synthetic",
        "Prop_loss",
        ("aher/g_conv", "conv_cls", "conv_loc", "conv_iou"),
        0.9,
    ),
    "bone_cls": ("synthetic", "loss_cls", ("aher/g_conv",), 0.9),
}
#: The order of an iteration: name of the step, its optimisers.
ITERATION = (
    ("1_ki_cls", ("ki_cls",)),
    ("2_fore_cls", ("fore_cls",)),
    ("3_untrim", ("untrim_prop", "untrim_cls")),
    ("4_seg_gen", ("seg_prop", "seg_cls")),
    ("5_dis", ("dis",)),
    ("6_gen1", ("gen_adv",)),
    ("7_gen2", ("gen_adv",)),
    ("8_bone", ("bone_prop", "bone_cls")),
)


class Reference:
    """A network on variables under the release's names.

    Args:
        arrays: Values by name; kernels `[width, in, out]`, classifiers `[in, out]`.
        steps: Length of untrimmed sequences.
        ratios: Anchor lengths of a cell, in strides.
    """

    def __init__(self, arrays, steps, ratios):
        self.w = {name: tf.Variable(a.astype(np.float64)) for name, a in arrays.items()}
        self.steps = steps
        self.levels = sum("/g_conv_a" in name for name in arrays) // 2
        anchors, cells = [], (steps - 3) // 2 + 1
        for level in range(self.levels):
            cells, stride = -(-cells // 2), 4.0 * 2**level
            for cell in range(cells):
                anchors += [((cell + 0.5) * stride, r * stride) for r in ratios]
        self.anchors = np.array(anchors)
        self.ratios = len(ratios)
        self.moments = {}

    # The network

    def affine(self, x, scope, stride=1):
        kernel, bias = self.w[f"{scope}/weights"], self.w[f"{scope}/biases"]
        return tf.nn.conv1d(x, tf.identity(kernel), stride, "SAME") + bias

    def maps(self, x):
        x = tf.constant(x, tf.float64) if isinstance(x, np.ndarray) else x
        for i in (1, 2):
            x = tf.nn.relu(self.affine(x, f"aher/g_conv{i}"))
        odd = x.shape[1] - (x.shape[1] - 1) % 2  # an unpadded pooling may drop the last
        x = tf.maximum(tf.maximum(x[:, : odd - 2 : 2], x[:, 1:odd:2]), x[:, 2:odd:2])
        maps = []
        for i in range(1, self.levels + 1):
            x = tf.nn.relu(self.affine(x, f"aher/g_conv_a{i}", 2))
            maps.append(x)
        return maps

    def head(self, maps, name, size):
        """Returns one head's outputs, `[batch, anchors, size]`."""
        parts = []
        for i, level_map in enumerate(maps, 1):
            out = self.affine(level_map, f"aher/conv_a{i}_box/{name}")
            parts.append(tf.reshape(out, [len(out), -1, size]))
        return tf.concat(parts, 1)

    def pooled_logits(self, maps, classifier):
        """Returns segment logits, `[batch, classes]` a level."""
        logits = []
        for i, level_map in enumerate(maps, 1):
            scope = f"aher/conv_a{i}_box/{classifier}"
            kernel, bias = self.w[f"{scope}/weights"], self.w[f"{scope}/biases"]
            logits.append(tf.reduce_mean(level_map, 1) @ kernel + bias)
        return logits

    def cell_logits(self, maps, classifier):
        """Returns the transferred classifier's logits, `[batch, cells, classes]`."""
        logits = []
        for i, level_map in enumerate(maps, 1):
            box = f"aher/conv_a{i}_box"
            rows = tf.transpose(tf.identity(self.w[f"{box}/{classifier}/weights"]))
            bias = tf.identity(self.w[f"{box}/{classifier}/biases"])[:, tf.newaxis]
            for n in (1, 2):
                w, b = (
                    self.w[f"{box}/fully{n}/weights"],
                    self.w[f"{box}/fully{n}/biases"],
                )
                rows = tf.nn.elu(rows @ w + b)
                n += 2
                w, b = (
                    self.w[f"{box}/fully{n}/weights"],
                    self.w[f"{box}/fully{n}/biases"],
                )
                bias = tf.nn.elu(bias @ w + b)
            logits.append(level_map @ tf.transpose(rows) + bias[:, 0])
        return tf.concat(logits, 1)

    def synthesis(self, moments, ratio, position):
        """Returns synthetic sequences, and where each moment lies by the release."""
        moments = tf.constant(moments, tf.float64)
        contexts = {}
        for side in ("s", "e"):
            hidden = tf.nn.relu(self.affine(moments, f"g_conv_{side}1"))
            contexts[side] = tf.nn.relu(self.affine(hidden, f"g_conv_{side}2", 2))
        rows, segments = [], []
        for b in range(len(moments)):
            m = self.steps * int(ratio[b]) // 20
            s = (self.steps - m) // 2
            e = self.steps - m - s
            moment = resized(moments[b], m)
            start, end = resized(contexts["s"][b], s), resized(contexts["e"][b], e)
            split, length = (start, s) if b % 2 == 0 else (end, e)
            o = (20 - int(ratio[b])) * length * int(position[b]) // 400
            parts = [split[:o], moment, split[o:]]
            parts = [*parts, end] if b % 2 == 0 else [start, *parts]
            rows.append(tf.concat(parts, 0))
            begin = o if b % 2 == 0 else s + o
            segments.append([[begin, o + m]])  # with the slip of odd rows
        return tf.stack(rows), np.array(segments, np.float64)

    def match(self, segments):
        """Returns best tIoU `[batch, anchors]` and match `[batch, anchors, 2]`."""
        low = np.clip(self.anchors[:, 0] - self.anchors[:, 1] / 2, 0, self.steps - 1)
        high = np.clip(self.anchors[:, 0] + self.anchors[:, 1] / 2, 0, self.steps - 1)
        best = np.zeros((len(segments), len(self.anchors)))
        owner = np.zeros((*best.shape, 2))
        for b, row in enumerate(np.asarray(segments, np.float64)):
            for start, end in row:
                if start < 0 or end <= start:
                    continue
                shared = np.maximum(np.minimum(high, end) - np.maximum(low, start), 0)
                tiou = shared / (high - low + end - start - shared)
                better = tiou > best[b]
                best[b][better] = tiou[better]
                owner[b][better] = [(start + end) / 2, end - start]
        return best, owner

    def offsets_to(self, owner, matched):
        """Codes the matched (centre, width); 0 where there is none."""
        coded = np.zeros(owner.shape)
        centre, width = np.broadcast_arrays(*self.anchors.T)
        for b in range(len(owner)):
            k = matched[b]
            coded[b, k, 0] = (owner[b, k, 0] - centre[k]) / width[k] / 0.1
            coded[b, k, 1] = np.log(owner[b, k, 1] / width[k]) / 0.1
        return coded

    # The losses

    def segment_losses(self, features, labels, classifier):
        logits = self.pooled_logits(self.maps(features), classifier)
        entropy = [cross_entropy(level, labels) for level in logits]
        right = [np.argmax(level, -1) == labels for level in logits]
        loss = 2.0 * tf.reduce_mean(tf.stack(entropy)) / len(labels)
        return {"loss_cls": loss, "acc_cls": np.mean(right)}

    def localization_losses(self, maps, classifier, segments, labels):
        tiou, owner = self.match(segments)
        foreground, background = tiou > 0.8, tiou < 0.3
        proposal = self.head(maps, "conv_cls", 2)
        score = tf.nn.softmax(proposal).numpy()[..., 0]
        k = min(foreground.sum() + len(labels), background.sum())
        threshold = np.sort(score[background])[k - 1]
        chosen = foreground | (background & (score < threshold))
        entropy = cross_entropy(proposal, foreground.astype(int))
        loss_prop = 2.0 * tf.reduce_mean(entropy[chosen])
        wanted = self.offsets_to(owner, tiou > 0)[foreground]
        d = tf.abs(self.head(maps, "conv_loc", 2)[foreground] - wanted)
        smooth = tf.where(d < 1, 0.5 * d * d, d - 0.5)
        loss_loc = tf.reduce_sum(smooth) / chosen.sum()
        overlap = tf.sigmoid(self.head(maps, "conv_iou", 1)[..., 0])
        loss_iou = 25.0 * tf.reduce_mean((overlap - tiou)[tiou > 0] ** 2)
        logits = self.cell_logits(maps, classifier)
        every = np.repeat(np.asarray(labels)[:, np.newaxis], logits.shape[1], 1)
        loss_cls = 2.0 * tf.reduce_sum(cross_entropy(logits, every)) / len(labels)
        localization = loss_prop + loss_loc + loss_iou
        return {
            "Total_loss": localization + loss_cls,
            "Prop_loss": localization,
            "loss_prop": loss_prop,
            "loss_loc": loss_loc,
            "loss_iou": loss_iou,
            "loss_cls": loss_cls,
            "acc_cls": np.mean(np.argmax(logits, -1) == every),
        }

    def adversarial_losses(self, real_maps, fake_maps, real_segments, fake_segments):
        both = (self.match(real_segments)[0] < 0.3) & (
            self.match(fake_segments)[0] < 0.3
        )
        logits = []
        for maps in (real_maps, fake_maps):
            level = [
                tf.reshape(self.affine(m, f"conv_a{i}_adv/d_conv_adv"), [len(m), -1])
                for i, m in enumerate(maps, 1)
            ]
            logits.append(tf.concat(level, 1)[both])
        real = 0.1 * tf.reduce_mean(tf.nn.softplus(-logits[0]))
        fake = 0.1 * tf.reduce_mean(tf.nn.softplus(logits[1]))
        return {
            "d_loss_real": real,
            "d_loss_fake": fake,
            "d_loss": real + fake,
            "g_loss": 0.1 * tf.reduce_mean(tf.nn.softplus(-logits[1])),
        }

    def losses(self, branch, batch, case=""):
        """Returns a branch's losses by the release's names."""
        ratio, position = (batch[f"{name}{case}"] for name in ("ratio", "position"))
        if branch == "moment":
            return self.segment_losses(
                batch["moments"], batch["moment_labels"], "conv_action_anchor"
            )
        if branch == "foreground":
            return self.segment_losses(
                batch["foreground"], batch["foreground_labels"], "conv_action_anet"
            )
        if branch == "untrimmed":
            maps, segments = self.maps(batch["untrimmed"]), batch["segments"]
            return self.localization_losses(
                maps, "conv_action_anet", segments, batch["labels"]
            )
        sequences, segments = self.synthesis(batch["moments"], ratio, position)
        maps = self.maps(sequences)
        if branch == "synthetic":
            return self.localization_losses(
                maps, "conv_action_anchor", segments, batch["moment_labels"]
            )
        real = self.maps(batch["untrimmed"])
        return self.adversarial_losses(real, maps, batch["segments"], segments)

    # Training

    def variables_of(self, optimiser):
        """Returns the names of the variables that an optimiser moves."""
        parts = OPTIMISERS[optimiser][2]
        return [name for name in self.w if any(part in name for part in parts)]

    def gradients(self, optimiser, batch):
        """Returns the losses of an optimiser's branch, and its gradients by name."""
        branch, loss, _, _ = OPTIMISERS[optimiser]
        names = self.variables_of(optimiser)
        with tf.GradientTape() as tape:
            losses = self.losses(branch, batch)
        found = tape.gradient(losses[loss], [self.w[name] for name in names])
        return losses, {n: g.numpy() for n, g in zip(names, found)}

    def adam(self, optimiser, gradients, rate):
        """Takes a step in TensorFlow 1's form: epsilon outside the correction."""
        beta_1 = OPTIMISERS[optimiser][3]
        state = self.moments.setdefault(optimiser, {"t": 0})
        state["t"] += 1
        t = state["t"]
        step = rate * np.sqrt(1 - 0.999**t) / (1 - beta_1**t)
        for name, g in gradients.items():
            m, v = state.get(name, (0.0, 0.0))
            m = beta_1 * m + (1 - beta_1) * g
            v = 0.999 * v + (1 - 0.999) * g * g
            state[name] = m, v
            self.w[name].assign_sub(step * m / (np.sqrt(v) + 1e-8))

    def iterate(self, batch, rate):
        """Takes one iteration; returns each step's losses by the release's names."""
        logged = {}
        for step, optimisers in ITERATION:
            found = {o: self.gradients(o, batch) for o in optimisers}
            for optimiser, (losses, gradients) in found.items():
                logged[step] = losses
                self.adam(optimiser, gradients, rate)
        return logged


def resized(source, length):
    """Resizes [time, channels] as TensorFlow 1 does, as a matrix product.

    Where to read is found in single precision, as there: k * in / out, rounded twice.
    """
    size, matrix = len(source), np.zeros((length, len(source)))
    scale = np.float32(size) / np.float32(max(length, 1))
    for k in range(length):
        place = np.float32(k) * scale
        lower = min(int(place), size - 1)
        rest = float(place - np.floor(place))
        matrix[k, lower] += 1 - rest
        matrix[k, min(lower + 1, size - 1)] += rest
    return tf.constant(matrix) @ source


def cross_entropy(logits, labels):
    """Returns the softmax cross-entropy over the last axis."""
    hot = tf.one_hot(labels, logits.shape[-1], dtype=tf.float64)
    return -tf.reduce_sum(hot * tf.nn.log_softmax(logits), -1)
