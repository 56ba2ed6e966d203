"""Answers SQL about a ledger with DuckDB: duck.py DIRECTORY, statements as a JSON list on standard input, answers as JSON on standard output.

Each table of the ledger is a view of its name, as docs/ledger.md defines it.
"""

import json
import pathlib
import re
import sys

import duckdb

ledger = pathlib.Path(sys.argv[1])
docs = (pathlib.Path(__file__).parents[3] / "docs/ledger.md").read_text()
connection = duckdb.connect()
connection.execute("SET TimeZone = 'UTC'")
for statement in re.search(r"```sql\n(-- DuckDB: views.*?)```", docs, re.S)[1].split(";"):
    table = re.search(r"read_parquet\('ledger/(\w+)/", statement)
    # A table without rows has no file.
    if table and any(ledger.glob(f"{table[1]}/*/*.parquet")):
        connection.execute(statement.replace("'ledger/", f"'{ledger}/"))


def answer(statement):
    rows = connection.execute(statement.replace("'ledger/", f"'{ledger}/")).fetchall()
    return [[None if value is None else str(value) for value in row] for row in rows]


print(json.dumps([answer(statement) for statement in json.load(sys.stdin)]))
