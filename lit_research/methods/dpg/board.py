"""What TensorBoard shows first of a run: the curves that decide, and how to read them."""

DECISIVE_CURVES = {
    "metric of a freshly trained target": ["val/phi"],
    "pixel accuracy (share of 1)": ["val/pixel_accuracy"],
    "reward": ["train/reward"],
    "target's metric in training": ["train/target"],
}
READING = (
    "CUSTOM SCALARS shows the metric of a target trained on fresh texts, which should rise "
    "with the steps. Where train/target rises and val/phi does not, the texts fit one target."
)
