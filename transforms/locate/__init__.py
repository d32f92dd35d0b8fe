"""Which offsets a fact concerns: where SENDs lie, which commit came when, how far each group came."""
