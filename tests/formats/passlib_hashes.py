"""Hashes by passlib, by the names of its handlers."""
import json
import logging
import sys

from passlib import hash as handlers
from passlib.context import CryptContext

# It asks bcrypt for a version that newer ones do not tell.
logging.getLogger("passlib").setLevel(logging.ERROR)
NAMES = [
    "argon2", "bcrypt", "bcrypt_sha256", "ldap_salted_sha1", "ldap_salted_sha512", "ldap_sha512_crypt",
    "pbkdf2_sha256", "pbkdf2_sha512", "scrypt", "sha512_crypt",
]
CONTEXT = CryptContext(schemes=NAMES)


def make(how, password):
    handler = getattr(handlers, how.removesuffix("_v1"))
    return (handler.using(version=1) if how.endswith("_v1") else handler).hash(password)


def check(stored, password):
    return CONTEXT.verify(password, stored)


do = {"make": make, "check": check}[sys.argv[1]]
print(json.dumps([do(*asked) for asked in json.load(sys.stdin)]))
