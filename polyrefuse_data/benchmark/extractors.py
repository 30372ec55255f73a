"""Ways to get a candidate direction from the activations of two classes, by name; a plug-in is `module:NAME`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from polyrefuse_data import plugins
from polyrefuse_data.benchmark.directions import difference_in_means
from polyrefuse_data.benchmark.principal import first_principal_direction
from polyrefuse_data.errors import ConfigError

# Activations of harmful and of harmless prompts, each [prompts, n_pos, n_layers, d_model], to candidate directions,
# [n_pos, n_layers, d_model].
Extractor = Callable[[Tensor, Tensor], Tensor]

DIFFERENCE = "difference-in-means"
EXTRACTORS: dict[str, Extractor] = {DIFFERENCE: difference_in_means, "principal": first_principal_direction}


def extractor_of(name: str) -> tuple[Extractor, str]:
    """An extractor by name, and the name that results give it. Raises ConfigError for an unknown name, PluginError if a
    plug-in cannot be called."""
    if name in EXTRACTORS:
        return EXTRACTORS[name], name
    plugin = plugins.find(plugins.EXTRACTORS, name)
    if plugin is None:
        names = [*EXTRACTORS, *plugins.installed(plugins.EXTRACTORS)]
        raise ConfigError(f"extractor {name!r} is unknown: use {' or '.join(names)}, or a plug-in, module:NAME")
    if not callable(plugin.value):
        raise plugin.error("cannot be called with the activations of two classes")

    def extract(harmful: Tensor, harmless: Tensor) -> Tensor:
        with plugin.blamed():
            found: Any = plugin.value(harmful, harmless)
        if not isinstance(found, Tensor) or found.shape != harmful.shape[1:]:
            raise plugin.error(f"returned no tensor of shape {list(harmful.shape[1:])}")
        return found

    return extract, plugin.origin
