"""The worker process of gunicorn: it reads requests, has threads answer them, and sends responses.

`gunicorn.conf.py` starts `loop.Server`. Only complete requests reach a thread, so a client that
sends or reads slowly occupies none (slowloris, R-U-Dead-Yet).
"""
