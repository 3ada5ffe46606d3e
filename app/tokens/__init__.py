"""Tokens, their keys and DPoP proofs: format, signature and claims.

Everything here is a function of its arguments: no Flask, SQL, Redis or clock. `app.families`
stores what happens to a token after it is issued; `app.services` builds the objects.
"""
