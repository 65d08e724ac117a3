"""Platform events over CometD, by raw requests (what each API version shows) and by aiosfstream-ng with replay."""

import asyncio

import pytest
from aiosfstream_ng import Client, ReplayOption

import programs
from test_aiosfstream import ByAssertion, run
from test_cometd import Bayeux

TOPIC = "/event/Low_Charge__e"
SCHEMA = """\
events:
  Low_Charge__e:
    publishBehavior: PublishImmediately
    fields:
      Level__c: {type: Number, precision: 3}
      VIN__c: {type: Text, length: 17}
"""


@pytest.fixture(scope="module")
def event_org(directories):
    directory = directories("cometd-events")
    path = directory / "schema.yaml"
    path.write_text(SCHEMA)
    org = programs.start_sandbox(directory, ports=[*programs.PORT_OPTIONS, "--schema", path])
    yield org
    org.program.stop()


@pytest.mark.parametrize("version, members", [
    ("37.0", {"replayId"}), ("51.0", {"replayId"}), ("52.0", {"replayId", "EventUuid"}),
    ("55.0", {"replayId", "EventUuid", "EventApiName"}), ("66.0", {"replayId", "EventUuid", "EventApiName"})])
def test_each_version_shows_its_members(event_org, version, members):
    client = Bayeux(event_org, version=version).open()
    assert client.subscribe(TOPIC)["successful"]
    event_org.create("Low_Charge__e", Level__c=12, VIN__c="V1")
    message = client.events(1)[0]
    data = message["data"]
    assert message["channel"] == TOPIC and set(data["event"]) == members
    assert isinstance(data["event"]["replayId"], int)
    assert data["payload"]["Level__c"] == 12 and data["payload"]["VIN__c"] == "V1"
    assert data["payload"]["CreatedDate"].endswith("Z") and data["payload"]["CreatedById"].startswith("005")
    if "EventUuid" in members:
        assert len(data["event"]["EventUuid"]) == 36
    if "EventApiName" in members:
        assert data["event"]["EventApiName"] == "Low_Charge__e"


def test_platform_events_are_replayed(event_org):
    async def test():
        for level in (1, 2):
            await asyncio.to_thread(lambda: event_org.create("Low_Charge__e", Level__c=level, VIN__c="Replay"))
        async with Client(ByAssertion(event_org), replay=ReplayOption.ALL_EVENTS) as client:
            await client.subscribe(TOPIC)
            heard = []
            while len(heard) < 2:
                payload = (await client.receive())["data"]["payload"]
                if payload["VIN__c"] == "Replay":
                    heard.append(payload["Level__c"])
            assert heard == [1, 2]
    run(test())
