#!/usr/bin/python
"""A stand-in for ansible.windows.win_copy: takes what the real one documents, and what its action sends it besides.

It writes as the real one does, not in one step; where a file named `broken` lies beside `dest`, only half of it, and
where that has a word in it, without saying so.
"""

from __future__ import annotations

import json
import shutil
from hashlib import sha1
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

OPTIONS = json.loads("""DOCUMENTED""")
FROM_THE_ACTION = {
    "_copy_mode": {"default": "single", "choices": ["explode", "query", "remote", "single"]},
    "_original_basename": {},
    "files": {"type": "list", "elements": "dict"},
    "directories": {"type": "list"},
    "symlinks": {"type": "list"},
}


def main() -> None:
    """Query, single and remote, for one file."""
    module = AnsibleModule(argument_spec={**OPTIONS, **FROM_THE_ACTION}, supports_check_mode=True)
    params = module.params
    dest = Path(params["dest"])
    if params["_copy_mode"] == "query":
        there = {each["dest"]: dest / each["dest"] for each in params["files"]}
        same = {name for name, path in there.items() if path.exists() and _sha1(path) in _sums(params["files"])}
        files = [each for each in params["files"] if each["dest"] not in same]
        module.exit_json(changed=False, files=files, directories=[], symlinks=[])
    if (broken := dest.parent / "broken").exists() and params["_copy_mode"] == "single":
        dest.write_bytes(Path(params["src"]).read_bytes()[:50])
        if broken.read_text():
            module.exit_json(changed=True)
        module.fail_json("There is not enough space on the disk.")
    shutil.copyfile(params["src"], dest)
    module.exit_json(changed=True)


def _sums(files: list[dict[str, str]]) -> set[str]:
    return {each["checksum"] for each in files}


def _sha1(path: Path) -> str:
    return sha1(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
