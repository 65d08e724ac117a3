"""The demo's page in Debian's Chromium: what a visitor does, against the real programs."""

import time

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

import chromium
import programs

pytestmark = chromium.needed


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
            30, what="three live columns with cases")

    def settled_columns(self, seconds=0.7):
        """The columns once they have stood still: a page that has just opened is still replaying its cases."""
        seen = [None, 0.0]

        def stands_still():
            columns = [(column["contact"], column["cases"]) for column in self.columns()]
            now = time.monotonic()
            if columns != seen[0]:
                seen[:] = [columns, now]
            return now - seen[1] >= seconds

        programs.until(stands_still, 30, every=0.05, what="columns that stand still")
        return seen[0]

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

    def column_of(self, record):
        owners = [index for index, column in enumerate(self.columns()) if record in column["cases"]]
        assert len(owners) <= 1, "a case stands in one column"
        return owners[0] if owners else None

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
    assert page.column_of(record) == 1
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
    programs.until(lambda: page.column_of(record) == 2, what="the case in its new column")
    assert page.case(record) == case
    page.choose_case(record)
    page.choose("#reassign-to", demo["customers"][0]["contact_id"])
    page.click("#reassign")
    programs.until(lambda: page.column_of(record) == 0, what="the case back in its column")


def test_a_cut_connection_resumes_and_gets_what_happened_meanwhile(page):
    record = page.any_case(0)
    page.choose_case(record)
    page.click(".customer:nth-of-type(1) .cut")
    programs.until(lambda: page.columns()[0]["state"] != "open", what="the cut")
    page.type("#case-subject", "Changed while away")
    page.click("#save")
    # The org has it, this column cannot have it yet, the others go on.
    programs.until(lambda: "204" in page.element("#calls").text, what="the org's answer")
    if page.columns()[0]["state"] != "open":
        assert page.case(record)["subject"] != "Changed while away"
    assert [column["state"] for column in page.columns()[1:]] == ["open", "open"]
    programs.until(lambda: page.columns()[0]["state"] == "open", 30, what="the resumption")
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


def test_simulated_agents_move_the_numbers(page, demo):
    number = lambda name: page.element(f"#number-{name}").text
    programs.until(lambda: number("connections") == "3", what="three connections")
    before = int(number("upstream").replace(",", ""))
    page.click(".switch .track")
    programs.until(lambda: int(number("upstream").replace(",", "")) >= before + 6, 30, what="six more events")
    programs.until(lambda: number("p50") != "–" and number("p99") != "–", what="latencies")
    page.click(".switch .track")
    assert 0 <= float(number("p50")) <= float(number("p99")) < 60_000
    assert page.failure() is None
    org = programs.Org(demo["connection"])
    for column in page.columns():  # What the page shows is what the org holds.
        for record, case in column["cases"].items():
            held = programs.until(
                lambda: (lambda held: held if page.case(record) and page.case(record)["status"] == held["Status"] else None)(
                    org.get("Case", record)), what="the same status in org and page")
            assert held["ContactId"] == column["contact"]


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
        lambda: page.browser.execute_script("return document.documentElement.scrollWidth") <= width or None, 5,
        what="a page without sideways scrolling")
    assert scroll_width
    ground = page.browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    lightness = sum(int(part) for part in ground[4:-1].split(",")[:3]) / 3
    assert lightness > 200 if scheme == "light" else lightness < 60
    page.picture(pictures / f"{name}.png")


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
