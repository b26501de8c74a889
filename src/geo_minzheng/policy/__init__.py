"""Policy as data: files in, the rules in force on a day out."""
