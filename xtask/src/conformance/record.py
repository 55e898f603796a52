"""Runs netplan's generator tests with a generator that only writes down what
it is given: every text, those that helpers and loops put together too.

    python3 record.py DIR     prints [{name, files, fails, plain}] as JSON

Their expectations of generated files can't hold here, so assertions do nothing
and a test that trips over a missing file ends there; what it gave before counts.
"""

import builtins
import importlib
import inspect
import io
import json
import os
import subprocess
import sys
import tempfile
import types
import unittest

top = sys.argv[1]
records, unreached = [], []


class Word(str):
    """A constant of the real base module: only compared, never given."""

    def __mod__(self, _):
        return self

    def __add__(self, _):
        return self


class Base(unittest.TestCase):
    YAML_TRUE = ["y", "yes", "on", "true"]
    YAML_FALSE = ["n", "no", "off", "false"]

    def setUp(self):
        self.workdir = tempfile.TemporaryDirectory()
        self.confdir = os.path.join(self.workdir.name, "etc", "netplan")
        os.makedirs(self.confdir)

    def generate(self, yaml, expect_fail=False, extra_args=[], confs=None,
                 skip_generated_yaml_validation=False, ignore_errors=False):
        at = inspect.stack()[1]
        files = {} if yaml is None else {"a.yaml": yaml}
        files.update({name + ".yaml": text for name, text in (confs or {}).items()})
        for name, text in files.items():
            # Some tests take a file away again.
            with builtins.open(os.path.join(self.confdir, name), "w") as file:
                file.write(text)
        source = os.path.basename(at.filename)
        records.append({
            "name": "%s:%d %s" % (source, at.lineno, self._testMethodName),
            "files": files,
            "fails": expect_fail,
            # Whether it fails depends on nothing but the files.
            "plain": not extra_args and not ignore_errors,
        })
        return Word("")

    def eth_name(self):
        return "eth1234"

    def __getattribute__(self, name):
        if name.startswith("assert") and hasattr(unittest.TestCase, name):
            return lambda *_, **__: None
        return super().__getattribute__(name)

    def __getattr__(self, name):
        # `file_exists`, `assert_networkd` and their like.
        return lambda *_, **__: Word("")


def tolerant(path, mode="r", *rest, **more):
    if "r" in mode and not os.path.exists(path):
        return io.StringIO("")
    return builtins.open(path, mode, *rest, **more)


def nothing_runs(*_, **__):
    raise OSError("nothing is run here")


def module(name, **content):
    made = types.ModuleType(name)
    made.__getattr__ = lambda attribute: Word(attribute)
    made.__path__ = []
    made.__dict__.update(content)
    sys.modules[name] = made


for name in ("run", "call", "check_call", "check_output", "Popen"):
    setattr(subprocess, name, nothing_runs)
os.system = nothing_runs
directory = os.path.join(top, "tests", "generator")
for name in ("netplan_cli", "netplan_cli.cli", "netplan_cli.cli.ovs"):
    module(name)
module("tests")
module("tests.generator")
sys.modules["tests.generator"].__path__ = [directory]
module("tests.generator.base", TestBase=Base)

for file in sorted(os.listdir(directory)):
    if not (file.startswith("test_") and file.endswith(".py")):
        continue
    tests = importlib.import_module("tests.generator." + file[:-3])
    tests.open = tolerant
    for kind in vars(tests).values():
        if not (isinstance(kind, type) and issubclass(kind, Base)) or kind is Base:
            continue
        for method in unittest.TestLoader().getTestCaseNames(kind):
            case = kind(method)
            case.setUp()
            try:
                # What netplan skips on its own builders it may give us.
                inspect.unwrap(getattr(kind, method))(case)
            except Exception as why:
                unreached.append("%s %s: %r" % (file, method, why))
            case.workdir.cleanup()

json.dump({"snippets": records, "ended_early": unreached}, sys.stdout)
