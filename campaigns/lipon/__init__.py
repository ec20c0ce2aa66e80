"""The LiPON study: which distance, power and pressure give the most conductive film.

Knows the recipe from a point to an ionic conductivity with its uncertainty, the study's data with their provenance, and
its own figure, the Nyquist plot of the best film.
Must not know which tool answers: the recipe serves a simulated and a real laboratory alike.
"""

from campaigns.lipon.recipe import measure_conductivity

__all__ = ["measure_conductivity"]
