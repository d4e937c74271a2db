"""Measure a bundle's files, and pack the one that fits: python choose_for_a_budget.py BUNDLE OUTPUT.zip [BUDGET].

Run it on the device, or on one like it, as the last step of a release: it ends with 1 where no file fits.
"""

import json
import subprocess
import sys

COMMAND = [sys.executable, "-m", "deeprnn_edge"]
BUDGET = ["--max-size", "400KB", "--max-latency", "5ms"]  # and --max-accuracy-drop, where export had --evaluate

bundle, output, *given = sys.argv[1:]
done = subprocess.run([*COMMAND, "choose", bundle, *(given or BUDGET), "--json"], stdout=subprocess.PIPE, text=True)
if done.returncode:
    sys.exit(done.returncode)  # the reason stands on stderr

choice = json.loads(done.stdout)
for artifact in choice["artifacts"]:
    print(f"{artifact['path']:20} {artifact['verdict']:12} {'; '.join(artifact['reasons'])}")

pack = [*COMMAND, "pack", bundle, "--artifact", choice["chosen"], "--golden", "--force", "-o", output]
subprocess.run(pack, check=True)
