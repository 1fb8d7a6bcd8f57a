"""What MCP clients see of the chart tools: transports, lists, resources, prompts, and calls on record."""
