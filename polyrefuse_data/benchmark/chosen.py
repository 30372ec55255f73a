"""The directions that a run chose, as read back from its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.store import RunFolder
from polyrefuse_data.languages import SOURCE_LANGUAGE


@dataclass(frozen=True)
class Chosen:
    """A source language's direction, [d_model] float64, and where it was taken."""

    language: str
    position: int  # -n_pos..-1
    layer: int
    direction: Tensor

    @property
    def unit(self) -> Tensor:
        return self.direction / self.direction.norm()

    def project(self, activations: Tensor) -> Any:
        """Projections of block inputs [prompts, n_pos, n_layers, d_model] on the unit direction, as a numpy array."""
        return (activations[:, self.position, self.layer].double() @ self.unit).numpy()


def chosen_directions(folder: RunFolder, run: Mapping[str, Any]) -> dict[str, Chosen]:
    """By source language, in the order of the run; languages without a direction are left out."""
    found = {}
    for language in run["source_languages"]:
        if chosen := store.read_json(folder.selection(language)).get("chosen"):
            direction = store.read_tensors(folder.directions(language))["direction"]
            found[language] = Chosen(language, chosen["position"], chosen["layer"], direction)
    return found


def leading(languages: Mapping[str, Any]) -> str | None:
    """The source that is carried to other languages: English if it has a direction, else the first that has one."""
    return SOURCE_LANGUAGE if SOURCE_LANGUAGE in languages else next(iter(languages), None)
