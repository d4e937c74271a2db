"""Run the device's commands, one file each: options in, text or JSON out.

Enters: words of the command line. Leaves: results on stdout, messages on stderr, an exit code.
Looks at: every room of the device.
"""
