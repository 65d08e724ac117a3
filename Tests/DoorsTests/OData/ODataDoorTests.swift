import Foundation
import SOQL
import Sandbox
import Testing

@testable import Doors

@Suite struct ODataDoorTests {
    @Test func theServiceDocumentAndTheMetadataNameEverySet() async throws {
        try await ODataFixture.use { odata in
            for path in ["/odata/v4", "/odata/v4/"] {
                let answer = try await odata.send("GET", path)
                #expect(answer.status == 200 && answer.header("OData-Version") == "4.0")
                #expect(answer.header("Content-Type") == "application/json;odata.metadata=minimal")
                let page = try ODataPage(answer)
                #expect(page.document.text("@odata.context") == "\(odata.running.url)/odata/v4/$metadata")
                #expect(page.texts("name").contains("Account") && page.texts("url").contains("Contact"))
            }
            let metadata = try await odata.get("$metadata", headers: [("Accept", "application/json")])
            #expect(metadata.status == 200 && metadata.header("Content-Type") == "application/xml")
            let root = try XMLReader.parse(metadata.body.utf8)
            let schema = try #require(root.child("DataServices")?.child("Schema"))
            let types = schema.children.filter { $0.name == "EntityType" }
            #expect(types.count > 10)
            #expect(schema.child("EntityContainer")?.children.count == types.count)
        }
    }

    @Test func everyTypeHasAKeyAndEveryStringItsLength() async throws {
        try await ODataFixture.use { odata in
            let text = try await odata.get("$metadata").body
            let types = text.components(separatedBy: "<EntityType ").dropFirst()
            for type in types {
                #expect(type.contains(#"<Key><PropertyRef Name="Id"/></Key>"#))
                #expect(type.contains(#"<Property Name="Id" Type="Edm.String" Nullable="false" MaxLength="18"/>"#))
            }
            for property in text.components(separatedBy: "<Property ").dropFirst() {
                let isString = property.contains(#"Type="Edm.String""#)
                #expect(isString == property.prefix { $0 != ">" }.contains("MaxLength="), "\(property)")
            }
            let account = try #require(types.first { $0.hasPrefix(#"Name="Account""#) })
            for declared in [
                #"Name="AnnualRevenue" Type="Edm.Decimal" Precision="18" Scale="0""#,
                #"Name="NumberOfEmployees" Type="Edm.Int32""#, #"Name="BillingCity" Type="Edm.String" MaxLength="40""#,
                #"Name="CreatedDate" Type="Edm.DateTimeOffset""#, #"Name="IsDeleted" Type="Edm.Boolean""#,
            ] {
                #expect(account.contains(declared), "\(declared)")
            }
            #expect(!account.contains(#"Name="BillingAddress""#), "compounds are left out")
        }
    }

    /// Trap 31: an org drops the rows that do not carry exactly the value it asked for.
    @Test func trap31RowsCarryExactlyTheValueThatWasAskedFor() async throws {
        try await ODataFixture.use { odata in
            let names = ["Trap31", "trap31", "TRAP31", "Trap31 GmbH", "xTrap31"]
            var ids: [String] = []
            for name in names {
                ids.append(try await odata.create("Account", ("Name", .string(name)), ("Site", .string("trap"))))
            }
            func found(_ filter: String) async throws -> [String] {
                try await odata.values("Name", of: "Account", "Site eq 'trap' and (\(filter))")
            }
            #expect(try await found("Name eq 'Trap31'") == ["Trap31"])
            #expect(try await found("Name eq 'trap31 '") == [], "nothing is trimmed")
            #expect(try await found("Name ne 'Trap31'") == Array(names.dropFirst()))
            #expect(try await found("not (Name eq 'Trap31')") == Array(names.dropFirst()))
            #expect(try await found("Name in ('TRAP31','trap31')") == ["trap31", "TRAP31"])
            #expect(try await found("not (Name in ('TRAP31','trap31'))") == ["Trap31", "Trap31 GmbH", "xTrap31"])
            #expect(try await found("startswith(Name,'Trap')") == ["Trap31", "Trap31 GmbH"])
            #expect(try await found("endswith(Name,'rap31')") == ["Trap31", "trap31", "xTrap31"])
            #expect(try await found("contains(Name,'Trap')") == ["Trap31", "Trap31 GmbH", "xTrap31"])
            #expect(try await found("not contains(Name,'Trap')") == ["trap31", "TRAP31"])
            // An order is SOQL's, without case.
            #expect(try await found("Name ge 'trap31' and Name le 'TRAP31'") == ["Trap31", "trap31", "TRAP31"])

            // Ids are answered with 18 characters; one of 15 is another text.
            let short = String(ids[0].prefix(15))
            #expect(try await found("Id eq '\(ids[0])'") == ["Trap31"])
            #expect(try await found("Id eq '\(short)'") == [])
            #expect(try await found("Id in ('\(short)','\(ids[1])')") == ["trap31"])
            #expect(try await found("Id eq 'nonsense'") == [])
            #expect(try await odata.get("Account('\(ids[0])')").status == 200)
            #expect(try await odata.get("Account('\(short)')").status == 404)
        }
    }

    @Test func theEmptyTextFindsWhatIsEmpty() async throws {
        try await ODataFixture.use { odata in
            for city in [JSONValue.null, .string("Kiel")] {
                try await odata.create(
                    "Account", ("Name", .string("E")), ("Site", .string("empty")), ("BillingCity", city))
            }
            for filter in ["BillingCity eq ''", "BillingCity eq null", "not (BillingCity ne null)"] {
                #expect(
                    try await odata.values("BillingCity", of: "Account", "Site eq 'empty' and \(filter)") == ["null"])
            }
            #expect(
                try await odata.values("BillingCity", of: "Account", "Site eq 'empty' and BillingCity ne ''") == [
                    "Kiel"
                ])
            #expect(
                try await odata.values("BillingCity", of: "Account", "Site eq 'empty' and BillingCity ne 'Kiel'") == [
                    "null"
                ])
        }
    }

    @Test func typesAreFilteredAndWritten() async throws {
        try await ODataFixture.use { odata in
            let id = try await odata.create(
                "Opportunity", ("Name", .string("Typed")), ("StageName", .string("Prospecting")),
                ("CloseDate", .string("2026-03-01")), ("Amount", .number("1234567.5")))
            let shown = "Name,Amount,CloseDate,IsClosed,CreatedDate"
            let answer = try await odata.get("Opportunity('\(id)')", [("$select", shown)])
            let row = try #require(JSONObject(try JSONParser.parse(answer.body.utf8)))
            let root = odata.running.url + "/odata/v4/"
            #expect(row.text("@odata.context") == "\(root)$metadata#Opportunity(\(shown))/$entity")
            #expect(row.text("@odata.id") == "\(root)Opportunity('\(id)')", "the key is not among the properties")
            #expect(row["Amount"] == .number("1234567.5") && row["IsClosed"] == .boolean(false))
            #expect(row.text("CloseDate") == "2026-03-01")
            let created = try #require(row.text("CreatedDate"))
            for filter in [
                "Amount eq 1234567.5", "1234567 lt Amount", "CloseDate eq 2026-03-01",
                "CloseDate eq 2026-03-01T00:00:00Z",
                "CloseDate gt 2026-02-28", "CreatedDate eq \(created)", "IsClosed eq false", "not IsClosed",
            ] {
                #expect(
                    try await odata.values("Id", of: "Opportunity", "Id eq '\(id)' and \(filter)") == [id], "\(filter)")
            }
            #expect(try await odata.values("Id", of: "Opportunity", "Id eq '\(id)' and IsClosed") == [])
        }
    }

    @Test func pagesLoseNothingAndDoubleNothingWhereRowsAreEqual() async throws {
        try await ODataFixture.use { odata in
            // Equal but for case, equal, and empty, so that the sort field alone orders next to nothing.
            let cities: [JSONValue] = [.string("Kiel"), .string("KIEL"), .null, .string("Bonn"), .string("kiel")]
            var ids: Set<String> = []
            for number in 0..<23 {
                ids.insert(
                    try await odata.create(
                        "Lead", ("LastName", .string("L\(number)")), ("Company", .string("Paging")),
                        ("City", cities[number % cities.count]),
                        ("NumberOfEmployees", number.isMultiple(of: 3) ? .null : .number("\(number % 2)"))))
            }
            for order in [
                nil, "City", "City desc", "City asc,NumberOfEmployees desc", "NumberOfEmployees", "Id desc",
                "IsConverted,City desc,LastName", "CreatedDate desc",
            ] {
                var options = [("$filter", "Company eq 'Paging'"), ("$select", "Id"), ("$count", "true")]
                if let order { options.append(("$orderby", order)) }
                let whole = try await odata.rows("Lead", options)
                #expect(Set(whole.texts("Id")) == ids && whole.rows.count == ids.count && whole.nextLink == nil)
                #expect(whole.count == .number("23"))
                for size in [1, 4, 23] {
                    var page = try await odata.rows("Lead", options, headers: [("Prefer", "odata.maxpagesize=\(size)")])
                    var seen = page.texts("Id")
                    while let link = page.nextLink {
                        #expect(page.rows.count == size)
                        // The preference is in the link: nothing has to be said again.
                        let path = String(link.dropFirst(odata.running.url.count))
                        page = try ODataPage(try await odata.send("GET", path))
                        #expect(page.count == .number("23"))
                        seen += page.texts("Id")
                    }
                    #expect(seen == whole.texts("Id"), "by \(order ?? "nothing"), \(size) rows a page")
                }
                // Paged by the client.
                var seen: [String] = []
                for skip in stride(from: 0, to: 25, by: 5) {
                    seen += try await odata.rows("Lead", options + [("$top", "5"), ("$skip", "\(skip)")]).texts("Id")
                }
                #expect(seen == whole.texts("Id"))
            }
        }
    }

    @Test func aPageGoesOnBehindItsLastRowWhateverHasChangedBefore() async throws {
        try await ODataFixture.use { odata in
            var ids: [String] = []
            for number in 0..<6 {
                ids.append(
                    try await odata.create(
                        "Lead", ("LastName", .string("N\(number)")), ("Company", .string("Changing"))))
            }
            let options = [("$filter", "Company eq 'Changing'"), ("$orderby", "LastName")]
            let first = try await odata.rows("Lead", options, headers: [("Prefer", "odata.maxpagesize=3")])
            #expect(first.texts("Id") == Array(ids[..<3]))
            try await odata.sandbox.delete(object: "Lead", id: ids[0], context: odata.context)
            try await odata.create("Lead", ("LastName", .string("A")), ("Company", .string("Changing")))
            let link = try #require(first.nextLink)
            let second = try ODataPage(
                try await odata.send("GET", String(link.dropFirst(odata.running.url.count))))
            #expect(second.texts("Id") == Array(ids[3...]))
        }
    }

    /// Only texts were counted: the names of many properties in many rows came to more than an org takes.
    @Test func aPageEndsBehindTheRowThatPassesItsBytes() async throws {
        try await ODataFixture.use { odata in
            for number in 0..<5 {
                try await odata.create("Lead", ("LastName", .string("B\(number)")), ("Company", .string("Bytes")))
            }
            let query = try Query("SELECT LastName FROM Lead WHERE Company = 'Bytes' ORDER BY LastName")
            for (bytesMax, count) in [(1, 1), (99, 1), (100, 2), (250, 3), (499, 5), (500, 5)] {
                // Two bytes of text in each.
                let read = ODataRead(query: query, limit: 10, rowBytes: 98, bytesMax: bytesMax)
                let rows = try await odata.sandbox.read(read, odata.context)
                #expect(rows.rows.count == count && rows.hasMore == (count < 5), "\(bytesMax) bytes")
            }
        }
    }

    @Test func topBoundsAllPagesTogether() async throws {
        try await ODataFixture.use { odata in
            for number in 0..<7 {
                try await odata.create("Lead", ("LastName", .string("T\(number)")), ("Company", .string("Top")))
            }
            let options = [("$filter", "Company eq 'Top'"), ("$orderby", "LastName"), ("$top", "5"), ("$skip", "1")]
            let first = try await odata.rows("Lead", options, headers: [("Prefer", "odata.maxpagesize=3")])
            #expect(first.texts("LastName") == ["T1", "T2", "T3"])
            let link = try #require(first.nextLink)
            let second = try ODataPage(try await odata.send("GET", String(link.dropFirst(odata.running.url.count))))
            #expect(second.texts("LastName") == ["T4", "T5"] && second.nextLink == nil)
            #expect(try await odata.rows("Lead", options).nextLink == nil)
            let none = try await odata.rows(
                "Lead", [("$top", "0"), ("$count", "true"), ("$filter", "Company eq 'Top'")])
            #expect(none.rows.isEmpty && none.count == .number("7") && none.nextLink == nil)
        }
    }

    @Test func searchIsOnePhraseWithItsCase() async throws {
        try await ODataFixture.use { odata in
            try await odata.create("Account", ("Name", .string("Sales & Marketing")), ("Site", .string("search")))
            try await odata.create("Account", ("Name", .string("sales marketing")), ("Site", .string("search")))
            func found(_ phrase: String) async throws -> [String] {
                try await odata.rows("Account", [("$search", phrase), ("$filter", "Site eq 'search'")]).texts("Name")
            }
            // An org takes the punctuation out of what it looks for.
            #expect(try await found("Sales Marketing") == ["Sales & Marketing"])
            #expect(try await found("\"sales marketing\"") == ["sales marketing"])
            #expect(try await found("Sales OR sales") == [])
            #expect(try await odata.failure("Account", [("$search", "&")]).status == 400)
            let count = try await odata.get("Account/$count", [("$search", "Sales"), ("$filter", "Site eq 'search'")])
            #expect(count.body == "1" && count.header("Content-Type") == "text/plain;charset=UTF-8")
        }
    }

    @Test func whatIsWrongIsSaidWithItsStatus() async throws {
        try await ODataFixture.use { odata in
            for (path, options, status, words) in [
                ("Nothing", [], 404, "no entity set 'Nothing'"), ("account", [], 404, "no entity set"),
                ("Account('x')", [], 404, "no entity"), ("Account(5)", [], 400, "single quotes"),
                ("Account('a','b')", [], 400, "single quotes"), ("Account('a'", [], 400, "single quotes"),
                ("Account('001')/Name", [], 501, "not below"), ("$batch", [], 501, "$batch"),
                ("$nothing", [], 404, "no resource"),
                ("Account", [("$expand", "Contacts")], 501, "$expand"), ("Account", [("$apply", "x")], 501, "$apply"),
                ("Account", [("$wish", "x")], 400, "no query option"),
                ("Account", [("$top", "-1")], 400, "whole number"),
                ("Account", [("$top", "99999999999")], 400, "2147483647"),
                ("Account", [("$skip", "1000001")], 400, "1000000"),
                ("Account", [("$count", "yes")], 400, "true or false"),
                ("Account", [("$select", "Id,Nmae")], 400, "at character 4 of $select"),
                ("Account", [("$select", "*,Nmae")], 400, "at character 3 of $select"),
                ("Account", [("$orderby", "Name up")], 400, "at character 1 of $orderby"),
                ("Account", [("$orderby", "Name, Description")], 400, "at character 7 of $orderby"),
                ("Account", [("$filter", "Name eq 'a' and")], 400, "at character 16 of $filter"),
                ("Account", [("$skiptoken", "e30")], 400, "$skiptoken"),
                ("Account", [("$top", "1"), ("$top", "2")], 400, "twice"),
                ("Account('x')", [("$filter", "true")], 400, "no meaning here"),
                ("Account", [("$format", "atom")], 415, "JSON"),
            ] as [(String, [(String, String)], Int, String)] {
                let error = try await odata.failure(path, options)
                #expect(error.status == status && error.message.contains(words), "\(path) \(options): \(error)")
            }
            let unacceptable = try await odata.get("Account", headers: [("Accept", "application/atom+xml")])
            #expect(unacceptable.status == 406)
            #expect(try await odata.get("Account", headers: [("OData-MaxVersion", "3.0")]).status == 400)
            #expect(try await odata.get("Account", headers: [("OData-Isolation", "snapshot")]).status == 412)
            let texts = try await odata.get(
                "Account", [("$top", "0"), ("$count", "true")],
                headers: [("Accept", "application/json;IEEE754Compatible=true")])
            #expect(
                texts.header("Content-Type") == "application/json;odata.metadata=minimal;IEEE754Compatible=true"
                    && texts.body.contains(#""@odata.count":""#))
            let bare = try await odata.get(
                "Account", [("$top", "1")], headers: [("Accept", "application/json;odata.metadata=none")])
            #expect(!bare.body.contains("@odata.context"))
        }
    }

    @Test func noTextOfAClientReachesSQL() async throws {
        try await ODataFixture.use { odata in
            try await odata.create("Account", ("Name", .string("Injected")), ("Site", .string("injection")))
            for text in [
                "x') OR 1=1 --", "\\' OR Name != '", "%", "_", "'; DROP TABLE salesforce_account", "\u{0}", "?1",
            ] {
                let quoted = text.replacing("'", with: "''")
                for filter in [
                    "Name eq '\(quoted)'", "contains(Name,'\(quoted)')", "Name in ('\(quoted)')", "Id eq '\(quoted)'",
                ] {
                    #expect(
                        try await odata.values("Name", of: "Account", "Site eq 'injection' and \(filter)") == [],
                        "\(filter)")
                }
            }
            #expect(try await odata.values("Name", of: "Account", "Site eq 'injection'") == ["Injected"])
        }
    }

    @Test func thisServiceOnlyReads() async throws {
        try await ODataFixture.use { odata in
            for method in ["POST", "PATCH", "PUT", "DELETE"] {
                let answer = try await odata.send(method, "/odata/v4/Account")
                #expect(answer.status == 405 && answer.header("Allow") == "GET,HEAD", "\(method)")
                #expect(answer.body.contains(#"{"error":{"code":"MethodNotAllowed""#))
            }
            #expect(try await odata.send("POST", "/odata/v4/$batch").status == 501)
            #expect(try await odata.send("HEAD", "/odata/v4/Account?$top=0").status == 200)
        }
    }

    @Test func whoAsksMustBeKnown() async throws {
        try await ODataFixture.use { odata in
            let connection = odata.sandbox.connection
            func ask(_ header: String?) async throws -> TestResponse {
                try await odata.running.get(
                    "/odata/v4/Account?$top=1", headers: header.map { [("Authorization", $0)] } ?? [])
            }
            func basic(_ text: String) -> String { "Basic " + Data(text.utf8).base64EncodedString() }
            #expect(try await ask(basic("\(connection.username):\(connection.password)")).status == 200)
            for header in [
                nil, "Bearer wrong", "Basic !!!", basic("nocolon"), basic("\(connection.username):wrong"), "Digest x",
            ] {
                let answer = try await ask(header)
                #expect(answer.status == 401, "\(header ?? "none")")
                #expect(answer.header("WWW-Authenticate")?.hasPrefix("Basic") == true)
                #expect(answer.header("OData-Version") == "4.0" && answer.body.hasPrefix(#"{"error":"#))
            }
        }
    }

    @Test func aProxySaysWhatTheAddressIs() async throws {
        try await ODataFixture.use { odata in
            let answer = try await odata.get(
                "Account", [("$top", "0")],
                headers: [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "odata.example.com")])
            #expect(
                try ODataPage(answer).document.text("@odata.context")
                    == "https://odata.example.com/odata/v4/$metadata#Account")
        }
    }

    @Test func everyCallOfSomebodyKnownIsCounted() async throws {
        try await ODataFixture.use { odata in
            func used(_ answer: TestResponse) -> Int? {
                answer.header("Sforce-Limit-Info")?.split(separator: "=").last?.split(separator: "/").first.flatMap {
                    Int($0)
                }
            }
            let first = try #require(used(try await odata.get("Account", [("$top", "1")])))
            // Other tests count as well.
            #expect(try #require(used(try await odata.get("Nothing"))) > first)
            #expect(try await odata.running.get("/odata/v4/").header("Sforce-Limit-Info") == nil)
        }
    }
}
