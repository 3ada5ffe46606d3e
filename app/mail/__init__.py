"""Mail: what people are told, and the links that prove an address.

The stories of `app.auth` put messages into the outbox, in the transaction of the change that
they report. `sender` runs in a thread of each worker and delivers them; `links` makes and checks
the token of a link; `messages` has the words.
"""
