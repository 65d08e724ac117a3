"""The steps of a schedule, done with an org. What an org refuses is refused; what is lost by a fault may be done again."""

import json

import requests

import programs
from torture.world import Failure

SOAP_VERSION = "64.0"
ENVELOPE = """<?xml version="1.0" encoding="utf-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:urn="urn:partner.soap.sforce.com"
  xmlns:urn1="urn:sobject.partner.soap.sforce.com">
  <soapenv:Header><urn:SessionHeader><urn:sessionId>{session}</urn:sessionId></urn:SessionHeader></soapenv:Header>
  <soapenv:Body><urn:{call}>{body}</urn:{call}></soapenv:Body>
</soapenv:Envelope>"""


class Workload:
    def __init__(self, world):
        self.world = world
        self.org = world.org
        self.ids = {}
        """By key; without a record that was refused."""
        self.deleted = set()
        self.extras = {}
        """By the name of a field that was added, its type."""
        self.done = 0
        self.refused = {}

    def do(self, step):
        try:
            getattr(self, step["do"].replace("-", "_"))(step)
        except requests.RequestException as error:
            status = self.org.program.process.poll()
            words = "" if status is None else f"; it ended with {status}: {self.org.program.output[:2000]}"
            raise Failure(f"the org does not answer {step}: {error}{words}") from error

    # MARK: Steps

    def nothing(self, step):
        pass

    def create(self, step):
        fields = self.fields(step["object"], step["fields"])
        if fields.get("Account__c", True) is None:
            return
        answer = self.call("POST", f"/sobjects/{step['object']}", fields)
        if answer is not None:
            self.ids[step["key"]] = answer["id"]

    def update(self, step):
        if key := self.ids.get(step["key"]):
            self.call("PATCH", f"/sobjects/{step['object']}/{key}", self.fields(step["object"], step["fields"]))

    def delete(self, step):
        if key := self.ids.get(step["key"]):
            if self.call("DELETE", f"/sobjects/{step['object']}/{key}") is not None:
                self.deleted.add(key)

    def merged(self, step):
        ids = [self.ids[key] for key in step["keys"] if key in self.ids]
        if ids:
            fields = self.fields(step["object"], step["fields"])
            self.call("PATCH", "/composite/sobjects", {"allOrNone": False, "records": [
                {"attributes": {"type": step["object"]}, "id": one, **fields} for one in ids]})

    def many(self, step):
        records = [(one, self.fields(one["object"], one["fields"])) for one in step["records"]]
        records = [(one, fields) for one, fields in records if fields.get("Account__c", True) is not None]
        # Ten runs of one object at most.
        records.sort(key=lambda pair: pair[0]["object"])
        answers = records and self.call("POST", "/composite/sobjects", {"allOrNone": False, "records": [
            {"attributes": {"type": one["object"]}, **fields} for one, fields in records]})
        for (one, _), answer in zip(records, answers or []):
            if answer["success"]:
                self.ids[one["key"]] = answer["id"]

    def bulk(self, step):
        names = list(step["records"][0])
        text = "\n".join([",".join(names), *(",".join(record[name] for name in names) for record in step["records"])]) + "\n"
        answer = self.org.call("POST", f"/services/data/v{programs.API_VERSION}/jobs/ingest", files={
            "job": (None, json.dumps({"object": step["object"], "operation": "insert", "contentType": "CSV"}), "application/json"),
            "content": ("content", text, "text/csv")})
        job = self.judged(answer, "bulk")
        if job:
            programs.until(lambda: self.org.rest("GET", f"/jobs/ingest/{job['id']}", expected=200).json()["state"] in (
                "JobComplete", "Failed", "Aborted"), every=0.03, what="the end of a Bulk job")

    def field(self, step):
        name = f"{step['object']}.{step['field']}"
        metadata = {"label": step["field"][:-3], **step["metadata"]}
        if self.call("POST", "/tooling/sobjects/CustomField", {"FullName": name, "Metadata": metadata}) is not None:
            self.extras[step["field"]] = step["metadata"]["type"]

    def undelete(self, step):
        if key := self.ids.get(step["key"]):
            self.soap("undelete", f"<urn:ids>{key}</urn:ids>")
            self.deleted.discard(key)

    def purge(self, step):
        if key := self.ids.get(step["key"]):
            self.soap("emptyRecycleBin", f"<urn:ids>{key}</urn:ids>")

    def convert(self, step):
        if key := self.ids.get(step["key"]):
            self.soap("convertLead", "<urn:leadConverts><urn:convertedStatus>Closed - Converted</urn:convertedStatus>"
                      f"<urn:leadId>{key}</urn:leadId></urn:leadConverts>")

    def merge(self, step):
        master, loser = self.ids.get(step["key"]), self.ids.get(step["loser"])
        if master and loser:
            self.soap("merge", f"<urn:request><urn:masterRecord><urn1:type>{step['object']}</urn1:type><urn1:Id>{master}</urn1:Id>"
                      f"</urn:masterRecord><urn:recordToMergeIds>{loser}</urn:recordToMergeIds></urn:request>")
            self.deleted.add(loser)

    # MARK: Calls

    def fields(self, name, fields):
        """As REST takes them: a reference by its record's id, what was added by its type."""
        found = {}
        for field, value in fields.items():
            if isinstance(value, dict) and "ref" in value:
                value = self.ids.get(value["ref"])
                if field == "Account__c" and value is None:
                    value = next((one for key, one in self.ids.items() if key.startswith("Account") and one not in self.deleted), None)
            elif isinstance(value, dict):
                kind = self.extras.get(field)
                if kind is None:
                    continue
                value = {"Text": f"extra {value['extra']}", "Number": value["extra"] / 100, "Checkbox": value["extra"] % 2 == 0}[kind]
            found[field] = value
        return found

    def call(self, method, path, body=None):
        """The answer; None: the org refuses."""
        return self.judged(self.org.rest(method, path, body), f"{method} {path.split('/')[1]}")

    def judged(self, answer, what):
        if answer.status_code < 300:
            self.done += 1
            return answer.json() if answer.content else {}
        if answer.status_code >= 500 or answer.status_code == 401:
            raise Failure(f"the org answers {what} with {answer.status_code}: {answer.text}")
        code = answer.json()[0]["errorCode"]
        self.refused[code] = self.refused.get(code, 0) + 1
        return None

    def soap(self, call, body):
        text = ENVELOPE.format(session=self.org.access["access_token"], call=call, body=body)
        answer = self.org.http.post(
            f"{self.org.connection['http_url']}/services/Soap/u/{SOAP_VERSION}", data=text.encode(), timeout=programs.CALL_SECONDS,
            headers={"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'})
        if answer.status_code != 200:
            raise Failure(f"the org answers {call} with {answer.text}")
        word = "done" if "<success>true</success>" in answer.text else f"{call} refused"
        if word == "done":
            self.done += 1
        else:
            self.refused[word] = self.refused.get(word, 0) + 1
