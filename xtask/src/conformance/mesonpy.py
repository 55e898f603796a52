"""Stands in for the build system of a Python source package.

`pip download` asks it for the package's description before it leaves the file. This one
says what the package says of itself, and builds nothing.
"""

import email
import os
import shutil


def prepare_metadata_for_build_wheel(where, settings=None):
    with open("PKG-INFO", encoding="utf-8") as file:
        said = email.message_from_file(file)
    name = "{}-{}.dist-info".format(said["Name"], said["Version"])
    os.mkdir(os.path.join(where, name))
    shutil.copy("PKG-INFO", os.path.join(where, name, "METADATA"))
    return name
