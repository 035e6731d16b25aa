"""The generalist of arXiv 2311.08607: data, training, prediction."""
