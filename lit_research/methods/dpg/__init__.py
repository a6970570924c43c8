"""Dataset Policy Gradient: training texts that move a model towards any differentiable goal."""

from lit_research.methods.dpg.attribution import Attribution
from lit_research.methods.dpg.attributor import Attributor, Rewards
from lit_research.methods.dpg.core import advantages, policy_loss
from lit_research.methods.dpg.data import Prompts
from lit_research.methods.dpg.inner_run import Inner
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
