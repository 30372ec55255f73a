"""The direction as a monitor for defenders: how well it detects harmful prompts, and a file with it for other programs.

`detectors` measures it beside a linear probe, and `comparing` beside any other detector's scores; `file` is what is
exported, `scoring` applies it.
"""
