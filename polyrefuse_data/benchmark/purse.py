"""What those who are asked for money are paid from: nothing is sent that the budget may not cover."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

from polyrefuse_data.endpoints import Ask, Client, NoAnswer
from polyrefuse_data.endpoints.budget import Budget
from polyrefuse_data.endpoints.completions import Answer
from polyrefuse_data.endpoints.workers import Line
from polyrefuse_data.errors import EndpointError

# The most tokens that a request can have: one a byte, and what the server's chat template puts around it. A guard's
# template holds its policy: an estimate, above the longest that we know.
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
