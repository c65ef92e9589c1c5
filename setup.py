"""Installs ahernet_tf; extras add what only some users need."""

import pathlib
import re

from setuptools import find_packages, setup

ROOT = pathlib.Path(__file__).parent
VERSION = re.search(
    r'__version__ = "(.+)"', (ROOT / "ahernet_tf" / "__init__.py").read_text()
).group(1)

# Folders of programs; an installation has them inside the package.
PROGRAMS = ("experiments", "data_tools")
INCLUDED = [f"{name}*" for name in PROGRAMS]

EXTRAS = {
    # Optimizers that Keras lacks; TensorFlow 2.15 (Python 3.10, 3.11) only.
    "addons": ["tensorflow-addons>=0.22; python_version < '3.12'"],
    "video": ["av>=11"],
    "hdf5": ["h5py>=3.8"],
    "torch-convert": ["torch>=2.10"],
    "onnx": ["tf2onnx>=1.17", "onnx>=1.17"],
    "plots": ["matplotlib>=3.7", "scikit-learn>=1.3"],
    "beam": ["apache-beam>=2.60"],
    "test": [
        "pytest>=7.4",
        "hypothesis>=6.90",
        "coverage>=7.4",
        "ruff>=0.5",
        "mypy>=1.10",
        "onnxruntime>=1.20",
    ],
}

setup(
    name="ahernet_tf",
    version=VERSION,
    description="AherNet in TensorFlow 2: localising actions, learnt from moments",
    long_description=(ROOT / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    author="The contributors of ahernet_tf",
    classifiers=[
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Topic :: Scientific/Engineering :: Image Recognition",
        "Typing :: Typed",
    ],
    python_requires=">=3.10",
    packages=[
        *find_packages(include=["ahernet_tf*"]),
        *(
            f"ahernet_tf.{p}"
            for p in find_packages(include=[f"{n}*" for n in PROGRAMS])
        ),
    ],
    package_dir={f"ahernet_tf.{name}": name for name in PROGRAMS},
    package_data={
        "": ["*.txt", "*.json", "*.csv", "py.typed"],
        "ahernet_tf.visualization.page": ["*.html", "*.css", "*.js"],
    },
    entry_points={"console_scripts": ["ahernet = ahernet_tf.command:main"]},
    install_requires=[
        # The two stacks that the tests run on (requirements.txt).
        "tensorflow>=2.15,<2.16; python_version < '3.12'",
        "tensorboard>=2.15,<2.16; python_version < '3.12'",
        "numpy>=1.23,<2; python_version < '3.12'",
        "tensorflow>=2.21; python_version >= '3.12'",
        "tensorboard>=2.20; python_version >= '3.12'",
        "keras>=3.12; python_version >= '3.12'",
        "numpy>=2; python_version >= '3.12'",
        "pandas>=2.0,<3",
        "absl-py>=1.4",
        "tqdm>=4.66",
        "filelock>=3.12",
    ],
    extras_require=EXTRAS,
)
