"""The machine under the package: whole files, locks, signals, other programs, worker processes, limits, secrets."""
