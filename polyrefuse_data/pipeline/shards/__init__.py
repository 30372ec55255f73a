"""Shards: groups of prompts that are translated into every language, checked and stored together, then merged.

`work` cuts prompts into shards, `steps` process one, `store` keeps the finished ones, `merge` combines them into files.
No more than a few shards are in memory at once.
"""
