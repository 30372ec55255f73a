"""A loopback double of the Hugging Face Hub: speaks what huggingface_hub asks of datasets and models, keeps state,
injects faults.

with HubDouble() as hub:
    hub.endpoint            # http://127.0.0.1:PORT, for HfApi(endpoint=...) or HF_ENDPOINT
    hub.environment(cache)  # variables for a subprocess that uses this Hub with a cache of its own
    hub.faults.at(3, "cut_after")
    hub.repos["org/name"].tags
"""

from __future__ import annotations

from .faults import KINDS, Faults
from .server import TOKEN, HubDouble

__all__ = ["KINDS", "TOKEN", "Faults", "HubDouble"]
