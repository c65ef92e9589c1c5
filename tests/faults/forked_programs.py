"""Runs programs in forked processes, which may kill themselves or lack something.

Imports TensorFlow once, computes nothing itself, and so can be forked for every run:

    python -m tests.faults.forked_programs

reads orders from its standard input, a JSON object per line, and answers each with a
line: the exit status of the process, and what it would have told the user.
"""

import contextlib
import ctypes
import importlib
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile
import time

from absl import flags

from tests.conftest import REPOSITORY

TINY = (
    "network.untrimmed_steps=32",
    "network.moment_steps=16",
    "network.base_channels=4,4",
    "network.level_channels=4,4,4",
    "network.generator_channels=4",
    "training.batch_size=4",
    "synthesis.moments_per_class=2",
)
#: Moments at which a process may kill itself, by what is about to happen.
MOMENTS = {
    "config.json": "model.json is there, config.json is not",
    "checksums": "a checkpoint is there, its checksums are not",
    "removal": "an old checkpoint is half removed",
    "metrics.json": "predictions are there, scores are not",
    "replacement": "a file is written and takes its place next",
}
MOST_SEC = 600  # of a run; SIGALRM ends it then


class ForkedPrograms:
    """Sends orders to a process of this module.

    Args:
        data: Directory of the data set that is trained on.
    """

    def __init__(self, data):
        self.data = data
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def train(self, workdir, **order):
        """Trains, and returns the exit status and the message.

        Args:
            workdir: The work directory.
            **order: As for `run`, and `data`; `options` of the configuration;
                `iterations`; `eagerly`.
        """
        data = order.pop("data", str(self.data))
        return self._obeyed(data=data, workdir=str(workdir), **order)

    def run(self, program, *arguments, **order):
        """Runs a program, and returns the exit status and the message.

        Args:
            program: Its module.
            *arguments: Of its command line.
            **order: `kill`, one of `MOMENTS`, at the `times`-th such moment;
                `kill_after_sec`; `environment`; `most_bytes` of a file; `unprivileged`.
        """
        return self._obeyed(
            program=program, arguments=[str(part) for part in arguments], **order
        )

    def _obeyed(self, **order):
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return tuple(json.loads(self._process.stdout.readline()))

    def close(self):
        """Ends the process."""
        self._process.stdin.close()
        self._process.wait()


def main():
    """Obeys orders until there are no more."""
    from experiments import training_run  # noqa: F401  imported before the forks

    for line in sys.stdin:
        order = json.loads(line)
        with tempfile.TemporaryFile("w+") as said:
            process = os.fork()
            if not process:
                _obey(order, said)
            if "kill_after_sec" in order:
                time.sleep(order["kill_after_sec"])
                os.kill(process, signal.SIGKILL)
            _, status = os.waitpid(process, 0)
            said.seek(0)
            answer = os.waitstatus_to_exitcode(status), said.read()
        print(json.dumps(answer), flush=True)


def _obey(order, said):
    """Obeys and ends the process: with 1 after an expected error, 2 after another."""
    from ahernet_tf import program

    status = 0
    signal.alarm(MOST_SEC)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    try:
        _restrict(order)
        status = _run(order) if "program" in order else _train(order)
    except BaseException as error:
        status = 1 if isinstance(error, program._expected_errors()) else 2
        with contextlib.suppress(OSError):
            said.write(f"{type(error).__name__}: {error}")
            said.flush()
    finally:
        os._exit(status)


def _restrict(order):
    """Takes from this process what the order says, or lets it kill itself."""
    os.environ.update(order.get("environment", {}))
    if "most_bytes" in order:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["most_bytes"],) * 2)
    if order.get("unprivileged") and os.geteuid() == 0:
        _drop_capabilities()
    if "kill" in order:
        _kill_at(order["kill"], order.get("times", 1))


def _run(order):
    """Runs a program; returns its exit status."""
    module = importlib.import_module(order["program"])
    module.define_flags()
    flags.DEFINE_bool("quiet", True, "As every program has it.")
    flags.FLAGS([order["program"], *order["arguments"]])
    return module.main(flags.FLAGS) or 0


def _train(order):
    import tensorflow as tf

    from ahernet_tf import config as configuration
    from ahernet_tf.models import systems
    from experiments.training_run import TrainingRun, train

    if order.get("eagerly"):
        tf.config.run_functions_eagerly(True)
    iterations = f"training.iterations={order.get('iterations', 3)}"
    pretrain = "training.pretrain_iterations=1"
    options = [*TINY, pretrain, iterations, *order.get("options", [])]
    config = configuration.with_overrides(configuration.small(), options)
    config = systems.configure(config, config.training.system)
    train(
        TrainingRun(
            pathlib.Path(order["data"]),
            pathlib.Path(order["workdir"]),
            config,
            checkpoint_every_sec=0.0,
            progress=False,
        )
    )
    return 0


def _drop_capabilities():
    """Lets modes of files bind the root of Linux as they bind other users."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, this process
    none = (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None, use_errno=True).capset(header, none):
        raise OSError(ctypes.get_errno(), "capset")


def _kill_at(moment, times):
    """Lets this process kill itself when a moment comes for the n-th time."""
    from ahernet_tf import files

    left = [times]

    def before(name, function):
        def call(path, *arguments, **options):
            if pathlib.Path(path).name.endswith(name):
                left[0] -= 1
                if not left[0]:
                    os.kill(os.getpid(), signal.SIGKILL)
            return function(path, *arguments, **options)

        return call

    if moment == "removal":
        ending = ".data-00000-of-00001"
        pathlib.Path.unlink = before(ending, pathlib.Path.unlink)
        return
    if moment == "replacement":
        os.replace = before("", os.replace)
        return
    name = {"checksums": ".checksums.json"}.get(moment, moment)
    files.write_json = before(name, files.write_json)
    files.write_text = before(name, files.write_text)


if __name__ == "__main__":
    main()
