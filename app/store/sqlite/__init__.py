"""The store in one SQLite file, for one machine.

store    the methods of the port
worker   transactions in one thread, with retries
queries  the statements
schema   the tables, their version, and how a file is opened
"""
