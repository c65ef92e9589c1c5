"""Small frames for the evaluation tests."""

import pandas as pd


def truth(*rows) -> pd.DataFrame:
    """Ground truth from (video, start, end, label)."""
    return pd.DataFrame(rows, columns=["video", "start_sec", "end_sec", "label"])


def found(*rows) -> pd.DataFrame:
    """Predictions from (video, start, end, label, score)."""
    columns = ["video", "start_sec", "end_sec", "label", "score"]
    return pd.DataFrame(rows, columns=columns)
