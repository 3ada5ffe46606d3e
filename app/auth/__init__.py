"""READ THIS FIRST: everything a person can do with an account and its sessions.

Each module has the functions (stories) of one subject:

- `register`: open an account with a mailed link, which proves the address.
- `login`: exchange a password for a new session.
- `refresh`: exchange a refresh token for its successor, or detect a stolen one.
- `logout`: end one session, or all sessions of the account.
- `sessions`: list and end the sessions of one's own account. `thefts`: those that were stolen.
- `reauthenticate`: prove again, in a session, who one is.
- `password`: change the password, which ends every session.
- `reset`: choose a new password with a mailed link.
- `email_change`: move the account to another address, confirmed with a mailed link.
- `secure`: take an account back from a thief, with the link in a notice; undo a change of address.
- `deletion`: delete one's own account. What an operator deletes goes the same way.
- `profile`: read one's own account. `history`: read what happened to it.
- `admin`: the actions of an operator. `pruning` deletes rows that are no longer needed.

`asked_mail` answers by mail what anybody may ask; `opened_links` checks mailed links.

`app.api`, `app.pages` and `app.cli` call the stories. Each takes `Auth`, the objects that all of
them share. A story that changes something makes one decision in one database transaction, which
has the row for the account's owner too, then writes the result to Redis, then to the audit record
(`Auth.commit`). When it returns, the change holds in every worker. It refuses by raising an
exception of `app.errors`.
"""
