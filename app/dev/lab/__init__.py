"""The lab: the catalogue's attacks, run before the visitor's eyes. In development only.

Nothing outside imports it but `create_app`, and that only when `APP_ENV` says development:
elsewhere there is no route, no file and no line of it in the process.
"""
