"""The tables of a gateway against the org's own truth: every row, every column."""

import datetime
import decimal
import json
import sqlite3

import psycopg
import psycopg.rows

import programs
from torture.schedule import OBJECTS, STREAM_TOPIC

EXCLUDED = {
    "SystemModstamp": "no event tells it: the table has it as it was when the row was last read (docs/replication.md)",
    "IsDeleted": "the table's own mark stands for it: rows are compared among the live ones",
    "Id": "the key of the comparison",
}
"""Fields of the truth that are not compared, and why. Formulas are not part of the truth: they follow no event."""
PAGE = 2000


def truth(org, name):
    """Live records by id, as the org's control door tells them."""
    records, after = [], ""
    while True:
        page = org.control("GET", f"/truth/{name}?limit={PAGE}{after}")
        records += page["records"]
        if not page["next"]:
            break
        after = f"&after={page['next']}"
    return {record["Id"]: {field: value for field, value in record.items() if field not in EXCLUDED} for record in records}


def kinds(org, name):
    """Type of each field, as the org describes it."""
    described = org.rest("GET", f"/sobjects/{name}/describe", expected=200).json()["fields"]
    return {field["name"]: field["type"] for field in described}


def rows(world, name):
    """All rows of a table as dictionaries of its columns; None: there is no table."""
    if world.direct:
        with psycopg.connect(world.direct) as connection:
            try:
                cursor = connection.execute(f"SELECT * FROM salesforce.{name.lower()}")
            except psycopg.errors.UndefinedTable:
                return None
            names = [column.name for column in cursor.description]
            found = cursor.fetchall()
    else:
        path = world.gateway.directory / "millrace.sqlite"
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            cursor = connection.execute(f"SELECT * FROM salesforce_{name.lower()}")
            names = [column[0] for column in cursor.description]
            found = cursor.fetchall()
        except sqlite3.OperationalError:
            return None
        finally:
            connection.close()
    return [dict(zip(names, row)) for row in found]


def cursor(world):
    """Where the stream stands in the org's bus; None: nowhere yet."""
    query = "SELECT replay_id FROM {} WHERE topic = '" + STREAM_TOPIC + "'"
    if world.direct:
        with psycopg.connect(world.direct) as connection:
            try:
                found = connection.execute(query.format("millrace.cursors")).fetchone()
            except psycopg.errors.UndefinedTable:
                return None
    else:
        path = world.gateway.directory / "millrace.sqlite"
        if not path.exists():
            return None
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            found = connection.execute(query.format("cursors")).fetchone()
        except sqlite3.OperationalError:
            return None
        finally:
            connection.close()
    return int.from_bytes(bytes(found[0]), "big") if found else None


def wanted(value, kind, is_file):
    """A value of the truth as the column must have it: exactly, and of its type. `is_file`: of SQLite."""
    if value is None:
        return None
    if kind == "boolean":
        return int(value) if is_file else value
    if kind == "datetime":
        moment = datetime.datetime.fromisoformat(value.replace("+0000", "+00:00").replace("Z", "+00:00"))
        return round(moment.timestamp() * 1000) if is_file else moment
    if kind == "date":
        day = datetime.date.fromisoformat(value)
        return round((day - datetime.date(1970, 1, 1)).total_seconds() * 1000) if is_file else day
    if kind == "time":
        moment = datetime.time.fromisoformat(value.removesuffix("Z"))
        if not is_file:
            return moment
        return ((moment.hour * 60 + moment.minute) * 60 + moment.second) * 1000 + moment.microsecond // 1000
    if kind in ("double", "currency", "percent"):
        return float(value) if is_file else decimal.Decimal(str(value))
    return value


def differences(world):
    """What is wrong: [(object, sfid, column, ours, theirs)]; and how many values were compared."""
    wrong, compared = [], 0
    is_file = not world.direct
    for name in OBJECTS:
        found = rows(world, name)
        theirs = truth(world.org, name)
        for key, text in (names(world.org, name) if name in PERSONS else {}).items():
            theirs[key]["Name"] = text
        types = kinds(world.org, name)
        if found is None:
            wrong.append((name, None, None, "no table", f"{len(theirs)} records"))
            continue
        bin_ = recycle_bin(world.org, name)
        ours = {row["sfid"]: row for row in found if not row["isdeleted"]}
        if len({row["sfid"] for row in found}) != len(found):
            wrong.append((name, None, "sfid", "a record twice", None))
        for key in theirs.keys() - ours.keys():
            wrong.append((name, key, None, "no live row", theirs[key]))
        for key in ours.keys() - theirs.keys():
            wrong.append((name, key, None, "a live row", "deleted" if key in bin_ else "no record"))
        for key in theirs.keys() & ours.keys():
            row = ours[key]
            if row["_needs_refetch"]:
                wrong.append((name, key, "_needs_refetch", True, False))
            if row["_rest"] is not None:
                wrong.append((name, key, "_rest", row["_rest"], None))
            for field, value in theirs[key].items():
                column = field.lower()
                if column not in row:
                    wrong.append((name, key, column, "no column", value))
                    continue
                compared += 1
                expected = wanted(value, types[field], is_file)
                if row[column] != expected or type(row[column]) is not type(expected):
                    wrong.append((name, key, column, row[column], expected))
    return wrong, compared


UNVERSIONED = {"SystemModstamp", "Twice__c", "Parts_Total__c"}
"""Fields that change without a version: no event tells of them."""


def history_faults(world):
    """What is wrong in the histories: each version, with what it says has changed, is the one behind it."""
    wrong = []
    for name in OBJECTS:
        chains = {}
        for version in versions(world, name):
            chains.setdefault(version["sfid"], []).append(version)
        for key, chain in chains.items():
            if len({version["position"] for version in chain if version["position"]}) != sum(1 for version in chain if version["position"]):
                wrong.append((name, key, "an event has two versions"))
            for version, following in zip(chain, chain[1:]):
                if version["change"] == "GONE":
                    continue
                if following["valid_from"] < version["valid_to"]:
                    wrong.append((name, key, f"version {following['id']} begins before the one before it ended"))
                for field, old in version["record"].items():
                    change = version["changes"].get(field, {"new": old})
                    # What is empty may be filled without a version: a new column, and what comes to be known.
                    if field in UNVERSIONED or change.get("new") is None or following["record"].get(field) is None:
                        continue
                    if following["record"][field] != change["new"]:
                        wrong.append((name, key, f"{field} of version {following['id']} is {following['record'][field]!r:.100}, "
                                                 f"the one before it says {change['new']!r:.100}"))
    return wrong


def versions(world, name):
    """Rows of a history table, oldest first."""
    if world.direct:
        with psycopg.connect(world.direct, row_factory=psycopg.rows.dict_row) as connection:
            return connection.execute(f"SELECT * FROM salesforce_history.{name.lower()} ORDER BY id").fetchall()
    connection = sqlite3.connect(f"file:{world.gateway.directory / 'millrace.sqlite'}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        found = [dict(row) for row in connection.execute(f"SELECT * FROM history_{name.lower()} ORDER BY id")]
    finally:
        connection.close()
    return [row | {column: json.loads(row[column]) for column in ("record", "changes")} for row in found]


PERSONS = {"Contact", "Lead"}
"""Whose Name the org puts together: the truth has its parts."""


def names(org, name):
    """By id, of live records."""
    return {record["Id"]: record["Name"] for record in queried(org, f"/query?q=SELECT+Id,Name+FROM+{name}")}


def recycle_bin(org, name):
    """Ids of the records that are deleted and not gone."""
    return {record["Id"] for record in queried(org, f"/queryAll?q=SELECT+Id+FROM+{name}+WHERE+IsDeleted=true")}


def queried(org, path):
    while path:
        page = org.rest("GET", path, expected=200).json()
        yield from page["records"]
        path = page["nextRecordsUrl"].split(f"/v{programs.API_VERSION}")[1] if "nextRecordsUrl" in page else None
