"""A page in headless Chromium: served by a static server, driven by a script that sends back what it saw."""

from __future__ import annotations

import json
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class _Handler(SimpleHTTPRequestHandler):
    """Serves the folder as ``python -m http.server`` does; what is posted ends the visit."""

    server: _Server

    def do_POST(self) -> None:
        self.server.seen = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()
        self.server.done.set()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ARG002 - the base's signature
        self.server.asked.append(str(args[0]) if args else "")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), partial(_Handler, directory=str(folder)))
        self.seen: dict[str, Any] | None = None
        self.asked: list[str] = []
        self.done = threading.Event()


def visit(browser: str, site: Path, script: str, profile: Path, *options: str) -> tuple[dict[str, Any], list[str]]:
    """What the script posted to ``/seen``, and what the console said.

    site: a copy of the page that may be changed: the script joins it as a file, under the page's own policy.
    """
    index = site / "index.html"
    (site / "spy.js").write_text(script, encoding="utf-8")
    text = index.read_text(encoding="utf-8")
    index.write_text(text.replace("</body>", '<script type="module" src="spy.js"></script></body>'), encoding="utf-8")
    log = profile.with_suffix(".log")
    server = _Server(site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    command = [browser, "--headless", "--disable-gpu", "--no-sandbox", "--enable-logging=stderr", "--v=0"]
    command += [f"--user-data-dir={profile}", "--remote-debugging-port=0", *options]
    try:
        with log.open("w") as file:
            address = f"http://127.0.0.1:{server.server_port}/"
            running = subprocess.Popen([*command, address], stdout=file, stderr=file)
            try:
                finished = server.done.wait(600)
            finally:
                running.terminate()
                running.wait(300)
    finally:
        server.shutdown()
        server.server_close()
    said = [line for line in log.read_text(errors="replace").splitlines() if "CONSOLE" in line]
    assert finished, f"the page did not finish; the console said {said}, the server {server.asked[-5:]}"
    assert server.seen is not None
    return server.seen, said
