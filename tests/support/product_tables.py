"""Tables of a product, as any migration may create them, in the database of an application."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from sqlalchemy import text

from tests.support.app import services


@contextmanager
def product_table(app: Flask, name: str, columns: str, *values: str) -> Iterator[None]:
    """Have a table with one row inside the `with` block."""
    database = services(app).database
    row = {f"v{number}": value for number, value in enumerate(values)}
    marks = ", ".join(f":{name}" for name in row)
    with database.transaction() as connection:
        connection.execute(text(f"CREATE TABLE {name} ({columns})"))
        connection.execute(text(f"INSERT INTO {name} VALUES ({marks})"), row)  # noqa: S608 - ours
    try:
        yield
    finally:
        with database.transaction() as connection:
            connection.execute(text(f"DROP TABLE {name}"))
