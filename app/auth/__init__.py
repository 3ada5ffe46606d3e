"""READ THIS FIRST: what a person can do with an account and its sessions, one story a module.

- `register`: open an account.
- `login`: exchange a password for a new session.
- `refresh`: exchange a refresh token for its successor, or detect a stolen one.
- `logout`: end one session, or all.
- `sessions`: see and end the sessions of one's own account.
- `password`: change the password, which ends every session.
- `profile`: read one's own account.
- `admin`: what an operator can do; `pruning` deletes what nothing needs any more.

Each story is a function of `Auth`, the parts that all of them share. It makes one decision in the
database, then tells Redis, then writes the audit record. It returns only when what it promises
holds in every worker. Each refusal is an exception of `app.errors`.
"""
