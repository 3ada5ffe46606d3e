"""Check the privileges of the database role; `flask doctor` calls this."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from sqlalchemy import Connection, text

NEEDED: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")
VERSIONS: Final = "alembic_version"

ROLE: Final = text("SELECT current_user, current_schema()")
EXISTS: Final = text("SELECT to_regclass(quote_ident(:name)) IS NOT NULL")
GRANTED: Final = text("SELECT has_table_privilege(quote_ident(:name), :right)")


def missing_rights(connection: Connection, tables: Iterable[str]) -> Iterator[str]:
    """Yield a fault, with the command that mends it, for each table with missing privileges.

    Tables that do not exist are ignored; the check of the migration reports those. On the table
    of the revision, SELECT is enough, because only this command reads it.
    """
    role, schema = connection.execute(ROLE).one()
    if schema is None:
        yield f"role {role} may use no schema; run 'GRANT USAGE ON SCHEMA public TO {role}'"
        return
    needed = {VERSIONS: NEEDED[:1]} | dict.fromkeys(sorted(tables), NEEDED)
    for table, rights in needed.items():
        if not connection.scalar(EXISTS, {"name": table}):
            continue
        missing = [
            right
            for right in rights
            if not connection.scalar(GRANTED, {"name": table, "right": right})
        ]
        if missing:
            names = ", ".join(missing)
            yield f"role {role} lacks rights; run 'GRANT {names} ON {table} TO {role}'"
