"""FreshBooks accounting joined with SPS Commerce retail EDI: the connector's shared package."""

__version__ = "0.1.0"
