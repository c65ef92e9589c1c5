"""The tour notebook runs from its first cell to its last."""

import json

import matplotlib

from tests.conftest import REPOSITORY


def test_every_cell_runs(monkeypatch, capsys):
    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(plt.gcf()) or plt.close())
    notebook = json.loads((REPOSITORY / "examples" / "tour.ipynb").read_text())
    names: dict = {"__name__": "tour"}
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "code":
            source = "".join(cell["source"])
            exec(compile(source, f"cell {number}", "exec"), names)
    assert len(shown) == 3
    printed = capsys.readouterr().out
    assert "target classes: average mAP" in printed
    assert names["again"].class_names[-1] == names["name"]
    assert names["metrics"]["average_map"] > 0.02
