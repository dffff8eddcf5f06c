"""Hashes in PHC's spelling, by Python's hashlib: PBKDF2."""
import base64
import hashlib
import hmac
import json
import os
import sys


def encode(octets):
    return base64.b64encode(octets).decode().rstrip("=")


def decode(text):
    return base64.b64decode(text + "=" * (-len(text) % 4))


def make(how, password):
    salt = os.urandom(16)
    tag = hashlib.pbkdf2_hmac(how, password.encode(), salt, 210_000)
    return f"$pbkdf2-{how}$i=210000,l={len(tag)}${encode(salt)}${encode(tag)}"


def check(stored, password):
    _, name, costs, salt, tag = stored.split("$")
    costs = dict(cost.split("=") for cost in costs.split(","))
    digest, rounds, length = name.removeprefix("pbkdf2-"), int(costs["i"]), int(costs["l"])
    found = hashlib.pbkdf2_hmac(digest, password.encode(), decode(salt), rounds, length)
    return hmac.compare_digest(found, decode(tag))


do = {"make": make, "check": check}[sys.argv[1]]
print(json.dumps([do(*asked) for asked in json.load(sys.stdin)]))
