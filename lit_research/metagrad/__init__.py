"""Exact gradients through training, in bounded memory.

What would have changed if this training example had weighed more? ``train`` runs an ordinary
training; ``metagradient`` walks it backwards and returns the derivative of any metric of the
trained model with respect to every example's (or token's) weight, to the initial parameters, and to
the learning rate and decay of every step::

    training = Training(model, batches, SequenceLosses(), AdamW(lr=1e-4), save="sqrt")
    found = metagradient(train(training), metric=lambda model: -model.lm_head.weight.norm())
    found.weights[3]  # of the examples of step 3

``audit`` compares it with finite differences, ``metasmoothness`` says how far to trust it for
finite changes, ``plan`` chooses which states to keep in a budget of memory.
"""

from lit_research.metagrad.checks import Audit, audit, metasmoothness, replays_exactly, value_at
from lit_research.metagrad.forward import Run, train
from lit_research.metagrad.layout import Layout
from lit_research.metagrad.losses import SequenceLosses, token_losses
from lit_research.metagrad.optimizers import SGD, AdamW, Muon, Optimizer
from lit_research.metagrad.planner import Plan, plan
from lit_research.metagrad.preflight import preflight
from lit_research.metagrad.preflight_record import Preflight
from lit_research.metagrad.refusals import check_differentiable, check_untied
from lit_research.metagrad.reverse import Metagradient, metagradient
from lit_research.metagrad.training import Training

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
