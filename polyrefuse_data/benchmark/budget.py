"""What a run may spend on endpoints, those that reply and those that judge, and what its journals say it has spent."""

from __future__ import annotations

from polyrefuse_data.benchmark.answers import read_usage
from polyrefuse_data.benchmark.judges import asks_endpoints
from polyrefuse_data.benchmark.judges.kept_opinions import judge_usage
from polyrefuse_data.benchmark.store import RunFolder
from polyrefuse_data.endpoints.budget import Budget
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.translation.journal import Journal


def check_costs(
    judge: str, prices: tuple[float | None, float | None], most: float | None, is_paid: bool = False
) -> None:
    """Whether a judge's prices and the most that a run may cost go with what is asked for money. `is_paid`: something
    else than the judge is. Raises ConfigError."""
    is_asked = asks_endpoints(judge)
    if not is_asked and prices != (None, None):
        raise ConfigError(
            "judge_input_price and judge_output_price work only with a judge behind an endpoint (openai:, guard:)"
        )
    if most is None:
        return
    if is_asked and None in prices:
        raise ConfigError(
            "max_cost needs the judge's prices: set judge_input_price and judge_output_price (0 for your own server)"
        )
    if not (is_asked or is_paid):
        raise ConfigError("max_cost: this run uses no paid endpoint, judge or translator: leave it out")


def budget_of(folder: RunFolder, most: float | None) -> Budget:
    """The one budget of a run, with all that its journals say was paid: for replies, verdicts and translations."""
    kept = read_usage(folder.answers), judge_usage(folder.judgements)
    spent = sum(usage.get("cost_usd") or 0.0 for usage in kept if usage)
    if folder.translations.exists():
        journal = Journal(folder.translations)
        try:
            spent += sum(used.get("cost_usd", 0.0) for used in journal.usage().values())
        finally:
            journal.close()
    return Budget(most, spent)
