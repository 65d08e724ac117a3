import TestSupport

/// Event schemas of our own making, in the form that Salesforce gives them.
enum OwnSchemas {
    private static func components(_ names: [(String, String)]) -> String {
        names.map { #"{"name":"\#($0.0)","type":["null","\#($0.1)"],"default":null}"# }.joined(separator: ",")
    }

    /// 0 header, 1 Name (string or person name), 2 Phone, 3 BillingAddress, 4 ShippingAddress, 5 AnnualRevenue,
    /// 6 NumberOfEmployees, 7 Description, 8 CreatedDate, 9 SLAExpirationDate__c, 10 Opens__c, 11 Site_Location__c,
    /// 12 IsActive__c, 13 Preferences, 14 LastModifiedDate
    static let account = """
        {"type":"record","name":"AccountChangeEvent","namespace":"com.sforce.eventbus","fields":[\(SchemaText.header),
        \(SchemaText.field("Name", #""string",{"type":"record","name":"Switchable_PersonName","fields":[\#(components([("Salutation", "string"), ("FirstName", "string"), ("LastName", "string")]))]}"#, "Data:Switchable_PersonName")),
        \(SchemaText.field("Phone", "\"string\"", "Data:Phone")),
        \(SchemaText.field("BillingAddress", #"{"type":"record","name":"Address","fields":[\#(components([("Street", "string"), ("City", "string"), ("Latitude", "double"), ("Longitude", "double")]))]}"#, "Data:Address")),
        \(SchemaText.field("ShippingAddress", "\"Address\"", "Data:Address")),
        \(SchemaText.field("AnnualRevenue", "\"double\"", "Data:Currency")),
        \(SchemaText.field("NumberOfEmployees", "\"int\"", "Data:Integer")),
        \(SchemaText.field("Description", "\"string\"", "Data:StringPlusClob")),
        \(SchemaText.field("CreatedDate", "\"long\"", "CreatedDate:DateTime")),
        \(SchemaText.field("SLAExpirationDate__c", "\"long\"", "Data:DateOnly:00Nxx0000000001")),
        \(SchemaText.field("Opens__c", "\"long\"", "Data:TimeOnly:00Nxx0000000002")),
        \(SchemaText.field("Site_Location__c", #"{"type":"record","name":"Location","fields":[\#(components([("Latitude", "double"), ("Longitude", "double")]))]}"#, "Data:Location:00Nxx0000000003")),
        \(SchemaText.field("IsActive__c", "\"boolean\"", "Data:Boolean:00Nxx0000000004")),
        \(SchemaText.field("Preferences", #"{"type":"array","items":"string"}"#, "")),
        \(SchemaText.field("LastModifiedDate", "\"long\"", "Data:DateTime"))]}
        """

    static let lead = """
        {"type":"record","name":"LeadChangeEvent","namespace":"com.sforce.eventbus","fields":[\(SchemaText.header),
        \(SchemaText.field("Name", #"{"type":"record","name":"PersonName","fields":[\#(components([("FirstName", "string"), ("LastName", "string")]))]}"#, "Data:PersonName")),
        \(SchemaText.field("Address", #"{"type":"record","name":"Address","fields":[\#(components([("Street", "string"), ("City", "string")]))]}"#, "Data:Address")),
        \(SchemaText.field("PersonMailingAddress", "\"Address\"", "Data:Address")),
        \(SchemaText.field("Depot__c", "\"Address\"", "Data:Address:00Nxx0000000005"))]}
        """

    static let platformEvent = """
        {"name":"Low_Ink__e","namespace":"com.sforce.eventbus","type":"record","fields":[
        {"name":"CreatedDate","type":"long","doc":"CreatedDate:DateTime"},
        {"name":"CreatedById","type":"string","doc":"CreatedBy:EntityId"},
        {"name":"Printer_Model__c","type":["null","string"],"doc":"Data:Text:00Nxx0000000006","default":null},
        {"name":"Ink_Percentage__c","type":["null","double"],"doc":"Data:Double:00Nxx0000000007","default":null}],
        "uuid":"ignored"}
        """
}
