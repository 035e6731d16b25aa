"""From a recipe to predictions: the one bridge from learning to judging."""
