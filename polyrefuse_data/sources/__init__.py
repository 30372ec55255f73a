"""Sources of prompts and existing translations: public sets, local files, the upstream dataset.

Depends only on `languages`, `rows` and `config`; pipeline/importing.py turns imports into a workspace.
"""

from polyrefuse_data.sources.imported import FileReport, ImportSummary
from polyrefuse_data.sources.importing import ImportedDataset, read_import
from polyrefuse_data.sources.loading import load_prompts
from polyrefuse_data.sources.prompts import DEMO_SEEDS, Prompt
from polyrefuse_data.sources.public_set import PublicSet
from polyrefuse_data.sources.registry import REGISTRY, describe_sources, human_translations

__all__ = [
    "DEMO_SEEDS",
    "REGISTRY",
    "FileReport",
    "ImportSummary",
    "ImportedDataset",
    "Prompt",
    "PublicSet",
    "describe_sources",
    "human_translations",
    "load_prompts",
    "read_import",
]
