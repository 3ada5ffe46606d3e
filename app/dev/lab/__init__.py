"""The lab: the attacks of the catalogue, run in front of the visitor, in development only.

`app.dev.install` adds it, and `wsgi.py` calls that only when `APP_ENV` is `development`. Elsewhere
the process has no route, file or module of it.
"""
