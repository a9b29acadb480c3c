"""Making and judging the weights that the repository carries: data, training, scores, card."""
