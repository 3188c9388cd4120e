"""Use cases of the statistics: the facts of payments, their rollups, the summary by day."""
