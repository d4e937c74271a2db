"""Run a module within limits: ``python -m deeprnn_edge.files.guard LIMITS MODULE WORDS``, as ``parent`` starts it."""

from __future__ import annotations

import json
import runpy
import sys

from deeprnn_edge.files.guard.child import enter

limits, module, *words = sys.argv[1:]
enter(**json.loads(limits))
sys.argv[:] = [module, *words]
runpy.run_module(module, run_name="__main__", alter_sys=True)
