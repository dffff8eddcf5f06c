"""Django's own accounts, as an app has them: its migrations, its create_user, its authenticate and its sessions."""
import json
import sys

import django
from django.conf import settings

asked = json.load(sys.stdin)
database = asked["database"]


def engine():
    if database["engine"] == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": database["path"]}
    names = {"NAME": "name", "HOST": "host", "PORT": "port", "USER": "user", "PASSWORD": "password"}
    return {"ENGINE": "django.db.backends.postgresql", **{key: database[name] for key, name in names.items()}}


settings.configure(
    DATABASES={"default": engine()},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
    SECRET_KEY="of this test alone",
)
django.setup()

from django.contrib.auth import authenticate, get_user, get_user_model, login  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.http import HttpRequest  # noqa: E402

User = get_user_model()


def request(key=None):
    made = HttpRequest()
    made.session = SessionStore(key)
    return made


def install():
    call_command("migrate", verbosity=0)
    return django.get_version()


def add():
    return str(User.objects.create_user(asked["name"], asked["address"], asked["password"]).pk)


def enter():
    visit = request()
    user = authenticate(visit, username=asked["name"], password=asked["password"])
    if user is None:
        return None
    login(visit, user)
    visit.session.save()
    return visit.session.session_key


def stay():
    return get_user(request(asked["kept"])).is_authenticated


def change():
    user = User.objects.get(username=asked["name"])
    user.set_password(asked["password"])
    user.save()
    return True


def disable():
    return User.objects.filter(username=asked["name"]).update(is_active=False) == 1


verbs = {"install": install, "add": add, "enter": enter, "stay": stay, "change": change, "disable": disable}
print(json.dumps(verbs[sys.argv[1]]()))
