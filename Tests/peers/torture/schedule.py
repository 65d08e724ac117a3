"""What one run does: the steps of a workload, and faults with the step before which each strikes. A pure function of its seed."""

import random

OBJECTS = ("Account", "Contact", "Case", "Lead", "Part__c")
"""Those that are replicated; an org selects five for change events."""
STANDARD_CHANNEL = ("Account", "Contact", "Case")
"""Those that a new org has selected by itself."""
STREAM_TOPIC = "/data/ChangeEvents"
STEPS = (30, 70)
FAULTS = (3, 6)
PAUSE_SECONDS_MAX = 0.06

WORDS = "river mill wheel sluice weir race pond stone grain flour belt gear axle shaft dam gate".split()
QUERIES = ["/services/data/*/jobs/query/**", "/services/data/*/jobs/query", "/services/data/*/query*",
           "/services/data/*/jobs/query/*/results", "/services/data/*/sobjects/*/describe", "/services/oauth2/token"]
"""What the gateway asks an org for, and the workload does not."""
CRASH_POINTS = (
    "store.commit.before store.commit.after record.apply.before record.apply.after log.append.before log.append.after "
    "cursor.move.before cursor.move.after observers.tell.before observers.tell.after table.define.before table.define.after "
    "window.open.after job.submit.before job.submit.after page.store.before page.slice.after page.store.after "
    "chunk.after ids.compare.before ids.compare.after snapshot.finish.before snapshot.finish.after refetch.store.before "
    "refetch.store.after").split()
READING_POINTS = {name for name in CRASH_POINTS if name.split(".")[0] in ("table", "window", "job", "page", "chunk", "ids", "snapshot")}


def make(seed, engine):
    """The schedule of a seed, as JSON has it. `engine`: sqlite or postgres."""
    return Maker(random.Random(f"{engine} {seed}"), engine).schedule(seed)


class Maker:
    def __init__(self, choose, engine):
        self.choose = choose
        self.engine = engine
        self.alive = {name: [] for name in OBJECTS}
        self.gone = {name: [] for name in OBJECTS}
        self.numbers = {name: 0 for name in OBJECTS}
        self.fields = []

    def schedule(self, seed):
        choose = self.choose
        steps = [self.create(name) for name in ("Account", "Account", "Contact", "Case", "Lead", "Part__c")]
        for _ in range(choose.randint(*STEPS)):
            steps.append(self.step())
        for step in steps:
            step["pause"] = round(choose.choice([0, choose.uniform(0, PAUSE_SECONDS_MAX)]), 3)
        # In half of them an object is read while the rest happens.
        reads = seed % 2 == 1
        schedule = {
            "seed": seed, "engine": self.engine,
            # Whether the first load is done before faults begin; otherwise they meet it.
            "loads_first": not reads or choose.random() < 0.5,
            "keepalive": 1, "steps": steps, "faults": []}
        self.has_skew = choose.random() < 0.1
        count = choose.randint(*FAULTS)
        kinds = self.kinds()
        faults = [choose.choices(list(kinds), list(kinds.values()))[0](self, len(steps)) for _ in range(count)]
        if self.has_skew:
            faults.append({"at": choose.randrange(len(steps) // 2), "kind": "clock", "seconds": choose.choice([45, 90])})
        if reads:
            # In the middle of it all.
            for _ in range(choose.choice([1, 1, 2])):
                faults.append(self.snapshot(max(fault["at"] for fault in faults) + 1))
            if choose.random() < 0.5:
                # Rows that are old when they come: more happens between their reading and their writing.
                faults.append({"at": max(0, faults[-1]["at"] - 1), "kind": "fault", "fault": {
                    "kind": "stall", "path": "/services/data/*/jobs/query/*/results", "times": choose.choice([1, 2, 5]),
                    "seconds": round(choose.uniform(0.2, 0.8), 2)}})
        schedule["faults"] = sorted(faults, key=lambda fault: fault["at"])
        if choose.random() < 0.3:
            # Without events. What is out of the recycle bin before a poll (with its account, perhaps), only a reconciliation finds.
            schedule["polls"] = choose.choice(OBJECTS)
            schedule["steps"] = [{"do": "nothing", "pause": step["pause"]} if step["do"] == "purge" else step for step in steps]
        if choose.random() < 0.4:
            # Of the objects that have more rows.
            schedule["chunk_rows"] = choose.choice([3, 5, 10])
        # What the records were is kept, and checked.
        schedule["history"] = choose.random() < 0.5
        schedule["reads"] = reads or not schedule["loads_first"]
        return schedule

    # MARK: The workload

    def step(self):
        ways = {
            self.update: 40, self.create: 18, self.delete: 8, self.undelete: 5, self.merged: 8, self.many: 5, self.cascade: 3,
            self.empty: 7, self.bulk: 2, self.field: 2, self.convert: 2, self.merge: 2, self.purge: 2}
        while True:
            step = self.choose.choices(list(ways), list(ways.values()))[0]()
            if step:
                return step

    def create(self, name=None):
        name = name or self.choose.choice(OBJECTS)
        key = f"{name}-{self.numbers[name]}"
        self.numbers[name] += 1
        self.alive[name].append(key)
        return {"do": "create", "object": name, "key": key, "fields": self.values(name, True)}

    def key(self, name=None, among=None):
        among = among or self.alive
        names = [name] if name else [name for name in OBJECTS if among[name]]
        if not names or not among[names[0]]:
            return None, None
        name = self.choose.choice(names)
        return name, self.choose.choice(among[name])

    def update(self):
        name, key = self.key()
        return key and {"do": "update", "object": name, "key": key, "fields": self.values(name, False)}

    def empty(self):
        """Fields become nothing."""
        name, key = self.key()
        if not key:
            return None
        empties = {"Account": ["Phone", "Description", "NumberOfEmployees", "BillingCity"], "Contact": ["Phone", "FirstName", "AccountId"],
                   "Case": ["Subject", "Description", "ContactId", "Priority"], "Lead": ["Phone", "Description", "FirstName"],
                   "Part__c": ["Amount__c", "Notes__c", "Colours__c", "Contact__c", "Due__c", "Seen__c", "At__c", "Place__Latitude__s"]}[name]
        names = self.choose.sample(empties, self.choose.randint(1, 3))
        if "Place__Latitude__s" in names:
            names.append("Place__Longitude__s")
        return {"do": "update", "object": name, "key": key, "fields": {field: None for field in names}}

    def delete(self):
        name, key = self.key(self.choose.choice(OBJECTS))
        if not key or len(self.alive[name]) < 2:
            return None
        self.alive[name].remove(key)
        self.gone[name].append(key)
        return {"do": "delete", "object": name, "key": key}

    def cascade(self):
        """An account with what hangs on it."""
        name, key = self.key("Account")
        if not key or len(self.alive[name]) < 3:
            return None
        self.alive[name].remove(key)
        self.gone[name].append(key)
        return {"do": "delete", "object": name, "key": key}

    def undelete(self):
        name, key = self.key(among=self.gone)
        if not key:
            return None
        self.gone[name].remove(key)
        self.alive[name].append(key)
        return {"do": "undelete", "object": name, "key": key}

    def purge(self):
        name, key = self.key(among=self.gone)
        if not key:
            return None
        self.gone[name].remove(key)
        return {"do": "purge", "object": name, "key": key}

    def merged(self):
        """The same change of several records in one transaction: one event."""
        name = self.choose.choice(OBJECTS)
        if len(self.alive[name]) < 2:
            return None
        keys = self.choose.sample(self.alive[name], min(len(self.alive[name]), self.choose.randint(2, 6)))
        return {"do": "merged", "object": name, "keys": keys, "fields": self.values(name, False, same=True)}

    def many(self):
        """Several creations in one transaction."""
        return {"do": "many", "records": [self.create() for _ in range(self.choose.randint(3, 12))]}

    def bulk(self):
        name = self.choose.choice(["Account", "Contact", "Lead"])
        return {"do": "bulk", "object": name,
                "records": [self.plain(name, f"bulk {self.choose.random():.6f}") for _ in range(self.choose.randint(10, 60))]}

    def field(self):
        if len(self.fields) > 1:
            return None
        name = self.choose.choice(OBJECTS)
        field = f"Extra_{len(self.fields)}__c"
        self.fields.append((name, field))
        kind = self.choose.choice([{"type": "Text", "length": 60}, {"type": "Number", "precision": 10, "scale": 2},
                                   {"type": "Checkbox", "defaultValue": False}])
        return {"do": "field", "object": name, "field": field, "metadata": kind}

    def convert(self):
        name, key = self.key("Lead")
        if not key:
            return None
        self.alive["Lead"].remove(key)
        return {"do": "convert", "object": name, "key": key}

    def merge(self):
        name = self.choose.choice(["Account", "Contact", "Lead"])
        if len(self.alive[name]) < 3:
            return None
        master, loser = self.choose.sample(self.alive[name], 2)
        self.alive[name].remove(loser)
        self.gone[name].append(loser)
        return {"do": "merge", "object": name, "key": master, "loser": loser}

    # MARK: Values

    def text(self, words=3):
        return " ".join(self.choose.choice(WORDS) for _ in range(words)) + self.choose.choice(["", " é", " – ü", " 漢", " 😀", " <&>"])

    def long(self):
        """Above a thousand characters changes travel as differences."""
        lines = [f"{number} {self.text(6)}" for number in range(self.choose.choice([2, 40, 120]))]
        return "\n".join(lines)

    def plain(self, name, text):
        return {"Account": {"Name": text}, "Contact": {"LastName": text}, "Case": {"Subject": text},
                "Lead": {"LastName": text, "Company": text}, "Part__c": {"Key__c": text}}[name]

    def values(self, name, is_new, same=False):
        choose = self.choose
        makers = {
            "Account": {"Phone": lambda: f"+49 {choose.randrange(10 ** 8)}", "Description": self.long, "BillingCity": self.text,
                        "NumberOfEmployees": lambda: choose.randrange(100_000), "AnnualRevenue": lambda: choose.randrange(10 ** 9) / 100},
            "Contact": {"FirstName": self.text, "Phone": lambda: f"+1 {choose.randrange(10 ** 6)}", "Description": self.long,
                        "AccountId": lambda: {"ref": self.key("Account")[1]}, "Birthdate": lambda: f"19{choose.randrange(50, 99)}-02-{choose.randrange(10, 28)}"},
            "Case": {"Status": lambda: choose.choice(["New", "Working", "Escalated", "Closed"]), "Description": self.long,
                     "Priority": lambda: choose.choice(["High", "Medium", "Low"]), "ContactId": lambda: {"ref": self.key("Contact")[1]},
                     "AccountId": lambda: {"ref": self.key("Account")[1]}},
            "Lead": {"Phone": lambda: f"+44 {choose.randrange(10 ** 6)}", "Description": self.long, "FirstName": self.text,
                     "City": self.text},
            "Part__c": {"Contact__c": lambda: {"ref": self.key("Contact")[1]}, "Amount__c": lambda: choose.randrange(-10 ** 6, 10 ** 6) / 1000,
                        "Price__c": lambda: choose.randrange(10 ** 8) / 100, "Share__c": lambda: choose.randrange(10_000) / 100,
                        "Due__c": lambda: f"20{choose.randrange(10, 60)}-0{choose.randrange(1, 10)}-28",
                        "Seen__c": lambda: f"20{choose.randrange(10, 60)}-01-02T03:04:{choose.randrange(10, 60)}.000Z",
                        "At__c": lambda: f"{choose.randrange(10, 24)}:30:00.000Z", "Is_Ready__c": lambda: choose.random() < 0.5,
                        "Notes__c": self.long, "Story__c": lambda: f"<p>{self.text()}</p>",
                        "Colours__c": lambda: ";".join(choose.sample(["Red", "Green", "Blue"], choose.randint(1, 3)))},
        }[name]
        fields = self.plain(name, self.text()) if is_new or choose.random() < 0.2 and not same else {}
        if is_new and name == "Part__c":
            fields["Account__c"] = {"ref": self.key("Account")[1]}
        for field in choose.sample(list(makers), choose.randint(1, len(makers) if is_new else 2)):
            fields[field] = makers[field]()
        if name == "Part__c" and choose.random() < 0.3:
            fields |= {"Place__Latitude__s": choose.randrange(-90_00000, 90_00000) / 100_000,
                       "Place__Longitude__s": choose.randrange(-180_00000, 180_00000) / 100_000}
        for owner, field in self.fields:
            if owner == name and choose.random() < 0.7:
                fields[field] = {"extra": choose.randrange(1000)}
        return fields

    # MARK: Faults

    def kinds(self):
        """Each kind with its weight."""
        common = {
            Maker.kill: 14, Maker.crash: 22, Maker.stop: 3, Maker.stream: 12, Maker.subscribing: 5, Maker.asking: 16, Maker.place: 5,
            Maker.doubled: 6, Maker.late: 5, Maker.schema: 4, Maker.gap: 10, Maker.lost: 6, Maker.batch: 3, Maker.wire: 8,
            Maker.snapshot: 6}
        if not self.has_skew:
            # A restarted org's clock is the machine's again.
            common[Maker.kill_org] = 5
        if self.engine == "sqlite":
            return common | {Maker.reader: 4}
        return common | {Maker.database: 16, Maker.lock: 8, Maker.standby: 10}

    def at(self, steps):
        return self.choose.randrange(steps)

    def kill(self, steps):
        return {"at": self.at(steps), "kind": "kill", "down": self.choose.choice([0, 0, 1, 5])}

    def stop(self, steps):
        return {"at": self.at(steps), "kind": "stop", "down": self.choose.choice([0, 2])}

    def crash(self, steps):
        point = self.choose.choice(CRASH_POINTS)
        is_rare = point in READING_POINTS or point.startswith("refetch")
        return {"at": self.at(steps), "kind": "crash", "point": point, "time": self.choose.choice([1, 1, 2, 3] if is_rare else [1, 2, 3, 5, 8, 13])}

    def standby(self, steps):
        return {"at": self.at(steps), "kind": "standby"}

    def kill_org(self, steps):
        return {"at": self.at(steps), "kind": "kill-org"}

    def stream(self, steps):
        what = self.choose.choice(["cut", "cut", "goaway", "unavailable", "expired-token", "stall", "half-open", "request-limit"])
        fault = {"kind": what, "topic": STREAM_TOPIC, "times": self.choose.choice([1, 1, 2, 3])}
        if what == "stall":
            fault["seconds"] = round(self.choose.uniform(0.1, 1), 2)
        return {"at": self.at(steps), "kind": "fault", "fault": fault}

    def subscribing(self, steps):
        what = self.choose.choice(["unavailable", "expired-token", "cut", "request-limit"])
        return {"at": self.at(steps), "kind": "fault", "cuts": True,
                "fault": {"kind": what, "rpc": self.choose.choice(["Subscribe", "GetTopic", "GetSchema"]), "times": self.choose.choice([1, 2, 4])}}

    def asking(self, steps):
        what = self.choose.choice(["unavailable", "unavailable", "request-limit", "expired-token", "cut", "lost-answer", "stall", "half-open"])
        fault = {"kind": what, "path": self.choose.choice(QUERIES), "times": self.choose.choice([1, 2, 3, 6])}
        if what == "stall":
            fault["seconds"] = round(self.choose.uniform(0.1, 1), 2)
        if what == "half-open":
            fault["times"] = 1
        return {"at": self.at(steps), "kind": "fault", "fault": fault}

    def place(self, steps):
        return {"at": self.at(steps), "kind": "fault", "cuts": True,
                "fault": {"kind": self.choose.choice(["replay-expired", "replay-corrupted"]), "times": 1}}

    def doubled(self, steps):
        return {"at": self.at(steps), "kind": "fault", "fault": {"kind": "duplicate", "times": self.choose.choice([1, 3, 10])}}

    def late(self, steps):
        return {"at": self.at(steps), "kind": "fault", "for": self.choose.randint(5, 40),
                "fault": {"kind": "delay", "seconds": round(self.choose.uniform(0.1, 1.5), 2)}}

    def schema(self, steps):
        return {"at": self.at(steps), "kind": "fault", "fault": {"kind": "schema", "times": self.choose.choice([1, 2, 5])}}

    def gap(self, steps):
        """A gap event for records that are there, deleted or unknown; an overflow; a conversion."""
        what = self.choose.choice(["GAP_CREATE", "GAP_UPDATE", "GAP_UPDATE", "GAP_UNDELETE", "GAP_DELETE", "GAP_OVERFLOW", "conversion"])
        return {"at": self.at(steps), "kind": "gap", "gap": what, "object": self.choose.choice(OBJECTS),
                "records": self.choose.choice(["present", "deleted", "unknown"]), "count": self.choose.choice([1, 3])}

    def lost(self, steps):
        """Changes that go out as gaps."""
        fault = {"kind": self.choose.choice(["gap", "gap", "overflow"]), "times": self.choose.choice([1, 3, 8])}
        if self.choose.random() < 0.5:
            fault["object"] = self.choose.choice(OBJECTS)
        return {"at": self.at(steps), "kind": "fault", "fault": fault}

    def batch(self, steps):
        return {"at": self.at(steps), "kind": "fault", "fault": {"kind": "bulk", "times": self.choose.choice([1, 2])}}

    def wire(self, steps):
        """The way of the event streams, below the protocol."""
        what = self.choose.choice(["cut", "refuse", "hold", "slow"])
        return {"at": self.at(steps), "kind": "wire", "what": what, "for": self.choose.randint(1, 12)}

    def reader(self, steps):
        return {"at": self.at(steps), "kind": "reader", "for": self.choose.randint(5, 40)}

    def database(self, steps):
        what = self.choose.choice(["before-commit", "after-commit", "after-commit", "cut", "terminate"])
        return {"at": self.at(steps), "kind": "database", "what": what, "time": self.choose.choice([1, 2, 3, 6])}

    def lock(self, steps):
        return {"at": self.at(steps), "kind": "lock", "object": self.choose.choice(OBJECTS), "for": self.choose.randint(2, 25)}

    def snapshot(self, steps):
        fault = {"at": min(self.at(steps), steps), "kind": "snapshot", "object": self.choose.choice(OBJECTS)}
        if self.choose.random() < 0.25:
            fault["where"] = "CreatedDate != null"
        return fault
