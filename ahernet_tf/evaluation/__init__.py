"""Scores of temporal detections and proposals, with NumPy and pandas alone.

Reads ActivityNet ground truth and results files, computes mAP and AR-AN as the official
evaluation does, the confidence of a score, and an error analysis. Needs no TensorFlow.
"""

from ahernet_tf.evaluation.bootstrap import (
    DetectionIntervals,
    Interval,
    PairedInterval,
    ProposalIntervals,
    bootstrap_detections,
    bootstrap_interval,
    bootstrap_proposals,
    paired_bootstrap,
    paired_interval,
)
from ahernet_tf.evaluation.detection import DetectionResult, evaluate_detections
from ahernet_tf.evaluation.entries import result_video_id
from ahernet_tf.evaluation.errors import ErrorAnalysis, analyse_errors, count_errors
from ahernet_tf.evaluation.ground_truth import load_ground_truth
from ahernet_tf.evaluation.mismatches import mismatches
from ahernet_tf.evaluation.proposal import ProposalResult, evaluate_proposals
from ahernet_tf.evaluation.protocols import PROTOCOLS, Protocol, read_names, tiou_range
from ahernet_tf.evaluation.results import load_predictions, write_results
from ahernet_tf.evaluation.score_report import (
    detection_report,
    interval_report,
    proposal_report,
    report_lines,
)
from ahernet_tf.evaluation.verdicts import KINDS, Verdicts, judge
from ahernet_tf.spelling import canonical_video_id

__all__ = [
    "KINDS",
    "PROTOCOLS",
    "DetectionIntervals",
    "DetectionResult",
    "ErrorAnalysis",
    "Interval",
    "PairedInterval",
    "ProposalIntervals",
    "ProposalResult",
    "Protocol",
    "Verdicts",
    "analyse_errors",
    "bootstrap_detections",
    "bootstrap_interval",
    "bootstrap_proposals",
    "canonical_video_id",
    "count_errors",
    "detection_report",
    "evaluate_detections",
    "evaluate_proposals",
    "interval_report",
    "judge",
    "load_ground_truth",
    "load_predictions",
    "mismatches",
    "paired_bootstrap",
    "paired_interval",
    "proposal_report",
    "read_names",
    "report_lines",
    "result_video_id",
    "tiou_range",
    "write_results",
]
