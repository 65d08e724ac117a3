import Synchronization
import Testing

@testable import Doors

/// The calls on records, on an org that knows no rules: how they are read and written.
@Suite struct SOAPOperationsTests {
    private let fake = FakeLogin()

    /// The operation's response element.
    private func call(
        _ body: String, header: String = "", flavour: String = "u"
    ) async throws -> (status: Int, root: XMLElement, text: String) {
        let envelope = """
            <s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:u="urn:partner.soap.sforce.com" \
            xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><s:Header><u:SessionHeader><u:sessionId>good</u:sessionId>\
            </u:SessionHeader><u:CallOptions><u:client>Astro/1</u:client></u:CallOptions>\(header)</s:Header>\
            <s:Body>\(body)</s:Body></s:Envelope>
            """
        return try await withHTTPDoor(routes: [SOAPDoor(service: fake)]) { running in
            let answer = try await running.send(
                "POST", "/services/Soap/\(flavour)/64.0", headers: [("Content-Type", "text/xml")], body: envelope)
            let root = try XMLReader.parse(answer.body.utf8)
            return (answer.status, root, answer.body)
        }
    }

    private func results(_ answer: (status: Int, root: XMLElement, text: String)) throws -> [XMLElement] {
        try #require(answer.root.child("Body")?.children.first).children
    }

    private static let allOrNone = "<u:AllOrNoneHeader><u:allOrNone>true</u:allOrNone></u:AllOrNoneHeader>"

    private func account(_ name: String) -> String {
        "<u:sObjects><type>Account</type><Name>\(name)</Name></u:sObjects>"
    }

    @Test func eachRecordHasItsResult() async throws {
        let answer = try await call("<u:create>\(account("A &amp; B"))\(account("Bad"))</u:create>")
        let results = try results(answer)
        #expect(answer.status == 200)
        #expect(results.map { $0.child("success")?.text } == ["true", "false"])
        #expect(results[0].children.map(\.name) == ["id", "success"])
        #expect(results[1].children.map(\.name) == ["errors", "id", "success"])
        #expect(results[1].child("id")?.isNil == true)
        #expect(
            results[1].child("errors")?.children == [
                XMLElement(name: "fields", text: "Name"), XMLElement(name: "message", text: "Bad is bad"),
                XMLElement(name: "statusCode", text: "BAD_NAME"),
            ])
        let header = try #require(answer.root.child("Header")?.child("LimitInfoHeader")?.child("limitInfo"))
        #expect(header.children.map(\.text) == ["1", "15000", "API REQUESTS"])
        let (records, contexts) = fake.org.state.withLock { ($0.records, $0.contexts) }
        #expect(records.values.map { $0 } == [[.init(name: "Name", value: .string("A & B"))]])
        #expect(contexts.last?.api == "soap" && contexts.last?.clientName == "Astro/1")
    }

    @Test func aPublishedEventSucceedsWithItsUUIDAmongTheErrors() async throws {
        let event = "<u:sObjects><type>Order__e</type><Number__c>1</Number__c></u:sObjects>"
        let result = try results(try await call("<u:create>\(event)</u:create>"))[0]
        #expect(result.children.map(\.name) == ["errors", "id", "success"])
        #expect(result.child("success")?.text == "true")
        #expect(result.child("errors")?.child("statusCode")?.text == "OPERATION_ENQUEUED")
        #expect(result.child("errors")?.child("message")?.text == "a-uuid")
    }

    @Test func viewedRecordsAreRecentWhereTheHeaderSaysSo() async throws {
        let header = "<u:MruHeader><u:updateMru>true</u:updateMru></u:MruHeader>"
        let made = try results(try await call("<u:create>\(account("A"))</u:create>", header: header))[0]
        _ = try await call("<u:create>\(account("B"))</u:create>")
        #expect(fake.org.state.withLock { $0.viewed } == [made.child("id")?.text])
    }

    @Test func allOrNoneUndoesAll() async throws {
        let answer = try await call("<u:create>\(account("A"))\(account("Bad"))</u:create>", header: Self.allOrNone)
        #expect(
            try results(answer).map { $0.child("errors")?.child("statusCode")?.text } == [
                "ALL_OR_NONE_OPERATION_ROLLED_BACK", "BAD_NAME",
            ])
        #expect(fake.org.state.withLock { $0.records }.isEmpty)
    }

    @Test func fieldsAreTextsNullsAndParents() async throws {
        _ = try await call(
            """
            <u:update><u:sObjects xsi:type="u:sObject"><type>Account</type><Id>001000000000001AAA</Id>\
            <fieldsToNull>Phone</fieldsToNull><Fax xsi:nil="true"/><Site></Site><Name> x </Name>\
            <Owner><type>User</type><Ext__c>7</Ext__c></Owner></u:sObjects></u:update>
            """)
        let fields = try #require(fake.org.state.withLock { $0.records["001000000000001AAA"] })
        #expect(
            fields == [
                .init(name: "Phone", value: .null), .init(name: "Name", value: .string(" x ")),
                .init(
                    name: "Owner",
                    value: .object([
                        .init(name: "Ext__c", value: .string("7")),
                        .init(name: "attributes", value: .members(("type", .string("User")))),
                    ])),
            ])
    }

    @Test func theEnterpriseAPINamesTheTypeInAnAttribute() async throws {
        let record = #"<u:sObjects xsi:type="e:Account" xmlns:e="urn:sobject.enterprise.soap.sforce.com">"#
        let answer = try await call("<u:create>\(record)<Name>E</Name></u:sObjects></u:create>", flavour: "c")
        #expect(try results(answer)[0].child("success")?.text == "true")
        #expect(answer.text.contains(#"xmlns:sf="urn:sobject.enterprise.soap.sforce.com""#))
        let nameless = try await call("<u:create><u:sObjects><Name>E</Name></u:sObjects></u:create>")
        #expect(try results(nameless)[0].child("errors")?.child("statusCode")?.text == "INVALID_TYPE")
    }

    @Test func upsertTellsWhetherItMadeTheRecord() async throws {
        let body = { (value: String) in
            "<u:upsert><u:externalIDFieldName>Ext__c</u:externalIDFieldName><u:sObjects><type>Account</type>"
                + "<Ext__c>\(value)</Ext__c><Name>N</Name></u:sObjects></u:upsert>"
        }
        #expect(try results(try await call(body("1")))[0].child("created")?.text == "true")
        #expect(try results(try await call(body("1")))[0].child("created")?.text == "false")
        let missing = try results(try await call(body("")))[0]
        #expect(missing.children.map(\.name) == ["created", "errors", "id", "success"])
        #expect(missing.child("errors")?.child("statusCode")?.text == "MISSING_ARGUMENT")
    }

    @Test func deletionAndUndeletion() async throws {
        let id = try results(try await call("<u:create>\(account("A"))</u:create>"))[0].child("id")?.text ?? ""
        let gone = "<u:ids>\(id)</u:ids><u:ids>x</u:ids><u:ids>001000000000999AAA</u:ids>"
        let deleted = try results(try await call("<u:delete>\(gone)</u:delete>"))
        #expect(deleted.map { $0.child("success")?.text } == ["true", "false", "false"])
        #expect(
            deleted.compactMap { $0.child("errors")?.child("statusCode")?.text } == [
                "MALFORMED_ID", "ENTITY_IS_DELETED",
            ])
        let undelete = "<u:undelete><u:ids>\(id)</u:ids></u:undelete>"
        #expect(try results(try await call(undelete))[0].child("success")?.text == "true")
        #expect(
            try results(try await call(undelete))[0].child("errors")?.child("statusCode")?.text == "UNDELETE_FAILED")
    }

    @Test func aMergeTellsWhatItTouched() async throws {
        let body = { (id: String) in
            "<u:merge><u:request><u:masterRecord><type>Account</type><Id>001000000000001AAA</Id><Phone>1</Phone>"
                + "</u:masterRecord><u:recordToMergeIds>\(id)</u:recordToMergeIds></u:request></u:merge>"
        }
        let id = try results(try await call("<u:create>\(account("A"))</u:create>"))[0].child("id")?.text ?? ""
        let merged = try results(try await call(body(id)))[0]
        #expect(merged.children.map(\.name) == ["id", "mergedRecordIds", "success", "updatedRelatedIds"])
        #expect(merged.child("mergedRecordIds")?.text == id)
        // The one that fails leaves nothing: the master keeps its values.
        fake.org.state.withLock { $0.records["001000000000001AAA"] = [] }
        let failed = try results(try await call(body("001000000000999AAA")))[0]
        #expect(failed.child("success")?.text == "false")
        #expect(fake.org.state.withLock { $0.records["001000000000001AAA"] } == [])
    }

    @Test func aConversionNamesWhatItMade() async throws {
        let answer = try await call(
            """
            <u:convertLead><u:leadConverts><u:leadId>00Q000000000001AAA</u:leadId><u:convertedStatus>Closed</u:convertedStatus>\
            <u:doNotCreateOpportunity>true</u:doNotCreateOpportunity></u:leadConverts><u:leadConverts/></u:convertLead>
            """)
        let results = try results(answer)
        #expect(
            results[0].children.map(\.name) == ["accountId", "contactId", "leadId", "opportunityId", "success"])
        #expect(results[0].child("opportunityId")?.isNil == true)
        #expect(results[1].child("errors")?.child("statusCode")?.text == "MISSING_ARGUMENT")
    }

    @Test func aPageOfAQuery() async throws {
        let answer = try await call(
            "<u:queryAll><u:queryString>SELECT Id FROM Account</u:queryString></u:queryAll>",
            header: "<u:QueryOptions><u:batchSize>300</u:batchSize></u:QueryOptions>")
        let page = try results(answer)[0]
        #expect(page.children.map(\.name) == ["done", "queryLocator", "records"])
        #expect(fake.org.state.withLock { $0.queries } == ["SELECT Id FROM Account"])
        let record = try #require(page.child("records"))
        #expect(record.attributes == ["type": "sf:sObject"])
        #expect(record.children.map(\.name) == ["type", "Id", "Id"])
    }

    @Test func tooManyRecordsAreAFault() async throws {
        let many = (0...200).map { "<u:ids>\($0)</u:ids>" }.joined()
        let answer = try await call("<u:delete>\(many)</u:delete>")
        #expect(answer.status == 500)
        #expect(answer.text.contains("<faultcode>sf:EXCEEDED_ID_LIMIT</faultcode>"))
    }

    @Test(arguments: [
        ("MALFORMED_QUERY", "MalformedQueryFault", "<sf:row>1</sf:row><sf:column>8</sf:column>"),
        ("INVALID_FIELD", "InvalidFieldFault", "<sf:column>8</sf:column>"),
        ("INVALID_QUERY_LOCATOR", "InvalidQueryLocatorFault", "InvalidQueryLocatorFault></detail>"),
        ("REQUEST_LIMIT_EXCEEDED", "UnexpectedErrorFault", "<sf:exceptionCode>REQUEST_LIMIT_EXCEEDED<"),
    ])
    func faultsHaveTheirElements(code: String, kind: String, content: String) {
        let fault = SOAPFault(code: code, message: "x ERROR at Row:1:Column:8 y")
        let text = SOAPWriter.fault(fault, .partner)
        #expect(text.contains("<sf:\(kind) xsi:type=\"sf:\(kind)\">") && text.contains(content))
    }
}
