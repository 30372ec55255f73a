"""Shards: so many prompts in every language, translated, checked and kept together, then merged into the rows.

`work` cuts prompts into shards, `steps` are what is done to one, `store` keeps the finished ones, `merge` makes files
of them all. Nothing here holds more than a few shards in memory.
"""
