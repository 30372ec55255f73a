"""Releases in the harnesses of others: a task module of Inspect, and task files for lm-evaluation-harness.

This package needs none of them: each part imports its harness itself, and says how to install it.
"""
