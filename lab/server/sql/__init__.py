"""T-SQL text to syntax tree."""
