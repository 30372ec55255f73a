"""The codes and words in which servers report errors. Each has its own; they share only the form."""

from __future__ import annotations

import re

_CONTENT_FILTER_STATUS = {400, 403, 422}
# In `code` or `type`, in lower case: OpenAI, Azure, Moonshot; DashScope; Zhipu; MiniMax; gateways.
_CONTENT_FILTER_CODES = {
    "content_filter",
    "content_filter_error",
    "content_moderation",
    "content_policy",
    "content_policy_violation",
    "data_inspection_failed",
    "datainspectionfailed",
    "guardrail_intervened",
    "invalid_prompt",
    "moderation_blocked",
    "prohibited_content",
    "prompt_blocked",
    "responsibleaipolicyviolation",
    "sensitive_words_detected",
    "1301",
    "1026",
    "1027",
}
# "Flagged" and the like count only of the text: an account can be flagged as well, and a request blocked on its way.
_TEXT = r"\b(?:input|prompt|text|content|output|response)s?\b"
_CONTENT_FILTER_WORDS = re.compile(
    r"content[ _]filter|content management policy|content moderation|content exists risk|inappropriate content"
    r"|considered high risk|violates usage guidelines|prohibited[ _]content|sensitive (?:content|words?)|unsafe content"
    r"|responsible ai polic|敏感|不安全|违规"
    rf"|{_TEXT}[^.]{{0,20}}\b(?:flagged|blocked|filtered)"
    r"|\b(?:request|message)s?\b[^.]{0,20}\bflagged"
    rf"|(?:{_TEXT}|\b(?:request|message)s?\b)[^.]{{0,30}}\b(?:rejected|denied|failed|violat\w+)\b"
    r"[^.]{0,60}\b(?:safety|moderation|usage polic|content polic)",
    re.IGNORECASE,
)
_ACCOUNT_WORDS = re.compile(
    r"\b(?:account|organi[sz]ation|project|user|key)\b[^.]{0,30}\b(?:flagged|suspended|disabled|deactivated|banned)",
    re.IGNORECASE,
)

KEY_CODES = {"invalid_api_key", "account_deactivated"}
_KEY_WORDS = re.compile(
    r"\b(?:api|access)[ _-]?key\b[^.]{0,40}\b(?:not valid|invalid|incorrect|expired|missing|not found)"
    r"|\b(?:invalid|incorrect|expired|missing)\b[^.]{0,20}\b(?:api|access)[ _-]?key\b",
    re.IGNORECASE,
)
CREDIT_CODES = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
MODEL_CODES = {"model_not_found", "invalid_model", "unknown_model", "DeploymentNotFound"}
# OpenAI; llama.cpp; Anthropic and Mistral through gateways.
_LENGTH_CODES = {
    "context_length_exceeded",
    "string_above_max_length",
    "exceed_context_size_error",
    "invalid_request_prompt_too_long",
}
_LENGTH_STATUS = {400, 413, 422, 500}
# vLLM, OpenAI, DeepSeek, OpenRouter; llama.cpp; SGLang; Gemini; Mistral, Anthropic, Bedrock, Ollama; TGI.
_LENGTH_WORDS = re.compile(
    r"maximum context length|context (?:length|window)[^.]{0,60}exceed|exceed[^.]{0,60}context (?:length|window|size)"
    r"|context size has been exceeded|longer than the (?:model's context|maximum model) length"
    r"|input token count[^.]{0,20}exceeds|(?:prompt|input)s?\b[^.]{0,60}\btoo (?:long|large)\b"
    r"|inputs.{0,3} tokens \+ .{0,3}max_new_tokens",
    re.IGNORECASE,
)
# vLLM says it of the answer's longest length too, which the config sets for every text alike.
_LIMIT_WORDS = re.compile(r"max_(?:completion_)?tokens\W[^.]{0,60}\btoo (?:large|high|big)", re.IGNORECASE)


def is_content_filter(status: int, codes: set[str], message: str) -> bool:
    """Whether the API rejected the text itself. Providers say so in a code, or only in words."""
    if {code.lower() for code in codes} & _CONTENT_FILTER_CODES:
        return True
    return (
        status in _CONTENT_FILTER_STATUS
        and _CONTENT_FILTER_WORDS.search(message) is not None
        and _ACCOUNT_WORDS.search(message) is None
    )


def is_too_long(status: int, codes: set[str], message: str) -> bool:
    """Whether the text did not fit into the model."""
    if codes & _LENGTH_CODES:
        return True
    return (
        status in _LENGTH_STATUS and _LENGTH_WORDS.search(message) is not None and _LIMIT_WORDS.search(message) is None
    )


def is_of_the_key(status: int, codes: set[str], message: str) -> bool:
    """Whether the key, or its account, is rejected."""
    return status in (401, 403) or bool(codes & KEY_CODES) or _KEY_WORDS.search(message) is not None
