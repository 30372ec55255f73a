"""What holds for text of any kind: hidden characters, mojibake, spans, words, folding, overlap, TMX."""
