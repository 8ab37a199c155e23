"""Runs of notebooks: recipes, jobs, workers, records, what is stale."""
