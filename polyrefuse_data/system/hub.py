"""What goes wrong with the Hugging Face Hub, told alike whoever asks it."""

from __future__ import annotations

from polyrefuse_data.errors import MissingPrerequisite, PolyrefuseError

LOGIN = "log in with `hf auth login`, or set HF_TOKEN"


def client_errors() -> tuple[type[Exception], ...]:
    """What huggingface_hub raises where a request fails: its own errors, its HTTP library's, bad answers, uploads."""
    # The HTTP library differs between versions of huggingface_hub; the name it imports is the same.
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]

    return HTTPError, OSError, ValueError, RuntimeError


def hub_error(error: Exception, where: str, kind: str, otherwise: type[PolyrefuseError]) -> PolyrefuseError:
    """What an error of huggingface_hub means for people: one line, with the mend. It never holds a token.

    `kind` is what was asked for, a dataset or model; `otherwise` is raised where nothing that people have is missing.
    """
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if isinstance(error, OfflineModeIsEnabled):
        return MissingPrerequisite(f"{where} cannot be looked up while HF_HUB_OFFLINE is set: run this once online")
    if isinstance(error, RevisionNotFoundError):
        return otherwise(f"{where}: there is no such revision")
    if isinstance(error, GatedRepoError):
        return MissingPrerequisite(f"{where}: access is gated; ask for it on the {kind}'s page, then {LOGIN}")
    if isinstance(error, RepositoryNotFoundError):
        return MissingPrerequisite(
            f"{where} is no folder here, and no {kind} on the Hub that you may see: check the name; "
            f"if it is private, {LOGIN}"
        )
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
    if status == 401:
        return MissingPrerequisite(f"{where}: the Hub does not know this token; {LOGIN}")
    if status == 403:
        return MissingPrerequisite(f"{where}: this token may not do that; use one that may write to the repository")
    reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
    cause = f"HTTP {status}" if status else reason
    return otherwise(f"{where}: the Hub did not answer as it should ({cause}); run again")
