"""The Pseudo-3D network in Keras, its weights, and its clips out of video files.

What reads video files needs PyAV and is imported from its modules: `p3d.video`,
`p3d.extraction` and `p3d.feature_writer`.
"""

from typing import TYPE_CHECKING

from ahernet_tf.lazy_names import lazy_names

if TYPE_CHECKING:
    from ahernet_tf.p3d.blocks import (
        ImageBottleneck,
        P3DBottleneck,
        combine_spatial_temporal,
    )
    from ahernet_tf.p3d.clip_format import ClipFormat
    from ahernet_tf.p3d.conversion import convert_arrays, read_foreign_arrays
    from ahernet_tf.p3d.convolution_layers import ConvBatchNorm, P3DMaxPool
    from ahernet_tf.p3d.multiply_adds import count_multiply_adds
    from ahernet_tf.p3d.network_metadata import P3DMetadata
    from ahernet_tf.p3d.preprocessing import ClipNormalization
    from ahernet_tf.p3d.residual_network import (
        P3D,
        P3D_199_DEPTHS,
        convolution_units,
        freeze_batch_norm,
        named_variables,
    )
    from ahernet_tf.p3d.saved_model import export_p3d
    from ahernet_tf.p3d.weights import (
        load_p3d,
        read_p3d_metadata,
        save_p3d,
        weights_fingerprint,
        write_arrays,
    )

__all__ = [
    "P3D",
    "P3D_199_DEPTHS",
    "ClipFormat",
    "ClipNormalization",
    "ConvBatchNorm",
    "ImageBottleneck",
    "P3DBottleneck",
    "P3DMaxPool",
    "P3DMetadata",
    "combine_spatial_temporal",
    "convert_arrays",
    "convolution_units",
    "count_multiply_adds",
    "export_p3d",
    "freeze_batch_norm",
    "load_p3d",
    "named_variables",
    "read_foreign_arrays",
    "read_p3d_metadata",
    "save_p3d",
    "weights_fingerprint",
    "write_arrays",
]
__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "ClipFormat": "clip_format",
        "ClipNormalization": "preprocessing",
        "ConvBatchNorm": "convolution_layers",
        "ImageBottleneck": "blocks",
        "P3D": "residual_network",
        "P3DBottleneck": "blocks",
        "P3DMaxPool": "convolution_layers",
        "P3DMetadata": "network_metadata",
        "P3D_199_DEPTHS": "residual_network",
        "combine_spatial_temporal": "blocks",
        "convert_arrays": "conversion",
        "convolution_units": "residual_network",
        "count_multiply_adds": "multiply_adds",
        "export_p3d": "saved_model",
        "freeze_batch_norm": "residual_network",
        "load_p3d": "weights",
        "named_variables": "residual_network",
        "read_foreign_arrays": "conversion",
        "read_p3d_metadata": "weights",
        "save_p3d": "weights",
        "weights_fingerprint": "weights",
        "write_arrays": "weights",
    },
)
