"""Damages files in seeded ways, and watches readers of the damaged files."""

import contextlib
import resource
import signal
import struct
import time

import numpy as np

SPECIAL = (0, 1, 255, 1 << 15, 1 << 16, 1 << 31, (1 << 32) - 1, 1 << 40, (1 << 63) - 1)
MOST_SECONDS = 20.0
MOST_MEGABYTES = 700


class TookTooLongError(BaseException):
    """No error of a reader: nothing may catch it."""


def mutated(data, random):
    """Returns bytes with one to three kinds of damage."""
    damaged = bytearray(data)
    for _ in range(random.integers(1, 4)):
        damage = DAMAGES[random.integers(len(DAMAGES))]
        if len(damaged) > 8:
            damage(damaged, random)
    return bytes(damaged)


def _flip(data, random):
    for at in random.integers(len(data), size=random.integers(1, 9)):
        data[at] ^= 1 << random.integers(8)


def _replace(data, random):
    at = random.integers(len(data))
    data[at : at + random.integers(1, 5)] = random.bytes(random.integers(1, 5))


def _cut(data, random):
    del data[random.integers(len(data)) :]


def _delete(data, random):
    at = random.integers(len(data))
    del data[at : at + random.integers(1, 40)]


def _repeat(data, random):
    at = random.integers(len(data))
    data[at:at] = data[at : at + random.integers(1, 40)]


def _insert(data, random):
    at = random.integers(len(data))
    data[at:at] = random.bytes(random.integers(1, 20))


def _special_number(data, random):
    size, letter = ((2, "H"), (4, "I"), (8, "Q"))[random.integers(3)]
    number = int(random.choice(SPECIAL)) % (1 << 8 * size)
    at = random.integers(len(data))
    data[at : at + size] = struct.pack("<>"[random.integers(2)] + letter, number)


def _other_digit(data, random):
    digits = [at for at, byte in enumerate(data[:4096]) if chr(byte).isdigit()]
    if digits:
        at = digits[random.integers(len(digits))]
        data[at : at + 1] = b"9" * random.integers(1, 20)


DAMAGES = [
    *(_flip, _replace, _cut, _delete, _repeat, _insert),
    *(_special_number, _special_number, _other_digit),
]


def read_damaged(path, data, read, seed, count):
    """Reads a file that was damaged in many ways.

    Every time it gives a result or a ValueError that names the file, in bounded time
    and memory.

    Args:
        path: where the damaged file is written.
        data: the sound file.
        read: called with the path.
        seed: decides about the damages.
        count: number of damaged files.

    Returns:
        How many could be read, and the messages of the others.
    """
    path.write_bytes(data)
    read(path)
    random = np.random.default_rng(seed)
    readable, messages = 0, []
    before = _most_megabytes()
    for number in range(count):
        damaged = mutated(data, random)
        path.write_bytes(damaged)
        try:
            with _limited():
                read(path)
            readable += 1
        except ValueError as error:
            messages.append(str(error))
            assert path.name in messages[-1], (number, messages[-1])
            assert len(messages[-1]) < 2000, (number, messages[-1])
        except BaseException:
            path.with_suffix(".kept").write_bytes(damaged)
            print(f"damage {number} of seed {seed} is kept beside {path}")
            raise
        grown = _most_megabytes() - before
        assert grown < MOST_MEGABYTES, (number, grown)
    return readable, messages


@contextlib.contextmanager
def _limited():
    """Ends what takes too long."""

    def stop(*_):
        raise TookTooLongError

    begin, previous = time.monotonic(), signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, MOST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert time.monotonic() - begin < MOST_SECONDS


def _most_megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
