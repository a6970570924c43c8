"""Dataset Policy Gradient: texts that, trained on, move a model where one wants it."""

from lit_research.methods.dpg.attribution import Attribution
from lit_research.methods.dpg.core import advantages, policy_loss
from lit_research.methods.dpg.data import Prompts
from lit_research.methods.dpg.inner import Attributor, Inner, Rewards
from lit_research.methods.dpg.metrics import Bitmap, HeadNorm, TargetMetric, TextLoss
from lit_research.methods.dpg.module import DatasetPolicyGradient

__all__ = [
    "Attribution",
    "Attributor",
    "Bitmap",
    "DatasetPolicyGradient",
    "HeadNorm",
    "Inner",
    "Prompts",
    "Rewards",
    "TargetMetric",
    "TextLoss",
    "advantages",
    "policy_loss",
]
