public import ChangeEvents
internal import NIOCore

/// An event of the legacy kinds, generic streaming (`/u/…`) and PushTopic (`/topic/…`). They have no Avro schema in an org;
/// in the log they are kept with one of our own, so that everything in the log can be read alike.
public struct LegacyEvent: Sendable, Hashable {
    static let schemaName = "LegacyStreamingEvent"
    /// The schema that such events are logged with.
    public static let schemaJSON = #"""
        {"type":"record","name":"LegacyStreamingEvent","namespace":"dev.millrace","fields":[{"name":"CreatedDate","type":"long","doc":"Data:DateTime"},{"name":"Type","type":["null","string"],"doc":"Data:Text","default":null},{"name":"Body","type":"string","doc":"Data:Text"},{"name":"UserIds","type":["null","string"],"doc":"Data:Text","default":null}]}
        """#

    public enum Body: Sendable, Hashable {
        /// A generic event's text.
        case payload(String)
        /// A PushTopic event: `created`, `updated`, `deleted` or `undeleted`, and the selected fields as a JSON object.
        case record(type: String, sobject: String)
    }

    /// Milliseconds since 1970.
    public var createdAt: Int64
    public var body: Body
    /// Whom a generic event is for; empty: everybody.
    public var userIDs: [String]

    public init(createdAt: Int64, body: Body, userIDs: [String] = []) {
        self.createdAt = createdAt
        self.body = body
        self.userIDs = userIDs
    }

    /// Reads what `values` gives back.
    public init(_ values: [String: FieldValue]) {
        createdAt = if case .dateTime(let milliseconds) = values["CreatedDate"] { milliseconds } else { 0 }
        let text = Self.text(values["Body"]) ?? ""
        body = Self.text(values["Type"]).map { .record(type: $0, sobject: text) } ?? .payload(text)
        userIDs = Self.text(values["UserIds"])?.split(separator: ",").map(String.init) ?? []
    }

    /// For `EventSchema.encode(values:)`.
    public var values: [String: FieldValue] {
        var values: [String: FieldValue] = ["CreatedDate": .dateTime(milliseconds: createdAt)]
        switch body {
        case .payload(let text):
            values["Body"] = .string(text)
        case .record(let type, let sobject):
            values["Type"] = .string(type)
            values["Body"] = .string(sobject)
        }
        if !userIDs.isEmpty { values["UserIds"] = .string(userIDs.joined(separator: ",")) }
        return values
    }

    /// `{"data":{"event":{…},"sobject":{…}}`, the message left open for its channel.
    func write(_ replayID: ReplayID, into buffer: inout ByteBuffer) {
        var event = [JSONValue.Member(name: "createdDate", value: .string(ISOTime.text(createdAt)))]
        event.append(.init(name: "replayId", value: BayeuxEventWriter.replayID(replayID)))
        if case .record(let type, _) = body { event.append(.init(name: "type", value: .string(type))) }
        buffer.writeStaticString("{\"data\":{\"event\":")
        JSONWriter.write(.object(event), into: &buffer)
        switch body {
        case .payload(let text):
            buffer.writeStaticString(",\"payload\":")
            JSONWriter.write(.string(text), into: &buffer)
        case .record(_, let sobject):
            buffer.writeStaticString(",\"sobject\":")
            buffer.writeString(sobject)
        }
        buffer.writeStaticString("}")
    }

    private static func text(_ value: FieldValue?) -> String? {
        guard case .string(let text) = value else { return nil }
        return text
    }
}
