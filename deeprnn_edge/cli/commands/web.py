"""Run ``deeprnn-edge web``."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from deeprnn_edge.bundle.bundle import open_bundle
from deeprnn_edge.cli.commands.formats import MODEL
from deeprnn_edge.runtimes import PORTABLE
from deeprnn_edge.web.runtime_files import fetch_runtime, read_runtime
from deeprnn_edge.web.settings import choose_artifact, make_settings
from deeprnn_edge.web.site import check_site, make_files, write_site


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The folder to make.")
@click.option(
    "--artifact",
    help=f"The {PORTABLE.title} file that runs, such as {MODEL}. Default: the first stream, if there is one.",
)
@click.option(
    "--runtime",
    type=click.Path(path_type=Path),
    help="An unpacked onnxruntime-web package. Default: the pinned version, through npm.",
)
@click.option("--force", is_flag=True, help="Replace a page that is there.")
def web(bundle: Path, output: Path, artifact: str | None, runtime: Path | None, force: bool) -> None:
    """Make a static page that runs the bundle in the browser.

    \b
        deeprnn-edge web bundle -o site
        python -m http.server --directory site

    Type a sentence and see the answer change word by word, with the time that each word took; a model of
    features replays sequences of its golden vectors, one of ids takes ids. The bundle needs a stream
    artifact for that (export --stream); without one the page runs the whole text again at each change.

    The folder holds all that the page needs, ONNX Runtime in WebAssembly included, and asks for nothing
    from anywhere: what is typed stays in the browser. Any static server will do; one thread, so that no
    special headers are needed. Only making the page takes npm, or --runtime where there is none:

    \b
        npm pack onnxruntime-web@1.30.0 && tar xzf onnxruntime-web-1.30.0.tgz
        deeprnn-edge web bundle -o site --runtime package
    """
    check_site(output, force=force)
    opened = open_bundle(bundle)
    make_settings(opened, choose_artifact(opened, artifact))  # what cannot be shown is refused before npm is asked
    loaded = fetch_runtime() if runtime is None else read_runtime(runtime)
    files = make_files(opened, loaded, artifact)
    write_site(output, files, force=force)
    size = sum(map(len, files.values()))
    click.echo(
        f"wrote {output}: {len(files)} files, {size / 1e6:.1f} MB, with onnxruntime-web {loaded.version}", err=True
    )
    serve = f"python -m http.server --directory {shlex.quote(str(output))}"
    click.echo(f"a browser loads no model from file://, so serve it: {serve}", err=True)
