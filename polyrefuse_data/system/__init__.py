"""The machine under the package: complete files, locks, signals, other programs, worker processes, limits, secrets."""
