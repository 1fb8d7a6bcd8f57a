"""MCP servers over the clinic's own records."""
