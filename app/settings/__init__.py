"""The parts of `config.py`, which reads every variable of the environment with them.

- `reader`: read a variable as text, number or duration, and collect the faults of all.
- `secret_strength`: judge whether a secret is random and long enough.
- `secret_variables`: read the secrets; `instance` generates those of development.
- `addresses`: read the public URL and what depends on it.
- `servers`: read the URLs of the database and of Redis.
- `hash_cost`: read the cost of password hashes.
- `breach_filter`: read where the filter of breached passwords is.
- `product`: read what a product changes: its name, its files, its operators.
- `env_file`: read the file `.env`.

They import neither `config` nor another part of `app`.
"""
