"""What a statement may do: one SELECT over the chart's tables, with functions that only compute.

The statement is judged by DuckDB's own syntax tree, and by what is allowed: a node that is not known here is
refused. DuckDB's settings (no file, no network, no extension) are the second wall, the process the third.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb

Node = dict[str, Any]

_QUERIES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
_SOURCES = frozenset(
    {"BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EMPTY", "EXPRESSION_LIST", "PIVOT"}
)
_MODIFIERS = frozenset({
    "ORDER_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "DISTINCT_MODIFIER",
    "ORDER_DEFAULT", "ASCENDING", "DESCENDING",
})  # fmt: skip
_EXPRESSIONS = frozenset({
    "BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION",
    "LAMBDA", "LAMBDA_REF", "OPERATOR", "POSITIONAL_REFERENCE", "STAR", "SUBQUERY", "TYPE", "WINDOW",
})  # fmt: skip
_TABLE_FUNCTIONS = frozenset({"unnest", "range", "generate_series"})
_GROUPINGS = re.compile(rb"(cube|rollup|sets)\b", re.IGNORECASE)
# What the database has beside the chart's tables: no WITH may take such a name, as it holds within its own
# scope only. The worker passes records through `resource`.
_TAKEN = re.compile("duckdb_|pragma_|pg_|sqlite_|resource$")
# Functions that tell of the database and its surroundings, run SQL, or work on DuckDB's internals.
_PRIVATE = re.compile(
    r"__|pg_|has_|inet_|duckdb|json_(de)?serialize|variant_|vector_|st_|uuid|enum_|hive_|icu_|parse_duckdb|"
    r"(current_.*|.*_user|user|version|error|stats|alias|combine|finalize|invoke|to_aggregate_state|"
    r"create_sort_key|index_key|cast_to_type|make_type|replace_type|get_type|remap_struct|can_cast_implicitly|"
    r"constant_or_null|bar|setseed|random|ago|get_block_size|pg_.*|.*description|assert_true)$"
)
# The chart's present stands behind these, as macros that go before DuckDB's own (some are what SQL's keywords
# come to): a name and its type.
PRESENT = {
    "now": "TIMESTAMP",
    "current_timestamp": "TIMESTAMP",
    "get_current_timestamp": "TIMESTAMP",
    "current_localtimestamp": "TIMESTAMP",
    "today": "DATE",
    "current_date": "DATE",
    "get_current_time": "TIME",
    "current_localtime": "TIME",
}


class Refused(Exception):
    """The statement is not allowed; `str()` says what is."""


class UnknownTable(Exception):
    """The statement names a table that there is not."""


def computing_functions(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """The functions of this DuckDB that give the same for the same arguments, and tell nothing else."""
    found = connection.execute(
        "SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE function_type IN"
        " ('scalar', 'aggregate', 'macro') AND coalesce(stability, 'CONSISTENT') = 'CONSISTENT'"
        " AND coalesce(schema_name, '') <> 'pg_catalog'"
    ).fetchall()
    return frozenset(name for (name,) in found if not _PRIVATE.match(name)) | {"unnest", *PRESENT}


def tables_read(
    connection: duckdb.DuckDBPyConnection, sql: str, tables: frozenset[str], functions: frozenset[str]
) -> list[str]:
    """Which of `tables` the statement reads. Raises Refused, UnknownTable, duckdb.Error (syntax)."""
    if _grouping_sets(sql) > 1:
        raise Refused("Write at most one ROLLUP, CUBE or GROUPING SETS in a statement.")
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise Refused("Write exactly one statement.")
    only = "Only a SELECT is allowed (WITH, joins, window functions and UNPIVOT too)."
    if statements[0].type != duckdb.StatementType.SELECT:
        raise Refused(only)
    row = connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchone()
    tree = json.loads(row[0]) if row else {}
    if tree.get("error") is not False:
        raise Refused(only)
    found: dict[str, None] = {}
    named = {entry["key"].lower() for node in _nodes(tree) for entry in _ctes(node)}
    for node in _nodes(tree):
        _judge(node, functions)
        if node.get("type") == "BASE_TABLE" and "table_name" in node:
            name = str(node["table_name"]).lower()
            if node.get("catalog_name") or node.get("schema_name") not in ("", "main", None):
                raise Refused("Only the chart's tables can be read, without a catalogue or schema.")
            if name in tables:
                found[name] = None
            elif name not in named or _TAKEN.match(name):
                raise UnknownTable(str(node["table_name"]))
    return list(found)


def texts_of(connection: duckdb.DuckDBPyConnection, sql: str) -> list[str]:
    """The texts that stand in a statement, those of a letter or less left out."""
    literals = [node.get("literal") for node in _tree(connection, sql)]
    texts = [one["text"] for one in literals if isinstance(one, dict) and one.get("kind") == "STRING"]
    return [text for text in dict.fromkeys(texts) if len(text.strip("%_ ")) > 1]


def reads_values_without_units(connection: duckdb.DuckDBPyConnection, sql: str) -> bool:
    """Whether a statement names a column `value`, but neither `unit` nor all columns."""
    nodes = list(_tree(connection, sql))
    names = {str(node["column_names"][-1]).lower() for node in nodes if node.get("column_names")}
    return "value" in names and "unit" not in names and all(node.get("class") != "STAR" for node in nodes)


def _tree(connection: duckdb.DuckDBPyConnection, sql: str) -> Iterator[Node]:
    row = connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchone()
    return _nodes(json.loads(row[0]) if row else {})


def _grouping_sets(sql: str) -> int:
    """How many clauses there are that stand for several groupings.

    The parser writes these out, and two beside each other multiply: 2,800 characters come to 51 MB of tree.
    """
    text = sql.encode()
    return sum(
        kind == duckdb.token_type.keyword and _GROUPINGS.match(text, at) is not None
        for at, kind in duckdb.tokenize(sql)
    )


def _judge(node: Node, functions: frozenset[str]) -> None:
    kind = node.get("type")
    if "class" in node:
        if node["class"] not in _EXPRESSIONS:
            raise Refused(
                f"{str(node['class']).title()}s are not allowed: write the values into the statement."
            )
        name = str(node.get("function_name", "")).lower()
        if node["class"] == "FUNCTION" and name not in functions and re.search("[a-z]", name):
            raise Refused(
                f"The function {name[:60]} is not allowed; use functions that compute from columns."
            )
    elif "cte_map" in node:
        if kind not in _QUERIES:
            raise Refused("Only a SELECT is allowed, in WITH too.")
    elif isinstance(kind, str) and kind not in _SOURCES | _MODIFIERS:
        raise Refused("DESCRIBE, SHOW and SUMMARIZE are not allowed: the tables stand in the description.")


def _nodes(tree: Any) -> Iterator[Node]:
    """Every object in the tree; the function of a table function is judged by its own list."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, dict):
            yield node
            inner = dict(node)
            if node.get("type") == "TABLE_FUNCTION" and isinstance(node.get("function"), dict):
                function = inner.pop("function")
                name = str(function.get("function_name")).lower()
                if name not in _TABLE_FUNCTIONS:
                    raise Refused(
                        f"The table function {name[:60]} is not allowed; only the chart's tables are."
                    )
                waiting.append(function.get("arguments"))
            waiting.extend(value for value in inner.values() if isinstance(value, dict | list))


def _ctes(node: Node) -> list[Node]:
    ctes = node.get("cte_map")
    return list(ctes.get("map", [])) if isinstance(ctes, dict) else []
