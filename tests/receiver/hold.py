"""Holds exchanges to the description: JSON lines {path, status, request, response, headers, raw} on standard input.

Signatures are verified by Standard Webhooks' own library, bodies by the schemas of the operations that they belong to.
"""
import json
import pathlib
import sys

import yaml
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from standardwebhooks import Webhook

HERE = pathlib.Path(__file__).resolve().parent
DOCUMENT = yaml.safe_load((HERE.parent.parent / "sidecar/openapi/hooks.yaml").read_text())
REGISTRY = Registry().with_resource("hooks", Resource.from_contents(DOCUMENT, default_specification=DRAFT202012))


def judge(content, body, what):
    schema = content["application/json"]["schema"]
    absolute = json.loads(json.dumps(schema).replace('"#/', '"hooks#/'))
    for error in Draft202012Validator(absolute, registry=REGISTRY).iter_errors(body):
        sys.exit(f"{what}: {error.json_path}: {error.message}")


def operation(exchange):
    if exchange["path"] in DOCUMENT["paths"]:
        return DOCUMENT["paths"][exchange["path"]]["post"]
    return DOCUMENT["webhooks"][exchange["request"]["type"]]["post"]


def response(described, status, what):
    ways = [way for way in (str(status), f"{status // 100}XX") if way in described["responses"]]
    if not ways:
        sys.exit(f"{what}: status {status} is not described")
    found = described["responses"][ways[0]]
    while "$ref" in found:
        found = DOCUMENT["components"]["responses"][found["$ref"].rsplit("/", 1)[1]]
    return found


OpenAPIV31SpecValidator(DOCUMENT).validate()
held = set()
for line in sys.stdin:
    exchange = json.loads(line)
    described = operation(exchange)
    what = f"{exchange['path']} {line.strip()}"
    Webhook(sys.argv[1]).verify(exchange["raw"], exchange["headers"])
    assert exchange["headers"]["idempotency-key"] == exchange["headers"]["webhook-id"], what
    judge(described["requestBody"]["content"], exchange["request"], what)
    found = response(described, exchange["status"], what)
    if "content" in found:
        judge(found["content"], exchange["response"], what)
    held.add(f"{described['operationId']} {exchange['status']}")
print("\n".join(sorted(held)))
