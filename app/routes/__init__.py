"""The HTTP routes. They call `chat`; nothing calls them but `main`."""
