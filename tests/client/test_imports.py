"""Each module of the client may be imported first, by itself, and each name is found."""

from __future__ import annotations

import subprocess
import sys

# In one process, which forgets the client each time. The generated messages can be made only once.
_EACH_FIRST = """
import importlib, pkgutil, sys
import bayar, bayar.public
modules = [one.name for one in pkgutil.iter_modules(bayar.__path__, "bayar.")]
names = list(bayar.__all__)
assert len(modules) > 20 and len(names) > 50

def forget():
    for name in [name for name in sys.modules if name.split(".")[0] == "bayar" and "payments" not in name]:
        del sys.modules[name]

for module in modules:
    forget()
    importlib.import_module(module)
for module in modules:
    forget()
    assert getattr(importlib.import_module("bayar"), module.removeprefix("bayar."))
for name in ("BayarClient", "AsyncBayarClient", "money"):
    forget()
    exec(f"from bayar import {name}, requests")
for name in names:
    exec(f"from bayar import {name}")
print("ok")
"""


def test_every_module_may_be_imported_first() -> None:
    done = subprocess.run([sys.executable, "-c", _EACH_FIRST], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("ok\n", "")


def test_a_name_that_is_none_is_an_import_error() -> None:
    program = "from bayar import Nothing"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "ImportError: cannot import name 'Nothing' from 'bayar'" in done.stderr
