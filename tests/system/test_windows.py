"""Importing the library and asking for help need nothing that Windows lacks. Builds are not promised there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# Takes away what Python has on Windows neither in modules nor in names (its documentation of os and signal), once
# everybody else's modules are loaded, which have ways of their own there.
PROGRAM = """
import asyncio, concurrent.futures, getpass, logging.handlers, multiprocessing.pool, os, platform, select, shutil
import signal, socket, sqlite3, subprocess, sys, tarfile, tempfile, uuid, zipfile
import filelock, huggingface_hub, jinja2, langdetect, numpy, platformdirs, py3langid.langid, pyarrow.compute
import pyarrow.parquet, pydantic, rapidfuzz, rich.console, sacrebleu, tqdm, typer, urllib3, yaml

for name in ("fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"):
    sys.modules[name] = None
for module, names in (
    (signal, "SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGTSTP SIGUSR1 SIGUSR2 SIGWINCH"
             " ITIMER_REAL alarm pause pthread_kill pthread_sigmask setitimer siginterrupt sigwait"),
    (os, "O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK O_SYNC WNOHANG chown ctermid fchmod fchown fork forkpty getegid"
         " geteuid getgid getgroups getloadavg getpgid getpgrp getuid killpg lockf mkfifo nice posix_fadvise pread"
         " pwrite register_at_fork sched_getaffinity setsid statvfs sync sysconf tcgetpgrp ttyname uname wait3 wait4"),
):
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)

wait = select.select
def select_of_sockets(*waited_for):
    assert not [one for some in waited_for[:3] for one in some if not isinstance(one, socket.socket)]
    return wait(*waited_for)
select.select = select_of_sockets

import polyrefuse_data, polyrefuse_data.benchmark, polyrefuse_data.quality, polyrefuse_data.release
for module in (polyrefuse_data, polyrefuse_data.quality, polyrefuse_data.release):
    for name in module.__all__:
        getattr(module, name)
from pathlib import Path
from polyrefuse_data.system.files import atomic_write
for _ in range(2):
    atomic_write(Path(sys.argv[1]) / "file.txt", "written")
from polyrefuse_data.cli import main
sys.argv = ["polyrefuse", *sys.argv[2:]]
main()
"""


def test_library_and_help(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, tmp_path, "--help"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage: polyrefuse" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]
