"""HTTP that `app.api`, `app.pages` and features share: guards, cookies, headers, refusals.

Start with `guards` (who may call a route), `origin` (which requests are refused before that) and
`problems` (how a refusal is rendered).
"""
