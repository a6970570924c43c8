"""Synthetic bootstrapped pre-training: text from a corpus's own pairs of related documents."""
