"""Numbers of things, as a sentence says them."""


def counted(number: int, one: str, several: str = "") -> str:
    """`1 row`, `2 rows`; `several` where it is not `one` and an s: `1 row has`, `2 rows have`."""
    return f"{number} {one if number == 1 else several or f'{one}s'}"
