"""The one-machine cloud: AWS as the emulator MiniStack, with the project's template deployed to it.

    with Cloud() as cloud:
        outputs = cloud.deploy("demo", {"ResolveInDoubtRate": "rate(1 minute)"}, progress=print)
        cloud.client("sqs").send_message(QueueUrl=outputs["RecordsToMapUrl"], MessageBody="{}")

SAM builds and packages template.yaml as it does for AWS; functions run as processes of this machine.
Everything listens on 127.0.0.1 and ends with the `with` block, or with this process if that is killed.
What the emulator's CloudFormation leaves out is put in afterwards, from the same template; see `_patch`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.exceptions import ClientError, WaiterError

ROOT = Path(__file__).resolve().parents[1]
REGION = "us-east-1"
# the emulator's login has one page and no second factor, and the simulators need no sparing
LOCAL = {"LoginPages": "classic", "SecondFactor": "none", "FreshBooksPerMinute": "0", "SpsPerMinute": "0"}
PACKAGES = "packages"  # the bucket that SAM uploads to

# What child processes may see of the person's environment. Never AWS_*: neither credentials nor a profile.
PASSED_ON = re.compile(r"PATH|HOME|LANG|LC_.*|TZ|.*_proxy|.*_PROXY|.*CA_BUNDLE|SSL_CERT_.*")
INSTALLING = re.compile(r"UV_.*|PIP_.*|XDG_.*")  # what `sam build` may see besides: where packages come from

# The emulator, in a process group of its own. Its standard input ends when we do, however we end; then it
# ends with its functions, and somebody outside of the group removes what they unpacked. A token that it
# renews keeps its groups, as at Cognito, only where the emulator does not know the old one from its own page.
RUN_EMULATOR = """
import os, subprocess, sys, threading
def end_with_parent():
    sys.stdin.buffer.read()
    end = 'kill -9 -"$0"; rm -rf "$1"'
    subprocess.Popen(["/bin/sh", "-c", end, str(os.getpgrp()), os.environ["TMPDIR"]], start_new_session=True)
threading.Thread(target=end_with_parent, daemon=True).start()
from ministack.services import cognito
class Unlisted(dict):
    __setitem__ = lambda self, token, about: None
cognito._refresh_tokens = Unlisted()
from ministack.app import main
main()
"""


class CloudError(Exception):
    """The one-machine cloud could not do something; the message says what, and what to look at."""


class Cloud:
    """One emulator and, after `deploy`, one stack in it."""

    def __init__(self, port: int = 0, root: Path = ROOT, build_folder: Path | None = None) -> None:
        """Nothing starts yet. Port 0 is any free one; the build folder is cached between runs."""
        self.root = root
        self.build_folder = build_folder or root / ".aws-sam" / f"local-{sys.implementation.cache_tag}"
        self.port = port
        self.outputs: dict[str, str] = {}
        self.timings: dict[str, float] = {}  # seconds of each step, in order
        self._process: subprocess.Popen[bytes] | None = None
        self._api_id = ""
        self._console_id = ""
        # Dummies, and no look at the person's profiles: the account is 000000000000.
        core = botocore.session.Session(
            session_vars={
                "profile": (None, None, None, None),
                "config_file": (None, None, os.devnull, None),
                "credentials_file": (None, None, os.devnull, None),
            }
        )
        self._session = boto3.Session("test", "test", region_name=REGION, botocore_session=core)

    def __enter__(self) -> Cloud:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        self.stop()
        if error is None:
            self.log.unlink(missing_ok=True)

    # -- addresses ---------------------------------------------------------------------------

    @property
    def endpoint(self) -> str:
        """Where every AWS service answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_url(self) -> str:
        """The HTTP API for any client, without a trailing slash: add a route such as /webhooks.

        As on AWS, all but the webhook and the OAuth callback want a signed request (service execute-api).
        The console has an API of its own: `console_url`.
        """
        return f"{self.endpoint}/_aws/execute-api/{self._api_id}/$default"

    @property
    def api_host(self) -> str:
        """The API's own host name, for a request to `endpoint` with this as its Host header."""
        return f"{self._api_id}.execute-api.localhost:{self.port}"

    @property
    def console_url(self) -> str:
        """The console for a browser: a host of its own, since its page is one origin, as on AWS."""
        return f"http://{self._console_id}.execute-api.localhost:{self.port}/"

    @property
    def log(self) -> Path:
        """What the emulator and SAM said; it stays behind where the `with` block ended in an error."""
        return self.build_folder / f"cloud-{self.port}.log"

    def client(self, service: str, **options: Any) -> Any:
        """A boto3 client of this cloud."""
        return self._session.client(service, endpoint_url=self.endpoint, **options)

    def environment(self) -> dict[str, str]:
        """The environment for a process that shall take this cloud for AWS."""
        return {
            **{name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)},
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1,localhost,.localhost",
            "no_proxy": "127.0.0.1,localhost,.localhost",
        }

    # -- life --------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the emulator and wait until it answers."""
        began = time.monotonic()
        for folder in (".venv", ".venv-sam", ".venv-cloud"):
            if not (self.root / folder / ".installed").exists():
                raise CloudError(f"{self.root / folder} is missing or half made; run `make setup` first")
        self.port = self.port or _free_port()
        self.build_folder.mkdir(parents=True, exist_ok=True)
        self._scratch = tempfile.mkdtemp(prefix="connector-cloud-", dir=_in_memory())
        environment = self.environment() | {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "IOT_MTLS_ENABLED": "0",  # it would listen on every interface
            "LAMBDA_EXECUTOR": "local",
            "MINISTACK_REGION": REGION,
            "S3_DATA_DIR": self._scratch,
            "STATE_DIR": self._scratch,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": self._scratch,  # functions are unpacked there
        }
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [self.root / ".venv-cloud/bin/python", "-c", RUN_EMULATOR],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        while not self._is_healthy():
            if self._process.poll() is not None or time.monotonic() - began > 60:
                raise CloudError(f"the AWS emulator did not start on port {self.port}:\n{self._log_tail()}")
            time.sleep(0.05)
        self.timings["start"] = time.monotonic() - began

    def stop(self) -> None:
        """End the emulator and every function it runs. Stopping twice is no error."""
        if process := self._process:
            self._process = None
            with contextlib.suppress(ProcessLookupError):  # it ended by itself
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        shutil.rmtree(getattr(self, "_scratch", ""), ignore_errors=True)

    def _is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=5) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    def _log_tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])

    # -- deployment --------------------------------------------------------------------------

    def deploy(
        self,
        stack_name: str,
        parameters: Mapping[str, str] | None = None,
        progress: Callable[[str], object] = lambda step: None,
        *,
        packaged: bool = False,
    ) -> dict[str, str]:
        """Build, package and create or update the stack; its outputs, with an ApiUrl that answers here.

        `progress` is called with a few words as each step begins. CloudError says why a step failed.
        `packaged` takes what was last packaged for this cloud instead of building again.
        """
        steps: list[tuple[str, str, Callable[[], object]]] = [
            ("build", "building functions and layers", self._build),
            ("package", "uploading the packages", self._package),
            (
                "stack",
                "creating the stack",
                lambda: self._put_stack(stack_name, {**LOCAL, **(parameters or {})}),
            ),
            ("patch", "adding what the emulator leaves out", lambda: self._patch(stack_name)),
        ]
        for name, words, step in steps[2:] if packaged else steps:
            progress(words)
            began = time.monotonic()
            with self._alone():
                step()
            self.timings[name] = time.monotonic() - began
        return self.outputs

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Several clouds share the build folder; one at a time works in it."""
        with (self.build_folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _build(self) -> None:
        # SAM's cache compares sources; byte-code left by tests would look like a change.
        for folder in ("functions", "layers"):
            for cache in (self.root / folder).rglob("__pycache__"):
                shutil.rmtree(cache, ignore_errors=True)
        self._sam(
            *("build", "--cached", "--parallel", "--template-file", self.root / "template.yaml"),
            *("--build-dir", self.build_folder / "build", "--cache-dir", self.build_folder / "cache"),
            LAYER_TARGET="local",
            LAYER_PYTHON=str(self.root / ".venv-cloud/bin/python"),
            LAYER_UV=str(self.root / ".venv/bin/uv"),
        )

    def _package(self) -> None:
        self.client("s3").create_bucket(Bucket=PACKAGES)
        built, packaged = self.build_folder / "build/template.yaml", self.build_folder / "packaged.yaml"
        self._sam(
            *("package", "--s3-bucket", PACKAGES, "--region", REGION),
            *("--template-file", built, "--output-template-file", packaged),
        )
        self.client("s3").upload_file(str(packaged), PACKAGES, "template.yaml")

    def _sam(self, *arguments: str | Path, **environment: str) -> None:
        done = subprocess.run(
            [self.root / ".venv-sam/bin/sam", *arguments],
            cwd=self.root,
            env={
                **self.environment(),
                **{name: value for name, value in os.environ.items() if INSTALLING.fullmatch(name)},
                "SAM_CLI_TELEMETRY": "0",
                "UV_PYTHON_DOWNLOADS": "never",
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with self.log.open("a") as log:
            log.write(done.stdout)
        if done.returncode:
            why = done.stdout.rpartition("Build Failed")[2][-3000:].strip()
            raise CloudError(f"`sam {arguments[0]}` failed:\n{why}")

    def _put_stack(self, name: str, parameters: Mapping[str, str]) -> None:
        cloudformation = self.client("cloudformation")
        # the emulator knows neither dashboards nor saved queries
        parameters = {"Dashboard": "false", **parameters}
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        request = {
            "StackName": name,
            "TemplateURL": f"{self.endpoint}/{PACKAGES}/template.yaml",  # it is above the limit of a body
            "Parameters": given,
            "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        }
        try:
            cloudformation.describe_stacks(StackName=name)
            action = "update"
        except ClientError:
            action = "create"
        try:
            getattr(cloudformation, f"{action}_stack")(**request)
            waiter = cloudformation.get_waiter(f"stack_{action}_complete")
            waiter.wait(StackName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 1200})
        except (ClientError, WaiterError) as error:
            if "No updates are to be performed" in str(error):
                return
            events = []
            if isinstance(error, WaiterError):
                events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
            reasons = [
                f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}"
                for event in events
                if event["ResourceStatus"].endswith("FAILED")
            ]
            # A refused template comes back whole in the message: its end says why.
            why = "\n".join(reasons or [str(error)[-600:]])
            raise CloudError(f"the stack {name} failed:\n{why}") from error

    def _patch(self, name: str) -> None:
        """Put in what the emulator's CloudFormation leaves out: routes, TTL, numbers given as parameters."""
        cloudformation = self.client("cloudformation")
        template = cloudformation.get_template(StackName=name, TemplateStage="Processed")["TemplateBody"]
        physical = {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
            for resource in page["StackResourceSummaries"]
        }
        for logical_id, resource in template["Resources"].items():
            properties = resource.get("Properties", {})
            match resource["Type"]:
                case "AWS::ApiGatewayV2::Api" if "Body" not in properties:
                    self._console_id = physical[logical_id]
                case "AWS::ApiGatewayV2::Api":
                    self._api_id = physical[logical_id]
                    self._add_routes(properties["Body"]["paths"], physical)
                case "AWS::Lambda::EventSourceMapping":
                    self._set_concurrency(physical[logical_id])
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        self.outputs |= {"ApiUrl": self.api_url, "ConsoleUrl": self.console_url}
        self._set_console(physical)

    def _set_console(self, physical: Mapping[str, str]) -> None:
        """Tell the login and the console of each other: here both have other addresses than on AWS.

        The page's files are read where they are edited.
        """
        cognito = self.client("cognito-idp")
        people, client = self.outputs["PeoplePool"], physical["ConsoleClient"]
        kept = cognito.describe_user_pool_client(UserPoolId=people, ClientId=client)["UserPoolClient"]
        changed = {"CallbackURLs": [self.console_url], "LogoutURLs": [self.console_url]}
        unsettable = ("ClientSecret", "LastModifiedDate", "CreationDate")
        cognito.update_user_pool_client(
            **{name: value for name, value in kept.items() if value != "" and name not in unsettable}
            | changed
        )
        here = {"LOGIN_URL": self.endpoint, "CONSOLE_FILES": str(self.root / "console/page")}
        here["API_URL"] = self.api_url
        self.set_environment(physical["ServeConsole"], here)
        for function in ("AuthorizeFreshbooks", "SendDigest"):
            self.set_environment(physical[function], {"CONSOLE_URL": self.console_url})

    def set_environment(self, function: str, changed: Mapping[str, str]) -> None:
        """Change variables of a function; it starts anew, as on AWS."""
        client = self.client("lambda")
        variables = client.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
        client.update_function_configuration(
            FunctionName=function, Environment={"Variables": {**variables, **changed}}
        )

    def add_person(self, name: str, password: str, group: str) -> None:
        """Somebody who may sign in to the console."""
        cognito, people = self.client("cognito-idp"), self.outputs["PeoplePool"]
        cognito.admin_create_user(UserPoolId=people, Username=name, MessageAction="SUPPRESS")
        cognito.admin_set_user_password(UserPoolId=people, Username=name, Password=password, Permanent=True)
        cognito.admin_add_user_to_group(UserPoolId=people, Username=name, GroupName=group)

    def _add_routes(self, paths: Mapping[str, Any], physical: Mapping[str, str]) -> None:
        api, function = self.client("apigatewayv2"), self.client("lambda")
        for route in api.get_routes(ApiId=self._api_id)["Items"]:  # those of the deployment before
            api.delete_route(ApiId=self._api_id, RouteId=route["RouteId"])
        integrations: dict[str, str] = {}
        for path, methods in paths.items():
            for method, operation in methods.items():
                uri = json.dumps(operation["x-amazon-apigateway-integration"]["uri"])
                logical_id = re.findall(r"\$\{(\w+)(?:\.Arn)?\}", uri)[0]
                if logical_id not in integrations:
                    configuration = function.get_function_configuration(FunctionName=physical[logical_id])
                    integrations[logical_id] = api.create_integration(
                        ApiId=self._api_id,
                        IntegrationType="AWS_PROXY",
                        IntegrationUri=configuration["FunctionArn"],
                        PayloadFormatVersion="2.0",
                    )["IntegrationId"]
                is_signed = any("AWS_IAM" in requirement for requirement in operation.get("security", []))
                api.create_route(
                    ApiId=self._api_id,
                    RouteKey=f"{method.upper()} {path}",
                    Target=f"integrations/{integrations[logical_id]}",
                    AuthorizationType="AWS_IAM" if is_signed else "NONE",
                )

    def _set_concurrency(self, mapping: str) -> None:
        # The emulator keeps a number that comes from a parameter as a string, and then polls nothing at all.
        function = self.client("lambda")
        limit = function.get_event_source_mapping(UUID=mapping)["ScalingConfig"]["MaximumConcurrency"]
        function.update_event_source_mapping(UUID=mapping, ScalingConfig={"MaximumConcurrency": int(limit)})

    # -- watching ----------------------------------------------------------------------------

    def logs(self, function_name: str = "", since: float = 0) -> list[str]:
        """Lines that functions wrote, oldest first: of one function or of all, since an epoch second."""
        client = self.client("logs")
        groups = [
            configuration["LoggingConfig"]["LogGroup"]
            for page in self.client("lambda").get_paginator("list_functions").paginate()
            for configuration in page["Functions"]
            if function_name in ("", configuration["FunctionName"])
        ]
        events = [
            event
            for group in groups
            for page in client.get_paginator("filter_log_events").paginate(
                logGroupName=group, startTime=int(since * 1000)
            )
            for event in page["events"]
        ]
        return [event["message"] for event in sorted(events, key=lambda event: event["timestamp"])]


def _in_memory() -> str | None:
    """A folder in memory, where there is plenty: functions are unpacked to forty thousand files, which a disk is slow
    to take and slower to remove."""
    folder = "/dev/shm"  # noqa: S108 - mkdtemp makes its own in it
    if not os.access(folder, os.W_OK):
        return None
    about = os.statvfs(folder)
    is_plenty = about.f_bavail * about.f_frsize > 4 * 2**30
    return folder if is_plenty and not about.f_flag & os.ST_NOEXEC else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
