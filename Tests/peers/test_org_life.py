"""What an org does with its users, its recycle bin, its recent records and its descriptions, over REST."""

import email.utils
import time

import grpc
import pytest

import programs
from pubsub_client import Decoder, Subscription
from test_faults import Control

DAY = 24 * 3600


@pytest.fixture(scope="module")
def org(directories):
    org = programs.start_sandbox(directories("life"))
    yield org
    org.program.stop()


@pytest.fixture
def control(org):
    return Control(org)


def query(org, soql, path="/query"):
    return org.rest("GET", path, expected=200, params={"q": soql}).json()


def error(answer, status=400):
    assert answer.status_code == status, answer.text
    [found] = answer.json()
    return found


# Users

@pytest.fixture(scope="module")
def profile(org):
    records = query(org, "SELECT Id, Name FROM Profile")["records"]
    names = {record["Name"]: record["Id"] for record in records}
    assert {"System Administrator", "Standard User"} <= set(names)
    assert all(one.startswith("00e") for one in names.values())
    return names["Standard User"]


def user(profile, username, **changes):
    return {"Username": username, "LastName": "Person", "Email": "p@example.com", "Alias": "person", "ProfileId": profile,
            "TimeZoneSidKey": "Europe/Berlin", "LocaleSidKey": "en_US", "LanguageLocaleKey": "en_US",
            "EmailEncodingKey": "UTF-8", "IsActive": True, **changes}


def test_a_user_is_made_and_logs_in(org, profile):
    made = org.rest("POST", "/sobjects/User", user(profile, "ada@example.com", FirstName="Ada"), 201).json()["id"]
    assert made.startswith("005")
    record = org.get("User", made)
    assert (record["Name"], record["UserType"], record["IsActive"]) == ("Ada Person", "Standard", True)
    assert query(org, f"SELECT Profile.Name FROM User WHERE Id = '{made}'")["records"][0]["Profile"]["Name"] == "Standard User"
    answer = org.login(org.assertion(sub="ADA@example.com"))
    assert answer.status_code == 200 and answer.json()["id"].endswith(made)
    token = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    info = org.http.get(f"{org.connection['http_url']}/services/oauth2/userinfo", headers=token,
                        timeout=programs.CALL_SECONDS).json()
    assert (info["user_id"], info["name"], info["email"]) == (made, "Ada Person", "p@example.com")
    account = org.http.post(f"{org.connection['http_url']}/services/data/v66.0/sobjects/Account", json={"Name": "Hers"},
                            headers=token, timeout=programs.CALL_SECONDS).json()["id"]
    record = org.get("Account", account)
    assert (record["OwnerId"], record["CreatedById"]) == (made, made)


def test_usernames_are_unique_and_look_like_addresses(org, profile):
    org.rest("POST", "/sobjects/User", user(profile, "unique@example.com"), 201)
    refused = error(org.rest("POST", "/sobjects/User", user(profile, "UNIQUE@example.com")))
    assert refused["errorCode"] == "DUPLICATE_USERNAME" and refused["fields"] == ["Username"]
    assert refused["message"].startswith("Duplicate Username.<br>The username already exists in this or another Salesforce")
    other = org.rest("POST", "/sobjects/User", user(profile, "other@example.com"), 201).json()["id"]
    assert error(org.rest("PATCH", f"/sobjects/User/{other}", {"Username": "unique@example.com"}))["errorCode"] == "DUPLICATE_USERNAME"
    assert error(org.rest("POST", "/sobjects/User", user(profile, "nobody")))["errorCode"] == "FIELD_INTEGRITY_EXCEPTION"
    missing = error(org.rest("POST", "/sobjects/User", {"Username": "few@example.com", "LastName": "Few"}))
    assert missing["errorCode"] == "REQUIRED_FIELD_MISSING" and "ProfileId" in missing["fields"]
    # Under its own name a user can be saved again, and under a new one it logs in.
    org.update("User", other, Username="Other@example.com", Title="Same")
    org.update("User", other, Username="renamed@example.com")
    assert org.login(org.assertion(sub="renamed@example.com")).status_code == 200
    assert org.login(org.assertion(sub="other@example.com")).status_code == 400


def test_a_user_is_never_deleted_only_made_inactive(org, profile):
    made = org.rest("POST", "/sobjects/User", user(profile, "gone@example.com"), 201).json()["id"]
    refused = error(org.rest("DELETE", f"/sobjects/User/{made}"))
    assert (refused["errorCode"], refused["message"]) == (
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "entity type cannot be deleted: User")
    token = org.login(org.assertion(sub="gone@example.com")).json()["access_token"]
    call = lambda: org.http.get(f"{org.connection['http_url']}/services/data/v66.0/limits", timeout=programs.CALL_SECONDS,
                                headers={"Authorization": f"Bearer {token}"})
    assert call().status_code == 200
    org.update("User", made, IsActive=False)
    assert call().status_code == 401, "his sessions have ended"
    assert org.login(org.assertion(sub="gone@example.com")).json()["error"] == "inactive_user"
    assert error(org.rest("POST", "/sobjects/Profile", {"Name": "New"}))["message"] == "entity type cannot be inserted: Profile"
    described = org.rest("GET", "/sobjects/User/describe", expected=200).json()
    assert (described["createable"], described["updateable"], described["deletable"], described["undeletable"]) == (True, True, False, False)


def test_a_users_change_is_an_event_where_it_is_selected(org, profile, stubs):
    org.rest("POST", "/tooling/sobjects/PlatformEventChannelMember", {
        "FullName": "ChangeEvents_UserChangeEvent",
        "Metadata": {"eventChannel": "ChangeEvents", "selectedEntity": "UserChangeEvent"}}, 201)
    made = org.rest("POST", "/sobjects/User", user(profile, "told@example.com", FirstName="Told"), 201).json()["id"]
    org.update("User", made, Title="Dr.")
    pb2, pb2_grpc = stubs
    options = [("grpc.enable_http_proxy", 0)]
    with grpc.insecure_channel(org.connection["grpc_plaintext_address"], options=options) as channel:
        pubsub = pb2_grpc.PubSubStub(channel)
        decode = Decoder(pubsub, pb2, org.metadata)
        with Subscription(pubsub, pb2, org.metadata, topic_name="/data/UserChangeEvent", replay_preset=pb2.EARLIEST,
                          num_requested=2) as stream:
            (_, create), (event, update) = [(event, decode(event)) for event in stream.events(2)]
    assert create["ChangeEventHeader"]["recordIds"] == [made] and create["Name"]["FirstName"] == "Told"
    assert (create["Username"], create["ProfileId"]) == ("told@example.com", profile)
    assert decode.bits(event, update)[0] == "Title" and update["Title"] == "Dr."


def test_users_outlive_a_restart(directories):
    directory = directories("users")
    first = programs.start_sandbox(directory)
    profile = query(first, "SELECT Id FROM Profile WHERE Name = 'Standard User'")["records"][0]["Id"]
    first.rest("POST", "/sobjects/User", user(profile, "kept@example.com"), 201)
    first.program.stop()
    second = programs.start_sandbox(directory)
    try:
        assert second.login(second.assertion(sub="kept@example.com")).status_code == 200
        assert query(second, "SELECT COUNT() FROM Profile")["totalSize"] == 3
    finally:
        second.program.stop()


# Whose change it was

def test_an_event_names_the_client_of_the_call(org, stubs):
    """By it a replicator knows what it has written itself, over each of the APIs that take the header."""
    contact = org.create("Contact", LastName="Replicated")
    path = f"/sobjects/Contact/{contact}"
    options = lambda text: {"headers": {"Sforce-Call-Options": text}} if text else {}
    record = {"attributes": {"type": "Contact"}, "Id": contact}
    org.rest("PATCH", path, {"Title": "1"}, 204, **options("client=mirror"))
    org.rest("PATCH", path, {"Title": "2"}, 204, **options("defaultNamespace=acme, client=mirror"))
    org.rest("PATCH", path, {"Title": "3"}, 204)
    org.rest("PATCH", "/composite/sobjects", {"records": [{**record, "Title": "4"}]}, 200, **options("client=mirror"))
    job = org.rest("POST", "/jobs/ingest", {"object": "Contact", "operation": "update"}, 200, **options("client=loader")).json()["id"]
    upload = org.rest("PUT", f"/jobs/ingest/{job}/batches", data=f"Id,Title\n{contact},5\n", headers={"Content-Type": "text/csv"})
    assert upload.status_code == 201
    org.rest("PATCH", f"/jobs/ingest/{job}", {"state": "UploadComplete"}, 200)

    pb2, pb2_grpc = stubs
    origins = {}
    with grpc.insecure_channel(org.connection["grpc_plaintext_address"], options=[("grpc.enable_http_proxy", 0)]) as channel:
        pubsub = pb2_grpc.PubSubStub(channel)
        decode = Decoder(pubsub, pb2, org.metadata)
        with Subscription(pubsub, pb2, org.metadata, topic_name=programs.CONTACTS, replay_preset=pb2.EARLIEST,
                          num_requested=100) as stream:
            while "5" not in origins:
                events = stream.response().events
                for value in map(decode, events):
                    header = value["ChangeEventHeader"]
                    if header["recordIds"] == [contact] and header["changeType"] == "UPDATE":
                        origins[value["Title"]] = header["changeOrigin"]
                stream.ask(num_requested=max(1, len(events)))
    rest, bulk = (f"com/salesforce/api/{name}/{programs.API_VERSION}" for name in ("rest", "bulkapi"))
    assert origins == {"1": f"{rest};client=mirror", "2": f"{rest};client=mirror", "3": rest, "4": f"{rest};client=mirror",
                       "5": f"{bulk};client=loader"}


# The recycle bin

def test_the_bin_is_emptied_by_the_clock(org, control):
    account = org.create("Account", Name="Old and gone")
    contact = org.create("Contact", LastName="With it", AccountId=account)
    org.delete("Account", account)
    control.call("POST", "/clock", {"advance": 14 * DAY})
    org._access = control.call("POST", "/session", {}).json()
    try:
        young = org.create("Account", Name="Young and gone")
        org.delete("Account", young)
        gone = lambda: {record["Id"] for record in query(
            org, "SELECT Id FROM Account WHERE IsDeleted = true", "/queryAll")["records"]}
        assert {account, young} <= gone()
        control.call("POST", "/clock", {"advance": DAY + 60})
        org._access = control.call("POST", "/session", {}).json()
        assert account not in gone() and young in gone()
        assert query(org, f"SELECT Id FROM Contact WHERE Id = '{contact}'", "/queryAll")["totalSize"] == 0
        answer = org.rest("GET", f"/sobjects/Account/{account}")
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")
        now = time.time() + 15 * DAY + 60
        window = {"start": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 20 * DAY)),
                  "end": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + 60))}
        listed = org.rest("GET", "/sobjects/Account/deleted/", expected=200, params=window).json()["deletedRecords"]
        assert account not in [record["id"] for record in listed], "what has left the bin is not told any more"
    finally:
        control.call("POST", "/clock", {"set": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())})
        org.forget_session()


# Recent records

def test_recent_records_are_those_that_a_call_says_it_views(org):
    mru = {"Sforce-Mru": "updateMru=true"}
    silent = org.create("Account", Name="Silent")
    first = org.rest("POST", "/sobjects/Account", {"Name": "First"}, 201, headers=mru).json()["id"]
    case = org.rest("POST", "/sobjects/Case", {"Subject": "Seen"}, 201, headers=mru).json()["id"]
    second = org.rest("POST", "/composite/sobjects", {"records": [{"attributes": {"type": "Account"}, "Name": "Second"}]}, 200,
                      headers=mru).json()[0]["id"]
    org.rest("PATCH", f"/sobjects/Account/{first}", {"Phone": "1"}, 204, headers=mru)
    recent = org.rest("GET", "/recent", expected=200).json()
    assert [record["Id"] for record in recent][:3] == [first, second, case] and silent not in [r["Id"] for r in recent]
    assert recent[0] == {"attributes": {"type": "Account", "url": f"/services/data/v66.0/sobjects/Account/{first}"},
                         "Id": first, "Name": "First"}
    assert set(recent[2]) == {"attributes", "Id", "CaseNumber"}
    assert [r["Id"] for r in org.rest("GET", "/recent?limit=1", expected=200).json()] == [first]
    items = org.rest("GET", "/sobjects/Account", expected=200).json()["recentItems"]
    assert [item["Id"] for item in items][:2] == [first, second]
    org.delete("Account", first)
    assert org.rest("GET", "/recent", expected=200).json()[0]["Id"] == second
    query(org, f"SELECT Subject FROM Case WHERE Id = '{case}' FOR VIEW")
    assert org.rest("GET", "/recent", expected=200).json()[0]["Id"] == case
    org.rest("GET", f"/sobjects/Account/{silent}", expected=200, headers=mru)
    assert org.rest("GET", "/recent", expected=200).json()[0]["Id"] == silent


# Descriptions

def test_a_description_is_as_old_as_its_last_change_over_restarts(directories):
    directory = directories("described")
    org = programs.start_sandbox(directory)
    describe = lambda org, name, since=None: org.rest(
        "GET", f"/sobjects/{name}/describe", headers={"If-Modified-Since": since} if since else {})
    stamp = lambda answer: email.utils.parsedate_to_datetime(answer.headers["Last-Modified"])
    first = describe(org, "Account")
    account_since, case_since = first.headers["Last-Modified"], describe(org, "Case").headers["Last-Modified"]
    assert describe(org, "Account", account_since).status_code == 304
    ports = programs.ports_of(org)
    org.program.stop()

    org = programs.start_sandbox(directory, ports)
    try:
        control = Control(org)
        assert describe(org, "Account", account_since).status_code == 304, "a restart is no change"
        control.call("POST", "/clock", {"advance": 3600})
        org._access = control.call("POST", "/session", {}).json()
        org.rest("POST", "/tooling/sobjects/CustomField", {"FullName": "Account.Younger__c", "Metadata": {
            "type": "Text", "length": 5, "label": "Younger"}}, 201)
        changed = describe(org, "Account", account_since)
        assert changed.status_code == 200 and (stamp(changed) - stamp(first)).total_seconds() >= 3599
        assert describe(org, "Case", case_since).status_code == 304, "another object is what it was"
        assert describe(org, "AccountChangeEvent", account_since).status_code == 200
        globally = org.rest("GET", "/sobjects", expected=200)
        assert globally.headers["Last-Modified"] == changed.headers["Last-Modified"]
    finally:
        org.program.stop()


# Fields

def test_a_field_becomes_one_of_another_type_where_its_values_can_stay(org):
    def field(kind, **metadata):
        return {"FullName": "Account.Turning__c", "Metadata": {"type": kind, "label": "Turning", **metadata}}
    made = org.rest("POST", "/tooling/sobjects/CustomField", field("Text", length=60), 201).json()["id"]
    change = lambda kind, **metadata: org.rest("PATCH", f"/tooling/sobjects/CustomField/{made}", field(kind, **metadata))
    account = org.create("Account", Name="Turned", Turning__c="x" * 50)
    kind = lambda: next(f for f in org.rest("GET", "/sobjects/Account/describe").json()["fields"] if f["name"] == "Turning__c")["type"]
    assert change("TextArea").status_code == 204 and kind() == "textarea"
    assert org.get("Account", account)["Turning__c"] == "x" * 50
    refused = error(change("Phone"))
    assert refused["errorCode"] == "FIELD_INTEGRITY_EXCEPTION" and "more than 40 characters" in refused["message"]
    assert kind() == "textarea", "a refusal changes nothing"
    org.update("Account", account, Turning__c="0431 1")
    assert change("Phone").status_code == 204 and kind() == "phone"
    assert query(org, "SELECT Id FROM Account WHERE Turning__c = '0431 1'")["totalSize"] == 1
    for other in ("Number", "Date", "Checkbox", "LongTextArea"):
        refused = error(change(other, **({"length": 1000} if other == "LongTextArea" else {"precision": 5, "scale": 0} if other == "Number" else {})))
        assert refused["errorCode"] == "FIELD_INTEGRITY_EXCEPTION" and f"cannot be converted to {other}" in refused["message"]
    assert change("Picklist", valueSet={"valueSetDefinition": {"value": [{"valueName": "A"}]}}).status_code == 204
    assert change("MultiselectPicklist", valueSet={"valueSetDefinition": {"value": [{"valueName": "A"}]}}).status_code == 204
    assert kind() == "multipicklist" and org.get("Account", account)["Turning__c"] == "0431 1"


def test_defaults_and_times_are_computed(org, control):
    def field(name, kind, **metadata):
        return org.rest("POST", "/tooling/sobjects/CustomField", {
            "FullName": f"Account.{name}", "Metadata": {"type": kind, "label": name[:-3], **metadata}})
    assert field("Due__c", "Date", defaultValue="TODAY() + 7").status_code == 201
    assert field("Maker__c", "Text", length=80, defaultValue='"by " & $User.Username').status_code == 201
    assert field("Plain__c", "Text", length=20, defaultValue="Silver").status_code == 201
    assert field("Opens__c", "Time", defaultValue="TIMEVALUE(\"08:30:00.000\")").status_code == 201
    assert field("Closes__c", "Time", formula="Opens__c + 9 * 3600000").status_code == 201
    assert field("Hours__c", "Number", precision=5, scale=1, formula="(Closes__c - Opens__c) / 3600000").status_code == 201
    for name, kind, value in (("Bad__c", "Date", "TODAY( + 7"), ("Bad__c", "Number", "Name"), ("Bad__c", "Text", "LEFT(Name, 2)")):
        refused = error(field(name, kind, defaultValue=value, **({"length": 5} if kind == "Text" else {})))
        assert refused["errorCode"] == "FIELD_INTEGRITY_EXCEPTION" and "defaultValue" in refused["message"], refused
    described = {f["name"]: f for f in org.rest("GET", "/sobjects/Account/describe").json()["fields"]}
    assert described["Due__c"]["defaultValueFormula"] == "TODAY() + 7" and described["Due__c"]["defaultedOnCreate"]
    assert described["Closes__c"]["type"] == "time" and described["Closes__c"]["calculated"]
    due = lambda: time.strftime("%Y-%m-%d", time.gmtime(control.get("/clock")["milliseconds"] / 1000 + 7 * DAY))
    earliest = due()
    record = org.get("Account", org.create("Account", Name="Defaults"))
    assert record["Due__c"] in (earliest, due()), "midnight may come in between"
    assert (record["Maker__c"], record["Plain__c"]) == (f"by {org.connection['username']}", "Silver")
    assert (record["Opens__c"], record["Closes__c"], record["Hours__c"]) == ("08:30:00.000Z", "17:30:00.000Z", 9.0)
    given = org.get("Account", org.create("Account", Name="Given", Due__c=None, Opens__c="23:00:00.000Z"))
    assert (given["Due__c"], given["Closes__c"]) == (None, "08:00:00.000Z"), "null is a value, and the clock begins again"


def test_limits_are_those_of_the_version(org):
    new = org.rest("GET", "/limits", expected=200).json()
    old = org.call("GET", "/services/data/v45.0/limits").json()
    assert "MonthlyPlatformEventsUsageEntitlement" in new and "MonthlyPlatformEvents" not in new
    assert "MonthlyPlatformEvents" in old and "MonthlyPlatformEventsUsageEntitlement" not in old
    names = """DailyApiRequests DailyDeliveredPlatformEvents HourlyPublishedPlatformEvents HourlyPublishedStandardVolumePlatformEvents
        DailyStandardVolumePlatformEvents StreamingApiConcurrentClients DailyStreamingApiEvents DailyGenericStreamingApiEvents
        DailyDurableStreamingApiEvents DailyDurableGenericStreamingApiEvents DurableStreamingApiConcurrentClients DailyBulkApiBatches
        DailyBulkV2QueryJobs DailyBulkV2QueryFileStorageMB DailyAsyncApexExecutions ConcurrentAsyncGetReportInstances DataStorageMB
        FileStorageMB HourlyODataCallout HourlyTimeBasedWorkflow SingleEmail MassEmail""".split()
    assert set(names) <= set(new)
    assert all({"Max", "Remaining"} <= set(entry) for entry in new.values())
