"""Runs programs as `python -m` does, in processes forked from one that has TensorFlow.

    python -m tests.programs

reads orders from its standard input, a JSON object per line, and answers each with a
line: the exit status, and what the program wrote.
"""

import atexit
import functools
import json
import os
import runpy
import subprocess
import sys
import tempfile
import warnings

from tests.conftest import REPOSITORY


def run(module, *arguments, cwd=REPOSITORY, **environment):
    """Runs a program to its end, and returns its status and what it wrote.

    Args:
        module: Of the program.
        *arguments: Of its command line.
        cwd: Where it runs.
        **environment: Variables that it has besides those of this process.
    """
    order = {
        "command": [module, *map(str, arguments)],
        "cwd": str(cwd),
        "environment": {**os.environ, **environment},
    }
    server = _server()
    server.stdin.write(json.dumps(order) + "\n")
    server.stdin.flush()
    answer = json.loads(server.stdout.readline())
    return subprocess.CompletedProcess(order["command"], *answer)


def python(code, *arguments, **options):
    """Runs code in a fresh interpreter, and returns its status and what it wrote."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        **{"cwd": REPOSITORY, "capture_output": True, "text": True} | options,
    )


@functools.cache
def _server():
    process = subprocess.Popen(
        [sys.executable, "-m", __name__],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(process.wait)
    atexit.register(process.stdin.close)  # comes first, and ends it
    return process


def main():
    """Obeys orders until there are no more."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    sys.path.insert(0, str(REPOSITORY))  # also for programs that run elsewhere
    import pandas  # noqa: F401  imported before the forks
    import tensorflow as tf

    assert tf.keras.layers.Layer  # 2.15 imports Keras where it is first used
    for line in sys.stdin:
        order = json.loads(line)
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # TensorFlow's threads are idle
                process = os.fork()
            if not process:
                return become(order, out, err)
            _, status = os.waitpid(process, 0)
            written = [file.read() for file in (out, err) if not file.seek(0)]
        print(json.dumps([os.waitstatus_to_exitcode(status), *written]), flush=True)


def become(order, *outputs):
    """Becomes a program, in a process of its own."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, file in enumerate(outputs, start=1):
        os.dup2(file.fileno(), number)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["cwd"])
    sys.path[0] = order["cwd"]
    sys.argv = order["command"]
    sys.orig_argv = [sys.executable, "-m", *sys.argv]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
