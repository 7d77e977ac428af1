"""What stub modules do: a little Windows in a JSON file, and a log of every call in its order.

It is the module_utils of the stub collections. A host's folder is the parent of its remote_tmp; in it is
`windows.json`, which tests write and read, and next to it `calls.jsonl`, the calls to all hosts.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

Arguments = dict[str, Any]
Result = dict[str, Any]


class Failed(Exception):
    """The module fails with this message."""


def answer(name: str, spec: dict[str, Any], returns: list[str]) -> None:
    """Be the module `name`: refuse what the real one would refuse, log, fail as told, or do it."""
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    home = Path(module._remote_tmp).parent
    given = {key: module.params[key] for key in spec if module.params[key] not in (None, spec[key].get("default"))}
    _log(home, {"module": name, "arguments": given, "check": module.check_mode})
    windows = json.loads((home / "windows.json").read_text(encoding="utf-8"))
    try:
        _fail_as_told(windows, name, given)
        result = SIMULATED[name](windows, module.params)
    except Failed as failure:
        module.fail_json(msg=str(failure))
    finally:
        if not module.check_mode:
            (home / "windows.json").write_text(json.dumps(windows, indent=1), encoding="utf-8")
    undocumented = set(result) - {"changed", *returns}
    if undocumented:
        module.fail_json(msg=f"the stub of {name} returns what the real one does not: {sorted(undocumented)}")
    module.exit_json(**result)


def _log(home: Path, call: dict[str, Any]) -> None:
    with (home.parent / "calls.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps({"host": home.name, **call}) + "\n")


def _fail_as_told(windows: dict[str, Any], name: str, given: Arguments) -> None:
    for fault in windows.get("faults", []):
        if fault["module"] == name and fault["arguments"].items() <= given.items():
            raise Failed(fault["message"])


def _services(windows: dict[str, Any], name: str) -> dict[str, Any] | None:
    return next((one for key, one in windows.get("services", {}).items() if key.lower() == name.lower()), None)


def win_service_info(windows: dict[str, Any], arguments: Arguments) -> Result:
    service = _services(windows, arguments["name"])
    if service is None:
        return {"exists": False, "services": []}
    if service["state"].endswith("_pending"):
        service["polls"] -= 1
        if service["polls"] < 0:
            service["state"] = {"stop_pending": "stopped", "start_pending": "started"}[service["state"]]
    told = {key: service[key] for key in ("state", "start_mode", "dependency_of")}
    return {"exists": True, "services": [{"name": arguments["name"], "display_name": "a service", **told}]}


def win_service(windows: dict[str, Any], arguments: Arguments) -> Result:
    service = _services(windows, arguments["name"])
    if service is None:
        raise Failed(f"Service '{arguments['name']}' is not installed, need to set 'path' to create a new service")
    started = service["state"] == "started"
    if arguments["state"] == "started" and not started:
        if service["start_mode"] == "disabled":
            raise Failed(f"Service '{arguments['name']}' cannot be started: it is disabled")
        service["state"] = "started"
        return {"changed": True, "state": "running"}
    if arguments["state"] == "stopped" and service["state"] != "stopped":
        running = [name for name in service["dependency_of"] if windows["services"][name]["state"] != "stopped"]
        if running and not arguments["force_dependent_services"]:
            raise Failed(f"Cannot stop service '{arguments['name']}' because it has dependent services")
        for name in running:
            windows["services"][name]["state"] = "stopped"
        service["state"] = "stop_pending" if "polls" in service else "stopped"
        return {"changed": True, "state": "stopped"}
    return {"changed": False, "state": service["state"]}


def web_app_pool_info(windows: dict[str, Any], arguments: Arguments) -> Result:
    pool = windows.get("pools", {}).get(arguments["name"])
    if pool is None:
        raise Failed("Failed to fetch the info of the required application pool Exception: Cannot find path")
    if pool["state"] == "Stopping":
        pool["polls"] -= 1
        if pool["polls"] < 0:
            pool["state"] = "Stopped"
    return {"exists": True, "app_pools": [{"name": arguments["name"], "attributes": {"state": pool["state"]}}]}


def web_app_pool(windows: dict[str, Any], arguments: Arguments) -> Result:
    # the real one makes the pool that it does not find, also to stop it
    pool = windows.setdefault("pools", {}).setdefault(arguments["name"], {"state": "Stopped"})
    if arguments["state"] == "started" and pool["state"] == "Stopped":
        pool["state"] = "Started"
        return {"changed": True}
    if arguments["state"] == "stopped" and pool["state"] != "Stopped":
        # it does not wait
        pool["state"] = "Stopping" if "polls" in pool else "Stopped"
        return {"changed": True}
    return {"changed": False}


def _file(windows: dict[str, Any], path: str) -> str | None:
    return next((key for key in windows.get("files", {}) if key.lower() == path.lower()), None)


def _is_folder(windows: dict[str, Any], path: str) -> bool:
    return path.lower() in [folder.lower() for folder in windows.get("folders", [])]


def win_stat(windows: dict[str, Any], arguments: Arguments) -> Result:
    path = arguments["path"]
    found = _file(windows, path)
    if found is None:
        return {"stat": {"exists": _is_folder(windows, path)}}
    content = base64.b64decode(windows["files"][found])
    checksum = {"checksum": hashlib.sha1(content).hexdigest()} if arguments["get_checksum"] else {}
    return {"stat": {"exists": True, "isreg": True, "size": len(content), **checksum}}


def win_file(windows: dict[str, Any], arguments: Arguments) -> Result:
    path, found = arguments["path"], _file(windows, arguments["path"])
    if arguments["state"] == "absent" and found is not None:
        del windows["files"][found]
        return {"changed": True}
    if arguments["state"] == "absent" and _is_folder(windows, path):
        windows["folders"] = [each for each in windows["folders"] if each.lower() != path.lower()]
        within = path.lower() + "\\"
        windows["files"] = {key: text for key, text in windows["files"].items() if not key.lower().startswith(within)}
        return {"changed": True}
    if arguments["state"] == "directory" and not _is_folder(windows, path):
        windows.setdefault("folders", []).append(path)
        return {"changed": True}
    return {"changed": False}


def win_copy(windows: dict[str, Any], arguments: Arguments) -> Result:
    dest, content = arguments["dest"], arguments["content"]
    data = Path(arguments["src"]).read_bytes() if content is None else content.encode("utf-8")
    parent = dest.rpartition("\\")[0]
    if not _is_folder(windows, parent):
        raise Failed(f"Destination directory '{parent}' does not exist")
    found = _file(windows, dest)
    encoded = base64.b64encode(data).decode("ascii")
    if found is not None and windows["files"][found] == encoded:
        return {"changed": False}
    result: Result = {"changed": True, "dest": dest}
    if arguments["backup"] and found is not None:
        result["backup_file"] = f"{dest}.20250101-000000.bak"
        windows["files"][result["backup_file"]] = windows["files"][found]
    windows.setdefault("files", {})[found or dest] = encoded
    return result


def slurp(windows: dict[str, Any], arguments: Arguments) -> Result:
    found = _file(windows, arguments["src"])
    if found is None:
        raise Failed(f"Path {arguments['src']} is not found")
    return {"content": windows["files"][found], "encoding": "base64", "source": arguments["src"]}


def win_find(windows: dict[str, Any], arguments: Arguments) -> Result:
    folders, patterns = arguments["paths"], [pattern.lower() for pattern in arguments["patterns"]]
    deepest = (arguments["depth"] or 99) if arguments["recurse"] else 1
    found = []
    for path in windows.get("files", {}):
        name = path.rpartition("\\")[2].lower()
        depths = [path[len(each) :].count("\\") for each in folders if path.lower().startswith(each.lower() + "\\")]
        if name in patterns and any(depth <= deepest for depth in depths):
            found.append({"path": path})
    return {"examined": len(windows.get("files", {})), "matched": len(found), "files": found}


def win_tempfile(windows: dict[str, Any], arguments: Arguments) -> Result:
    path = f"C:\\Temp\\{arguments['prefix']}{len(windows.get('folders', []))}"
    windows.setdefault("folders", []).append(path)
    return {"changed": True, "path": path}


def win_command(windows: dict[str, Any], arguments: Arguments) -> Result:
    """A program is a key of `programs`, and writes what is there to the file that its last argument names."""
    program, *_, dest = arguments["argv"]
    if program not in windows.get("programs", {}):
        raise Failed(f"The system cannot find the file specified: {program}")
    win_copy(windows, {"dest": dest, "content": windows["programs"][program], "backup": False, "src": None})
    return {"changed": True, "rc": 0, "stdout": "", "stderr": "", "cmd": program}


SIMULATED = {
    "ansible.windows.slurp": slurp,
    "ansible.windows.win_command": win_command,
    "ansible.windows.win_copy": win_copy,
    "ansible.windows.win_file": win_file,
    "ansible.windows.win_find": win_find,
    "ansible.windows.win_service": win_service,
    "ansible.windows.win_service_info": win_service_info,
    "ansible.windows.win_stat": win_stat,
    "ansible.windows.win_tempfile": win_tempfile,
    "microsoft.iis.web_app_pool": web_app_pool,
    "microsoft.iis.web_app_pool_info": web_app_pool_info,
}
