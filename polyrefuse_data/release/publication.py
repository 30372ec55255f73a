"""Where and when a release is published, as far as its maker says so: facts for its card and Croissant file.

They are settings like any other, so the same settings give the same bytes on any day.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from polyrefuse_data.config import ReleaseConfig
from polyrefuse_data.sources.public_set import HUB


class Publication(BaseModel):
    """The `published` part of a manifest; each is null if it was not said."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    repo_id: str | None = None  # the dataset on the Hub
    doi: str | None = None
    date: str | None = None  # YYYY-MM-DD

    @property
    def url(self) -> str | None:
        return f"{HUB}/{self.repo_id}" if self.repo_id else None

    @property
    def identifier(self) -> str | None:
        return f"https://doi.org/{self.doi}" if self.doi else None


def publication_of(settings: ReleaseConfig) -> Publication | None:
    """What the settings say of it; None if nothing."""
    date = settings.date_published.isoformat() if settings.date_published else None
    said = Publication(repo_id=settings.repo_id, doi=settings.doi, date=date)
    return said if said != Publication() else None
