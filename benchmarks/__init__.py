"""How fast nnbook is beside others on the same processor: ``python tasks.py bench``.

``rows/``        what is measured, a module for each kind of work, nnbook's form first
``harness.py``   candidates in processes of their own, timed in shuffled rounds
``worker.py``    one such process
``statistics.py``  ratios round by round, their median and its interval
``report.py``    the table in the terminal, and results.toml, from which the book's page is made
"""
