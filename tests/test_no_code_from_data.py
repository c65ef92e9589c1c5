"""No source runs code that comes with data, nor opens a connection."""

import ast

import pytest

from tests.conftest import REPOSITORY

FOLDERS = ("ahernet_tf", "experiments", "data_tools")
UNPICKLERS = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
NETWORK = {
    *("aiohttp", "ftplib", "http", "httpx", "huggingface_hub", "imaplib", "kagglehub"),
    *("poplib", "requests", "smtplib", "socketserver", "telnetlib", "urllib3"),
    *("urllib.request", "webbrowser", "xmlrpc"),
}
#: Of a module, all that may be used.
ALLOWED = {"pickle": {"UnpicklingError"}, "socket": {"gethostname"}}
BUILTINS = {"eval", "exec", "compile", "__import__"}
#: Attributes, whatever they are of.
ATTRIBUTES = {
    *("read_pickle", "Lambda", "enable_unsafe_deserialization", "get_file", "urlopen"),
    *("urlretrieve", "unsafe_load", "full_load"),
}
#: Functions that are safe with one argument only.
ARGUMENTS = {("torch", "load"): "weights_only"}
#: Arguments that no call may set to anything but this.
VALUES = {"allow_pickle": False, "shell": False, "safe_mode": True}


def offences(source):
    """Lists what source text must not do, each with its line."""
    tree = ast.parse(source)
    return [
        f"{node.lineno}: {offence}" for node in ast.walk(tree) for offence in _of(node)
    ]


def _of(node):
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.asname and alias.name in ALLOWED:
                yield f"import {alias.name} as"
            yield from _of_module(alias.name)
    elif isinstance(node, ast.ImportFrom):
        module = node.module or ""
        for alias in node.names:
            if module in ALLOWED:
                if alias.name not in ALLOWED[module]:
                    yield f"from {module} import {alias.name}"
            else:
                yield from _of_module(module)
                yield from _of_module(f"{module}.{alias.name}")
            if alias.name in ATTRIBUTES:
                yield alias.name
    elif isinstance(node, ast.Attribute):
        owner = node.value.id if isinstance(node.value, ast.Name) else None
        if node.attr in ATTRIBUTES or (owner, node.attr) in (
            *(("yaml", "load"), ("os", "system"), ("os", "popen")),
            *(("builtins", name) for name in BUILTINS),
        ):
            yield f"{owner}.{node.attr}"
        if owner in ALLOWED and node.attr not in ALLOWED[owner]:
            yield f"{owner}.{node.attr}"
    elif isinstance(node, ast.Name) and node.id in BUILTINS:
        yield node.id
    elif isinstance(node, ast.Call):
        yield from _of_call(node)


def _of_module(name):
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        module = ".".join(parts[:end])
        if module in (UNPICKLERS | NETWORK) - ALLOWED.keys():
            yield f"import {module}"


def _of_call(node):
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    for name, value in VALUES.items():
        if name in given and not _is(given[name], value):
            yield f"{name} is not {value}"
    function = node.func
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        needed = ARGUMENTS.get((function.value.id, function.attr))
        if needed and not _is(given.get(needed), True):
            yield f"{function.value.id}.{function.attr} without {needed}=True"


def _is(node, value):
    return isinstance(node, ast.Constant) and node.value is value


@pytest.mark.parametrize("folder", FOLDERS)
def test_sources(folder):
    paths = sorted((REPOSITORY / folder).rglob("*.py"))
    assert len(paths) > 10
    found = [
        f"{path.relative_to(REPOSITORY)}:{offence}"
        for path in paths
        for offence in offences(path.read_text(encoding="utf-8"))
    ]
    assert not found


@pytest.mark.parametrize(
    "source",
    [
        "import pickle\npickle.loads(data)",
        "import pickle as p",
        "from pickle import loads",
        "import joblib",
        "from cloudpickle import load",
        "import yaml\nyaml.load(text)",
        "yaml.unsafe_load(text)",
        "eval(text)",
        "run = exec",
        "import builtins\nbuiltins.eval(text)",
        "__import__(name)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "torch.load(path, weights_only=flag)",
        "np.load(path, allow_pickle=True)",
        "pandas.read_pickle(path)",
        "tf.keras.layers.Lambda(f)",
        "from keras.layers import Lambda",
        "keras.models.load_model(path, safe_mode=False)",
        "subprocess.run(text, shell=True)",
        "os.system(text)",
        "import urllib.request",
        "from urllib import request",
        "from urllib.request import urlopen",
        "import http.client",
        "import requests",
        "import socket\nsocket.create_connection(address)",
        "from socket import socket",
        "tf.keras.utils.get_file(name, address)",
    ],
)
def test_is_found(source):
    assert offences(source)


@pytest.mark.parametrize(
    "source",
    [
        "import pickle\npickle.UnpicklingError",
        "import socket\nsocket.gethostname()",
        "torch.load(path, weights_only=True)",
        "np.load(path, allow_pickle=False)",
        "model.compile(optimizer)\nre.compile(text)",
        "model.eval()",
        "from urllib import parse",
    ],
)
def test_is_no_offence(source):
    assert not offences(source)
