"""A headless Chromium, spoken to over its debugging pipe."""

import base64
import contextlib
import json
import os
import pathlib
import select
import shutil
import subprocess
import tempfile

import pytest

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(BROWSER is None, reason="needs Chromium")
PATIENCE_SEC = 60
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--hide-scrollbars",
    "--autoplay-policy=no-user-gesture-required",
    "--remote-debugging-pipe",
)


class Page:
    """An open page. Whatever goes wrong on it, or is fetched by it, is kept.

    Attributes:
        faults: Uncaught errors and what the console warns of.
        requests: Addresses that were asked for.
    """

    def __init__(self, write, read):
        self._write, self._read = write, read
        self._number, self._rest = 0, b""
        self._session = self._target = None
        self.faults, self.requests = [], []

    def send(self, method: str, **parameters):
        """Sends a command and returns its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return answer["result"]
            self._note(answer.get("method"), answer.get("params", {}))

    def _receive(self):
        while b"\0" not in self._rest:
            assert select.select([self._read], [], [], PATIENCE_SEC)[0], "no answer"
            self._rest += os.read(self._read, 1 << 20)
        line, _, self._rest = self._rest.partition(b"\0")
        return json.loads(line)

    def _note(self, event, values):
        if event == "Runtime.exceptionThrown":
            self.faults.append(values["exceptionDetails"])
        elif event == "Log.entryAdded":
            self.faults.append(values["entry"]["text"])
        elif event == "Network.requestWillBeSent":
            self.requests.append(values["request"]["url"])

    def open(self, path: pathlib.Path, width=1280, height=900, dark=False):
        """Opens a file and waits until it has drawn itself."""
        self._session = None
        if self._target:
            self.send("Target.closeTarget", targetId=self._target)
        self.faults.clear()
        self.requests.clear()
        self._target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send(
            "Target.attachToTarget", targetId=self._target, flatten=True
        )["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        self.resize(width, height)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self.send("Page.navigate", url=path.absolute().as_uri())
        self.wait("document.readyState === 'complete' && foot.textContent !== ''")

    def resize(self, width: int, height: int):
        """Gives the window a size."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def run(self, script: str):
        """Returns the value of an expression, which may be a promise."""
        done = self.send(
            "Runtime.evaluate",
            expression=script,
            awaitPromise=True,
            returnByValue=True,
        )
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def wait(self, condition: str, seconds: float = 20):
        """Waits until an expression is true, and two frames more."""
        ended = self.run(
            "new Promise(done => { const began = Date.now(); (function look() {"
            f"if ({condition}) requestAnimationFrame(() => requestAnimationFrame("
            f"() => done(true))); else if (Date.now() - began > {1000 * seconds})"
            "done(false); else setTimeout(look, 10); })(); })"
        )
        assert ended, condition

    def press(self, *keys: str):
        """Presses keys, one after the other."""
        for key in keys:
            text = {"Enter": "\r"}.get(key)
            more = {"text": text} if text else {}
            self.send("Input.dispatchKeyEvent", type="keyDown", key=key, **more)
            self.send("Input.dispatchKeyEvent", type="keyUp", key=key)
        self.wait("true")

    def picture(self, path: pathlib.Path, whole: bool = False):
        """Writes what is seen as a PNG; `whole`: the page from top to bottom."""
        taken = self.send("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(taken["data"]))


@contextlib.contextmanager
def chromium():
    """Starts the browser; gives a page, and ends the browser."""
    with contextlib.ExitStack() as stack:
        # Its helpers may write a moment longer than it lives itself.
        profile = stack.enter_context(
            tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        )
        ends = [*os.pipe(), *os.pipe()]  # its input, ours; ours, its output
        for end in ends:
            stack.callback(os.close, end)
        # Bash, since other shells know descriptors of one digit only.
        command = f'exec "$@" 3<&{ends[0]} 4>&{ends[3]}'
        process = subprocess.Popen(
            [
                "bash",
                "-c",
                command,
                "bash",
                BROWSER,
                *FLAGS,
                f"--user-data-dir={profile}",
            ],
            pass_fds=(ends[0], ends[3]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield Page(ends[1], ends[2])
        finally:
            process.terminate()
            process.wait(10)
