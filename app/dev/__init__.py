"""Development only: the lab, and what `make run` starts besides gunicorn.

`wsgi.py` imports from this package in development; no other part of the application does.
"""
