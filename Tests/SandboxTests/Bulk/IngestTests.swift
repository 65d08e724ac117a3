import CSV
import ChangeEvents
import Doors
import Store
import Testing
import Twin

@testable import Sandbox

struct IngestTests {
    @Test func rowsBecomeRecordsAndResultsNameThem() async throws {
        let org = try await TestOrg.open()
        let job = try await org.ingest("Account", .insert, "Name,NumberOfEmployees\nAda,3\n\"Bo, \"\"B\"\"\",\n")
        #expect(job.state == .jobComplete)
        #expect(job.recordsProcessed == 2 && job.recordsFailed == 0)
        #expect(try await org.accountNames() == ["Ada", "Bo, \"B\""])
        let rows = try await org.results(job.id, .successful)
        #expect(rows[0] == ["sf__Id", "sf__Created", "Name", "NumberOfEmployees"])
        #expect(rows[1].dropFirst() == ["true", "Ada", "3"])
        #expect(rows[1][0].hasPrefix("001") && rows[1][0].utf8.count == 18)
        #expect(rows[2].dropFirst() == ["true", "Bo, \"B\"", ""])
        #expect(try await org.results(job.id, .failed) == [["sf__Id", "sf__Error", "Name", "NumberOfEmployees"]])
        #expect(try await org.results(job.id, .unprocessed) == [["Name", "NumberOfEmployees"]])
    }

    @Test func trap27AJobIsCompleteAlthoughRowsFailed() async throws {
        let org = try await TestOrg.open()
        let job = try await org.ingest("Contact", .insert, "FirstName,LastName\nA,One\nB,\nC,Three\n")
        #expect(job.state == .jobComplete && job.recordsProcessed == 3 && job.recordsFailed == 1)
        let failed = try await org.results(job.id, .failed)
        #expect(failed.count == 2)
        let error = "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"
        #expect(failed[1] == ["", error, "B", ""])
        #expect(try await org.results(job.id, .successful).count == 3)
    }

    @Test func trap27AnEmptyCellChangesNothingAndNASetsNull() async throws {
        let org = try await TestOrg.open()
        let id = try await org.create(
            "Account", [("Name", .string("Ada")), ("Phone", .string("1")), ("Site", .string("here"))])
        let job = try await org.ingest("Account", .update, "Id,Name,Phone,Site\n\(id),,#N/A,\n")
        #expect(job.recordsFailed == 0)
        let account = try await org.retrieve("Account", id)
        #expect(account["Name"] == .string("Ada"))
        #expect(account["Phone"] == .null)
        #expect(account["Site"] == .string("here"))
    }

    private func errors(_ org: TestOrg, _ operation: BulkOperation, _ csv: String) async throws -> [String] {
        let job = try await org.ingest("Account", operation, csv)
        #expect(job.state == .jobComplete)
        return try await org.results(job.id, .failed).dropFirst().map { $0[1] }
    }

    @Test func everyOperationHasItsOwnErrorsPerRow() async throws {
        let org = try await TestOrg.open()
        let id = try await org.create("Account", [("Name", .string("Ada"))])
        let gone = try await org.create("Account", [("Name", .string("Gone"))])
        try await org.delete("Account", gone)
        let updates = try await errors(org, .update, "Id,Name\nhello,x\n001000000000000AAA,x\n\(gone),x\n,x\n")
        #expect(
            updates == [
                "MALFORMED_ID:Account ID: id value of incorrect type: hello:Id --",
                "INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--", "ENTITY_IS_DELETED:entity is deleted:--",
                "MISSING_ARGUMENT:Id not specified in an update call:--",
            ])
        let twice = try await errors(org, .update, "Id,Name\n\(id),x\n\(id.short),y\n")
        #expect(twice == ["DUPLICATE_VALUE:Duplicate id specified: \(id):Id --"])
        let inserts = try await errors(org, .insert, "Id,Name\n\(id),x\n")
        #expect(inserts == ["INVALID_FIELD_FOR_INSERT_UPDATE:cannot specify Id in an insert call:Id --"])
        let numbers = try await errors(org, .insert, "Name,NumberOfEmployees\nx,many\n")
        #expect(
            numbers == [
                "INVALID_TYPE_ON_FIELD_IN_RECORD:Employees: value not of required type: many:NumberOfEmployees --"
            ])
        #expect(try await errors(org, .delete, "Id\n\(gone)\n") == ["ENTITY_IS_DELETED:entity is deleted:--"])
        #expect(try await errors(org, .delete, "Id\n\(id)\n") == [])
    }

    @Test func numbersDatesAndCheckboxesAreReadAsTheGuideSays() async throws {
        let org = try await TestOrg.open()
        let contact = try await org.create("Contact", [("LastName", .string("Ada"))])
        let csv = "Subject,ContactId,IsEscalated\na,\(contact),YES\nb,\(contact),0\nc,\(contact),perhaps\n"
        let job = try await org.ingest("Case", .insert, csv)
        #expect(job.recordsFailed == 1)
        let rows = try await org.results(job.id, .successful)
        #expect(try await org.retrieve("Case", try #require(RecordID(rows[1][0])))["IsEscalated"] == .boolean(true))
        #expect(try await org.retrieve("Case", try #require(RecordID(rows[2][0])))["IsEscalated"] == .boolean(false))
        #expect(try await org.results(job.id, .failed)[1][1].hasPrefix("INVALID_TYPE_ON_FIELD_IN_RECORD:"))
        let revenues = try await org.ingest("Account", .insert, "Name,AnnualRevenue\nA,1.5e3\nB,0x10\n")
        #expect(revenues.recordsFailed == 1)
        let dates = try await org.ingest("Contact", .insert, "LastName,Birthdate\nB,1990-02-28\nC,28.2.1990\n")
        #expect(dates.recordsFailed == 1)
    }

    @Test func referencesAreFoundByTheFieldsOfTheirRecords() async throws {
        let org = try await TestOrg.open()
        let user = org.sandbox.usernames[0]
        let job = try await org.ingest(
            "Account", .insert, "Name,Owner.Username\nAda,\(user)\nBo,nobody@nowhere.example\n")
        #expect(job.recordsFailed == 1)
        let error =
            "INVALID_FIELD:Foreign key external ID: nobody@nowhere.example not found for field Username in entity User:--"
        #expect(try await org.results(job.id, .failed)[1][1] == error)
        let made = try await org.results(job.id, .successful)
        let account = try await org.retrieve("Account", try #require(RecordID(made[1][0])))
        #expect(account["OwnerId"] == .string(org.context.session.userID))
    }

    @Test(arguments: [
        ("Name,Nonsense\nx,y\n", "InvalidBatch : Field name not found : Nonsense"),
        ("Name,Owner.Nonsense\nx,y\n", "InvalidBatch : Field name not found : Owner.Nonsense"),
        ("Name\r\nx\r\n", "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF"),
        ("", "InvalidBatch : Failed to parse CSV. There is no header row. (row 1, column 1)"),
        (
            "Name,name\nx,y\n",
            "InvalidBatch : Failed to parse CSV. The column name stands twice in the header. (row 1, column 2)"
        ),
        ("Name\nx\n\"y\n", "InvalidBatch : Failed to parse CSV. The quotes are not closed. (row 3, column 1)"),
    ])
    func aFileThatIsNotWhatItMustBeFailsTheJobAndChangesNothing(csv: String, message: String) async throws {
        let org = try await TestOrg.open()
        let job = try await org.ingest("Account", .insert, csv)
        #expect(job.state == .failed && job.recordsProcessed == 0)
        #expect(job.errorMessage == message)
        #expect(try await org.accountNames() == [])
    }

    @Test func aRowThatIsRaggedOrHasStrayQuotesFailsAlone() async throws {
        let org = try await TestOrg.open()
        let job = try await org.ingest("Account", .insert, "Name,Site\na,b\nc\nd, \"e\"\nf,g\n")
        #expect(job.state == .jobComplete && job.recordsFailed == 2)
        #expect(try await org.accountNames() == ["a", "f"])
        let failed = try await org.results(job.id, .failed)
        #expect(failed[1][1] == "ClientInputError:The row has 1 values, the header has 2. (row 3, column 2):--")
        #expect(failed[1].suffix(2) == ["c", ""])
    }

    @Test func deletesTakeIdsAlone() async throws {
        let org = try await TestOrg.open()
        let id = try await org.create("Account", [("Name", .string("Ada"))])
        let wrong = try await org.ingest("Account", .delete, "Id,Name\n\(id),Ada\n")
        #expect(wrong.errorMessage == "InvalidBatch : The 'delete' batch must contain only ids")
        #expect(try await org.ingest("Account", .delete, "Id\n\(id)\n").recordsFailed == 0)
        #expect(try await org.accountNames() == [])
    }

    @Test func trap19AHardDeleteLeavesNothing() async throws {
        let org = try await TestOrg.open()
        let live = try await org.create("Account", [("Name", .string("Ada"))])
        let binned = try await org.create("Account", [("Name", .string("Bo"))])
        try await org.delete("Account", binned)
        let before = try await org.events().count
        let job = try await org.ingest("Account", .hardDelete, "Id\n\(live)\n\(binned)\n")
        #expect(job.recordsProcessed == 2 && job.recordsFailed == 0)
        for id in [live, binned] {
            let left = try await org.sandbox.twin.store.read { try $0.record(entity: "Account", id: id) }
            #expect(left == nil)
        }
        // Of the one in the recycle bin an event has told already.
        let events = Array(try await org.events().dropFirst(before))
        #expect(events.map(\.header.changeType) == [.delete])
        #expect(events.map(\.header.recordIDs) == [[live.string]])
    }

    @Test func changeEventsNameTheBulkAPIAsTheirOrigin() async throws {
        let org = try await TestOrg.open(client: "Loader")
        _ = try await org.ingest("Account", .insert, "Name\nAda\n")
        let event = try #require(try await org.events().last)
        #expect(event.header.changeOrigin == "com/salesforce/api/bulkapi/66.0;client=Loader")
        #expect(event.header.changeType == .create)
    }

    @Test func aChunkOf200RowsIsOneTransactionAndOrderIsKept() async throws {
        let org = try await TestOrg.open()
        let rows = (1...450).map { "A\($0)" }
        let job = try await org.ingest("Account", .insert, "Name\n" + rows.joined(separator: "\n") + "\n")
        #expect(job.recordsProcessed == 450)
        #expect(try await org.results(job.id, .successful).dropFirst().map { $0[2] } == rows)
        #expect(Set(try await org.events().map(\.header.transactionKey)).count == 3)
    }

    @Test func everyDelimiterWorksAllTheWay() async throws {
        let org = try await TestOrg.open()
        for delimiter in CSVDialect.Delimiter.allCases {
            let dialect = CSVDialect(delimiter: delimiter, lineEnding: .crlf)
            var csv = CSVWriter(dialect)
            csv.write(row: ["Name", "Site"])
            csv.write(row: [",|;\t^`", "x"])
            let job = try await org.ingest("Account", .insert, String(decoding: csv.take(), as: UTF8.self)) {
                $0.delimiter = delimiter
                $0.lineEnding = .crlf
            }
            #expect(job.recordsFailed == 0)
            let document = try await org.sandbox.ingestResults(of: job.id, .successful, context: org.context)
            #expect(try await org.rows(of: document, dialect)[1][2] == ",|;\t^`")
        }
    }

    @Test func anEmptyFileIsAJobWithoutRows() async throws {
        let org = try await TestOrg.open()
        let job = try await org.ingest("Account", .insert, "Name\n")
        #expect(job.state == .jobComplete && job.recordsProcessed == 0)
        #expect(try await org.results(job.id, .successful).count == 1)
    }
}
