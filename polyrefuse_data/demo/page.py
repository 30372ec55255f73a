"""One HTML page from the demo's two reports, each complete in its own frame."""

from __future__ import annotations

import html
from pathlib import Path

from polyrefuse_data.system.input_files import read_input_text
from polyrefuse_data.system.own_pages import write_page

# The reports are pages with styles and scripts of their own: `srcdoc` frames keep them apart in one file.
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>polyrefuse demo</title>
<style>
  :root {{ color-scheme: light dark; --ink: #1c2430; --soft: #566070; --line: #dde1e7; --paper: #fff;
         --accent: #2f6fde; }}
  @media (prefers-color-scheme: dark) {{ :root {{ --ink: #e8eaed; --soft: #a8adb4; --line: #3a3d42; --paper: #202327;
         --accent: #8ab4f8; }} }}
  body {{ margin: 0; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); display: flex;
         flex-direction: column; height: 100vh; }}
  header {{ padding: 14px 24px 0; border-bottom: 1px solid var(--line); }}
  h1 {{ font-size: 18px; margin: 0; }}
  p {{ margin: 2px 0 10px; color: var(--soft); }}
  input {{ position: absolute; opacity: 0; }}
  label {{ display: inline-block; padding: 8px 16px; cursor: pointer; border-bottom: 3px solid transparent; }}
  input:checked + label {{ border-color: var(--accent); font-weight: 600; }}
  input:focus-visible + label {{ outline: 2px solid var(--accent); }}
  iframe {{ border: 0; flex: 1; width: 100%; display: none; }}
  body:has(#show-benchmark:checked) #benchmark, body:has(#show-quality:checked) #quality {{ display: block; }}
</style>
<header>
  <h1>polyrefuse demo</h1>
  <p>Made offline from the bundled seed prompts with two tiny models: they prove the plumbing, not quality.</p>
  <nav>
    <input type="radio" name="tab" id="show-benchmark" checked><label for="show-benchmark">Refusal benchmark</label>
    <input type="radio" name="tab" id="show-quality"><label for="show-quality">Dataset quality</label>
  </nav>
</header>
<iframe id="benchmark" sandbox="allow-scripts" title="Refusal benchmark" srcdoc="{benchmark}"></iframe>
<iframe id="quality" sandbox="allow-scripts" title="Dataset quality" srcdoc="{quality}"></iframe>
</html>
"""


def write_demo_page(out: Path, quality: Path, benchmark: Path) -> Path:
    """Write `out` from the two report files and return it."""
    pages = {"quality": quality, "benchmark": benchmark}
    frames = {name: html.escape(read_input_text(page)) for name, page in pages.items()}
    write_page(out, PAGE.format(**frames))
    return out
