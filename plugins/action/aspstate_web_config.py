"""Action aspstate_web_config: a web.config is read on the web host, edited here and written back.

Nothing of it runs on the web host but Ansible's own modules, so that a Windows host needs no Python. What it does is
documented with the module of that name.
"""

from __future__ import annotations

import base64
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import ansible.module_utils
from ansible import constants
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

# ansible.cfg's module_utils is for modules only
if (_CORE := str(Path(__file__).parents[2] / "module_utils")) not in ansible.module_utils.__path__:
    ansible.module_utils.__path__.append(_CORE)

from ansible.module_utils.aspstate.errors import AspstateError, Refused, explain
from ansible.module_utils.aspstate.finding import Finding
from ansible.module_utils.aspstate.session_state_lint import lint
from ansible.module_utils.aspstate.web_config_edit import Wishes, plan_edit, session_state_facts
from ansible.module_utils.aspstate.web_config_wishes import ARGUMENTS, wishes


class ActionModule(ActionBase):
    """Ansible's entry point."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        self._task_vars = task_vars or {}
        try:
            self._params = self._validated()
            return self._restored(**self._params["restore"]) if self._params["restore"] else self._edited()
        except Refused as error:
            return {"failed": True, "msg": f"{explain(error)}; nothing was changed", "error_kind": "refused"}
        except AspstateError as error:
            return {"failed": True, "msg": explain(error), "error_kind": "not_written"}

    def _validated(self) -> dict[str, Any]:
        checked = ArgumentSpecValidator(ARGUMENTS).validate(dict(self._task.args))
        if checked.error_messages:
            raise Refused(f"aspstate_web_config: {'; '.join(checked.error_messages)}")
        return checked.validated_parameters

    def _edited(self) -> dict[str, Any]:
        path = self._params["path"]
        with _about(path):
            wanted = wishes(self._params)
        raw = self._read(path)
        with _about(path):
            plan = plan_edit(raw, wanted)
        findings = [each.finding(self._task_vars["inventory_hostname"], path) for each in lint(plan.config)]
        result = {
            **_result(path, plan.raw != raw, plan.before, plan.after),
            "checksum": _checksum(plan.raw),
            "session_state": session_state_facts(plan.config),
            "findings": [each.facts() for each in findings],
            "warnings": [_warning(each) for each in findings],
        }
        if result["changed"] and not self._task.check_mode:
            if self._read(path) != raw:
                raise Refused(f"{path} was changed by somebody else since it was read; run it again")
            result |= self._written(path, plan.raw)
        return result

    def _restored(self, backup_file: str, checksum: str) -> dict[str, Any]:
        path = self._params["path"]
        raw, saved = self._read(path), self._read(backup_file)
        if raw != saved and _checksum(raw) != checksum:
            raise Refused(
                f"{path} was changed by somebody else since it was written, so {backup_file} was not put back; compare "
                "them by hand"
            )
        with _about(path):
            before, after = (plan_edit(each, Wishes()).before for each in (raw, saved))
        if raw != saved and not self._task.check_mode:
            self._write(path, saved, backup_file)
        return {**_result(path, raw != saved, before, after), "checksum": _checksum(saved)}

    def _written(self, path: str, raw: bytes) -> dict[str, str]:
        """Write the file; the result has the name of its backup."""
        if not self._params["backup"]:
            self._write(path, raw, "")
            return {}
        backup_file = _backup_name(path)
        copied = self._copy(src=path, dest=backup_file, remote_src=True, **self._on_linux(mode="preserve"))
        if copied.get("failed"):
            raise Refused(f"{path} cannot be backed up: {copied.get('msg')}")
        self._write(path, raw, backup_file)
        return {"backup_file": backup_file}

    def _write(self, path: str, raw: bytes, backup_file: str) -> None:
        """Write the bytes and look whether they are there: on Windows nothing makes that one step."""
        descriptor, source = tempfile.mkstemp(dir=constants.DEFAULT_LOCAL_TMP)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(raw)
            written = self._copy(src=source, dest=path, decrypt=False, **self._on_linux(follow=True))
        finally:
            Path(source).unlink()
        if why := self._why_not_written(path, raw, written):
            saved = f"as it was it is in {backup_file}: copy that back" if backup_file else "this run made no backup"
            raise AspstateError(f"{path} was not written as it should be: {why}; look at it; {saved}")

    def _why_not_written(self, path: str, raw: bytes, answer: Mapping[str, Any]) -> str:
        if answer.get("failed"):
            return str(answer.get("msg"))
        try:
            return "" if self._read(path) == raw else "what is there afterwards is not what was sent"
        except Refused as error:
            return explain(error)

    @property
    def _windows(self) -> bool:
        given = self._params["windows"]
        return getattr(self._connection._shell, "_IS_WINDOWS", False) if given is None else given

    def _on_linux(self, **arguments: object) -> dict[str, object]:
        """Arguments that win_copy does not have."""
        return {} if self._windows else arguments

    def _read(self, path: str) -> bytes:
        with self._without_output():
            answer = self._execute_module("ansible.builtin.slurp", {"src": path}, task_vars=self._task_vars)
        if answer.get("failed"):
            why = str(answer.get("msg"))
            hint = "; give the path of the application's web.config" if "not found" in why.lower() else ""
            raise Refused(f"{path} cannot be read: {why}{hint}")
        return base64.b64decode(answer["content"])

    def _copy(self, **arguments: object) -> Mapping[str, Any]:
        """Ansible's own copy, as a task would have it; without the diff, which would have the secrets in it."""
        name = "ansible.windows.win_copy" if self._windows else "ansible.builtin.copy"
        task = self._task.copy()
        task.action, task.args, task.diff = name, arguments, False
        plugin = self._shared_loader_obj.action_loader.get(
            name,
            task=task,
            connection=self._connection,
            play_context=self._play_context,
            loader=self._loader,
            templar=self._templar,
            shared_loader_obj=self._shared_loader_obj,
        )
        return plugin.run(task_vars=self._task_vars)

    @contextmanager
    def _without_output(self) -> Iterator[None]:
        """From -vvv on, connections print what a module printed: here the whole file."""
        contexts = (self._play_context, self._connection._play_context)
        before = [context.no_log for context in contexts]
        for context in contexts:
            context.no_log = True
        try:
            yield
        finally:
            for context, no_log in zip(contexts, before, strict=True):
                context.no_log = no_log


@contextmanager
def _about(path: str) -> Iterator[None]:
    """Let a refusal say which file it is about."""
    try:
        yield
    except Refused as error:
        raise Refused(f"{path}: {explain(error)}") from None


def _result(path: str, changed: bool, before: str, after: str) -> dict[str, Any]:
    header = f"<sessionState> in {path}"
    return {
        "changed": changed,
        "diff": {"before": before, "after": after, "before_header": header, "after_header": header},
    }


def _warning(finding: Finding) -> str:
    facts = finding.facts()
    return f"{facts['id']} ({facts['severity']}) {facts['subject']}: {facts['message']}"


def _checksum(raw: bytes) -> str:
    return sha256(raw).hexdigest()


def _backup_name(path: str) -> str:
    """Beside the file, with the ending that IIS, ASP.NET and Mono do not hand out."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
    return re.sub(r"(\.config)?\Z", f".{stamp}.config", path, count=1, flags=re.IGNORECASE)
