"""The fault catalogue: tests that cause each fault and check what the program promises for it.

The docstring of a test begins with the catalogue numbers that it tests, `"A1, A7: …"`; values for the report are
passed to pytest's `record_property`. `python -m tests.faults.report` runs all tests of the repository with such
numbers and writes the table of promises, `python -m tests.faults.soak` runs the long tests.
"""
