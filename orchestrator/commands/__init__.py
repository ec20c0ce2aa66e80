"""Commands about one configuration: run its campaign, check its instruments, serve emulators of them.

Knows the words of each command, what is shown before anything runs, and the exit status.
Must not know how any of it is done; only the command line knows this room. Other commands stand in the rooms they ask.
"""
