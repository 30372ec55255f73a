"""What a run may spend on endpoints, those that reply and those that judge: kept to before a request is sent."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

from polyrefuse_data.benchmark.answers import read_usage
from polyrefuse_data.benchmark.judges import asks_endpoints
from polyrefuse_data.benchmark.judges.kept_opinions import judge_usage
from polyrefuse_data.benchmark.store import RunFolder
from polyrefuse_data.endpoints import Ask, Client, NoAnswer
from polyrefuse_data.endpoints.budget import Budget
from polyrefuse_data.endpoints.completions import Answer
from polyrefuse_data.endpoints.workers import Line
from polyrefuse_data.errors import ConfigError, EndpointError
from polyrefuse_data.translation.journal import Journal

# The most tokens that a request can have: one a byte, and what the server's chat template puts around it. A guard's
# template holds its policy: the longest that we know (Nemotron's) has 700 tokens.
TEMPLATE_TOKENS = 64
POLICY_TOKENS = 1024
# The longest answer of a judge that sets no length itself, reasoning included, where costs are limited.
_LONGEST_ANSWER = 4096


@dataclass(frozen=True)
class Prices:
    """US dollars for a million tokens, there and back."""

    sent: float
    received: float

    def cost(self, input_tokens: float, output_tokens: float) -> float:
        return (self.sent * input_tokens + self.received * output_tokens) / 1e6

    @classmethod
    def known(cls, sent: float | None, received: float | None) -> Prices | None:
        return None if sent is None or received is None else cls(sent, received)


@dataclass(frozen=True)
class Purse:
    """The budget of a run and the prices of one of those who are paid from it."""

    budget: Budget = field(default_factory=Budget)
    prices: Prices | None = None

    def bounded(self, ask: Ask) -> Ask:
        """The ask with a longest answer, where costs are limited."""
        return replace(ask, max_tokens=_LONGEST_ANSWER) if self.budget.is_limited and ask.max_tokens is None else ask

    def ask(
        self, client: Client, ask: Ask, line: Line, template_tokens: int = TEMPLATE_TOKENS
    ) -> tuple[Answer | EndpointError, float]:
        """The answer and what it has cost. The error, not raised, where the budget does not allow to ask: what is under
        way is paid, and waited for."""
        ask = self.bounded(ask)
        most = self._most(client, ask, template_tokens)
        try:
            self.budget.reserve_in(line, most)
        except EndpointError as error:
            return error, 0.0
        cost = 0.0
        try:
            answer = client.ask(ask, line)
            cost = self._cost(answer, most)
        finally:
            self.budget.settle(most, cost)
        return answer, cost

    def _most(self, client: Client, ask: Ask, template_tokens: int) -> float:
        """The most that a request can cost."""
        if self.prices is None or ask.max_tokens is None:
            return 0.0
        body = json.dumps(client.dialect.body(client.endpoint.model, ask), ensure_ascii=False)
        return self.prices.cost(len(body.encode("utf-8", "replace")) + template_tokens, ask.max_tokens)

    def _cost(self, answer: Answer, most: float) -> float:
        """What a request has cost: as much as it could where the server does not say what it took."""
        if self.prices is None or (isinstance(answer, NoAnswer) and answer.may_pass):
            return 0.0
        return self.prices.cost(*answer.usage.values()) if answer.usage else most


def check_costs(
    judge: str, prices: tuple[float | None, float | None], most: float | None, is_paid: bool = False
) -> None:
    """Whether a judge's prices and the most that a run may cost go with what is asked for money. `is_paid`: something
    else than the judge is. Raises ConfigError."""
    is_asked = asks_endpoints(judge)
    if not is_asked and prices != (None, None):
        raise ConfigError(
            "judge_input_price, judge_output_price: only for a judge behind an endpoint (openai:, guard:)"
        )
    if most is None:
        return
    if is_asked and None in prices:
        raise ConfigError(
            "max_cost: nothing is known of the judge's costs without judge_input_price and judge_output_price (0 for a "
            "server of your own)"
        )
    if not (is_asked or is_paid):
        raise ConfigError("max_cost: nothing here is paid for: no endpoint, judge or translator behind one")


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
