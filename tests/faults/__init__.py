"""The catalogue of faults: each is made to happen, and what the program promises then is checked as a value.

A test's docstring begins with the numbers of the catalogue that it is about, `"A1, A7: …"`; figures worth telling are
handed to pytest's `record_property`. `python -m tests.faults.report` runs all tests of the repository that are numbered so
and writes the table of promises, `python -m tests.faults.soak` runs the long forms.
"""
