/// Parts of event schemas in the form that Salesforce gives them (`GetSchema`), for schemas of our own making.
public enum SchemaText {
    /// The first field of every change event's schema.
    public static let header = """
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

    /// A field that may be null. `type` is JSON, of one type or of several with commas between them.
    public static func field(_ name: String, _ type: String, _ doc: String) -> String {
        #"{"name":"\#(name)","type":["null",\#(type)],"doc":"\#(doc)","default":null}"#
    }
}
