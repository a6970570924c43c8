"""What TensorBoard shows first of a run: the curves that decide, and how to read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lit_research.methods.dpg.metrics import TargetMetric

DECISIVE_CURVES = {
    "metric of a freshly trained target (Phi)": ["val/phi"],
    "metric of the target in training (Phi)": ["train/phi"],
    "standard deviation of the rewards (of Phi)": ["train/reward_std"],
}
READING = (
    "CUSTOM SCALARS shows the metric of a target trained on fresh texts, which should rise "
    "with the steps. Where train/phi rises and val/phi does not, the texts fit one target."
)


def decisive_curves(metric: TargetMetric) -> dict[str, list[str]]:
    """Return the curves that decide, those that the metric reports among them."""
    more = {title: [f"train/{name}", f"val/{name}"] for name, title in metric.reports.items()}
    return {**DECISIVE_CURVES, **more}
