"""Checks of the sources. Each is a command whose status says whether all is well."""

import pathlib
import shutil
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
OWN_FOLDERS = ("services", "store", "cli", "tests", "proto")


def sources(*suffixes):
    return sorted(str(file.relative_to(TOP)) for folder in OWN_FOLDERS for file in (TOP / folder).rglob("*") if file.suffix in suffixes)


def shell_scripts():
    named = [TOP / "installer/setup", TOP / "installer/lib.sh", TOP / "tests/run", TOP / ".ci/run"]
    return [str(file) for file in named if file.exists()]


def include_directions():
    return [sys.executable, "-B", TOP / "tests/include_directions.py"]


def clang_format():
    return ["clang-format", "--dry-run", "-Werror", *sources(".h", ".cpp", ".c")]


def shell_syntax():
    return ["bash", "-c", 'for file; do bash -n "$file" || exit 1; done', "bash", *shell_scripts()]


def python_syntax():
    program = "import ast, sys\nfor file in sys.argv[1:]: ast.parse(open(file, encoding='utf-8').read(), file)"
    return [sys.executable, "-B", "-c", program, *sources(".py")]


def packages_exist():
    """Every name in the list of packages is one that apt knows."""
    return ["bash", "-c", "awk '!/^#/ && NF { print $2 }' installer/packages.txt | xargs apt-cache show --no-all-versions > /dev/null"]


def clang_tidy(preset):
    return ["run-clang-tidy", "-quiet", "-p", TOP / "build" / preset, rf"^{TOP}/(services|store|cli)/.*\.cpp$"]


QUICK = {"include_directions": include_directions, "clang_format": clang_format, "shell_syntax": shell_syntax,
         "python_syntax": python_syntax}


def apt_has_lists():
    return shutil.which("apt-cache") and subprocess.run(["apt-cache", "show", "cmake"], capture_output=True, check=False).returncode == 0
