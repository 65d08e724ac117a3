"""An application written for Heroku Connect on a replica of ours: django-heroku-connect's models, read through Django's ORM.

Its models say which schema, tables and columns Heroku Connect makes and of which types; nothing here is made by them (`managed` is
false), so whatever they ask for has to be there."""

import datetime
import decimal

import pytest

import postgres
import programs
from test_replica import client, settled

FIELDS = {
    "Case": ["CaseNumber", "Subject", "Status", "Description", "ContactId", "AccountId", "IsClosed", "ClosedDate", "SuppliedEmail"],
    "Contact": ["LastName", "Email", "Birthdate", "AccountId"],
    "Account": ["Name", "Phone", "Website", "AnnualRevenue", "NumberOfEmployees"],
}


@pytest.fixture(scope="module")
def org(directories):
    org = programs.start_sandbox(directories("heroku-org"))
    yield org
    org.program.stop()


@pytest.fixture(scope="module")
def gateway(directories, org):
    if not postgres.binaries():
        pytest.skip(postgres.ABSENCE)
    server = postgres.Server(directories("heroku-postgres"))
    gateway = programs.Gateway(
        directories("heroku"), org, objects={name: {"fields": fields} for name, fields in FIELDS.items()},
        database=server.new_database("heroku"), timestamps="timestamp")
    yield gateway
    gateway.program.stop()
    server.stop()


@pytest.fixture(scope="module")
def application(gateway):
    """What a developer writes in models.py."""
    import django
    from django.conf import settings

    address = gateway.database.rsplit("/", 1)
    settings.configure(
        DATABASES={"default": {
            "ENGINE": "heroku_connect.db.backends.postgresql", "NAME": address[1], "USER": "postgres", "HOST": "127.0.0.1",
            "PORT": address[0].rsplit(":", 1)[1]}},
        DATABASE_ROUTERS=["heroku_connect.db.router.HerokuConnectRouter"], INSTALLED_APPS=["heroku_connect"], USE_TZ=True,
        TIME_ZONE="Europe/Berlin", DEFAULT_AUTO_FIELD="django.db.models.AutoField")
    django.setup()
    from django.db.models import DO_NOTHING
    from heroku_connect.db import models as hc

    statuses = [(name, name) for name in ("New", "Working", "Escalated", "Closed")]

    class Models:
        class Account(hc.HerokuConnectModel):
            sf_object_name = "Account"
            name = hc.Text(sf_field_name="Name", max_length=255)
            phone = hc.Phone(sf_field_name="Phone", max_length=40)
            website = hc.URL(sf_field_name="Website", max_length=255)
            annual_revenue = hc.Currency(sf_field_name="AnnualRevenue", max_digits=18, decimal_places=0)
            employees = hc.Number(sf_field_name="NumberOfEmployees", max_digits=8, decimal_places=0)

            class Meta:
                app_label = "heroku_connect"

        class Contact(hc.HerokuConnectModel):
            sf_object_name = "Contact"
            last_name = hc.Text(sf_field_name="LastName", max_length=80)
            email = hc.Email(sf_field_name="Email")
            birthdate = hc.Date(sf_field_name="Birthdate")
            account = hc.Lookup(
                "heroku_connect.Account", sf_field_name="AccountId", to_field="sf_id", db_column="accountid",
                on_delete=DO_NOTHING)

            class Meta:
                app_label = "heroku_connect"

        class Case(hc.HerokuConnectModel):
            sf_object_name = "Case"
            number = hc.Text(sf_field_name="CaseNumber", max_length=30)
            subject = hc.Text(sf_field_name="Subject", max_length=255)
            status = hc.Picklist(sf_field_name="Status", max_length=255, choices=statuses)
            description = hc.TextAreaLong(sf_field_name="Description")
            is_closed = hc.Checkbox(sf_field_name="IsClosed")
            closed_date = hc.DateTime(sf_field_name="ClosedDate")
            created_date = hc.DateTime(sf_field_name="CreatedDate")
            supplied_email = hc.Email(sf_field_name="SuppliedEmail")
            contact = hc.Lookup(
                "heroku_connect.Contact", sf_field_name="ContactId", to_field="sf_id", db_column="contactid",
                on_delete=DO_NOTHING)

            class Meta:
                app_label = "heroku_connect"

    return Models


def columns(table):
    """Of the database, by name: what PostgreSQL calls its type."""
    from django.db import connection
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'salesforce' AND table_name = %s",
            [table])
        return dict(cursor.fetchall())


def test_every_column_of_the_models_is_there_with_its_type(gateway, application):
    settled(gateway)
    families = {
        "AutoField": {"integer"}, "CharField": {"character varying", "text"}, "TextField": {"text"}, "BooleanField": {"boolean"},
        "DecimalField": {"numeric", "bigint", "integer"}, "DateField": {"date"}, "DateTimeField": {"timestamp without time zone"},
        "URLField": {"character varying", "text"}, "EmailField": {"character varying", "text"}, "ForeignKey": {"character varying"},
    }
    for model in (application.Account, application.Contact, application.Case):
        found = columns(model.sf_object_name.lower())
        for field in model._meta.local_fields:
            assert found.get(field.column) in families[kind(field)], f"{model.__name__}.{field.column} is {found.get(field.column)}"


def kind(field):
    kinds = ("ForeignKey", "AutoField", "URLField", "EmailField", "TextField", "BooleanField", "DecimalField", "DateTimeField",
             "DateField", "CharField")
    names = {base.__name__ for base in type(field).__mro__}
    return next(name for name in kinds if name in names)


def test_the_orm_reads_what_the_org_has(gateway, org, application):
    salesforce = client(org)
    account = salesforce.Account.create({
        "Name": "Heroku & Söhne", "Phone": "+49 30 1", "Website": "https://example.com", "AnnualRevenue": 1234567890,
        "NumberOfEmployees": 42})["id"]
    contact = salesforce.Contact.create({
        "LastName": "Connect", "Email": "connect@example.com", "Birthdate": "1984-02-29", "AccountId": account})["id"]
    case = salesforce.Case.create({"Subject": "read by Django", "ContactId": contact, "Description": "line\nline"})["id"]
    salesforce.Case.update(case, {"Status": "Closed"})

    row = programs.until(
        lambda: application.Case.objects.select_related("contact__account").filter(sf_id=case, is_closed=True).first(),
        what="the case in the table")
    record = salesforce.Case.get(case)
    assert (row.subject, row.status, row.description, row.number) == (
        "read by Django", "Closed", "line\nline", record["CaseNumber"])
    assert row.is_deleted is False and row._hc_lastop == "SYNCED" and row._hc_err is None and row.id > 0
    assert row.supplied_email is None
    closed = datetime.datetime.strptime(record["ClosedDate"], "%Y-%m-%dT%H:%M:%S.%f%z")
    assert row.closed_date == closed and row.closed_date.tzinfo is not None
    # Joins by Salesforce's ids.
    assert row.contact.birthdate == datetime.date(1984, 2, 29)
    assert row.contact.account.name == "Heroku & Söhne"
    assert row.contact.account.annual_revenue == decimal.Decimal(1234567890)
    assert row.contact.account.employees == decimal.Decimal(42)
    assert application.Case.objects.filter(contact__account__name__startswith="Heroku").count() == 1


def test_counts_and_stamps(gateway, org, application):
    settled(gateway)
    for model in (application.Account, application.Contact, application.Case):
        total = client(org).query(f"SELECT COUNT() FROM {model.sf_object_name}")["totalSize"]
        programs.until(
            lambda: model.objects.filter(is_deleted=False).count() == total, what=f"{total} rows of {model.__name__}")
    loaded = application.Account.objects.exclude(system_mod_stamp=None)
    assert loaded.exists() and loaded.order_by("system_mod_stamp").first().system_mod_stamp.tzinfo is not None


def test_writing_is_refused_as_the_models_say(application):
    from heroku_connect.db.exceptions import WriteNotSupportedError
    with pytest.raises(WriteNotSupportedError):
        application.Case.objects.filter(subject="read by Django").update(subject="changed")
