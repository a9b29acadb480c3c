"""Opening what strangers send: every file is looked at and decoded in a child process, behind one guard."""
