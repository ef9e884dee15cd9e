"""Programs that diagnostics run inside of the gateway's container, whose image has Python.

They travel as the argument of `python -c`, use what the image holds, and write no value of the
environment. `run.py` runs any other command there and tells how it ended.
"""
