"""Texts that attack whoever shows them: pages, Markdown, terminals, spreadsheets."""

from __future__ import annotations

OWNED = "document.title='owned'"

# Markup of pages.
HTML = (
    f"<script>{OWNED}</script>",
    f"</script><script>{OWNED}</script>",
    f"</style><script>{OWNED}</script>",
    f"</title><script>{OWNED}</script>",
    f'<img src=x onerror="{OWNED}">',
    f"' onmouseover='{OWNED}' autofocus onfocus='{OWNED}",
    f'" onload="{OWNED}" style="x',
    f"<svg/onload={OWNED}>",
    f"<iframe srcdoc='<script>{OWNED}</script>'>",
    f"javascript:{OWNED}",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'>",
    "<!--",
    "]]>",
    "&lt;b&gt; &#60;b&#62;",
    "{{ 7 * 7 }}{% raw %}",
    "$\\frac{x",
    "\u2028\u0000\u202e",
)

# What a terminal obeys: erase, move, title, clipboard, hyperlink, 8-bit controls, backspaces, reordering, hidden text.
TERMINAL = (
    "\x1b[2J\x1b[H",
    "\x1b[1A\x1b[2Kverified",
    "\x1b]0;owned\x07",
    "\x1b]52;c;b3duZWQ=\x1b\\",
    "\x1b]8;;http://127.0.0.1:9/\x1b\\click\x1b]8;;\x1b\\",
    "\x9b31mred",
    "\x90q\x9c",
    "\rverified",
    "\r\nverified",
    "error\x08\x08\x08\x08\x08fine",
    "\x0b\x0c\x7f\x85",
    "\u202egnp.exe",
    "\u2066\u2067\u2068\u200e\u200f\u061c",
    "\u2028\u2029",
    "\U000e0041\U000e0042",
    "\ufeff",
)

# Markup of Markdown, and of what stands around it in a card: YAML, table cells, code, mathematics.
MARKDOWN = (
    "\n# Forged heading\n",
    "\n\n---\nlicense: mit\n---\n",
    "\nForged\n======\n",
    " | forged | cell |\n| a | b |",
    "\n\n| a | b |\n|---|---|\n| c | d |\n",
    "**bold** _slanted_ ~~gone~~ __x__",
    "[click](javascript:alert(1)) ![](http://127.0.0.1:9/x.png)",
    "[ref]: http://127.0.0.1:9/ 'x'\n[ref]",
    "<http://127.0.0.1:9/> http://127.0.0.1:9/ www.example.com a@example.com",
    "`code` ``more`` ```fence",
    "\n```\nfence\n```\n",
    "\n    code\n",
    "\n> quote\n\n- item\n1. item\n",
    "<details><summary>x</summary>",
    "&amp;&#35;&lt;b&gt;",
    "\\\\(x\\\\) $$x$$ \\| \\[x\\]",
    "[^1] :tada: {#id .class}",
    "  \n  ",
    "\t",
)

EVERYTHING = "".join((*MARKDOWN, *TERMINAL, *HTML))
EVERY_KIND = (*HTML, *TERMINAL, *MARKDOWN, EVERYTHING, "x" * 100_000)
