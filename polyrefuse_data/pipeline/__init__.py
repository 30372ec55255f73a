"""The pipeline of a build: prompts, translation, checks, rows; its shards and its summary."""
