"""Name formats and files in the help texts of options."""

from deeprnn_edge.runtimes import RUNTIMES

PREFERRED, *_, LAST = RUNTIMES.values()
MODEL = f"model{PREFERRED.suffix}"
DEFAULT = f"Default: the {PREFERRED.title} one."
