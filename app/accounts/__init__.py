"""Accounts: users, their e-mail addresses and passwords, and the browsers that they use.

`app.auth` calls this. Passwords are verified by `password_login`, which puts together the limits
on attempts (`app.infra.throttle`), the queue for hashing and the marks of known browsers.
"""
