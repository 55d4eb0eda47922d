"""`python -m cli` is `connector`."""

from cli.main import app

app(prog_name="connector")
