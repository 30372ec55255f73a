"""Does the back-translation still say what the prompt says? English against English, sign by sign.

Each sign is a number of places in which the two differ in a way that changes the meaning: a negation, a name, a word
and its opposite, harm that was softened, a word that one of them adds.
"""
