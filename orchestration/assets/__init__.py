"""Dagster assets: thin wrappers over ``orchestration.refresh``, one module per layer of the flow."""
