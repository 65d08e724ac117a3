"""aiosalesforce, unchanged, with its own JWT flow and its own hosts, through a CONNECT proxy."""

import asyncio

import httpx
import pytest
from aiosalesforce import Salesforce
from aiosalesforce.auth import JwtBearerFlow
from aiosalesforce.exceptions import SalesforceError

import programs
import proxy

BASE_URL = "https://electric-motors.my.salesforce.com"


@pytest.fixture(scope="module")
def run(org):
    """Runs a coroutine function with a client of its own."""
    port = int(org.connection["https_url"].rsplit(":", 1)[1])
    with proxy.Proxy(port) as way, way.environment(org.connection["ca_file"]):
        def run(test):
            async def main():
                auth = JwtBearerFlow(org.connection["client_id"], org.connection["username"], org.connection["private_key_file"])
                async with httpx.AsyncClient(timeout=programs.CALL_SECONDS) as http:
                    return await test(Salesforce(http, BASE_URL, auth, version=programs.API_VERSION))
            return asyncio.run(main())
        yield run


@pytest.fixture(scope="module")
def key(org):
    answer = org.rest("POST", "/tooling/sobjects/CustomField", {
        "FullName": "Account.Async_Key__c",
        "Metadata": {"type": "Text", "label": "Async Key", "length": 40, "externalId": True, "unique": True}})
    if answer.status_code == 404:
        pytest.skip("there is no Tooling API")
    assert answer.status_code == 201, answer.text
    return "Async_Key__c"


def test_a_record_lives_its_life(run):
    async def test(salesforce):
        account = await salesforce.sobject.create("Account", {"Name": "Async"})
        await salesforce.sobject.update("Account", account, {"Name": "Async, changed"})
        assert (await salesforce.sobject.get("Account", account, fields=["Name"]))["Name"] == "Async, changed"
        await salesforce.sobject.delete("Account", account)
        with pytest.raises(SalesforceError) as gone:
            await salesforce.sobject.get("Account", account)
        assert gone.value.error_code == "ENTITY_IS_DELETED"
    run(test)


def test_upsert_by_an_external_id(run, key):
    async def test(salesforce):
        created = await salesforce.sobject.upsert("Account", "a-1", key, {"Name": "First"})
        updated = await salesforce.sobject.upsert("Account", "a-1", key, {"Name": "Second"})
        assert (created.created, updated.created) == (True, False)
        assert created.id == updated.id
        assert (await salesforce.sobject.get("Account", "a-1", key))["Name"] == "Second"
        await salesforce.sobject.delete("Account", "a-1", key)
    run(test)


def test_a_query_is_a_stream(run):
    async def test(salesforce):
        made = [await salesforce.sobject.create("Account", {"Name": f"Stream {n}"}) for n in range(3)]
        found = [record["Id"] async for record in salesforce.query("SELECT Id FROM Account WHERE Name LIKE 'Stream %'")]
        assert set(found) == set(made)
        await salesforce.sobject.delete("Account", made[0])
        query = "SELECT Id, IsDeleted FROM Account WHERE Name LIKE 'Stream %'"
        everything = {r["Id"]: r["IsDeleted"] async for r in salesforce.query(query, include_all_records=True)}
        assert everything == {made[0]: True, made[1]: False, made[2]: False}
    run(test)


def test_composite_parts_refer_to_each_other(run):
    async def test(salesforce):
        async with salesforce.composite(all_or_none=True, autoraise=True) as composite:
            account = composite.sobject.create("Account", {"Name": "Composite async"})
            contact = composite.sobject.create("Contact", {"LastName": "Part", "AccountId": str(account.reference.id)})
        assert (await salesforce.sobject.get("Contact", contact.id))["AccountId"] == account.id
        composite = salesforce.composite(all_or_none=True)
        good = composite.sobject.create("Account", {"Name": "Undone async"})
        bad = composite.sobject.create("Contact", {"FirstName": "No last name"})
        await composite.execute()
        assert not good.is_success and not bad.is_success
        assert good.response_body[0]["errorCode"] == "PROCESSING_HALTED"
        assert bad.response_body[0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    run(test)


def test_a_batch_is_independent(run):
    async def test(salesforce):
        async with salesforce.composite.batch() as batch:
            account = batch.sobject.create("Account", {"Name": "Batch async"})
            bad = batch.sobject.create("Contact", {"FirstName": "No last name"})
            query = batch.query("SELECT Id FROM Account WHERE Name = 'Batch async'")
        assert not bad.is_success
        assert [record["Id"] for record in query.records] == [account.id]
    run(test)


def test_limits_and_warnings(run):
    async def test(salesforce):
        assert (await salesforce.get_limits())["DailyApiRequests"]["Max"] > 0
    run(test)
