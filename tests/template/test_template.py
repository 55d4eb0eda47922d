"""The template: what reliability.md asks of its queues, and what a reader may rely on everywhere."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint_file

from connector import __version__, errors, telemetry
from connector.adapters.breaker import IN_A_ROW_SECONDS, LONGEST_PAUSE_SECONDS
from connector.ledger import LEASE_SECONDS
from connector.usecases.polling import FRESHBOOKS_LEASE_SECONDS, SPS_LEASE_SECONDS
from connector.usecases.world import POLL_MINUTES
from local.gradual import read

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = read(ROOT / "template.yaml")
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]
GLOBALS: dict[str, Any] = TEMPLATE["Globals"]["Function"]


def properties_of(resource_type: str) -> dict[str, dict[str, Any]]:
    return {
        name: resource.get("Properties", {})
        for name, resource in RESOURCES.items()
        if resource["Type"] == resource_type
    }


def named_by(reference: Any) -> str:
    """The logical id that a Ref or a GetAtt names."""
    if "Ref" in reference:
        return str(reference["Ref"])
    attribute = reference["Fn::GetAtt"]
    return str(attribute[0] if isinstance(attribute, list) else attribute.partition(".")[0])


def statements(policy: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {**statement, "Action": each_of(statement["Action"]), "Resource": each_of(statement["Resource"])}
        for statement in policy["Statement"]
    ]


def each_of(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


FUNCTIONS = properties_of("AWS::Serverless::Function")
QUEUES = properties_of("AWS::SQS::Queue")
MAPPINGS = properties_of("AWS::Lambda::EventSourceMapping")
ALARMS = properties_of("AWS::CloudWatch::Alarm")
ROLES = {
    name: properties_of("AWS::IAM::Role")[f"{name}Role"]["Policies"][0]["PolicyDocument"]
    for name in FUNCTIONS
}
SOURCES = {name: queue for name, queue in QUEUES.items() if "RedrivePolicy" in queue}
FAILED = {name: queue for name, queue in QUEUES.items() if "RedrivePolicy" not in queue}
DASHBOARD = json.loads(
    re.sub(r"\$\{[^}]+\}", "x", RESOURCES["Overview"]["Properties"]["DashboardBody"]["Fn::Sub"])
)
EVENTS = [event for function in FUNCTIONS.values() for event in function.get("Events", {}).values()]
FOLDERS = {name: properties["CodeUri"].removeprefix("functions/") for name, properties in FUNCTIONS.items()}


def test_cfn_lint_finds_nothing() -> None:
    assert [str(match) for match in lint_file(ROOT / "template.yaml")] == []


# --- functions --------------------------------------------------------------------------------


def test_every_function_has_a_folder_and_every_folder_a_function() -> None:
    there = {handler.parent.name for handler in (ROOT / "functions").glob("*/handler.py")}
    assert set(FOLDERS.values()) == there


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_and_its_folder_have_the_same_words(name: str) -> None:
    assert re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() == FOLDERS[name]
    assert FUNCTIONS[name]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] == FOLDERS[name]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_an_event_to_try_it_with(name: str) -> None:
    events = sorted((ROOT / "events").glob(f"{FOLDERS[name]}*.json"))
    assert events, f"events/{FOLDERS[name]}*.json is missing"
    for event in events:
        assert isinstance(json.loads(event.read_text()), dict)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_keeps_its_logs_for_the_days_of_the_parameter(name: str) -> None:
    group = RESOURCES[named_by(FUNCTIONS[name]["LoggingConfig"]["LogGroup"])]
    assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_behind_the_api_ends_before_the_api_stops_waiting(name: str) -> None:
    if any(event["Type"] == "HttpApi" for event in FUNCTIONS[name].get("Events", {}).values()):
        assert FUNCTIONS[name].get("Timeout", GLOBALS["Timeout"]) < 30


# --- queues -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MAPPINGS)
def test_a_message_stays_hidden_for_six_times_the_consumers_timeout(name: str) -> None:
    mapping = MAPPINGS[name]
    timeout = FUNCTIONS[named_by(mapping["FunctionName"])].get("Timeout", GLOBALS["Timeout"])
    hidden = QUEUES[named_by(mapping["EventSourceArn"])]["VisibilityTimeout"]
    assert hidden >= 6 * timeout + mapping["MaximumBatchingWindowInSeconds"]


@pytest.mark.parametrize("name", SOURCES)
def test_a_message_comes_again_before_the_failures_of_an_outage_are_forgotten(name: str) -> None:
    assert SOURCES[name]["VisibilityTimeout"] < IN_A_ROW_SECONDS


@pytest.mark.parametrize("name", SOURCES)
def test_a_message_outlasts_half_a_day_and_is_set_aside_before_its_queue_forgets_it(name: str) -> None:
    tries = SOURCES[name]["RedrivePolicy"]["maxReceiveCount"]
    bounds = [2 * 2**n if n < 9 else 900 for n in range(1, tries)]  # of the waits, whose mean is half of it
    assert sum(bounds) / 2 >= 11 * 3600
    longest = tries * (errors.Stranded.retry_after + 900 / 2)
    assert longest < SOURCES[name]["MessageRetentionPeriod"]


@pytest.mark.parametrize("name", SOURCES)
def test_a_failed_message_is_kept_14_days_and_longer_than_at_its_source(name: str) -> None:
    failed = named_by(SOURCES[name]["RedrivePolicy"]["deadLetterTargetArn"])
    assert failed == f"{name}Failed"
    assert QUEUES[failed]["MessageRetentionPeriod"] == 14 * 86400 > SOURCES[name]["MessageRetentionPeriod"]


def test_every_queue_has_a_failed_queue_or_is_one() -> None:
    targets = {named_by(queue["RedrivePolicy"]["deadLetterTargetArn"]) for queue in SOURCES.values()}
    assert set(FAILED) == targets | {"SchedulesFailed"}


@pytest.mark.parametrize("name", QUEUES)
def test_every_queue_is_encrypted(name: str) -> None:
    assert QUEUES[name]["SqsManagedSseEnabled"] is True


def test_every_source_queue_is_consumed_once() -> None:
    assert sorted(named_by(mapping["EventSourceArn"]) for mapping in MAPPINGS.values()) == sorted(SOURCES)


@pytest.mark.parametrize("name", MAPPINGS)
def test_one_bad_record_does_not_repeat_its_batch_and_the_vendors_load_is_bounded(name: str) -> None:
    assert MAPPINGS[name]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    limit = MAPPINGS[name]["ScalingConfig"]["MaximumConcurrency"]["Ref"]
    assert TEMPLATE["Parameters"][limit]["MinValue"] >= 2, "AWS takes no less"


def test_no_event_brings_a_policy_for_every_queue_of_the_account() -> None:
    assert {event["Type"] for event in EVENTS} == {"HttpApi", "ScheduleV2"}


# --- schedules --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "schedule",
    [event["Properties"] for event in EVENTS if event["Type"] == "ScheduleV2"],
    ids=lambda schedule: schedule["ScheduleExpression"]["Ref"],
)
def test_a_schedule_starts_a_run_once_and_says_where_it_could_not(schedule: dict[str, Any]) -> None:
    assert schedule["RetryPolicy"]["MaximumRetryAttempts"] == 0
    assert named_by(schedule["DeadLetterConfig"]["Arn"]) == "SchedulesFailed"
    assert schedule["GroupName"] == {"Ref": "Schedules"}
    assert schedule["OmitName"] is True


def test_whatever_a_schedule_starts_is_not_started_again_by_lambda() -> None:
    role = RESOURCES["SchedulerRole"]["Properties"]["Policies"][0]["PolicyDocument"]
    invoke = next(one for one in statements(role) if one["Action"] == ["lambda:InvokeFunction"])
    started = {named_by(arn) for arn in invoke["Resource"]}
    assert started == {
        "PollSps",
        "PollFreshbooks",
        "RefreshToken",
        "ResolveInDoubt",
        "ReconcileDocuments",
        "SendDigest",
    }
    for name in started:
        assert FUNCTIONS[name]["EventInvokeConfig"] == {"MaximumRetryAttempts": 0}


@pytest.mark.parametrize(
    ("name", "lease"),
    [
        ("PollSps", SPS_LEASE_SECONDS),
        ("PollFreshbooks", FRESHBOOKS_LEASE_SECONDS),
        *((named_by(mapping["FunctionName"]), LEASE_SECONDS) for mapping in MAPPINGS.values()),
        ("ServeConsole", LEASE_SECONDS),
    ],
)
def test_what_a_function_holds_is_its_own_for_as_long_as_it_may_run(name: str, lease: float) -> None:
    assert FUNCTIONS[name].get("Timeout", GLOBALS["Timeout"]) < lease


# --- alarms -----------------------------------------------------------------------------------


def alarmed(metric: str) -> dict[str, dict[str, Any]]:
    return {
        named_by(alarm["Dimensions"][0]["Value"]): alarm
        for alarm in ALARMS.values()
        if alarm["MetricName"] == metric and alarm.get("Dimensions")
    }


def test_one_message_in_any_failed_queue_is_an_alarm() -> None:
    alarms = alarmed("ApproximateNumberOfMessagesVisible")
    assert set(alarms) == set(FAILED)
    assert {alarm["Threshold"] for alarm in alarms.values()} == {1}


def test_a_message_that_waits_long_is_an_alarm_and_a_failed_one_before_it_is_deleted() -> None:
    alarms = alarmed("ApproximateAgeOfOldestMessage")
    assert set(alarms) == set(SOURCES) | {f"{name}Failed" for name in SOURCES}
    for name, queue in SOURCES.items():
        # SQS deletes by the age that the first queue knows, and tells the age that the failed one knows
        left = 14 * 86400 - queue["MessageRetentionPeriod"] - alarms[f"{name}Failed"]["Threshold"]
        assert left >= 3 * 86400


def test_a_message_that_is_tried_again_and_again_is_an_alarm_within_an_hour() -> None:
    alarms = alarmed("ApproximateNumberOfMessagesNotVisible")
    assert set(alarms) == set(SOURCES)
    for alarm in alarms.values():
        assert (alarm["Statistic"], alarm["Threshold"]) == ("Minimum", 1)
        assert alarm["Period"] * alarm["EvaluationPeriods"] == 3600


def test_every_function_that_fails_is_an_alarm_by_itself_or_by_its_api() -> None:
    by_api = {"AuthorizeFreshbooks", "ServeConsole"}
    assert set(alarmed("Errors")) == set(FUNCTIONS) - by_api
    assert set(alarmed("5xx")) == {"Api", "ConsoleApi"}


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_says_its_threshold_what_to_do_and_tells_somebody(name: str) -> None:
    alarm = ALARMS[name]
    assert re.search(r"\d|hour", alarm["AlarmDescription"])
    assert re.search(r"`connector |[Ll]ook at", alarm["AlarmDescription"])
    silence = "breaching" if name in ("UpkeepStoppedAlarm", "DigestStoppedAlarm") else "notBreaching"
    assert alarm["TreatMissingData"] == silence
    assert alarm["AlarmActions"] == {"Fn::If": ["HasAlarmEmail", [{"Ref": "Alarms"}], []]}


def test_every_alarm_has_its_entry_in_the_runbook_and_every_entry_its_alarm() -> None:
    entries = re.split(r"^## ", (ROOT / "docs/runbook.md").read_text(), flags=re.M)[1:]
    told = {entry.split("\n", 1)[0] for entry in entries if entry.split("\n", 1)[0].endswith("Alarm")}
    assert told == set(ALARMS)
    for entry in entries:
        if entry.split("\n", 1)[0] in ALARMS:
            assert "**Look**" in entry, entry
            assert "**Do**" in entry, entry


def test_what_counts_documents_is_counted_once_for_the_whole_stack() -> None:
    own = [alarm for alarm in ALARMS.values() if alarm["Namespace"] == "FreshbooksSpsConnector"]
    assert own
    for alarm in own:
        assert alarm["Dimensions"] == [{"Name": "service", "Value": {"Ref": "AWS::StackName"}}]


def test_every_metric_that_is_alarmed_or_drawn_is_one_that_functions_write() -> None:
    written = set(telemetry._COUNTED.values())
    drawn = set(
        re.findall(r'"((?:Documents|Tokens|Polls|Upstream|Outcomes)[A-Za-z]+)"', json.dumps(DASHBOARD))
    )
    alarmed_for = {a["MetricName"] for a in ALARMS.values() if a["Namespace"] == "FreshbooksSpsConnector"}
    assert alarmed_for <= written
    assert drawn <= written
    assert {"DocumentsArrived", "DocumentsDelivered", "DocumentsParked"} <= drawn


def test_the_dashboard_is_json_once_its_names_are_filled_in() -> None:
    widgets = DASHBOARD["widgets"]
    assert widgets[0]["properties"]["title"] == "Documents a day", "business comes first"
    assert all({"title", "region", "metrics"} <= set(widget["properties"]) for widget in widgets)


def slowest(parameter: str) -> int:
    """Seconds between two runs at the slowest rate that the parameter takes."""
    pattern = TEMPLATE["Parameters"][parameter]["AllowedPattern"]
    taken = [
        seconds * n
        for unit, seconds in (("minutes", 60), ("hours", 3600))
        for n in range(2, 2000)
        if re.fullmatch(pattern, f"rate({n} {unit})")
    ]
    return max(taken)


@pytest.mark.parametrize(
    ("name", "function", "rate"),
    [
        ("UpkeepStoppedAlarm", "ResolveInDoubt", "ResolveInDoubtRate"),
        ("DigestStoppedAlarm", "SendDigest", "DigestRate"),
    ],
)
def test_a_watcher_that_stopped_is_noticed_after_three_of_its_slowest_intervals(
    name: str, function: str, rate: str
) -> None:
    alarm = ALARMS[name]
    assert alarm["MetricName"] == "Invocations"
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": function}}]
    assert 3 * slowest(rate) <= alarm["Period"] * alarm["EvaluationPeriods"] <= 86400


@pytest.mark.parametrize(
    ("alarm", "seconds"),
    [
        ("InDoubtAlarm", slowest("ResolveInDoubtRate")),
        ("PollsOverdueAlarm", slowest("ResolveInDoubtRate")),
        ("TokensStrandedAlarm", slowest("RefreshTokenRate")),
        ("UpstreamPausedAlarm", LONGEST_PAUSE_SECONDS + 60 * POLL_MINUTES["sps"]),
        ("UnexplainedAlarm", 86400 / 1.5),  # every night, and a mail in the morning is welcome
    ],
)
def test_what_lasts_is_one_alarm_and_not_one_for_every_run_that_reports_it(
    alarm: str, seconds: float
) -> None:
    assert ALARMS[alarm]["Period"] >= 1.5 * seconds


@pytest.mark.parametrize("name", ["RefreshToken", "ResolveInDoubt", "SendDigest"])
def test_failed_runs_are_an_alarm_at_the_slowest_rate_too(name: str) -> None:
    rate = FUNCTIONS[name]["Events"]["Regularly"]["Properties"]["ScheduleExpression"]["Ref"]
    alarm = ALARMS[f"{name}ErrorsAlarm"]
    assert alarm["Period"] >= alarm["Threshold"] * slowest(rate)


def test_the_saved_query_for_trouble_looks_at_every_function() -> None:
    groups = {named_by(group) for group in RESOURCES["TroubleQuery"]["Properties"]["LogGroupNames"]}
    assert groups == {named_by(function["LoggingConfig"]["LogGroup"]) for function in FUNCTIONS.values()}


def test_what_the_template_tells_a_function_is_read_by_one() -> None:
    told = {*GLOBALS["Environment"]["Variables"]}.union(
        *(function["Environment"]["Variables"] for function in FUNCTIONS.values())
    )
    read_by_us = (ROOT / "layers/connector/connector/environment.py").read_text()
    libraries = ("POWERTOOLS_", "PYDANTIC_")
    computed = ("_PER_MINUTE", "_CONCURRENCY", "_FAILED_URL")  # named by vendor and by queue
    assert [
        name
        for name in sorted(told)
        if not name.startswith(libraries) and not name.endswith(computed) and f'"{name}"' not in read_by_us
    ] == []


# --- permissions ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_granted_actions_by_name_on_resources_of_this_stack(name: str) -> None:
    assert FUNCTIONS[name]["Role"] == {"Fn::GetAtt": [f"{name}Role", "Arn"]}
    assert "Policies" not in FUNCTIONS[name], "SAM takes no notice of them beside a role"
    *own, traces = statements(ROLES[name])
    for statement in own:
        assert statement["Effect"] == "Allow"
        assert not [action for action in statement["Action"] if "*" in action]
        assert statement["Resource"]
        for resource in statement["Resource"]:
            assert resource_is_of_this_stack(resource), resource
    assert traces["Action"] == ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "which name no resource"
    logs = [one["Resource"] for one in own if one["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]]
    assert [named_by(group) for [group] in logs] == [named_by(FUNCTIONS[name]["LoggingConfig"]["LogGroup"])]


def resource_is_of_this_stack(resource: Any) -> bool:
    pattern = resource.get("Fn::Sub", "") if isinstance(resource, dict) else resource
    if not pattern:
        return named_by(resource) in RESOURCES
    secret = re.search(r":secret:\$\{AWS::StackName\}/\*/(freshbooks|sps|sps-token|webhooks)\*$", pattern)
    secret = secret or re.search(r":secret:\$\{AWS::StackName\}/digests/chat\*$", pattern)
    return bool(secret) or pattern.startswith(("${Documents.Arn}/index/", "${Archive.Arn}/"))


@pytest.mark.parametrize("name", MAPPINGS)
def test_a_consumer_reads_its_own_queue_and_no_other(name: str) -> None:
    granted = [
        (action, named_by(resource))
        for statement in statements(ROLES[named_by(MAPPINGS[name]["FunctionName"])])
        for action in statement["Action"]
        if action.startswith("sqs:") and action != "sqs:SendMessage"
        for resource in statement["Resource"]
    ]
    queue = named_by(MAPPINGS[name]["EventSourceArn"])
    needed = ("ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "ReceiveMessage")
    assert sorted(granted) == [(f"sqs:{action}", queue) for action in needed]


def test_only_the_refresher_and_the_authorization_write_freshbooks_tokens() -> None:
    writers = {
        name
        for name, policy in ROLES.items()
        for statement in statements(policy)
        if "secretsmanager:PutSecretValue" in statement["Action"]
        for resource in statement["Resource"]
        if resource["Fn::Sub"].endswith("/freshbooks*")
    }
    assert writers == {"RefreshToken", "AuthorizeFreshbooks"}


def test_with_a_key_of_the_customers_own_every_function_may_use_it_through_what_the_stack_encrypts() -> None:
    policy = RESOURCES["UseKey"]["Properties"]
    assert [role["Ref"] for role in policy["Roles"]] == [f"{name}Role" for name in FUNCTIONS]
    [statement] = policy["PolicyDocument"]["Statement"]
    through = statement["Condition"]["StringEquals"]["kms:ViaService"]
    services = [one["Fn::Sub"].removesuffix(".${AWS::Region}.amazonaws.com") for one in through]
    assert sorted(services) == ["dynamodb", "s3", "secretsmanager"]


# --- routes, names, keeping -------------------------------------------------------------------


def test_only_the_webhook_and_the_oauth_callback_are_public() -> None:
    assert RESOURCES["Api"]["Properties"]["Auth"]["DefaultAuthorizer"] == "AWS_IAM"
    public = {
        (event["Properties"]["Method"], event["Properties"]["Path"])
        for event in EVENTS
        if event["Type"] == "HttpApi" and "Auth" in event["Properties"]
    }
    assert public == {
        ("POST", "/webhooks/freshbooks/{connection}/{event}"),
        ("GET", "/oauth/freshbooks/callback"),
    }


def test_the_consoles_data_needs_a_verified_token_and_its_page_holds_none() -> None:
    routes = {
        one["RouteKey"]: (one["AuthorizationType"], named_by(one.get("AuthorizerId", {"Ref": "none"})))
        for one in properties_of("AWS::ApiGatewayV2::Route").values()
    }
    assert routes == {
        "GET /": ("NONE", "none"),
        "GET /{file+}": ("NONE", "none"),
        "ANY /api/{route+}": ("JWT", "ConsoleAuthorizer"),
    }
    authorizer = RESOURCES["ConsoleAuthorizer"]["Properties"]
    assert authorizer["JwtConfiguration"]["Audience"] == [{"Ref": "ConsoleClient"}]
    client = RESOURCES["ConsoleClient"]["Properties"]
    assert client["AllowedOAuthFlows"] == ["code"]
    assert client["GenerateSecret"] is False
    # a removed person's token is good until it is over, which `connector people remove` says
    assert (client["AccessTokenValidity"], client["TokenValidityUnits"]["AccessToken"]) == (10, "minutes")
    pool = RESOURCES["People"]["Properties"]
    assert pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True
    assert TEMPLATE["Parameters"]["SecondFactor"]["Default"] == "required"
    assert pool["MfaConfiguration"] == {"Fn::If": ["NeedsSecondFactor", "ON", "OFF"]}


@pytest.mark.parametrize("name", RESOURCES)
def test_no_resource_has_a_literal_name(name: str) -> None:
    for key, value in RESOURCES[name].get("Properties", {}).items():
        # these are names within their parent, of which there is one a stack
        inner = ("MetricName", "StageName", "GroupName", "PolicyName")
        assert not key.endswith("Name") or key in inner or isinstance(value, dict), key


def test_access_logs_do_not_fill_the_accounts_policy_of_log_delivery() -> None:
    destinations = [
        named_by(properties["AccessLogSettings"]["DestinationArn"])
        for kind in ("AWS::Serverless::HttpApi", "AWS::ApiGatewayV2::Stage")
        for properties in properties_of(kind).values()
    ]
    assert len(destinations) == 2
    for group in destinations:
        assert RESOURCES[group]["Properties"]["LogGroupName"]["Fn::Sub"].startswith("/aws/vendedlogs/")


@pytest.mark.parametrize("name", ["Documents", "Archive", "People"])
def test_what_cannot_be_made_again_outlives_the_stack(name: str) -> None:
    assert RESOURCES[name]["DeletionPolicy"] == RESOURCES[name]["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize("name", TEMPLATE["Parameters"])
def test_every_parameter_says_what_it_is_and_refuses_nonsense(name: str) -> None:
    parameter = TEMPLATE["Parameters"][name]
    assert parameter["Description"]
    assert "Default" in parameter
    assert {"AllowedPattern", "AllowedValues", "MinValue"} & set(parameter)


def test_the_outputs_name_all_that_the_command_line_works_with() -> None:
    assert set(TEMPLATE["Outputs"]) - {"DomainTarget", "KmsKeyArn"} == {
        *(
            "StackName",
            "ApiUrl",
            "ConsoleUrl",
            "PeoplePool",
            "DigestsTopic",
            "TableName",
            "ArchiveBucket",
            "ScheduleGroup",
            "SchedulerRoleArn",
            "OAuthStateSecret",
        ),
        *("SchedulesFailedArn", "PollSpsArn", "PollFreshbooksArn"),
        *(f"{queue}Url" for queue in QUEUES),
        *(f"{function}Function" for function in FUNCTIONS),
    }


def test_the_application_repository_names_the_version_that_the_changelog_ends_with() -> None:
    application = TEMPLATE["Metadata"]["AWS::ServerlessRepo::Application"]
    latest = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), flags=re.M)[0]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert application["SemanticVersion"] == project["version"] == __version__ == latest
    for file in (application["LicenseUrl"], application["ReadmeUrl"]):
        assert (ROOT / file).is_file()
