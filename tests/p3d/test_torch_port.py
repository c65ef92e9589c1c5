"""The torch flavour against a PyTorch network with the port's own module names."""

import numpy as np
import pytest

from ahernet_tf.p3d import load_p3d
from data_tools.convert_p3d import convert

torch = pytest.importorskip("torch")
nn, functional = torch.nn, torch.nn.functional

DEPTHS = (2, 2, 1, 2)


class Block(nn.Module):
    """One bottleneck of the port; blocks of the last stage are two-dimensional."""

    def __init__(self, entering, middle, kind, stride, project):
        super().__init__()
        self.kind = kind
        conv = nn.Conv2d if kind is None else nn.Conv3d
        norm = nn.BatchNorm2d if kind is None else nn.BatchNorm3d
        self.conv1 = conv(entering, middle, 1, stride=stride, bias=False)
        self.bn1 = norm(middle)
        if kind is None:
            self.conv_normal = conv(middle, middle, 3, padding=1, bias=False)
            self.bn_normal = norm(middle)
        else:
            self.conv2 = conv(middle, middle, (1, 3, 3), padding=(0, 1, 1), bias=False)
            self.bn2 = norm(middle)
            self.conv3 = conv(middle, middle, (3, 1, 1), padding=(1, 0, 0), bias=False)
            self.bn3 = norm(middle)
        self.conv4 = conv(middle, 4 * middle, 1, bias=False)
        self.bn4 = norm(4 * middle)
        self.downsample = None
        if project:
            self.downsample = nn.Sequential(
                conv(entering, 4 * middle, 1, stride=stride, bias=False),
                norm(4 * middle),
            )

    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)))
        if self.kind is None:
            y = functional.relu(self.bn_normal(self.conv_normal(y)))
        else:
            s = functional.relu(self.bn2(self.conv2(y)))
            t = self.bn3(self.conv3(y if self.kind == "B" else s))
            y = functional.relu(t) if self.kind == "A" else s + functional.relu(t)
        y = self.bn4(self.conv4(y))
        return functional.relu(
            y + (x if self.downsample is None else self.downsample(x))
        )


class Port(nn.Module):
    """The PyTorch port of P3D."""

    def __init__(self, depths, base, classes):
        super().__init__()
        self.conv1_custom = nn.Conv3d(
            3, base, (1, 7, 7), stride=(1, 2, 2), padding=(0, 3, 3), bias=False
        )
        self.bn1 = nn.BatchNorm3d(base)
        entering, count = base, 0
        for stage, depth in enumerate(depths):
            middle, blocks = base * 2**stage, []
            for i in range(depth):
                kind = None if stage == 3 else "ABC"[count % 3]
                count += 1
                stride = 1
                if i == 0 and stage:
                    stride = 2 if kind is None else (1, 2, 2)
                blocks.append(Block(entering, middle, kind, stride, i == 0))
                entering = 4 * middle
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(entering, classes)

    def forward(self, x):
        x = functional.relu(self.bn1(self.conv1_custom(x)))
        x = functional.max_pool3d(x, (2, 3, 3), 2, padding=(0, 1, 1))
        for layer in (self.layer1, self.layer2, self.layer3):
            x = functional.max_pool3d(layer(x), (2, 1, 1), (2, 1, 1))
        x = self.layer4(x.squeeze(2)).mean(dim=(2, 3))
        return x, self.fc(x)


@pytest.fixture
def port():
    torch.manual_seed(0)
    model = Port(DEPTHS, 4, 5)
    for name, value in model.state_dict().items():
        if name.endswith("running_mean"):
            value.normal_(0, 0.3)
        elif name.endswith("running_var"):
            value.uniform_(0.5, 2.0)
    return model.eval()


@pytest.mark.parametrize("wrapped", ["checkpoint", "state dict", "data parallel"])
def test_converted_checkpoint_gives_the_ports_numbers(tmp_path, port, wrapped):
    content = port.state_dict()
    if wrapped == "data parallel":
        content = {f"module.{k}": v for k, v in content.items()}
    if wrapped == "checkpoint":
        content = {"epoch": 3, "arch": "P3D199", "state_dict": content}
    torch.save(content, tmp_path / "port.pth.tar")
    convert(tmp_path / "port.pth.tar", "torch", tmp_path / "port.npz")
    ours = load_p3d(tmp_path / "port.npz", fusion="torch")
    x = np.random.default_rng(0).normal(size=(2, 16, 32, 32, 3)).astype(np.float32)
    with torch.no_grad():
        features, logits = port(torch.from_numpy(np.moveaxis(x, -1, 1).copy()))
    outputs = ours(x)
    assert features.std() > 0.01
    np.testing.assert_allclose(outputs["features"], features, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(outputs["logits"], logits, rtol=1e-3, atol=1e-3)


def test_checkpoint_that_would_run_code_is_refused(tmp_path, port):
    class Dangerous:
        def __reduce__(self):
            return (print, ("code ran",))

    torch.save({"state_dict": port.state_dict(), "x": Dangerous()}, tmp_path / "a.pth")
    with pytest.raises(ValueError, match=r"a\.pth: PyTorch cannot read it"):
        convert(tmp_path / "a.pth", "torch", tmp_path / "a.npz")
    assert not (tmp_path / "a.npz").exists()
