"""What the database role of the application may do: part of `flask doctor`."""

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
    """Yield a fault for each right that PostgreSQL does not grant on `tables`.

    A table that does not exist is no matter of rights: its migration is missing. The revision is
    only ever read, and that by the doctor alone.
    """
    role, schema = connection.execute(ROLE).one()
    if schema is None:
        yield f"role {role} may use no schema; run 'GRANT USAGE ON SCHEMA public TO {role}'"
        return
    wanted = {VERSIONS: NEEDED[:1]} | dict.fromkeys(sorted(tables), NEEDED)
    for table, rights in wanted.items():
        if not connection.scalar(EXISTS, {"name": table}):
            continue
        lacking = [
            right
            for right in rights
            if not connection.scalar(GRANTED, {"name": table, "right": right})
        ]
        if lacking:
            some = ", ".join(lacking)
            yield f"role {role} lacks rights; run 'GRANT {some} ON {table} TO {role}'"
