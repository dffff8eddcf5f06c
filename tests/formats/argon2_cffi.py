"""Hashes by argon2-cffi, which is the reference implementation; with a pepper through its lower level."""
import base64
import json
import sys

import argon2
from argon2.low_level import Type, core, ffi, lib

TYPES = {"d": Type.D, "i": Type.I, "id": Type.ID}


def make(how, password):
    return argon2.PasswordHasher(type=TYPES[how]).hash(password)


def check(stored, password):
    try:
        return argon2.PasswordHasher().verify(stored, password)
    except argon2.exceptions.VerifyMismatchError:
        return False


def keyed(stored, password):
    """The test's pepper is 32 bytes of 7."""
    _, _, _, costs, salt, tag = stored.split("$")
    costs = dict(cost.split("=") for cost in costs.split(","))
    salt, tag = (base64.b64decode(text + "=" * (-len(text) % 4)) for text in (salt, tag))
    given = [ffi.new("uint8_t[]", part) for part in (password.encode(), salt, bytes([7] * 32))]
    out = ffi.new("uint8_t[]", len(tag))
    context = ffi.new("argon2_context *", {
        "version": 19, "out": out, "outlen": len(tag), "pwd": given[0], "pwdlen": len(given[0]) - 1,
        "salt": given[1], "saltlen": len(salt), "secret": given[2], "secretlen": 32, "ad": ffi.NULL, "adlen": 0,
        "t_cost": int(costs["t"]), "m_cost": int(costs["m"]), "lanes": int(costs["p"]), "threads": 1,
        "allocate_cbk": ffi.NULL, "free_cbk": ffi.NULL, "flags": lib.ARGON2_DEFAULT_FLAGS,
    })
    return core(context, Type.ID.value) == 0 and bytes(ffi.buffer(out, len(tag))) == tag


do = {"make": make, "check": check, "keyed": keyed}[sys.argv[1]]
print(json.dumps([do(*asked) for asked in json.load(sys.stdin)]))
