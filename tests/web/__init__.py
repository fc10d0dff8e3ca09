"""The page in a real browser: its modules, then the whole
page with the app and the stand-in.
"""
