"""What decides in the Lightning component `caseStatusLive`, in Chromium against the real gateway and org.

The component's markup needs Salesforce's compiler; its logic (`liveCases.js`) and the static resource do not, and run here as
a page of an Experience Cloud site would run them: loaded as scripts into a page of another program.
"""

import re
import subprocess

import pytest

import chromium
import programs

pytestmark = chromium.needed

SALESFORCE = programs.ROOT / "salesforce"
MAIN = SALESFORCE / "force-app" / "main" / "default"


@pytest.fixture(scope="module")
def scripts():
    """The static resource as an administrator makes it, and the component's logic as a script."""
    subprocess.run(["node", "prepare.mjs"], cwd=SALESFORCE, check=True)
    logic = (MAIN / "lwc" / "caseStatusLive" / "liveCases.js").read_text()
    logic, count = re.subn(r"^export \{ LiveCases \};$", "self.LiveCases = LiveCases;", logic, flags=re.M)
    assert count == 1
    return (MAIN / "staticresources" / "millrace.js").read_text(), f"(function () {{ {logic} }})();"


@pytest.fixture
def site(browser, demo, scripts):
    """A page where the component of the first customer runs; its Apex is played by the page, with the customer's token."""
    browser.get(demo["page_url"])
    browser.execute_script("document.body.textContent = ''")
    for script in scripts:
        browser.execute_script(script)
    customer = demo["customers"][0]
    browser.execute_script("""
        const [url, token] = arguments;
        const page = self.site = { views: [], rows: [] };
        page.live = new self.LiveCases({
            library: async () => self.millrace,
            connect: async () => ({ url, channel: '/data/CaseChangeEvent', token }),
            load: async () => page.rows,
            onChange: (view) => page.views.push(view),
            pollEvery: 300, retryLiveAfter: 1500,
        });
        page.live.start();
    """, demo["push_url"], customer["token"])
    yield browser
    browser.execute_script("self.site.live.stop()")


def view(browser):
    return browser.execute_script("return self.site.views.at(-1)")


def wait(browser, question, what):
    programs.until(lambda: question(view(browser) or {"state": "", "cases": []}), every=0.05, what=what)


def test_a_customers_case_appears_changes_and_goes(site, demo):
    org = programs.Org(demo["connection"])
    mine, other = (customer["contact_id"] for customer in demo["customers"][:2])
    wait(site, lambda seen: seen["state"] == "live" and seen["isLoaded"], "a live component")
    foreign = org.create_case(other, "Not yours")
    case = org.create_case(mine, "Charging stops")
    wait(site, lambda seen: [item["Id"] for item in seen["cases"]] == [case], "the new case")
    assert view(site)["cases"][0]["Subject"] == "Charging stops"
    # Marked for some seconds, which may have passed: in the first view of it.
    assert site.execute_script("return self.site.views.find((view) => view.cases.length).cases[0].isChanged") is True
    org.update("Case", case, Status="Escalated")
    wait(site, lambda seen: seen["cases"][0].get("Status") == "Escalated", "the new status")
    org.update("Case", case, ContactId=other)
    wait(site, lambda seen: seen["cases"] == [], "the case that is the customer's no more")
    org.delete("Case", case)
    org.delete("Case", foreign)


def test_without_events_the_cases_are_polled_and_events_come_back(browser, demo, site):
    wait(site, lambda seen: seen["state"] == "live", "a live component")
    site.execute_script("self.site.live.stop()")
    site.execute_script("""
        const page = self.site;
        const row = (Status) => ({ Id: '500000000000001AAA', CaseNumber: '00009999', Subject: 'Polled', Status });
        page.rows = [row('New')];
        page.change = (status) => { page.rows = [row(status)]; };
        page.hasContact = false;
        page.views = [];
        page.live = new self.LiveCases({
            library: async () => self.millrace,
            connect: async () => {
                if (!page.hasContact) throw new Error('the user has no contact');
                return { url: arguments[0], channel: '/data/CaseChangeEvent', token: arguments[1] };
            },
            load: async () => page.rows,
            onChange: (view) => page.views.push(view),
            pollEvery: 300, retryLiveAfter: 1500,
        });
        page.live.start();
    """, demo["push_url"], demo["customers"][0]["token"])
    wait(site, lambda seen: seen["state"] == "polling" and len(seen["cases"]) == 1, "a polling component")
    site.execute_script("self.site.change('Closed')")
    wait(site, lambda seen: seen["cases"] and seen["cases"][0]["Status"] == "Closed", "the polled status")
    site.execute_script("self.site.hasContact = true")
    wait(site, lambda seen: seen["state"] == "live", "events again")
