import ChangeEvents
import Doors
import Testing

@testable import Sandbox

struct CreateTests {
    @Test func newRecordHasIDOfItsObjectAndSystemFields() async throws {
        let org = try await TestOrg.open()
        let id = try await org.create("Account", [("Name", .string("Voltbahn"))])
        #expect(id.keyPrefix == "001")
        #expect(id.string.utf8.count == 18)
        let record = try await org.retrieve("Account", id)
        #expect(record["Id"] == .string(id.string))
        #expect(record["Name"] == .string("Voltbahn"))
        #expect(record["CreatedDate"] == .string("2026-02-17T04:03:15.000+0000"))
        #expect(record["LastModifiedDate"] == record["CreatedDate"])
        #expect(record["SystemModstamp"] == record["CreatedDate"])
        #expect(record["OwnerId"] == .string(org.context.session.userID))
        #expect(record["CreatedById"] == .string(org.context.session.userID))
        #expect(record["IsDeleted"] == .boolean(false))
        #expect(
            record["attributes"]
                == .object([
                    .init(name: "type", value: .string("Account")),
                    .init(name: "url", value: .string("/services/data/v66.0/sobjects/Account/\(id.string)")),
                ]))
    }

    @Test func casesAreNumberedFrom1000() async throws {
        let org = try await TestOrg.open()
        let first = try await org.create("Case", [("Subject", .string("One"))])
        let second = try await org.create("Case", [])
        #expect(try await org.retrieve("Case", first)["CaseNumber"] == .string("00001000"))
        let record = try await org.retrieve("Case", second)
        #expect(record["CaseNumber"] == .string("00001001"))
        #expect(record["Status"] == .string("New"))
        #expect(record["Priority"] == .string("Medium"))
        #expect(record["IsClosed"] == .boolean(false))
        #expect(record["ClosedDate"] == .null)
    }

    @Test func requiredFieldsAreNamed() async throws {
        let org = try await TestOrg.open()
        let error = await org.failure { () async throws(OrgError) in
            _ = try await org.create("Contact", [("FirstName", .string("Ada"))])
        }
        #expect(
            error
                == OrgError(
                    status: 400, errorCode: "REQUIRED_FIELD_MISSING",
                    message: "Required fields are missing: [LastName]",
                    fields: ["LastName"]))
        #expect(try await org.received().isEmpty)
    }

    @Test func unknownColumnIsNamed() async throws {
        let org = try await TestOrg.open()
        let error = await org.failure { () async throws(OrgError) in
            _ = try await org.create("Case", [("Colour", .string("red"))])
        }
        #expect(error?.status == 400)
        #expect(error?.errorCode == "INVALID_FIELD")
        #expect(error?.message == "No such column 'Colour' on sobject of type Case")
    }

    @Test func readOnlyFieldsAreAllNamed() async throws {
        let org = try await TestOrg.open()
        let error = await org.failure { () async throws(OrgError) in
            _ = try await org.create(
                "Case",
                [("IsClosed", .boolean(true)), ("CaseNumber", .string("1")), ("ContactEmail", .string("a@b.de"))])
        }
        #expect(error?.errorCode == "INVALID_FIELD_FOR_INSERT_UPDATE")
        #expect(error?.fields == ["CaseNumber", "IsClosed", "ContactEmail"])
        #expect(
            error?.message
                == "Unable to create/update fields: CaseNumber, IsClosed, ContactEmail. Please check the security settings "
                + "of this field and verify that it is read/write for your profile or permission set.")
    }

    @Test func compoundNameAndAddressCannotBeWritten() async throws {
        let org = try await TestOrg.open()
        for field in ["Name", "MailingAddress"] {
            let error = await org.failure { () async throws(OrgError) in
                _ = try await org.create("Contact", [("LastName", .string("Byron")), (field, .string("x"))])
            }
            #expect(error?.errorCode == "INVALID_FIELD_FOR_INSERT_UPDATE")
            #expect(error?.fields == [field])
        }
    }

    @Test(arguments: [(254, true), (255, true), (256, false)])
    func lengthIsCheckedAtItsBound(length: Int, isAccepted: Bool) async throws {
        let org = try await TestOrg.open()
        let text = String(repeating: "x", count: length)
        let error = await org.failure { () async throws(OrgError) in
            _ = try await org.create("Case", [("Subject", .string(text))])
        }
        #expect((error == nil) == isAccepted)
        if !isAccepted {
            #expect(
                error
                    == OrgError(
                        status: 400, errorCode: "STRING_TOO_LONG",
                        message: "Subject: data value too large: \(text) (max length=255)", fields: ["Subject"]))
        }
    }

    @Test func restrictedPicklistRefusesForeignValue() async throws {
        let org = try await TestOrg.open()
        let error = await org.failure { () async throws(OrgError) in
            _ = try await org.create("Case", [("Priority", .string("Urgent"))])
        }
        #expect(
            error
                == OrgError(
                    status: 400, errorCode: "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                    message: "Priority: bad value for restricted picklist field: Urgent", fields: ["Priority"]))
    }

    @Test func unrestrictedPicklistTakesAnyValue() async throws {
        let org = try await TestOrg.open()
        let id = try await org.create("Case", [("Origin", .string("Carrier pigeon"))])
        #expect(try await org.retrieve("Case", id)["Origin"] == .string("Carrier pigeon"))
    }

    @Test(arguments: [
        ("NumberOfEmployees", JSONValue.string("many"), "int", "VALUE_STRING value many"),
        ("NumberOfEmployees", .number("1.5"), "int", "VALUE_NUMBER_FLOAT value 1.5"),
        ("AnnualRevenue", .boolean(true), "currency", "VALUE_TRUE value true"),
        ("AnnualRevenue", .string("0x10"), "currency", "VALUE_STRING value 0x10"),
        ("AnnualRevenue", .string("nan"), "currency", "VALUE_STRING value nan"),
        ("Name", .object([]), "string", "START_OBJECT value {"),
    ])
    func wrongJSONTypesAreParserErrors(field: String, value: JSONValue, type: String, token: String) async throws {
        let org = try await TestOrg.open()
        let error = await org.failure { () async throws(OrgError) in
            _ = try await org.create("Account", [(field, value)])
        }
        #expect(error?.status == 400)
        #expect(error?.errorCode == "JSON_PARSER_ERROR")
        #expect(
            error?.message
                == "Cannot deserialize instance of \(type) from \(token) or request may be missing a required field")
    }

    @Test func anArraysTextIsNotShown() async throws {
        let org = try await TestOrg.open()
        let error = await org.failure { () async throws(OrgError) in
            _ = try await org.create("Account", [("Name", .array([]))])
        }
        #expect(error?.message == "Cannot deserialize instance of string from START_ARRAY value")
    }

    @Test func checkboxHasNoNull() async throws {
        let org = try await TestOrg.open()
        let error = await org.failure { () async throws(OrgError) in
            _ = try await org.create("Case", [("IsEscalated", .null)])
        }
        #expect(error?.errorCode == "JSON_PARSER_ERROR")
    }

    @Test(arguments: ["someone", "a@b", "a b@c.de", "@c.de", "a@@c.de"])
    func emailIsChecked(text: String) async throws {
        let org = try await TestOrg.open()
        let error = await org.failure { () async throws(OrgError) in
            _ = try await org.create("Contact", [("LastName", .string("X")), ("Email", .string(text))])
        }
        #expect(error?.errorCode == "INVALID_EMAIL_ADDRESS")
        #expect(error?.message == "Email: invalid email address: \(text)")
        #expect(error?.fields == ["Email"])
    }

    /// Decimals that lie half-way are rounded as they were written, whatever the nearest double is.
    @Test(arguments: [
        ("1.005", 1.01), ("-1.005", -1.01), ("2.675", 2.68), ("1.0049999", 1.0), ("1.015", 1.02), ("0.125", 0.13),
        ("1234567890.125", 1_234_567_890.13), ("9999999999999.99", 9_999_999_999_999.99),
        ("99999999999999.99", 99_999_999_999_999.99), ("0.004", 0),
    ])
    func amountsAreRoundedAsDecimals(given: String, kept: Double) async throws {
        let org = try await TestOrg.open()
        let id = try await org.create(
            "Opportunity",
            [
                ("Name", .string("x")), ("StageName", .string("Prospecting")), ("CloseDate", .string("2026-03-01")),
                ("Amount", .number(given)),
            ])
        let image = try await org.sandbox.snapshot(entity: "Opportunity").first { $0.id == id }
        #expect(image?.fields["Amount"] == .double(kept))
    }

    @Test func numbersKeepTheirRange() async throws {
        let org = try await TestOrg.open()
        let error = await org.failure { () async throws(OrgError) in
            _ = try await org.create("Account", [("Name", .string("A")), ("NumberOfEmployees", .number("100000000"))])
        }
        #expect(error?.errorCode == "NUMBER_OUTSIDE_VALID_RANGE")
        #expect(error?.fields == ["NumberOfEmployees"])
        let id = try await org.create("Account", [("Name", .string("A")), ("NumberOfEmployees", .number("99999999"))])
        #expect(try await org.retrieve("Account", id)["NumberOfEmployees"] == .number("99999999"))
    }

    @Test func referencesAreChecked() async throws {
        let org = try await TestOrg.open()
        let account = try await org.create("Account", [("Name", .string("A"))])
        func failure(_ field: String, _ value: String) async -> OrgError? {
            await org.failure { () async throws(OrgError) in
                _ = try await org.create("Case", [(field, .string(value))])
            }
        }
        let malformed = await failure("AccountId", "nonsense")
        #expect(malformed?.errorCode == "MALFORMED_ID")
        #expect(malformed?.message == "Account ID: id value of incorrect type: nonsense")
        #expect(malformed?.fields == ["AccountId"])
        // An id of another object is of the wrong type as well.
        #expect(await failure("ContactId", account.string)?.errorCode == "MALFORMED_ID")
        let missing = await failure("AccountId", "0015g00000ZZZZZ")
        #expect(missing?.errorCode == "INVALID_CROSS_REFERENCE_KEY")
        #expect(missing?.message == "invalid cross reference id")
        try await org.delete("Account", account)
        #expect(await failure("AccountId", account.string)?.errorCode == "ENTITY_IS_DELETED")
    }

    @Test func fifteenCharactersAreCompleted() async throws {
        let org = try await TestOrg.open()
        let account = try await org.create("Account", [("Name", .string("A"))])
        let contact = try await org.create(
            "Contact", [("LastName", .string("X")), ("AccountId", .string(String(account.short)))])
        #expect(try await org.retrieve("Contact", contact)["AccountId"] == .string(account.string))
    }

    @Test func caseFollowsTheAccountOfItsContact() async throws {
        let org = try await TestOrg.open()
        let account = try await org.create("Account", [("Name", .string("A"))])
        let contact = try await org.create(
            "Contact",
            [("LastName", .string("X")), ("AccountId", .string(account.string)), ("Email", .string("x@a.example"))])
        let id = try await org.create("Case", [("ContactId", .string(contact.string))])
        let record = try await org.retrieve("Case", id)
        #expect(record["AccountId"] == .string(account.string))
        #expect(record["ContactEmail"] == .string("x@a.example"))
    }

    @Test func idInBodyUnknownObjectAndProfilesAreRefused() async throws {
        let org = try await TestOrg.open()
        let id = await org.failure { () async throws(OrgError) in
            _ = try await org.create("Case", [("Id", .string("5005g0000000001"))])
        }
        #expect(id?.message == "The Id field should not be specified in the sobject data.")
        let object = await org.failure { () async throws(OrgError) in _ = try await org.create("Spaceship", []) }
        #expect(
            object == OrgError(status: 404, errorCode: "NOT_FOUND", message: "The requested resource does not exist"))
        let profile = await org.failure { () async throws(OrgError) in _ = try await org.create("Profile", []) }
        #expect(profile?.errorCode == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY")
    }

    @Test func namesCompareWithoutCaseAndAttributesAreIgnored() async throws {
        let org = try await TestOrg.open()
        let id = try await org.create(
            "account", [("attributes", .object([])), ("name", .string("  Voltbahn  ")), ("site", .string("   "))])
        let record = try await org.retrieve("ACCOUNT", id)
        #expect(record["Name"] == .string("Voltbahn"))
        #expect(record["Site"] == .null)
    }

    @Test func oneFieldTwiceIsRefused() async throws {
        let org = try await TestOrg.open()
        let error = await org.failure { () async throws(OrgError) in
            _ = try await org.create("Case", [("Subject", .string("a")), ("subject", .string("b"))])
        }
        #expect(error?.errorCode == "INVALID_FIELD")
    }
}
