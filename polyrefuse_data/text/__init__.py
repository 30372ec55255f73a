"""Text processing independent of language: hidden characters, mojibake, spans, words, folding, overlap, TMX."""
