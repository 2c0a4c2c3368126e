"""What a made-up run learned from."""

from aernet.training.learned_from import LearnedFrom

LEARNED_FROM = LearnedFrom("lesions", "split.csv", 8, 2, "0" * 64)
