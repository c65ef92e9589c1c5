"""Writes small video files for the tests."""

from fractions import Fraction

import av
import numpy as np


def write_video(
    path, images, codec="libx264", fps=25, pix_fmt="yuv420p", times=None, options=None
):
    """Encodes RGB images [height, width, 3].

    Args:
        path: the suffix chooses the container.
        images: uint8 images of one size.
        codec: FFmpeg's name of the encoder.
        fps: frames per second.
        pix_fmt: pixel format.
        times: for each image the tick, in thousandths of a second, at which it is
            shown; None for evenly spaced ones.
        options: of the encoder.
    """
    images = list(images)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(fps).limit_denominator(1001))
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.bit_rate = 2_000_000
        stream.options = options or {}
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for i, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            if times is None:
                frame.pts = i
            else:
                frame.pts, frame.time_base = times[i], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_frames(folder, images):
    """Writes RGB images as 0.png, 1.png, ... of a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(images):
        write_video(folder / f"{number}.png", [image], "png", 1, "rgb24")


def grey(value, height=48, width=64):
    """Returns an image of one grey."""
    return np.full((height, width, 3), value, np.uint8)


def counting(frames, height=48, width=64, step=5):
    """Returns images whose brightness tells their number: 20 + step * number."""
    return [grey(20 + step * i, height, width) for i in range(frames)]


def numbers(images, step=5):
    """Returns the numbers that images of `counting` show after decoding."""
    return [round((float(np.mean(image)) - 20) / step) for image in images]


def quadrants(height=64, width=96):
    """Returns red, green over blue, white: top left to bottom right."""
    image = np.zeros((height, width, 3), np.uint8)
    image[: height // 2, : width // 2] = (255, 0, 0)
    image[: height // 2, width // 2 :] = (0, 255, 0)
    image[height // 2 :, : width // 2] = (0, 0, 255)
    image[height // 2 :, width // 2 :] = (255, 255, 255)
    return image


def turn_mp4(path, degrees_clockwise):
    """Writes into an mp4 that players should turn it, as telephones do.

    "mirrored" is what front cameras write.
    """
    one, data = 1 << 16, bytearray(path.read_bytes())
    matrix = {
        90: (0, one, 0, -one, 0, 0, 0, 0, 1 << 30),
        180: (-one, 0, 0, 0, -one, 0, 0, 0, 1 << 30),
        270: (0, -one, 0, one, 0, 0, 0, 0, 1 << 30),
        "mirrored": (-one, 0, 0, 0, one, 0, 0, 0, 1 << 30),
        "mirrored, 90": (0, one, 0, one, 0, 0, 0, 0, 1 << 30),
    }[degrees_clockwise]
    header = data.index(b"tkhd") + 4
    assert data[header] == 0  # version 0: the matrix begins 40 bytes further on
    for i, value in enumerate(matrix):
        at = header + 40 + 4 * i
        data[at : at + 4] = value.to_bytes(4, "big", signed=True)
    path.write_bytes(data)
