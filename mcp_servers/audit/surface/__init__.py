"""The trail for a privacy officer's MCP client."""
