"""What surrounds the function and stays out of its artifact: local server, stand-in for OpenAI, templates."""
