"""The catalogue's attacks, runnable: from outside, over HTTP, against a running deployment.

They are run by `flask attack` and by the lab, and are the same in both.
"""
