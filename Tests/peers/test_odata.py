"""The OData door with clients that others wrote: python-odata reads the metadata and asks, odata-query says what a filter means,
lxml reads the CSDL. Requests as Salesforce Connect sends them are written out."""

import operator

import pytest
import requests
from lxml import etree
from odata import ODataService
from odata.exceptions import ODataError as ClientError
from odata_query import ast
from odata_query.grammar import ODataLexer, ODataParser

import programs

EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
SITE = "odata peers"
NAMES = ["Quelle", "quelle", "QUELLE", "Quelle & Söhne", "O'Quelle", "Strom", "strom"]


@pytest.fixture(scope="module")
def root(org):
    return f"{org.connection['http_url']}/odata/v4/"


@pytest.fixture(scope="module")
def nobody():
    session = requests.Session()
    session.trust_env = False
    yield session
    session.close()


@pytest.fixture(scope="module")
def session(org):
    """As a data source of Salesforce Connect with a password: Basic, and every call by itself."""
    session = requests.Session()
    session.trust_env = False
    session.auth = (org.connection["username"], org.connection["password"])
    yield session
    session.close()


@pytest.fixture(scope="module")
def accounts(org):
    """What SOQL takes for fewer names than there are, with equal and with empty cities."""
    made = []
    for number, name in enumerate(NAMES):
        city = ["Kiel", "kiel", None][number % 3]
        made.append(org.create("Account", Name=name, Site=SITE, BillingCity=city, NumberOfEmployees=number))
    return made


@pytest.fixture(scope="module")
def client(root, session, accounts):
    return ODataService(root, session=session, reflect_entities=True, quiet_progress=True)


def get(session, root, path, expected=200, headers=None, **options):
    answer = session.get(root + path, params={f"${name}": value for name, value in options.items()}, headers=headers,
                         timeout=programs.CALL_SECONDS)
    assert answer.status_code == expected, answer.text
    assert answer.headers["OData-Version"] == "4.0"
    return answer


def test_the_metadata_is_csdl_with_keys_and_lengths(session, root):
    answer = get(session, root, "$metadata")
    schema = etree.fromstring(answer.content).find(f".//{EDM}Schema")
    types = {kind.get("Name"): kind for kind in schema.findall(f"{EDM}EntityType")}
    sets = {entry.get("Name"): entry.get("EntityType") for entry in schema.iter(f"{EDM}EntitySet")}
    assert {"Account", "Contact", "Case", "User"} <= set(types)
    assert sets == {name: f"{schema.get('Namespace')}.{name}" for name in types}
    assert sets.keys() == {entry["name"] for entry in get(session, root, "").json()["value"]}
    for kind in types.values():
        properties = {entry.get("Name"): entry for entry in kind.findall(f"{EDM}Property")}
        (key,) = kind.findall(f"{EDM}Key/{EDM}PropertyRef")
        assert properties[key.get("Name")].get("Nullable") == "false"
        for entry in properties.values():
            assert (entry.get("Type") == "Edm.String") == (entry.get("MaxLength") is not None), etree.tostring(entry)
            if entry.get("Type") == "Edm.Decimal":
                assert 0 <= int(entry.get("Scale")) <= int(entry.get("Precision"))


def test_python_odata_reads_entities(client, accounts):
    account = client.entities["Account"]
    found = client.query(account).filter(account.Id == accounts[0]).one()
    assert (found.Id, found.Name, found.NumberOfEmployees) == (accounts[0], "Quelle", 0)
    assert found.CreatedDate.year >= 2026 and found.IsDeleted is False
    assert client.query(account).get(accounts[4]).Name == "O'Quelle"
    ours = client.query(account).filter(account.Site == SITE)
    assert ours.count() == len(NAMES)
    assert sorted(entry.Id for entry in ours) == sorted(accounts)
    in_order = ours.order_by(account.NumberOfEmployees.desc()).select(account.Name)
    assert [row["Name"] for row in in_order] == NAMES[::-1]
    assert [row["Name"] for row in in_order.limit(2).offset(1)] == NAMES[::-1][1:3]


def test_python_odata_is_told_what_is_wrong(client, root, session):
    account = client.entities["Account"]
    with pytest.raises(ClientError) as refused:
        client.query(account).raw({"$filter": "Nmae eq 'x'"})
    assert "no property 'Nmae' (at character 1 of $filter)" in str(refused.value)
    created = session.post(root + "Account", json={"Name": "New"}, timeout=programs.CALL_SECONDS)
    assert created.status_code == 405 and created.json()["error"]["code"] == "MethodNotAllowed"


def test_trap_31_the_rows_carry_exactly_the_value_asked_for(org, client, accounts):
    account = client.entities["Account"]
    ours = client.query(account).filter(account.Site == SITE)
    for name in NAMES:
        assert [entry.Name for entry in ours.filter(account.Name == name)] == [name]
        assert name not in [entry.Name for entry in ours.filter(account.Name != name)]
    # The org's own SOQL, by which a provider would answer rows that another org drops.
    soql = f"SELECT Name FROM Account WHERE Site = '{SITE}' AND Name = 'quelle'"
    found = org.rest("GET", "/query", expected=200, params={"q": soql}).json()
    assert found["totalSize"] == 3
    # Ids are answered with 18 characters, so one of 15 finds none.
    assert list(ours.filter(account.Id == accounts[0][:15])) == []


class Meaning:
    """What a filter means, by the tree of somebody else's parser and by Python's comparisons."""

    OPERATORS = {ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
                 ast.GtE: operator.ge}
    FUNCTIONS = {"contains": lambda text, part: part in text, "startswith": str.startswith, "endswith": str.endswith}

    def __init__(self, text):
        self.tree = ODataParser().parse(ODataLexer().tokenize(text))

    def holds(self, row, node=None):
        node = node or self.tree
        match node:
            case ast.BoolOp(ast.And(), left, right): return self.holds(row, left) and self.holds(row, right)
            case ast.BoolOp(ast.Or(), left, right): return self.holds(row, left) or self.holds(row, right)
            case ast.UnaryOp(ast.Not(), operand): return not self.holds(row, operand)
            case ast.Compare(ast.In(), left, ast.List(values)): return row[left.name] in [value.py_val for value in values]
            case ast.Compare(comparator, left, right):
                value, literal = row[left.name], None if isinstance(right, ast.Null) else right.py_val
                if isinstance(comparator, (ast.Eq, ast.NotEq)):
                    return self.OPERATORS[type(comparator)](value, literal)
                return value is not None and literal is not None and self.OPERATORS[type(comparator)](value, literal)
            case ast.Call(func, [name, part]):
                return row[name.name] is not None and self.FUNCTIONS[func.name](row[name.name], part.py_val)
        raise AssertionError(f"the tests have no meaning of {node}")


@pytest.mark.parametrize("text", [
    "Name eq 'Quelle' or Name eq 'strom'",
    "Name ne 'Quelle' and not (BillingCity eq null)",
    "BillingCity eq 'kiel'",
    "BillingCity ne 'Kiel'",
    "not (BillingCity eq 'Kiel' or NumberOfEmployees gt 4)",
    "Name in ('QUELLE', 'Strom', 'nobody')",
    "not (Name in ('QUELLE', 'Strom'))",
    "contains(Name, 'uelle') and NumberOfEmployees le 3",
    "startswith(Name, 'Q') or endswith(Name, 'om')",
    "not contains(Name, 'Q')",
    "endswith(BillingCity, 'iel')",
    "Name eq 'O''Quelle' or Name eq 'Quelle & Söhne'",
    "NumberOfEmployees ge 2 and NumberOfEmployees lt 5 or NumberOfEmployees eq 6",
    "NumberOfEmployees eq 1 or NumberOfEmployees eq 2 and Name eq 'nobody'",
    "(NumberOfEmployees eq 1 or NumberOfEmployees eq 2) and Name ne 'quelle'",
])
def test_a_filter_finds_what_odata_query_says(session, root, accounts, text):
    ours = {"orderby": "NumberOfEmployees", "select": "Id,Name,BillingCity,NumberOfEmployees"}
    rows = get(session, root, "Account", filter=f"Site eq '{SITE}'", **ours).json()["value"]
    assert [row["Id"] for row in rows] == accounts
    meaning = Meaning(text)
    expected = [row["Id"] for row in rows if meaning.holds(row)]
    found = get(session, root, "Account", filter=f"Site eq '{SITE}' and ({text})", **ours).json()["value"]
    assert [row["Id"] for row in found] == expected
    count = get(session, root, "Account/$count", filter=f"Site eq '{SITE}' and ({text})")
    assert int(count.text) == len(expected)


def test_a_list_view_as_salesforce_connect_asks_for_it(session, root, accounts):
    """Paged by the client: 26 rows for a view of 25, with their count."""
    page = get(session, root, "Account", select="Id,Name", count="true", top="3", skip="2", orderby="Name", filter=f"Site eq '{SITE}'")
    assert page.headers["Content-Type"] == "application/json;odata.metadata=minimal"
    document = page.json()
    assert document["@odata.count"] == len(NAMES) and len(document["value"]) == 3
    assert document["@odata.context"] == f"{root}$metadata#Account(Id,Name)"
    assert "@odata.nextLink" not in document


def test_server_driven_pages_lose_and_double_nothing(session, root, accounts):
    """Followed as a client follows them, ordered by what is equal or empty in all rows but case."""
    page = get(session, root, "Account", filter=f"Site eq '{SITE}'", orderby="BillingCity desc", select="Id",
               headers={"Prefer": "odata.maxpagesize=2"})
    assert page.headers["Preference-Applied"] == "odata.maxpagesize=2"
    document, seen = page.json(), []
    while True:
        seen += [row["Id"] for row in document["value"]]
        if "@odata.nextLink" not in document:
            break
        assert len(document["value"]) == 2
        document = session.get(document["@odata.nextLink"], timeout=programs.CALL_SECONDS).json()
    assert len(seen) == len(accounts) and set(seen) == set(accounts)


def test_a_related_list_asks_for_exactly_its_parent(org, session, root):
    contact = org.create_contact("ODataPeer")
    account = org.get("Contact", contact)["AccountId"]
    found = get(session, root, "Contact", filter=f"AccountId eq '{account}'", select="Id,AccountId,Name").json()["value"]
    assert found == [{"Id": contact, "AccountId": account, "Name": "ODataPeer"}]
    single = get(session, root, f"Contact(Id='{contact}')", select="Id,LastName").json()
    assert (single["Id"], single["LastName"]) == (contact, "ODataPeer")


def test_search_is_a_phrase_with_its_case(session, root, accounts):
    """An org takes the punctuation out: `Quelle & Söhne` is asked for as `Quelle Söhne`."""
    find = lambda phrase: [row["Name"] for row in get(
        session, root, "Account", search=phrase, filter=f"Site eq '{SITE}'", orderby="NumberOfEmployees").json()["value"]]
    assert find("Quelle Söhne") == ["Quelle & Söhne"]
    assert find("quelle") == ["quelle"]
    assert find("QUELLE") == ["QUELLE"]


def test_calls_are_counted_and_need_somebody(org, session, nobody, root):
    used = lambda answer: int(answer.headers["Sforce-Limit-Info"].removeprefix("api-usage=").split("/")[0])
    first = used(get(session, root, "Account", top="1"))
    assert used(get(session, root, "Account", top="1")) > first
    token = get(nobody, root, "Account", top="1", headers={"Authorization": f"Bearer {org.access['access_token']}"})
    assert len(token.json()["value"]) == 1
    refused = get(nobody, root, "Account", 401, top="1")
    assert refused.headers["WWW-Authenticate"].startswith("Basic") and refused.json()["error"]["code"] == "Unauthorized"
