"""HTTP routes beside the pages."""

from geo_minzheng.api.routes import lifespan, middleware, routes

__all__ = ["lifespan", "middleware", "routes"]
