"""The rooms of the house: who may import whom, and what bears which name."""

import ast
import collections
import pathlib
import re

import pytest

from tests.conftest import REPOSITORY

FOLDERS = ("ahernet_tf", "experiments", "data_tools")
#: Modules without a test file of their name, by the file that tests them.
TESTED_ELSEWHERE = {
    "data/annotations/test_activitynet.py": ["ahernet_tf.data.checks"],
    "data/annotations/test_class_folders.py": [
        "ahernet_tf.data.annotations.read_options",
        "ahernet_tf.data.annotations.videos",
    ],
    "data/create/test_class_splits.py": [
        "ahernet_tf.data.annotations.activitynet_classes"
    ],
    "data/features/test_feature_sets.py": [
        "ahernet_tf.data.features.covered_durations"
    ],
    "data/packed/test_plan.py": ["ahernet_tf.data.loading"],
    "data/synthetic/test_synthetic_dataset.py": [
        "ahernet_tf.data.synthetic.difficulty",
        "ahernet_tf.data.synthetic.latent_motion",
        "ahernet_tf.data.synthetic.synthetic_world",
        "data_tools.make_synthetic",
    ],
    "data/test_sampling.py": ["ahernet_tf.data.features.sequence_cache"],
    "data_tools/test_extract_features.py": ["ahernet_tf.p3d.video_features"],
    "data_tools/test_inspect.py": ["data_tools.inspect_plots"],
    "evaluation/test_evaluate_program.py": ["experiments.evaluate"],
    "experiments/test_benchmark_gpu.py": ["experiments.benchmarks.gpu"],
    "experiments/test_benchmark_p3d.py": ["experiments.benchmarks.p3d"],
    "experiments/test_benchmarks.py": [
        "experiments.benchmarks.arithmetic",
        "experiments.benchmarks.evaluation",
        "experiments.benchmarks.fresh_training",
        "experiments.benchmarks.inference",
        "experiments.benchmarks.memory",
        "experiments.benchmarks.nms",
        "experiments.benchmarks.p3d_memory",
        "experiments.benchmarks.pipeline",
        "experiments.benchmarks.preset_flags",
        "experiments.benchmarks.rates",
        "experiments.benchmarks.setting_costs",
        "experiments.benchmarks.train_step",
        "experiments.benchmarks.waiting",
    ],
    "experiments/test_figures.py": [
        "experiments.figure4",
        "experiments.figure5",
        "experiments.figure6",
        "experiments.figure7",
    ],
    "experiments/test_parity.py": [
        "experiments.parity.comparison",
        "experiments.parity.judgement",
        "experiments.parity.names",
        "experiments.parity.network",
        "experiments.parity.recording",
        "experiments.parity.training",
    ],
    "experiments/test_predict.py": ["experiments.checkpoint_flags"],
    "experiments/test_report.py": ["experiments.ground_truth_flags"],
    "experiments/test_tables.py": [
        "experiments.compare",
        "experiments.paper.anchor_features",
        "experiments.paper.columns",
        "experiments.paper.pages",
        "experiments.paper.published",
        "experiments.paper.rendering",
        "experiments.paper.run_pool",
        "experiments.paper.runs",
        "experiments.paper.significance",
        "experiments.paper.table_rows",
        "experiments.table1",
        "experiments.table2",
        "experiments.table3",
        "experiments.table4",
    ],
    "experiments/test_train.py": ["experiments.training_run"],
    "experiments/test_train_p3d.py": ["experiments.p3d_training"],
    "experiments/test_training_forecast.py": ["experiments.paper.forecast_of_runs"],
    "faults/test_damaged_stores.py": ["ahernet_tf.data.features.array_files"],
    "inference/test_duration_prior.py": ["ahernet_tf.inference.candidates"],
    "layers/test_every_layer.py": ["ahernet_tf.layers.anchor_classifier"],
    "p3d/test_clips.py": ["ahernet_tf.p3d.clip_format"],
    "p3d/test_extraction.py": [
        "ahernet_tf.p3d.feature_writer",
        "ahernet_tf.p3d.preprocessing",
    ],
    "synthesis/test_single.py": ["ahernet_tf.synthesis.layouts"],
    "visualization/page/test_html_page.py": [
        "ahernet_tf.visualization.page.score_summary"
    ],
    "test_program.py": ["ahernet_tf.extras"],
}


def modules() -> dict[str, ast.Module]:
    found = {}
    for folder in FOLDERS:
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            name = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
            found[name] = ast.parse(path.read_text())
    return found


MODULES = modules()


def is_module(name: str) -> bool:
    return name in MODULES or f"{name}.__init__" in MODULES


def imports(name: str, tree: ast.AST) -> list[tuple[str, bool]]:
    """Lists what a module imports of ours, and whether inside a function."""
    package = name.rpartition(".")[0]
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parts, *([base] if base else [])])
            targets = [
                f"{base}.{alias.name}" if is_module(f"{base}.{alias.name}") else base
                for alias in node.names
            ]
        else:
            continue
        hidden = id(node) in inside
        found += [(t, hidden) for t in targets if t.split(".")[0] in FOLDERS]
    return found


def order() -> list[set[str]]:
    """Reads the rooms of the library off README's code map, highest first."""
    text = (REPOSITORY / "README.md").read_text()
    rows = re.findall(r"^\| (`[^|]*`) \|", text.partition("## Code map")[2], re.M)
    rooms = []
    for row in rows:
        names = re.findall(r"`(?:ahernet_tf/)?([\w/]+?)(?:/|\.py)?`", row)
        names = [name for name in names if room_exists(name)]
        if names:
            rooms.append(set(names))
    return rooms


def room_exists(name: str) -> bool:
    path = REPOSITORY / "ahernet_tf" / name
    return path.is_dir() or path.with_suffix(".py").is_file()


def room_of(module: str) -> str:
    return module.split(".")[1]


def test_the_code_map_names_every_room_of_the_library():
    library = REPOSITORY / "ahernet_tf"
    rooms = {p.stem for p in library.iterdir() if p.is_dir() or p.suffix == ".py"}
    rooms -= {"__init__", "__main__", "__pycache__"}
    assert set().union(*order()) >= rooms


def test_a_module_imports_only_from_rooms_above_its_own():
    place = {room: n for n, rooms in enumerate(order()) for room in rooms}
    wrong = []
    for name, tree in MODULES.items():
        if not name.startswith("ahernet_tf.") or name.endswith("__"):
            continue
        own = room_of(name)
        for target, _ in imports(name, tree):
            other = room_of(target) if target.count(".") else own
            if other != own and place[other] >= place[own]:
                wrong.append(f"{name} imports {target}")
    assert not wrong


def test_there_is_no_circle():
    graph = {
        name: {
            t if t in MODULES else f"{t}.__init__"
            for t, hidden in imports(name, tree)
            if not hidden
        }
        for name, tree in MODULES.items()
        if not name.endswith("__init__")
    }
    done: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join([*path, name])
        if name in done or name not in graph:
            return
        for other in sorted(graph[name]):
            walk(other, (*path, name))
        done.add(name)

    for name in graph:
        walk(name, ())


def test_the_library_hides_no_import_in_a_function():
    hidden = [
        f"{name} imports {target}"
        for name, tree in MODULES.items()
        if name.startswith("ahernet_tf.")
        for target, inside in imports(name, tree)
        if inside
    ]
    assert not hidden


def test_programs_and_library_keep_their_directions():
    allowed = {
        "ahernet_tf": {"ahernet_tf"},
        "experiments": {"ahernet_tf", "experiments"},
        "data_tools": {"ahernet_tf", "data_tools"},
    }
    wrong = [
        f"{name} imports {target}"
        for name, tree in MODULES.items()
        for target, _ in imports(name, tree)
        if target.split(".")[0] not in allowed[name.split(".")[0]]
    ]
    assert not wrong


def test_programs_import_each_other_relatively():
    absolute = [
        f"{name}: {ast.unparse(node)}"
        for name, tree in MODULES.items()
        if not name.startswith("ahernet_tf.")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and not node.level
        and (node.module or "").split(".")[0] in FOLDERS[1:]
    ]
    assert not absolute


def test_no_two_modules_share_a_name():
    places = collections.defaultdict(list)
    for name in MODULES:
        if not name.endswith(("__init__", "__main__")):
            places[name.rpartition(".")[2]].append(name)
    twice = {n: where for n, where in places.items() if len(where) > 1}
    assert not twice


def test_no_two_public_classes_share_a_name():
    places = collections.defaultdict(list)
    for name, tree in MODULES.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(name)
    twice = {n: where for n, where in places.items() if len(where) > 1}
    assert not twice


def test_every_module_has_a_test_of_its_name_or_is_tested_elsewhere():
    tests = {path.stem for path in (REPOSITORY / "tests").rglob("test_*.py")}
    without = {
        name
        for name in MODULES
        if not name.endswith(("__init__", "__main__"))
        and f"test_{name.rpartition('.')[2]}" not in tests
    }
    listed = {name for names in TESTED_ELSEWHERE.values() for name in names}
    assert not without - listed
    for file in TESTED_ELSEWHERE:
        assert (REPOSITORY / "tests" / file).exists(), file


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_folder_of_modules_is_a_package(folder):
    for path in pathlib.Path(REPOSITORY / folder).rglob("*.py"):
        assert (path.parent / "__init__.py").exists(), path
