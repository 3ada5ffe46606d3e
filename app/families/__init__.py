"""Families: their rows, rotation and revocation, the denylist, and the cache of used proofs.

`app.auth` runs these in its stories, and `app.web.guards` asks the denylist on each protected
request. `rotation` decides what a refresh token gets; `denylist` refuses access tokens early.
"""
