"""The `.smic` file, all that a reader needs, with numpy alone; docs/format.md is its text."""
