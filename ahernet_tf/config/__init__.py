"""Everything that changes a result: options and their ranges, presets, JSON."""

from ahernet_tf.config.parts import (
    Config,
    DataConfig,
    InferenceConfig,
    LossConfig,
    NetworkConfig,
    SynthesisConfig,
    TrainingConfig,
    from_dict,
)
from ahernet_tf.config.presets import (
    AUTO,
    BUDGET_MINUTES,
    PRESETS,
    best,
    paper,
    preset,
    release,
    small,
)
from ahernet_tf.config.reading import (
    differences,
    load,
    save,
    to_dict,
    with_overrides,
    with_values,
)

__all__ = [
    "AUTO",
    "BUDGET_MINUTES",
    "PRESETS",
    "Config",
    "DataConfig",
    "InferenceConfig",
    "LossConfig",
    "NetworkConfig",
    "SynthesisConfig",
    "TrainingConfig",
    "best",
    "differences",
    "from_dict",
    "load",
    "paper",
    "preset",
    "release",
    "save",
    "small",
    "to_dict",
    "with_overrides",
    "with_values",
]
