"""SOAP login by clients that know nothing else: simple-salesforce through a CONNECT proxy, and pysfpubsub."""

import os
import re
import subprocess
import sys

import pytest
import requests
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceAuthenticationFailed

import programs
import proxy
from pubsub_client import certifi_with


@pytest.fixture
def way(org):
    """This process's environment leads every host to the sandbox."""
    port = int(org.connection["https_url"].rsplit(":", 1)[1])
    with proxy.Proxy(port) as way, way.environment(org.connection["ca_file"]):
        yield way


@pytest.mark.parametrize("domain", ["login", "test", "electric-motors.my"])
def test_simple_salesforce_logs_in_by_name(org, way, domain):
    salesforce = Salesforce(
        username=org.connection["username"], password=org.connection["password"],
        security_token=org.connection["security_token"], domain=domain)
    assert way.hosts[0] == f"{domain}.salesforce.com:443"
    account = salesforce.Account.create({"Name": "By SOAP"})["id"]
    assert salesforce.Account.get(account)["Name"] == "By SOAP"


def test_simple_salesforce_without_a_token(org, way):
    salesforce = Salesforce(
        username=org.connection["username"], password=org.connection["password"], organizationId=org.connection["org_id"])
    assert salesforce.describe()["sobjects"]


def test_simple_salesforce_with_client_credentials(org, way):
    salesforce = Salesforce(consumer_key=org.connection["client_id"], consumer_secret=org.connection["client_secret"],
                            domain="electric-motors.my")
    assert salesforce.describe()["sobjects"]
    with pytest.raises(SalesforceAuthenticationFailed) as refused:
        Salesforce(consumer_key=org.connection["client_id"], consumer_secret="wrong", domain="electric-motors.my")
    assert refused.value.code == "invalid_client"


def test_simple_salesforce_reads_the_fault(org, way):
    with pytest.raises(SalesforceAuthenticationFailed) as refused:
        Salesforce(username="no<&>body@example.com", password="wr<&>ong", security_token="")
    assert refused.value.code == "INVALID_LOGIN"
    assert refused.value.auth_message == "Invalid username, password, security token; or user locked out."


def test_login_ends_with_version_64(org, way):
    with pytest.raises(SalesforceAuthenticationFailed) as refused:
        Salesforce(username=org.connection["username"], password=org.connection["password"], security_token="",
                   version="65.0")
    assert refused.value.code == "UNSUPPORTED_API_VERSION"


PYSFPUBSUB = """
import sys
import pysfpubsub
client = pysfpubsub.Client(url=sys.argv[1], username=sys.argv[2], password=sys.argv[3], grpc_host="localhost",
                           grpc_port=int(sys.argv[4]))
client.auth()
topic = client.stub.GetTopic(client.pb2.TopicRequest(topic_name="/data/AccountChangeEvent"), metadata=client.metadata)
print("schema", topic.schema_id)
"""


def test_pysfpubsub_logs_in(org, way, tmp_path):
    """In a process of its own: it brings its own generated code. What it trusts is certifi's bundle."""
    done = subprocess.run(
        [sys.executable, "-c", PYSFPUBSUB, org.connection["https_url"], org.connection["username"], org.connection["password"],
         org.connection["grpc_address"].rsplit(":", 1)[1]],
        capture_output=True, text=True, timeout=programs.START_SECONDS,
        env={**os.environ, "NO_PROXY": "localhost", "no_proxy": "localhost",
             "PYTHONPATH": str(certifi_with(org.connection["ca_file"], tmp_path))})
    assert re.search(r"schema \S{22}", done.stdout), done.stdout + done.stderr


def soap(org, body, header="", version="60.0"):
    envelope = (f'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:u="urn:partner.soap.sforce.com">'
                f"<e:Header>{header}</e:Header><e:Body>{body}</e:Body></e:Envelope>")
    return requests.post(f"{org.connection['http_url']}/services/Soap/u/{version}", data=envelope.encode(),
                         headers={"content-type": "text/xml", "SOAPAction": '""'}, timeout=programs.CALL_SECONDS,
                         proxies={"http": None})


def test_a_soap_session_is_a_session_like_any_other(org):
    answer = soap(org, f"<u:login><u:username>{org.connection['username']}</u:username>"
                       f"<u:password>{org.connection['password']}</u:password></u:login>")
    session = re.search("<sessionId>(.*?)</sessionId>", answer.text)[1]
    assert re.search("<serverUrl>(.*?)</serverUrl>", answer.text)[1] == (
        f"{org.connection['http_url']}/services/Soap/u/60.0/{org.connection['org_id'][:15]}")
    header = f"<u:SessionHeader><u:sessionId>{session}</u:sessionId></u:SessionHeader>"
    assert f"<userName>{org.connection['username']}</userName>" in soap(org, "<u:getUserInfo/>", header).text
    assert re.search(r"<timestamp>\d{4}-.*Z</timestamp>", soap(org, "<u:getServerTimestamp/>", header).text)
    rest = requests.get(f"{org.connection['http_url']}/services/data/v66.0/sobjects", proxies={"http": None},
                        headers={"Authorization": f"Bearer {session}"}, timeout=programs.CALL_SECONDS)
    assert rest.status_code == 200
    assert soap(org, "<u:logout/>", header).status_code == 200
    over = soap(org, "<u:getUserInfo/>", header)
    assert over.status_code == 500 and "sf:INVALID_SESSION_ID" in over.text


def test_what_xml_is_attacked_with_is_refused(org):
    laughs = ('<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><e:Envelope xmlns:e="x"><e:Body>&b;</e:Body></e:Envelope>')
    outside = '<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><Envelope><Body>&a;</Body></Envelope>'
    for body, status in ((laughs, 500), (outside, 500), ("<a>" * 100_000, 500), ("<a>" * 50_000, 500), ("", 500)):
        answer = requests.post(f"{org.connection['http_url']}/services/Soap/u/60.0", data=body,
                               headers={"content-type": "text/xml"}, timeout=programs.CALL_SECONDS, proxies={"http": None})
        assert answer.status_code == status and "root:" not in answer.text
    assert soap(org, "<u:getUserInfo/>").status_code == 500
