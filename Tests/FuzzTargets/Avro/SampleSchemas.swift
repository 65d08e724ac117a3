import ChangeEvents
import TestSupport

/// Schemas for payloads of strangers. No array's items are without bytes: a payload of those may claim a million values,
/// which is right and slow.
enum SampleSchemas {
    static let plain: [AvroSchema] = texts.map { text in
        must("a sample schema can be read") { try AvroSchema(json: text) }
    }
    /// The same, compiled.
    static let compiled: [EventSchema] = texts.map { text in
        must("a sample schema can be compiled") { try EventSchema(json: text) }
    }

    /// Change events of accounts and leads, and a platform event.
    static let events: [EventSchema] = [account, lead, platformEvent].map { text in
        must("an event's schema can be compiled") { try EventSchema(json: text) }
    }

    private static let texts = [
        // Every primitive.
        """
        {"type":"record","name":"P","fields":[{"name":"a","type":"boolean"},{"name":"b","type":"int"},{"name":"c","type":"long"},
        {"name":"d","type":"float"},{"name":"e","type":"double"},{"name":"f","type":"bytes"},{"name":"g","type":"string"},
        {"name":"h","type":"null"},{"name":"i","type":{"type":"fixed","name":"F","size":3}},
        {"name":"j","type":{"type":"enum","name":"E","symbols":["A","B","C"]}}]}
        """,
        // Arrays, maps and unions in one another.
        """
        {"type":"record","name":"C","fields":[{"name":"a","type":{"type":"array","items":"int"}},
        {"name":"b","type":{"type":"map","values":["null","string",{"type":"array","items":"long"}]}},
        {"name":"c","type":["int","string",{"type":"record","name":"R","fields":[{"name":"x","type":"double"}]}]},
        {"name":"d","type":["string","null"]},{"name":"e","type":{"type":"array","items":["null","R"]}}]}
        """,
        // Types that hold themselves.
        """
        {"type":"record","name":"Node","fields":[{"name":"value","type":"int"},{"name":"next","type":["null","Node"]},
        {"name":"children","type":{"type":"array","items":"Node"}},{"name":"named","type":{"type":"map","values":"Node"}}]}
        """,
        // A field may be of a record without bytes, once.
        """
        {"type":"record","name":"T","fields":[{"name":"e","type":{"type":"record","name":"Empty","fields":[]}},
        {"name":"s","type":["null","string","Empty"]}]}
        """,
    ]

    private static func record(_ name: String, _ components: String...) -> String {
        let fields = components.map { #"{"name":"\#($0)","type":["null","string"],"default":null}"# }
        return #"{"type":"record","name":"\#(name)","fields":[\#(fields.joined(separator: ","))]}"#
    }

    private static let account = """
        {"type":"record","name":"AccountChangeEvent","namespace":"com.sforce.eventbus","fields":[\(SchemaText.header),
        \(SchemaText.field("Name", "\"string\"," + record("Switchable_PersonName", "FirstName", "LastName"), "Data:Switchable_PersonName")),
        \(SchemaText.field("BillingAddress", record("Address", "Street", "City"), "Data:Address")),
        \(SchemaText.field("ShippingAddress", "\"Address\"", "Data:Address")),
        \(SchemaText.field("AnnualRevenue", "\"double\"", "Data:Currency")),
        \(SchemaText.field("NumberOfEmployees", "\"int\"", "Data:Integer")),
        \(SchemaText.field("Description", "\"string\"", "Data:StringPlusClob")),
        \(SchemaText.field("Since__c", "\"long\"", "Data:DateOnly:00Nxx0000000001")),
        \(SchemaText.field("Opens__c", "\"long\"", "Data:TimeOnly:00Nxx0000000002")),
        \(SchemaText.field("IsActive__c", "\"boolean\"", "Data:Boolean:00Nxx0000000004")),
        \(SchemaText.field("Preferences", #"{"type":"array","items":"string"}"#, "")),
        \(SchemaText.field("LastModifiedDate", "\"long\"", "Data:DateTime"))]}
        """

    private static let lead = """
        {"type":"record","name":"LeadChangeEvent","namespace":"com.sforce.eventbus","fields":[\(SchemaText.header),
        \(SchemaText.field("Name", record("PersonName", "FirstName", "LastName"), "Data:PersonName")),
        \(SchemaText.field("Phone", "\"string\"", "Data:Phone"))]}
        """

    private static let platformEvent = """
        {"name":"Low_Ink__e","namespace":"com.sforce.eventbus","type":"record","fields":[
        {"name":"CreatedDate","type":"long","doc":"CreatedDate:DateTime"},
        {"name":"CreatedById","type":"string","doc":"CreatedBy:EntityId"},
        {"name":"Printer_Model__c","type":["null","string"],"doc":"Data:Text:00Nxx0000000006","default":null},
        {"name":"Ink_Percentage__c","type":["null","double"],"doc":"Data:Double:00Nxx0000000007","default":null}]}
        """
}
