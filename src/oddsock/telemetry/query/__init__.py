"""The query languages of logs and metrics: text to tree, tree to answers."""
