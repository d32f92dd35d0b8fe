"""The README's table of output topics, made of the JSON Schemas of their records."""

import json
from pathlib import Path
from typing import Any

#: The order in which people meet them.
OUTPUTS = ("aggregated-trace", "trace-anomaly", "trace-stats", "trace-pathway", "dead-letter")

Schema = dict[str, Any]


def outputs_table(schemas: Path) -> str:
    """The table, from the schemas in this folder; links are relative to the repository."""
    rows = ["| topic (setting) | key | value | schema |", "|---|---|---|---|"]
    for name in OUTPUTS:
        schema = json.loads((schemas / f"{name}.json").read_text(encoding="utf-8"))
        topic = f"`{schema['x-topic']}` (`{schema['x-topic-setting']}`)"
        link = f"[{name}.json](docs/schemas/{name}.json)"
        rows.append(f"| {topic} | {_key(schema['x-key'])} | {schema['description']} | {link} |")
    return "\n".join(rows) + "\n"


def _key(schema: Schema) -> str:
    """The fields of a key, one form after the other; those with a question mark may be absent."""
    forms = schema.get("anyOf", [schema])
    return " or ".join(
        f"`{{{', '.join(name if name in form['required'] else f'{name}?' for name in form['properties'])}}}`"
        for form in forms
    )
