"""Hashes by Django, each of its hashers by the name of its class."""
import json
import sys

import django
from django.conf import settings

NAMES = ["PBKDF2", "PBKDF2SHA1", "Argon2", "BCryptSHA256", "BCrypt", "Scrypt", "MD5"]
settings.configure(PASSWORD_HASHERS=[f"django.contrib.auth.hashers.{name}PasswordHasher" for name in NAMES])
django.setup()

from django.contrib.auth.hashers import check_password, get_hashers, make_password  # noqa: E402

HASHERS = dict(zip(NAMES, get_hashers()))


def make(how, password):
    return make_password(password, hasher=HASHERS[how].algorithm)


def check(stored, password):
    return check_password(password, stored)


do = {"make": make, "check": check}[sys.argv[1]]
print(json.dumps([do(*asked) for asked in json.load(sys.stdin)]))
