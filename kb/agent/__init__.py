"""A knowledge base for programs that plan and answer: tools with short answers, over the Model Context Protocol."""
