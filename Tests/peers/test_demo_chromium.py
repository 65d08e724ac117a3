"""The demo's page in Debian's Chromium: what a visitor does, against the real programs."""

import threading
import time
import types

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

import chromium
import programs
from event_stream import EventStream
from push_client import PushClient, header, ids, place

pytestmark = chromium.needed

# Milliseconds on a machine that may stand still for seconds; a mistaken clock or unit is far above.
LATENCY_MAX_MS = 60_000


@pytest.fixture
def page(browser, demo):
    page = Page(browser, demo)
    page.open()
    yield page
    problems = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert problems == [], "nothing may go wrong on the console"


class Page:
    def __init__(self, browser, demo):
        self.browser = browser
        self.demo = demo
        self.org = programs.Org(demo["connection"])

    def open(self):
        self.look(1440, 1000, "light")
        self.browser.get(self.demo["page_url"])
        self.wait_live()
        self.settled_columns()

    def look(self, width, height, scheme):
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def wait_live(self):
        programs.until(
            lambda: [column["state"] for column in self.columns()] == ["open"] * 3 and all(c["cases"] for c in self.columns()),
            what="three live columns with cases")

    def held(self, contact):
        """The cases that the org has for a customer, as a column shows them."""
        soql = f"SELECT Id, CaseNumber, Subject, Status, Priority FROM Case WHERE ContactId = '{contact}'"
        answer = self.org.rest("GET", "/query", params={"q": soql}, expected=200).json()
        assert answer["done"]
        return {record["Id"]: {
            "number": record["CaseNumber"], "subject": record["Subject"], "status": record["Status"],
            "priority": record["Priority"]} for record in answer["records"]}

    def settled_columns(self, seconds=0.7):
        """The columns once they show what the org holds and have stood still: a page that has just opened is still replaying."""
        shown, held, since = None, None, 0.0

        def stands_still():
            nonlocal shown, held, since
            columns = [(column["contact"], column["cases"]) for column in self.columns()]
            held = [(customer["contact_id"], self.held(customer["contact_id"])) for customer in self.demo["customers"]]
            now = time.monotonic()
            if columns != shown or columns != held:
                shown, since = columns, now
            return now - since >= seconds

        try:
            programs.until(stands_still, every=0.05, what="columns as the org has them")
        except AssertionError:
            assert shown == held  # Says what differs.
            raise
        return shown

    def columns(self):
        """What the columns show: state, contact id, cases by record id."""
        return self.browser.execute_script("""
            return [...document.querySelectorAll('.customer')].map((column) => ({
                contact: column.dataset.contactId, name: column.querySelector('h2').textContent,
                state: column.querySelector('.state').dataset.state, note: column.querySelector('.note').textContent,
                cases: Object.fromEntries([...column.querySelectorAll('.case:not(.leaving)')].map((item) => [item.dataset.recordId, {
                    number: item.dataset.number, subject: item.querySelector('.subject').textContent,
                    status: item.querySelector('.status').textContent, priority: item.querySelector('.priority').textContent,
                }])),
            }));""")

    def columns_of(self, record):
        """One, but for the instant between two columns: each has a connection of its own."""
        return [index for index, column in enumerate(self.columns()) if record in column["cases"]]

    def case(self, record):
        return next((column["cases"][record] for column in self.columns() if record in column["cases"]), None)

    def element(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def click(self, selector):
        element = self.element(selector)
        self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def type(self, selector, text):
        element = self.element(selector)
        self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.clear()
        element.send_keys(text)

    def choose(self, selector, value):
        Select(self.element(selector)).select_by_value(value)

    def choose_case(self, record):
        for _ in range(5):
            try:
                return self.choose("#case-select", record)
            except StaleElementReferenceException:
                continue  # The choice was drawn anew meanwhile.
        raise AssertionError("the choice of cases never stood still")

    def any_case(self, column=0):
        return next(iter(self.columns()[column]["cases"]))

    def number(self, name):
        """A figure of the strip; None where it is not known yet."""
        text = self.element(f"#number-{name}").text.replace(",", "")
        return None if text in ("", "–") else float(text)

    def failure(self):
        element = self.element("#failure")
        return element.text if element.is_displayed() else None

    def wait_at_rest(self):
        programs.until(
            lambda: self.browser.execute_script(
                "return document.getAnimations().every((animation) => animation.playState !== 'running')"),
            what="a page at rest")

    def picture(self, path):
        self.wait_at_rest()
        self.browser.save_screenshot(str(path))
        assert path.stat().st_size > 20_000


def test_three_customers_with_their_own_cases(page, demo):
    columns = page.columns()
    assert [column["contact"] for column in columns] == [customer["contact_id"] for customer in demo["customers"]]
    assert [column["name"] for column in columns] == [customer["name"] for customer in demo["customers"]]
    records = [record for column in columns for record in column["cases"]]
    assert len(records) == len(set(records)) >= 3
    for column in columns:
        for case in column["cases"].values():
            assert case["number"].isdigit() and case["subject"] and case["status"] and case["priority"]
    assert "one subscription to the org, every page live" in page.browser.title.lower()


@pytest.mark.parametrize("width", [1440, 1920])
def test_three_customers_stand_side_by_side(page, width):
    page.look(width, 1000, "light")
    boxes = page.browser.execute_script("""
        return [...document.querySelectorAll('.customer')].map((column) => {
            const { left, right, top, width } = column.getBoundingClientRect();
            return { left, right, top, width };
        });""")
    assert len(boxes) == 3 and len({box["top"] for box in boxes}) == 1, "in one row"
    assert max(box["width"] for box in boxes) - min(box["width"] for box in boxes) < 1, "equally wide"
    assert boxes[0]["left"] >= 0 and boxes[2]["right"] <= width
    assert all(one["right"] < next["left"] for one, next in zip(boxes, boxes[1:])), "from left to right, none over another"


def test_a_change_appears_in_the_right_column_only(page):
    record = page.any_case(1)
    others = [cases for index, (_, cases) in enumerate(page.settled_columns()) if index != 1]
    page.choose_case(record)
    new_status = "Escalated" if page.case(record)["status"] != "Escalated" else "Working"
    page.choose("#case-status", new_status)
    page.choose("#case-priority", "Low")
    page.type("#case-subject", "Changed at the agent's desk")
    page.type("#case-comment", "Called the customer")
    page.click("#save")
    programs.until(
        lambda: page.case(record) == {**page.case(record), "subject": "Changed at the agent's desk", "status": new_status, "priority": "Low"},
        what="the change")
    assert page.columns_of(record) == [1]
    assert [column["cases"] for index, column in enumerate(page.columns()) if index != 1] == others
    assert page.failure() is None


def test_a_new_case_and_its_deletion(page, demo):
    before = set(page.settled_columns()[2][1])
    page.choose("#create-customer", demo["customers"][2]["contact_id"])
    page.type("#create-subject", "Made on the page")
    page.click("#create")
    made = programs.until(lambda: set(page.columns()[2]["cases"]) - before, what="the new case").pop()
    assert page.case(made)["subject"] == "Made on the page"
    page.choose_case(made)
    page.click("#delete")
    programs.until(lambda: page.case(made) is None, what="its disappearance")


def test_a_reload_loses_nothing(page):
    before = page.settled_columns()
    page.browser.refresh()
    page.wait_live()
    programs.until(lambda: [(column["contact"], column["cases"]) for column in page.columns()] == before, what="the same cases")


def test_a_reassigned_case_leaves_one_column_and_enters_the_other(page, demo):
    record = page.any_case(0)
    case = page.case(record)
    page.choose_case(record)
    page.choose("#reassign-to", demo["customers"][2]["contact_id"])
    page.click("#reassign")
    programs.until(lambda: page.columns_of(record) == [2], what="the case in its new column")
    assert page.case(record) == case
    page.choose_case(record)
    page.choose("#reassign-to", demo["customers"][0]["contact_id"])
    page.click("#reassign")
    programs.until(lambda: page.columns_of(record) == [0], what="the case back in its column")


def test_a_cut_connection_resumes_and_gets_what_happened_meanwhile(page):
    record = page.any_case(0)
    page.choose_case(record)
    # A cut lasts some seconds of the page's own clock, which stands still until all of this has been done.
    page.browser.execute_script("const now = performance.now(); performance.now = () => now")
    page.click(".customer:nth-of-type(1) .cut")
    programs.until(lambda: page.columns()[0]["state"] != "open", what="the cut")
    page.type("#case-subject", "Changed while away")
    page.click("#save")
    # The org has it, this column cannot have it yet, the others go on.
    programs.until(lambda: "204" in page.element("#calls").text, what="the org's answer")
    cut, *others = page.columns()
    assert cut["state"] != "open" and cut["cases"][record]["subject"] != "Changed while away"
    assert [column["state"] for column in others] == ["open", "open"]
    page.browser.execute_script("delete performance.now")
    programs.until(lambda: page.columns()[0]["state"] == "open", what="the resumption")
    programs.until(lambda: page.case(record)["subject"] == "Changed while away", what="what happened meanwhile")
    programs.until(lambda: "caught up on one change" in page.columns()[0]["note"], what="the note of it")


def test_the_org_refuses_and_the_page_says_why(page):
    page.choose_case(page.any_case(0))
    page.browser.execute_script("""
        document.getElementById('case-subject').removeAttribute('maxlength');
        document.getElementById('case-subject').value = 'x'.repeat(256);""")
    page.click("#save")
    programs.until(lambda: page.failure() and "STRING_TOO_LONG" in page.failure(), what="the org's reason")
    # The refusal is a 400 of the org, which the browser writes to its console.
    refusals = [entry for entry in page.browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert all("400" in entry["message"] for entry in refusals)


def test_simulated_agents_move_the_numbers(page):
    programs.until(lambda: page.number("connections") == 3, what="three connections")
    before = page.number("upstream")
    page.click(".switch .track")
    programs.until(lambda: page.number("upstream") >= before + 6, what="six more events")
    programs.until(lambda: page.number("p50") is not None and page.number("p99") is not None, what="latencies")
    page.click(".switch .track")
    assert 0 <= page.number("p50") <= page.number("p99") < LATENCY_MAX_MS
    assert page.failure() is None
    page.settled_columns()


@pytest.fixture
def org(demo):
    return programs.Org(demo["connection"])


def listener(demo, customer):
    """A push client of a customer, as a script makes it from `demo.json`."""
    client = PushClient(types.SimpleNamespace(push_url=demo["push_url"]), customer["token"])
    client.wait_for("welcome")
    assert client.subscribe()["type"] == "subscribed"
    return client


def test_the_org_sees_one_subscription(page, demo, org):
    """Three columns and two more clients are five connections to Millrace, and one subscription to the org."""
    customer = demo["customers"][0]
    record = page.any_case(0)
    delivered = lambda: org.metric("millrace_pubsub_delivered_total")
    with listener(demo, customer) as one, listener(demo, customer) as two:
        programs.until(lambda: page.number("connections") == 5, what="five connections")
        assert org.metric("millrace_pubsub_streams") == 1
        before = delivered()
        assert before > 0
        subject = f"For three listeners {time.monotonic_ns()}"
        org.update("Case", record, Subject=subject)
        places = {place(client.event(record)) for client in (one, two)}
        programs.until(lambda: page.case(record)["subject"] == subject, what="the change in the column")
        assert len(places) == 1, "one event for all"
        # Counted when it has been written, perhaps after it was read.
        programs.until(lambda: delivered() > before, what="the count of the delivery")
        assert delivered() - before == 1, "the org delivered it once"
        assert org.metric("millrace_pubsub_streams") == 1


def test_the_numbers_of_deliveries_are_right(page, demo, org):
    """Each change below is one delivery of the org, one to a page, and would have been three without Millrace."""
    CHANGES = 4

    def numbers():
        answer = org.http.get(f"{demo['page_url']}demo/numbers", timeout=programs.CALL_SECONDS)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def shown(wanted):
        programs.until(
            lambda: (page.number("upstream"), page.number("clients"), page.number("saved")) == (
                wanted["upstream_deliveries"], wanted["client_deliveries"],
                wanted["direct_deliveries"] - wanted["upstream_deliveries"]),
            what=f"what /demo/numbers says on the page: {wanted}")

    before = numbers()
    shown(before)
    record = page.any_case(0)
    for number in range(CHANGES):
        org.update("Case", record, Subject=f"Counted {time.monotonic_ns()}")
    subject = org.get("Case", record)["Subject"]
    programs.until(lambda: page.case(record)["subject"] == subject, what="the last change")
    after = numbers()
    grown = {name: after[name] - before[name] for name in ("upstream_deliveries", "client_deliveries", "direct_deliveries")}
    assert grown == {
        "upstream_deliveries": CHANGES, "client_deliveries": CHANGES, "direct_deliveries": 3 * CHANGES}
    shown(after)
    assert page.number("saved") > 0


def test_a_script_can_drive_the_demo(demo, org):
    """Nothing but what `demo.json` says: its addresses, a customer's token, the way to the org."""
    assert set(demo) == {"page_url", "push_url", "events_url", "connection", "customers"}
    assert len(demo["customers"]) == 3
    for customer in demo["customers"]:
        assert set(customer) == {"name", "account", "contact_id", "token"}
        assert all(customer.values())
    customer, other = demo["customers"][:2]
    with EventStream(demo["events_url"], customer["token"]) as stream, listener(demo, customer) as client:
        assert stream.answer.status_code == 200
        stream.wait_for("subscribed")
        foreign = org.create_case(other["contact_id"], "Not for this customer")
        case = org.create_case(customer["contact_id"], "Made by a script")
        _, streamed = stream.wait_for("event", case)
        pushed = client.event(case)
        assert streamed == pushed, "one event, over both transports"
        assert pushed["data"]["payload"]["Subject"] == "Made by a script"
        assert header(pushed)["changeType"] == "CREATE"
        # It was made before: nothing of it is on its way any more.
        assert all(foreign not in ids(message) for message in client.messages), "nothing of the other customer"
        assert all(foreign not in event["data"] for event in stream.events)
        for record in (case, foreign):
            org.delete("Case", record)


@pytest.mark.parametrize("how", ["reload", "away"])
def test_what_changes_while_nobody_looks_is_there_afterwards(page, demo, org, how):
    contacts = [customer["contact_id"] for customer in demo["customers"]]
    kept, gone, wandering = (org.create_case(contacts[0], f"Before: {name}") for name in ("kept", "gone", "wandering"))
    programs.until(lambda: {kept, gone, wandering} <= set(page.columns()[0]["cases"]), what="the cases")
    made, failures = [], []

    def work():
        try:
            for number in range(10):
                made.append(org.create_case(contacts[number % 3], f"While away {number}"))
                org.update("Case", kept, Subject=f"Changed {number}", Status=("Working", "Escalated")[number % 2])
            org.delete("Case", gone)
            org.delete("Case", made[0])
            org.update("Case", wandering, ContactId=contacts[1])
        except BaseException as failure:
            failures.append(failure)

    worker = threading.Thread(target=work)
    if how == "away":  # Nobody listens to any of it.
        page.browser.get("about:blank")
        worker.start()
        worker.join(programs.CALL_SECONDS)
        page.open()
    else:  # Each reload ends three connections in the middle of it.
        worker.start()
        for _ in range(3):
            page.browser.refresh()
            page.wait_live()
        worker.join(programs.CALL_SECONDS)
    assert not worker.is_alive() and failures == []
    assert len(made) == 10
    page.settled_columns()
    assert page.columns_of(wandering) == [1]
    assert page.case(gone) is None and page.case(made[0]) is None
    assert page.case(kept)["subject"] == "Changed 9"
    for record in (kept, wandering, *made[1:]):
        org.delete("Case", record)


def test_the_raw_events_can_be_looked_at(page):
    record = page.any_case(0)
    subject = f"Raw {time.monotonic_ns()}"
    page.choose_case(record)
    page.type("#case-subject", subject)
    page.click("#save")
    programs.until(lambda: page.case(record)["subject"] == subject, what="the change")
    page.click("#open-events")
    programs.until(lambda: page.browser.find_elements(By.CSS_SELECTOR, "#events-list summary"), what="events")
    page.wait_at_rest()
    page.browser.find_element(By.CSS_SELECTOR, "#events-list summary").click()
    programs.until(lambda: page.browser.find_elements(By.CSS_SELECTOR, "#events-list pre"), what="the opened event")
    assert "ChangeEventHeader" in page.element("#events-list pre").text and subject in page.element("#events-list pre").text
    page.click("#close-events")


@pytest.mark.parametrize("name, width, height, scheme", [
    ("light", 1440, 1000, "light"), ("dark", 1440, 1000, "dark"), ("tablet", 1000, 1100, "light"), ("phone", 400, 900, "dark")])
def test_it_looks_right(page, pictures, name, width, height, scheme):
    page.look(width, height, scheme)
    scroll_width = programs.until(
        lambda: page.browser.execute_script("return document.documentElement.scrollWidth") <= width or None,
        what="a page without sideways scrolling")
    assert scroll_width
    ground = page.browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    lightness = sum(int(part) for part in ground[4:-1].split(",")[:3]) / 3
    assert lightness > 200 if scheme == "light" else lightness < 60
    page.picture(pictures / f"{name}.png")


# The contrast of two colours as WCAG 2 defines it, of each text with the ground that is painted behind it.
CONTRASTS = """
const parse = (text) => {
    const numbers = text.match(/[\\d.]+(e-?\\d+)?/g).map(Number);
    if (text.startsWith('color(srgb')) return [...numbers.slice(0, 3).map((part) => part * 255), numbers[3] ?? 1];
    if (!text.startsWith('rgb')) throw new Error(`a colour of another kind: ${text}`);
    return [...numbers.slice(0, 3), numbers[3] ?? 1];
};
const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
const luminance = (colour) => {
    const [r, g, b] = colour.map((part) => part / 255).map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = (element) => {
    if (!element) return parse(getComputedStyle(document.body).backgroundColor);
    const own = parse(getComputedStyle(element).backgroundColor);
    return own[3] === 1 ? own : over(own, ground(element.parentElement));
};
const words = (element) => (element.value || element.textContent).trim();
const opacity = (element) => element ? getComputedStyle(element).opacity * opacity(element.parentElement) : 1;
return Object.fromEntries(arguments[0].map((selector) => [selector, [...document.querySelectorAll(selector)]
    .filter((element) => element.checkVisibility({ visibilityProperty: true }) && element.getBoundingClientRect().width > 0)
    .filter((element) => words(element) && !element.disabled)
    .map((element) => {
        const behind = ground(element);
        const text = parse(getComputedStyle(element).color);
        text[3] *= opacity(element);
        const [low, high] = [luminance(over(text, behind)), luminance(behind)].sort((a, b) => a - b);
        return [(high + 0.05) / (low + 0.05), words(element).slice(0, 40)];
    })]));
"""
CONTRAST_MIN = 4.5
TEXTS = [
    "h1", "h2", ".brand p", "#numbers dt", "#numbers dd span, #numbers dd:not(:has(span))", "#numbers dd small", ".hint", ".account",
    ".count", ".cut", ".state", ".note", ".number", ".subject", ".status", ".priority", ".case time", ".desk-head p", ".desk h3",
    ".desk label:not(.switch)", ".switch span:not(.track)", ".switch small", ".desk select", ".desk input[type=text]", "#save", "#delete",
    "#reassign", "#create", "#failure", "#calls li span", ".node strong",
]
WIDE_TEXTS = [".node span", ".wire-label"]
"""Not shown on a telephone."""
EVENT_TEXTS = ["#events-list .kind", "#events-list .about", "#events-list .place", ".json-key", ".json-string", ".json-number"]


def assert_readable(page, texts):
    page.wait_at_rest()
    found = page.browser.execute_script(CONTRASTS, texts)
    assert [text for text in texts if not found[text]] == [], "each kind of text is on the page"
    pale = [(selector, round(contrast, 2), text) for selector, all_of_it in found.items() for contrast, text in all_of_it
            if contrast < CONTRAST_MIN]
    assert pale == [], "text stands out from its ground"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 400])
def test_its_text_can_be_read(page, demo, org, width, scheme):
    statuses = ["New", "Working", "On Hold", "Escalated", "Closed"]
    contact = demo["customers"][0]["contact_id"]
    made = [org.create_case(contact, f"A case that is {status}", Status=status) for status in statuses]
    page.look(width, 1000, scheme)
    programs.until(lambda: set(made) <= set(page.columns()[0]["cases"]), what="a case of each status")
    page.browser.execute_script("""
        // Everything that is said now and then, said at once; and one state of each kind.
        const states = ['open', 'waiting', 'closed'], kinds = ['good', 'warn', 'bad'];
        window.page.columns.forEach((column, index) => {
            column.note(`A ${kinds[index]} note`, kinds[index]);
            column.stateElement.dataset.state = states[index];
        });
        document.getElementById('failure').textContent = 'What the org has refused, and why';
        document.getElementById('failure').hidden = false;""")
    page.choose_case(made[0])  # The one that is chosen has a ground of its own.
    page.type("#case-subject", "Changed to be read")
    page.click("#save")
    programs.until(lambda: "204" in page.element("#calls").text, what="a call to be read")
    page.browser.execute_script("document.getElementById('failure').hidden = false; document.activeElement.blur()")
    assert {case["status"] for case in page.columns()[0]["cases"].values()} >= set(statuses)
    assert_readable(page, TEXTS + (WIDE_TEXTS if width > 400 else []))
    page.click("#open-events")
    programs.until(lambda: page.browser.find_elements(By.CSS_SELECTOR, "#events-list summary"), what="events")
    page.browser.execute_script("document.querySelector('#events-list details').open = true")
    programs.until(lambda: page.browser.find_elements(By.CSS_SELECTOR, "#events-list pre"), what="the opened event")
    assert_readable(page, EVENT_TEXTS)
    page.click("#close-events")
    for record in made:
        org.delete("Case", record)


def test_the_switch_overrides_the_system(page):
    ground = lambda: page.browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    before = ground()
    page.click("#theme")
    assert ground() != before
    page.browser.refresh()
    page.wait_live()
    assert ground() != before, "the choice is remembered"
    page.click("#theme")
    assert ground() == before
