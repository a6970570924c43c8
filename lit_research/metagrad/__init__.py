"""Exact gradients through training, in bounded memory.

How would the result change if this training example had more weight? ``train`` runs an ordinary
training; ``metagradient`` walks it backwards and returns the derivative of any metric of the
trained model with respect to the weight of every example (or token), the initial parameters, and
the learning rate and weight decay of every step::

    training = Training(model, batches, SequenceLosses(), AdamW(lr=1e-4), save="sqrt")
    result = metagradient(train(training), metric=lambda model: -model.lm_head.weight.norm())
    result.weights[3]  # of the examples of step 3

``audit`` compares it with finite differences, ``metasmoothness`` says how far it predicts finite
changes, ``plan`` chooses which states to keep within a memory budget.
"""

from lit_research.metagrad.diagnostics import (
    Audit,
    audit,
    metasmoothness,
    replays_exactly,
    value_at,
)
from lit_research.metagrad.forward import Run, train
from lit_research.metagrad.layout import Layout
from lit_research.metagrad.losses import SequenceLosses, token_losses
from lit_research.metagrad.model_checks import check_differentiable, check_untied
from lit_research.metagrad.optimizers import SGD, AdamW, Muon, Optimizer
from lit_research.metagrad.planner import Plan, plan
from lit_research.metagrad.preflight import preflight
from lit_research.metagrad.reverse import Metagradient, metagradient
from lit_research.metagrad.training import Preflight, Training

__all__ = [
    "SGD",
    "AdamW",
    "Audit",
    "Layout",
    "Metagradient",
    "Muon",
    "Optimizer",
    "Plan",
    "Preflight",
    "Run",
    "SequenceLosses",
    "Training",
    "audit",
    "check_differentiable",
    "check_untied",
    "metagradient",
    "metasmoothness",
    "plan",
    "preflight",
    "replays_exactly",
    "token_losses",
    "train",
    "value_at",
]
