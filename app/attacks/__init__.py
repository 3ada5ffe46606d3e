"""The running attack of each entry of the catalogue.

`flask attack`, the lab and the tests load this package; the server never does. `registry` lists
the attacks and `run` carries one out. An attack works with a `context`: a `target` whose requests
are recorded, an account, and the `visitor`s who send them.
"""
