/// Event schemas of our own making, in the form that Salesforce gives them.
enum OwnSchemas {
    static let header = """
        {"name":"ChangeEventHeader","type":{"type":"record","name":"ChangeEventHeader","fields":[
        {"name":"entityName","type":"string"},{"name":"recordIds","type":{"type":"array","items":"string"}},
        {"name":"changeType","type":{"type":"enum","name":"ChangeType","symbols":["CREATE","UPDATE","DELETE","UNDELETE",
        "GAP_CREATE","GAP_UPDATE","GAP_DELETE","GAP_UNDELETE","GAP_OVERFLOW","SNAPSHOT"]}},
        {"name":"changeOrigin","type":"string"},{"name":"transactionKey","type":"string"},{"name":"sequenceNumber","type":"int"},
        {"name":"commitTimestamp","type":"long"},{"name":"commitNumber","type":"long"},{"name":"commitUser","type":"string"},
        {"name":"nulledFields","type":{"type":"array","items":"string"}},
        {"name":"diffFields","type":{"type":"array","items":"string"}},
        {"name":"changedFields","type":{"type":"array","items":"string"}}]},"doc":"Data:ComplexValueType"}
        """

    static func field(_ name: String, _ type: String, _ doc: String) -> String {
        #"{"name":"\#(name)","type":["null",\#(type)],"doc":"\#(doc)","default":null}"#
    }

    private static func components(_ names: [(String, String)]) -> String {
        names.map { #"{"name":"\#($0.0)","type":["null","\#($0.1)"],"default":null}"# }.joined(separator: ",")
    }

    /// 0 header, 1 Name (string or person name), 2 Phone, 3 BillingAddress, 4 ShippingAddress, 5 AnnualRevenue,
    /// 6 NumberOfEmployees, 7 Description, 8 CreatedDate, 9 SLAExpirationDate__c, 10 Opens__c, 11 Site_Location__c,
    /// 12 IsActive__c, 13 Preferences, 14 LastModifiedDate
    static let account = """
        {"type":"record","name":"AccountChangeEvent","namespace":"com.sforce.eventbus","fields":[\(header),
        \(field("Name", #""string",{"type":"record","name":"Switchable_PersonName","fields":[\#(components([("Salutation", "string"), ("FirstName", "string"), ("LastName", "string")]))]}"#, "Data:Switchable_PersonName")),
        \(field("Phone", "\"string\"", "Data:Phone")),
        \(field("BillingAddress", #"{"type":"record","name":"Address","fields":[\#(components([("Street", "string"), ("City", "string"), ("Latitude", "double"), ("Longitude", "double")]))]}"#, "Data:Address")),
        \(field("ShippingAddress", "\"Address\"", "Data:Address")),
        \(field("AnnualRevenue", "\"double\"", "Data:Currency")),
        \(field("NumberOfEmployees", "\"int\"", "Data:Integer")),
        \(field("Description", "\"string\"", "Data:StringPlusClob")),
        \(field("CreatedDate", "\"long\"", "CreatedDate:DateTime")),
        \(field("SLAExpirationDate__c", "\"long\"", "Data:DateOnly:00Nxx0000000001")),
        \(field("Opens__c", "\"long\"", "Data:TimeOnly:00Nxx0000000002")),
        \(field("Site_Location__c", #"{"type":"record","name":"Location","fields":[\#(components([("Latitude", "double"), ("Longitude", "double")]))]}"#, "Data:Location:00Nxx0000000003")),
        \(field("IsActive__c", "\"boolean\"", "Data:Boolean:00Nxx0000000004")),
        \(field("Preferences", #"{"type":"array","items":"string"}"#, "")),
        \(field("LastModifiedDate", "\"long\"", "Data:DateTime"))]}
        """

    static let lead = """
        {"type":"record","name":"LeadChangeEvent","namespace":"com.sforce.eventbus","fields":[\(header),
        \(field("Name", #"{"type":"record","name":"PersonName","fields":[\#(components([("FirstName", "string"), ("LastName", "string")]))]}"#, "Data:PersonName")),
        \(field("Address", #"{"type":"record","name":"Address","fields":[\#(components([("Street", "string"), ("City", "string")]))]}"#, "Data:Address")),
        \(field("PersonMailingAddress", "\"Address\"", "Data:Address")),
        \(field("Depot__c", "\"Address\"", "Data:Address:00Nxx0000000005"))]}
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
