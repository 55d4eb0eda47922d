"""FreshBooks accounting joined with SPS Commerce retail EDI: the connector's shared package."""

import gc

__version__ = "1.0.0"

# importing makes no garbage: looking for it at every 2,000 new objects is a tenth of a cold start
gc.set_threshold(50_000)
