"""The command line, `valence ...`: thin over the client, the producers, the consumers and the local stack.

`main` finds the command and turns errors into exit codes; every other module is one command or group, or what several of them show.
"""
