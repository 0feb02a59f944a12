#!/usr/bin/env python3
"""Fails on an #include that runs against the directions between folders (README, "Who may include whom")."""

import pathlib
import re
import sys

# Folder -> folders it may include, besides itself. The longest matching folder of a file counts.
ALLOWED = {
    "services/common": [],
    "services/common/crypto": ["services/common"],
    "proto": [],
    "services/common/rpc": ["services/common", "services/common/crypto", "proto"],
    "services/common/daemon": ["services/common"],
    "store": ["services/common", "services/common/crypto"],
    "services/ike/wire": ["services/common"],
    "services/ike/certificates": ["services/ike/wire", "services/common", "services/common/crypto"],
    "services/ike/core": ["services/ike/certificates", "services/ike/wire", "services/common", "services/common/crypto"],
    "services/ike/shell": ["services/ike/core", "services/ike/certificates", "services/ike/wire", "services/common", "services/common/crypto",
                           "services/common/daemon", "services/common/rpc", "proto"],
    "services/driver/crypto": ["services/common", "services/common/crypto"],
    "services/driver/core": ["services/driver/crypto", "services/common", "services/common/crypto"],
    "services/driver/bpf": [],
    "services/driver/shell": ["services/driver/core", "services/driver/crypto", "services/driver/bpf", "services/common",
                              "services/common/crypto", "services/common/daemon", "services/common/rpc", "proto"],
    "services/policyagent/core": ["store", "services/common"],
    "services/policyagent/shell": ["services/policyagent/core", "store", "services/common", "services/common/crypto",
                                   "services/common/daemon", "services/common/rpc", "proto"],
    "cli": ["services/common", "services/common/rpc", "proto"],
}
# The pure core of a policy compiler knows values, not databases.
FORBIDDEN = [
    ("services/policyagent/core", re.compile(r'"store/(?!model\.h)')),
    ("store", re.compile(r'<sqlite3\.h>'), re.compile(r"store/.*\.h$")),
]
CORE_FOLDERS = ("services/ike/wire", "services/ike/certificates", "services/ike/core", "services/driver/core", "services/driver/crypto", "services/policyagent/core")
CORE_SYSTEM = re.compile(r"<(thread|mutex|condition_variable|fstream|sys/socket\.h|unistd\.h|grpc.*|sqlite3\.h|spdlog/.*)>")
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<][^">]+[">])')


def folder_of(path):
    best = ""
    for folder in ALLOWED:
        if path.startswith(folder + "/") and len(folder) > len(best):
            best = folder
    return best


def complaints(root):
    for file in sorted(root.rglob("*")):
        path = file.relative_to(root).as_posix()
        if file.suffix not in (".h", ".cpp", ".c") or path.startswith(("build/", "cmake/", "tests/")):
            continue
        here = folder_of(path)
        if not here:
            yield f"{path}: no folder of the layout"
            continue
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            target = match.group(1)
            if target.startswith("<"):
                if here in CORE_FOLDERS and CORE_SYSTEM.match(target):
                    yield f"{path}:{number}: a pure core includes {target}"
            else:
                there = folder_of(target.strip('"'))
                if not there:
                    yield f"{path}:{number}: {target} is not named from the top of the tree"
                elif there != here and there not in ALLOWED[here]:
                    yield f"{path}:{number}: {here} may not include {there} ({target})"
            for rule in FORBIDDEN:
                of_files = rule[2] if len(rule) > 2 else None
                if here == rule[0] and rule[1].match(target) and (of_files is None or of_files.match(path)):
                    yield f"{path}:{number}: {here} may not include {target}"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[1])
    found = list(complaints(root))
    print("\n".join(found) if found else "include directions: as listed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
