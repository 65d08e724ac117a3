"""The page at the sandbox's root, in Debian's Chromium: what a developer does with it."""

import grpc
import pytest
import requests
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

import chromium
import programs
from pubsub_client import Subscription
from test_cometd import Bayeux

pytestmark = chromium.needed


@pytest.fixture(scope="module")
def org(directories):
    org = programs.start_sandbox(directories("page-org"))
    yield org
    org.program.stop()


class Page:
    def __init__(self, browser, org):
        self.browser = browser
        self.url = org.connection["http_url"] + "/"

    def look(self, width=1440, height=900, scheme="light"):
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def open(self, section="overview"):
        self.browser.get(self.url + f"#{section}")
        self.browser.refresh()
        programs.until(lambda: self.browser.execute_script("return document.documentElement.dataset.ready") == "yes",
                       programs.START_SECONDS, what="the page")

    def find(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector):
        return self.browser.execute_script(
            "return document.querySelector(arguments[0])?.innerText ?? ''", selector)

    def count(self, selector):
        return self.browser.execute_script("return document.querySelectorAll(arguments[0]).length", selector)

    def until(self, question, what):
        return programs.until(question, programs.START_SECONDS, what=what)

    def picture(self, path):
        self.browser.save_screenshot(str(path))

    def overflows(self):
        return self.browser.execute_script("return document.documentElement.scrollWidth > document.documentElement.clientWidth")


@pytest.fixture
def page(browser, org):
    page = Page(browser, org)
    page.look()
    yield page
    problems = [entry for entry in browser.get_log("browser")
                # A refused fault and a wrong query are answered with an error status, which is what the test wants.
                if entry["level"] == "SEVERE" and "status of 4" not in entry["message"]]
    assert problems == [], "nothing may go wrong on the console"


def test_overview(page, org, pictures):
    page.open()
    page.until(lambda: page.count("#objects tbody tr") >= 4, "the objects")
    assert org.connection["org_id"] in page.text("#org-name")
    assert org.connection["http_url"] in page.text("#connect")
    page.picture(pictures / "sandbox-overview.png")


def test_browsing_records(page, org, pictures):
    page.open("records/Case")
    page.until(lambda: page.count("#rows tbody tr") >= 20, "the cases")
    assert "Subject" in page.text("#rows thead")
    page.picture(pictures / "sandbox-records.png")
    page.find("#rows tbody tr").click()
    page.until(lambda: "CaseNumber" in page.text("#record-fields"), "the record")
    page.picture(pictures / "sandbox-record.png")
    page.find("#record button").click()
    Select(page.find("#object")).select_by_value("Account")
    page.until(lambda: "Nordwind" in page.text("#rows tbody"), "the accounts")


def test_soql(page, org):
    page.open("records/Case")
    page.find("#soql").send_keys("SELECT CaseNumber, Contact.Name FROM Case WHERE Status = 'Escalated' ORDER BY CaseNumber")
    page.find("#soql-form button").click()
    page.until(lambda: page.count("#rows thead th") == 2 and page.count("#rows tbody tr") > 0, "the answer")
    page.find("#soql").clear()
    page.find("#soql").send_keys("SELECT Nothing FROM Case")
    page.find("#soql-form button").click()
    page.until(lambda: "Nothing" in page.text("#records-problem"), "the refusal")


def test_live_events(page, org, pictures):
    page.open("events")
    # What is there before the page has asked for the first time is not live: every account is one more chance.
    page.until(lambda: org.create("Account", Name="Live") and page.count("#stream li") > 0, "an event")
    shown = page.count("#stream li")
    contact = org.create_contact("Live")
    case = org.create_case(contact, "Seen on the page")
    page.until(lambda: page.count("#stream li") >= shown + 3, "the events")
    org.update("Case", case, Status="Working")
    page.until(lambda: "UPDATE" in page.text("#stream li"), "the newest on top")
    assert "Status" in page.text("#stream li")
    page.find("#stream li summary").click()
    page.until(lambda: "Working" in page.text("#stream li .facts"), "its values")
    page.picture(pictures / "sandbox-events.png")
    Select(page.find("#event-filter")).select_by_value("Account")
    page.until(lambda: page.count("#stream li:not([data-entity='Account'])") == 0, "accounts alone")
    page.find("#event-pause").click()
    count = page.count("#stream li")
    org.create("Account", Name="While it pauses")
    place = requests.get(f"{page.url}sandbox/events", timeout=programs.CALL_SECONDS).json()["next"]
    assert place > 0 and page.count("#stream li") == count
    page.find("#event-pause").click()
    page.until(lambda: page.count("#stream li") == count + 1, "what came meanwhile")


def test_faults_are_switched_on_and_off(page, org, pictures):
    page.open("faults")
    page.until(lambda: page.count("#fault-kind option") > 10, "the kinds")
    Select(page.find("#fault-kind")).select_by_value("unavailable")
    page.find("#fault-form button.primary").click()
    page.until(lambda: "path" in page.text("#fault-problem"), "the refusal")
    page.find("#fault-form [name=path]").send_keys("/services/data/**")
    page.find("#fault-form [name=times]").send_keys("2")
    page.find("#fault-form button.primary").click()
    page.until(lambda: "unavailable" in page.text("#fault-list"), "the fault")
    assert org.rest("GET", "/sobjects").status_code == 503
    page.until(lambda: "/services/data/" in page.text("#fired-list"), "the strike")
    page.picture(pictures / "sandbox-faults.png")
    # In one step: the list is drawn anew every few seconds.
    page.browser.execute_script("document.querySelector('#fault-list li button').click()")
    page.until(lambda: "Everything works" in page.text("#fault-list"), "its end")
    org.rest("GET", "/sobjects", expected=200)


def test_limits_and_subscribers(page, org, pictures):
    page.open("limits")
    page.until(lambda: "DailyApiRequests" in page.text("#limit-rows"), "the limits")
    page.picture(pictures / "sandbox-limits.png")
    page.open("subscribers")
    page.until(lambda: page.count("#subscriber-cards .card") == 3, "the cards")
    page.until(lambda: "Nobody takes events now" in page.text("#subscribers-empty"), "an org without listeners")


def test_who_listens(page, org, stubs, pictures):
    """A stream of the Pub/Sub API and a CometD client, with what each has got; gone when they go."""
    listed = lambda: requests.get(f"{page.url}sandbox/subscribers", timeout=programs.CALL_SECONDS).json()["subscribers"]
    bayeux = Bayeux(org, org.access["access_token"]).open()
    assert bayeux.subscribe("/data/CaseChangeEvent")["successful"]
    pb2, pb2_grpc = stubs
    with grpc.insecure_channel(org.connection["grpc_plaintext_address"], options=[("grpc.enable_http_proxy", 0)]) as channel:
        pubsub = pb2_grpc.PubSubStub(channel)
        with Subscription(pubsub, pb2, org.metadata, topic_name=programs.ALL, num_requested=100) as stream:
            programs.until(lambda: len(listed()) == 2, what="both listeners")
            org.create_case(org.create_contact("Heard"))
            assert len(stream.events(3)) == 3 and len(bayeux.events(1)) == 1, "account, contact and case; the case alone"
            # Counted when they have been written, perhaps after they were read.
            programs.until(lambda: 3 in [row["delivered"] for row in listed()], what="the count of three deliveries")
            rows = {row["kind"]: row for row in listed()}
            assert (rows["Subscribe"]["topic"], rows["CometD"]["topic"]) == (programs.ALL, "/data/CaseChangeEvent")
            assert (rows["Subscribe"]["delivered"], rows["CometD"]["delivered"]) == (3, 1)
            assert rows["CometD"]["client"] == bayeux.client and rows["Subscribe"]["client"]
            assert {row["username"] for row in rows.values()} == {org.connection["username"]}
            page.open("subscribers")
            page.until(lambda: page.count("#subscriber-rows tbody tr") == 2, "the rows")
            assert "CometD" in page.text("#subscriber-rows") and programs.ALL in page.text("#subscriber-rows")
            page.picture(pictures / "sandbox-subscribers.png")
        programs.until(lambda: [row["kind"] for row in listed()] == ["CometD"], what="the end of the stream")
    bayeux.send("/meta/disconnect")
    programs.until(lambda: listed() == [], what="the end of the client")


def test_the_clock(page, org):
    page.open()
    before = requests.get(f"{page.url}sandbox/clock", timeout=programs.CALL_SECONDS).json()["milliseconds"]
    page.find("#clock-open").click()
    page.find("[data-advance='86400']").click()
    after = lambda: requests.get(f"{page.url}sandbox/clock", timeout=programs.CALL_SECONDS).json()["milliseconds"]
    page.until(lambda: after() >= before + 86_400_000, "the next day")
    page.find("#clock-input").send_keys("yesterday")
    page.find("#clock-form button").click()
    page.until(lambda: "yesterday" in page.text("#clock-problem"), "the refusal")
    org.forget_session()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_small_and_dark(page, org, pictures, scheme):
    for section in ("overview", "records/Account", "events", "faults", "limits", "subscribers"):
        page.look(400, 860, scheme)
        page.open(section)
        assert not page.overflows(), section
        page.picture(pictures / f"sandbox-small-{scheme}-{section.split('/')[0]}.png")
    page.look(1440, 900, scheme)
    page.open("faults")
    page.picture(pictures / f"sandbox-{scheme}-faults.png")
