"""p_good: the probability that a row is good, from all its scores together.

Each score is a sign that says something for or against the row, in nats (a curve in languages/en/probability.toml).
The signs of a row are added up, and the sum is calibrated for its language. Scores that were not computed say nothing.
"""
