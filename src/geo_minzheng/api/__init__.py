"""HTTP routes beside the pages."""

from geo_minzheng.api.routes import lifespan, routes

__all__ = ["lifespan", "routes"]
