"""The points from which a run resumes exactly; the only module that knows Lightning's loops.

Lightning 2.6 saves its loops at any time, but resumes exactly only from some points. A checkpoint
written before a validation that is due makes the resumed run skip that validation; one written
after the last batch of an epoch (unless a validation has just ended there) makes it skip the next
epoch; and between the batches of one step, the gradients accumulated so far are not in it.
"""

from __future__ import annotations

import lightning.pytorch as pl


def within_step(trainer: pl.Trainer) -> bool:
    """Return whether gradients are still being accumulated after the current batch."""
    return trainer.fit_loop._should_accumulate()


def resumes_after_batch(trainer: pl.Trainer) -> bool:
    """Return whether a run resumes exactly from here; for ``on_train_batch_end``.

    After the last batch of the run it is saved in any case: there is nothing left to resume.
    """
    loop = trainer.fit_loop.epoch_loop
    fetcher = trainer.fit_loop._data_fetcher
    assert fetcher is not None, "this is called between the batches of an epoch"
    if within_step(trainer) or loop._should_check_val_fx(fetcher):
        return False
    return not loop._num_ready_batches_reached() or ends_run(trainer)


def resumes_after_validation(trainer: pl.Trainer) -> bool:
    """Return whether a run resumes exactly from here; for ``on_validation_end``."""
    return trainer.state.fn == "fit" and not trainer.sanity_checking and not within_step(trainer)


def ends_run(trainer: pl.Trainer) -> bool:
    """Return whether the current batch is the last one of the run."""
    if trainer.should_stop and trainer.fit_loop._can_stop_early:
        return True
    if 0 <= trainer.max_steps <= trainer.global_step:
        return True
    epochs = trainer.max_epochs
    last_epoch = epochs is not None and 0 <= epochs <= trainer.current_epoch + 1
    return last_epoch and trainer.fit_loop.epoch_loop._num_ready_batches_reached()
