import ChangeEvents
import NIOCore
import Testing

@testable import Doors

struct SchemaFactsTests {
    private func schema() throws -> EventSchema {
        try EventSchema(
            json: """
                {"type":"record","name":"Note__e","namespace":"com.sforce.eventbus","fields":[
                {"name":"CreatedDate","type":"long","doc":"CreatedDate:DateTime"},
                {"name":"Text__c","type":["null","string"],"doc":"Data:Text","default":null},
                {"name":"Number__c","type":["null","double"],"doc":"Data:Double","default":null},
                {"name":"Empty__c","type":["null","string"],"doc":"Data:Text","default":null}]}
                """)
    }

    /// A text that looks like a time was once taken for one, and equalled no text.
    @Test func theSchemaSaysWhatAValueIsNotItsLooks() throws {
        let schema = try schema()
        let text = "2026-01-01T00:00:00.000Z"
        let payload = try schema.encode(values: [
            "CreatedDate": .dateTime(milliseconds: 5), "Text__c": .string(text), "Number__c": .double(3),
        ])
        #expect(
            SchemaFacts(schema).platformEventValues(of: payload) == [
                "CreatedDate": .dateTime(milliseconds: 5), "Text__c": .string(text), "Number__c": .double(3),
                "Empty__c": .null,
            ])
        #expect(SchemaFacts(schema).platformEventValues(of: ByteBuffer(string: "none")) == nil)
    }
}
