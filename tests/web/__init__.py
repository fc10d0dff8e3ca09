"""The page in a real browser: its modules by themselves, then the whole of it against the app and the stand-in."""
