"""The picture of README.md and of the home page: the top of the demo's benchmark report, as a browser shows it.

python -m docs.generators.picture demo-out/benchmark/report.html        # after `make demo`; needs chromium
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

OUT = Path(__file__).parents[1] / "images" / "report.png"
SIZE = (1180, 1240)  # the headline, the facts and the first figure


def main() -> None:
    page = Path(sys.argv[1]).resolve(strict=True)
    browser = shutil.which("chromium") or sys.exit("needs chromium: apt-get install chromium")
    with tempfile.TemporaryDirectory() as profile:  # a new one, so that no setting of this machine shows
        command = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        command += ["--hide-scrollbars", f"--user-data-dir={profile}", f"--window-size={SIZE[0]},{SIZE[1]}"]
        subprocess.run([*command, f"--screenshot={OUT}", page.as_uri()], check=True, capture_output=True, timeout=120)
    print(OUT)


if __name__ == "__main__":
    main()
