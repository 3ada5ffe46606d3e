"""Look for somebody in every column of every table."""

from sqlalchemy import Connection, MetaData, select

from app.infra.database import Database


def traces(database: Database, *values: str) -> list[str]:
    """Return `table.column: text` for each text in the database that has one of `values`."""
    return database.read(_search, values)


def _search(connection: Connection, values: tuple[str, ...]) -> list[str]:
    tables = MetaData()
    tables.reflect(connection)
    assert {"users", "families", "mails", "activity"} <= set(tables.tables)
    return [
        f"{table.name}.{name}: {text}"
        for _, table in sorted(tables.tables.items())
        for row in connection.execute(select(table)).mappings()
        for name, text in row.items()
        if any(value in str(text) for value in values)
    ]
