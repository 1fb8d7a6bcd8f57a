"""A patient's chart as flat SQL tables, in a locked-down DuckDB that runs in a process of its own."""
